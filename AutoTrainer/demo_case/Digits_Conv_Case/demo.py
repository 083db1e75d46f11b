"""Dying ReLU in convolutions: steps so large that they kill the units, on images of digits."""

from typing import Any


def build_model(keras: Any) -> Any:
    """Two Conv2D(16, 3×3, relu), Dense(32, relu) and a softmax head for images of 8×8."""
    layers = keras.layers
    return keras.Sequential([
        keras.Input((8, 8, 1)),
        layers.Conv2D(16, 3, activation='relu', name='conv_1'),
        layers.Conv2D(16, 3, activation='relu', name='conv_2'),
        layers.Flatten(name='flat'),
        layers.Dense(32, activation='relu', name='hidden'),
        layers.Dense(10, activation='softmax', name='head')])


if __name__ == '__main__':
    import sys
    from pathlib import Path
    sys.path.insert(0, str(Path(__file__).resolve().parents[3]))  # where AutoTrainer lies
    from AutoTrainer.__main__ import run_demo
    run_demo(__file__)
