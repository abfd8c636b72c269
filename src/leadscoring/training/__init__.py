"""From past leads to a model file: read, split, fit, measure, report."""
