"""The thesis from one command: its tables, figures and claims beside what recorded runs show."""
