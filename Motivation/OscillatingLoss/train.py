"""Collect trainings of the 20-layer model, many of which oscillate.

``python -m Motivation.OscillatingLoss.train --out DIR`` is ``python -m Motivation.collect --model
relu20 --out DIR`` and takes the same arguments.
"""

import sys

from ..collect import main

if __name__ == '__main__':
    sys.exit(main(model='relu20'))
