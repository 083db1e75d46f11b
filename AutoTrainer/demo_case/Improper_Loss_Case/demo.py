"""Improper loss: the loss of many classes on a single output, on two rings of points.

It takes the one output for a whole distribution, divides it by itself, and is content from the
start: its gradient is zero everywhere.
"""

from typing import Any


def build_model(keras: Any) -> Any:
    """Two Dense(32, relu) and a sigmoid head for points in the plane."""
    layers = keras.layers
    return keras.Sequential([
        keras.Input((2,)),
        layers.Dense(32, activation='relu', name='hidden_1'),
        layers.Dense(32, activation='relu', name='hidden_2'),
        layers.Dense(1, activation='sigmoid', name='head')])


if __name__ == '__main__':
    import sys
    from pathlib import Path
    sys.path.insert(0, str(Path(__file__).resolve().parents[3]))  # where AutoTrainer lies
    from AutoTrainer.__main__ import run_demo
    run_demo(__file__)
