"""Upstream's door to the experiment on oscillating loss."""
