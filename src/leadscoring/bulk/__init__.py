"""Scores many leads at once: tables of polars, pandas and Arrow, and files."""
