"""How fast the service is, each figure against a reference of the same run."""
