"""The thesis's two models: deep stacks of Dense and ReLU."""

from typing import Any

from AutoTrainer.keras_bridge import keras, set_seed

DEPTHS = {'relu20': 20, 'relu34': 34}
"""Hidden layers by the model's name."""

UNITS = 128
"""Units of every hidden layer."""


def build_model(name: str, inputs: int, classes: int, seed: int) -> Any:
    """Build one of the thesis's models (Chapter 2), not compiled.

    Args:
        name: ``'relu20'`` or ``'relu34'``.
        inputs: numbers in one row of the data.
        classes: outputs of the softmax at the end.
        seed: of the initial weights (Glorot uniform).

    Returns:
        A Sequential of 20 or 34 pairs of a linear Dense layer and a ReLU, and the output layer.
    """
    set_seed(seed)
    layers = [keras.Input(shape=(inputs,))]
    for _ in range(DEPTHS[name]):
        layers += [keras.layers.Dense(UNITS), keras.layers.Activation('relu')]
    layers.append(keras.layers.Dense(classes, activation='softmax'))
    return keras.Sequential(layers)
