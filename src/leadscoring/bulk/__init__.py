"""Scores files and frames of leads, with the results of the API to the last bit."""
