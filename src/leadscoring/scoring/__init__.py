"""Scores leads, with reasons."""
