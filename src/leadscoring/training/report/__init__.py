"""What a training or an evaluation found, as data, words and a page."""
