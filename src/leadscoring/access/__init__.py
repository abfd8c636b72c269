"""Authentication, authorization and rate limiting of API keys."""
