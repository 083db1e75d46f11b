"""Vanishing gradient: eight narrow sigmoid layers on two rings of points."""

from typing import Any


def build_model(keras: Any) -> Any:
    """Eight Dense(5, sigmoid) and a sigmoid head for points in the plane."""
    layers = keras.layers
    return keras.Sequential(
        [keras.Input((2,))]
        + [layers.Dense(5, activation='sigmoid', name='dense_%d' % i) for i in range(8)]
        + [layers.Dense(1, activation='sigmoid', name='head')])


if __name__ == '__main__':
    import sys
    from pathlib import Path
    sys.path.insert(0, str(Path(__file__).resolve().parents[3]))  # where AutoTrainer lies
    from AutoTrainer.__main__ import run_demo
    run_demo(__file__)
