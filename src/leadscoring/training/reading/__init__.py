"""From the bytes of an export to a table, and from its texts to numbers, times and categories."""
