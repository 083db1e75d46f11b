"""Train a model under AutoTrainer's eyes: ``python reproduce.py --help``."""

import sys

from AutoTrainer.cli import main

if __name__ == '__main__':
    sys.exit(main())
