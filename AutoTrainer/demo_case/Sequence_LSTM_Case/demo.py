"""Slow convergence of a recurrent layer: small steps of plain SGD, on sequences of words."""

from typing import Any


def build_model(keras: Any) -> Any:
    """Embedding(12 words, 8), LSTM(16) and a softmax head of two for rows of 12 words."""
    layers = keras.layers
    return keras.Sequential([
        keras.Input((12,)),
        layers.Embedding(12, 8, name='words'),
        layers.LSTM(16, name='lstm'),
        layers.Dense(2, activation='softmax', name='head')])


if __name__ == '__main__':
    import sys
    from pathlib import Path
    sys.path.insert(0, str(Path(__file__).resolve().parents[3]))  # where AutoTrainer lies
    from AutoTrainer.__main__ import run_demo
    run_demo(__file__)
