"""How good scores are, and whether leads still look like those of training."""
