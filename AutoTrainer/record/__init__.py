"""The run folder: written while a training runs, taken up again, read."""
