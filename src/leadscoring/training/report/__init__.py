"""Reports of training and evaluation: as data, text and an HTML page."""
