"""How much a repair is worth; see ``python -m benchmarks.repair --help``."""
