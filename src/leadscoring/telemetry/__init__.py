"""What the service reports of itself: metrics, logs, traces, and what its machine has left."""
