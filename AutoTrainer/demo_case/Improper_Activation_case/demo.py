"""Improper activation: a model of three classes that ends without a softmax, on three clouds."""

from typing import Any


def build_model(keras: Any) -> Any:
    """Four Dense(50, relu, he_uniform) and a ReLU head of three for points in the plane."""
    layers = keras.layers
    return keras.Sequential(
        [keras.Input((2,))]
        + [layers.Dense(50, activation='relu', kernel_initializer='he_uniform',
                        name='dense_%d' % i) for i in range(4)]
        + [layers.Dense(3, activation='relu', name='head')])


if __name__ == '__main__':
    import sys
    from pathlib import Path
    sys.path.insert(0, str(Path(__file__).resolve().parents[3]))  # where AutoTrainer lies
    from AutoTrainer.__main__ import run_demo
    run_demo(__file__)
