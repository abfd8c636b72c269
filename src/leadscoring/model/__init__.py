"""What is loaded together and served together: trees, card, calibration."""
