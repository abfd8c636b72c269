"""Synthetic leads whose true probability is known."""
