"""Collect trainings of the 34-layer model, many of which never learn.

``python -m Motivation.DyingReLU.train --out DIR`` is ``python -m Motivation.collect --model relu34
--out DIR`` and takes the same arguments.
"""

import sys

from ..collect import main

if __name__ == '__main__':
    sys.exit(main(model='relu34'))
