"""Trains models on past leads: read, split, fit, measure, report."""
