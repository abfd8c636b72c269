"""Kinds whose columns training derives from the data: dates, e-mail addresses, sets and texts."""
