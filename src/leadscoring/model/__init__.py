"""Models as they are served: trees, card and calibration, loaded from one file."""
