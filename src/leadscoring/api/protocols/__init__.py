"""The protocols of model servers that ENDPOINT_PROTOCOLS enables."""
