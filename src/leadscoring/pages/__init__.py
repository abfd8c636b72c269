"""What all pages share: the look, charts as inline SVG, and markup. Plain Python, without numpy or templates."""
