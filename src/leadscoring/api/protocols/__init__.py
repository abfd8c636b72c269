"""The protocols of model servers that a setting turns on."""
