"""Exploding gradient: 24 tanh layers whose weights are drawn three times too large, on digits.

The activations cannot grow, since tanh bounds them; on the way back the gradient does, by half
with every layer.
"""

from typing import Any


def build_model(keras: Any) -> Any:
    """24 Dense(32, tanh) with weights of deviation 0.6 and a softmax head for rows of 64."""
    layers = keras.layers
    return keras.Sequential(
        [keras.Input((64,))]
        + [layers.Dense(32, activation='tanh', name='dense_%d' % i,
                        kernel_initializer=keras.initializers.RandomNormal(stddev=0.6))
           for i in range(24)]
        + [layers.Dense(10, activation='softmax', name='head')])


if __name__ == '__main__':
    import sys
    from pathlib import Path
    sys.path.insert(0, str(Path(__file__).resolve().parents[3]))  # where AutoTrainer lies
    from AutoTrainer.__main__ import run_demo
    run_demo(__file__)
