"""What comes in, checked before an hour is spent on it."""
