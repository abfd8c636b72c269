"""Telemetry of the service: metrics, logs, traces and resource usage."""
