"""Where the service runs: one file of environments, and what each cloud makes of it."""
