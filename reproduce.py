"""Train a model under AutoTrainer's eyes: ``python reproduce.py --help``."""

from AutoTrainer.__main__ import command

if __name__ == '__main__':
    command()
