"""Upstream's door to the experiment on dying ReLU."""
