"""Oscillating loss: momentum and a batch of one row on three overlapping clouds of points."""

from typing import Any


def build_model(keras: Any) -> Any:
    """Dense(50, relu) and a softmax head of three for points in the plane."""
    layers = keras.layers
    return keras.Sequential([
        keras.Input((2,)),
        layers.Dense(50, activation='relu', name='hidden'),
        layers.Dense(3, activation='softmax', name='head')])


if __name__ == '__main__':
    import sys
    from pathlib import Path
    sys.path.insert(0, str(Path(__file__).resolve().parents[3]))  # where AutoTrainer lies
    from AutoTrainer.__main__ import run_demo
    run_demo(__file__)
