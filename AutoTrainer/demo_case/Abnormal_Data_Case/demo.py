"""Abnormal data: two rings of points with coordinates up to 130, fed in as they are.

Inputs of this size saturate every tanh unit at once: what is left of a point is its direction,
and a ring cannot be told from a disc by that.
"""

from typing import Any


def build_model(keras: Any) -> Any:
    """Dense(64, tanh), Dense(64, relu) and a sigmoid head for points in the plane."""
    layers = keras.layers
    return keras.Sequential([
        keras.Input((2,)),
        layers.Dense(64, activation='tanh', name='hidden_1'),
        layers.Dense(64, activation='relu', name='hidden_2'),
        layers.Dense(1, activation='sigmoid', name='head')])


if __name__ == '__main__':
    import sys
    from pathlib import Path
    sys.path.insert(0, str(Path(__file__).resolve().parents[3]))  # where AutoTrainer lies
    from AutoTrainer.__main__ import run_demo
    run_demo(__file__)
