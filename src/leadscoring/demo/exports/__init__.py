"""Exports that look like those of a CRM, with a known true probability for each lead."""
