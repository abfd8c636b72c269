"""HTTP transport: from the bytes of a connection to an exchange, and from its reply to bytes."""
