"""What watching costs: ``python -m benchmarks.check_cost`` and so on, one JSON document each."""
