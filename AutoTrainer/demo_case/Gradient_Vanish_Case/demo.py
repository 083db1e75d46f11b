"""Vanishing gradient: eight narrow sigmoid layers on two rings of points."""

from typing import Any


def build_model(keras: Any) -> Any:
    """Eight Dense(5, sigmoid) and a sigmoid head for points in the plane."""
    layers = keras.layers
    return keras.Sequential(
        [keras.Input((2,))]
        + [layers.Dense(5, activation='sigmoid', name='dense_%d' % i) for i in range(8)]
        + [layers.Dense(1, activation='sigmoid', name='head')])
