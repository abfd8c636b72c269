"""Reads exports: from bytes to a table, and from its texts to numbers, times and categories."""
