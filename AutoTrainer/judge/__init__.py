"""What judges: from numbers to verdicts. Imports no framework."""
