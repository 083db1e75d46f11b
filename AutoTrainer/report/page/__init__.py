"""The page of a run: what is behind each of its parts, and how the figures are drawn."""
