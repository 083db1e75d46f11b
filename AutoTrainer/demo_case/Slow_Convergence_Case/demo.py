"""Slow convergence: a learning rate a hundred times too small, on digits."""

from typing import Any


def build_model(keras: Any) -> Any:
    """Dense(64, relu) and a softmax head for rows of 64."""
    layers = keras.layers
    return keras.Sequential([
        keras.Input((64,)),
        layers.Dense(64, activation='relu', name='hidden'),
        layers.Dense(10, activation='softmax', name='head')])


if __name__ == '__main__':
    import sys
    from pathlib import Path
    sys.path.insert(0, str(Path(__file__).resolve().parents[3]))  # where AutoTrainer lies
    from AutoTrainer.__main__ import run_demo
    run_demo(__file__)
