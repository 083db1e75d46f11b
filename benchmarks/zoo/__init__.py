"""How often AutoTrainer's verdicts are right: many small trainings, well set and spoilt."""
