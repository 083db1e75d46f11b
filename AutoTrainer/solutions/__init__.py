"""What mends a training: pure functions from one candidate to another."""
