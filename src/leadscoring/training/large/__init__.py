"""Leads that do not fit in memory: judged by a sample, then encoded part by part."""
