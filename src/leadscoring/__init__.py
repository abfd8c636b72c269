"""Lead scoring: how likely each sales lead is to convert, and why."""

__version__ = "0.1.0"
