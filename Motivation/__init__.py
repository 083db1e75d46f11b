"""The thesis's experiment: collect histories, analyse them, draw them, compare schedules."""
