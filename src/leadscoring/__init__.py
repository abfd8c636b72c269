"""Lead scoring: how likely each sales lead is to convert, and why."""
