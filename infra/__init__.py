"""Infrastructure of the service: one file of environments, and the templates of each cloud."""
