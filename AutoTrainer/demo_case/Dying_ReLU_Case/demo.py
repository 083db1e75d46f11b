"""Dying ReLU: weights drawn around −0.1 over inputs that are never negative, on digits.

Every sum comes out negative, every rectified unit gives 0, and no gradient gets through to
change that.
"""

from typing import Any


def build_model(keras: Any) -> Any:
    """Four Dense(32, relu) with weights around −0.1 and a softmax head for rows of 64."""
    layers = keras.layers
    return keras.Sequential(
        [keras.Input((64,))]
        + [layers.Dense(32, activation='relu', name='dense_%d' % i,
                        kernel_initializer=keras.initializers.RandomNormal(mean=-0.1, stddev=0.1))
           for i in range(4)]
        + [layers.Dense(10, activation='softmax', name='head')])


if __name__ == '__main__':
    import sys
    from pathlib import Path
    sys.path.insert(0, str(Path(__file__).resolve().parents[3]))  # where AutoTrainer lies
    from AutoTrainer.__main__ import run_demo
    run_demo(__file__)
