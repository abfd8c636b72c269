"""What was scored and what came of it: tape, keeper and database."""
