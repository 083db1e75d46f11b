"""What the benchmarks share: the models, the machine's facts, the output."""

import argparse
import json
import os
import platform
import sys
import time
from typing import Any, Callable, Dict, List, Tuple

import numpy as np


def start(description: str, **options: Dict[str, Any]) -> Tuple[argparse.Namespace, Any]:
    """Read the command line and load Keras.

    Args:
        description: what the benchmark measures.
        **options: of its own, beside ``--quick``: what argparse shall know of each, by name.

    Returns:
        (arguments, the bridge to Keras).
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument('--quick', action='store_true', help='a smoke test: few, short runs')
    for name, facts in options.items():
        parser.add_argument('--' + name, **facts)
    arguments = parser.parse_args()
    from AutoTrainer.cli import choose_backend
    choose_backend(None)
    from AutoTrainer import keras_bridge
    return arguments, keras_bridge


def finish(name: str, figures: Dict[str, Any], bridge: Any) -> None:
    """Print the document: figures, machine, versions."""
    import psutil
    json.dump({'benchmark': name, 'machine': {
        'processor': _processor(), 'cores': os.cpu_count(),
        'memory_gib': round(psutil.virtual_memory().total / 2**30, 1),
        'system': platform.platform(), 'load': os.getloadavg()[0]},
        'versions': bridge.versions(), 'figures': figures}, sys.stdout, indent=1)
    print()


def _processor() -> str:
    try:
        with open('/proc/cpuinfo') as file:
            names = [line.split(':', 1)[1].strip() for line in file
                     if line.startswith('model name')]
    except OSError:
        names = []
    return names[0] if names else platform.processor()


def seconds_of(function: Callable[[], Any], times: int) -> List[float]:
    """Seconds of each of several calls."""
    found = []
    for _ in range(times):
        started = time.perf_counter()
        function()
        found.append(time.perf_counter() - started)
    return found


def spread(values: List[float], scale: float = 1.0) -> Dict[str, float]:
    """Median and quartiles."""
    low, middle, high = np.percentile(np.array(values) * scale, [25, 50, 75])
    return {'median': round(float(middle), 3), 'q25': round(float(low), 3),
            'q75': round(float(high), 3), 'runs': len(values)}


def circle(bridge: Any) -> Tuple[Any, Dict[str, Any]]:
    """A sound model for two rings of points, and its data (700 rows)."""
    from AutoTrainer.data import get_dataset
    layers = bridge.keras.layers
    bridge.set_seed(0)
    model = bridge.keras.Sequential([bridge.keras.Input((2,)), layers.Dense(32, activation='relu'),
                                     layers.Dense(32, activation='relu'),
                                     layers.Dense(1, activation='sigmoid')])
    bridge.compile_model(model, bridge.optimizer_config('Adam', {'learning_rate': 0.01}),
                         'binary_crossentropy')
    return model, get_dataset('simplednn_circle')


def deep_mlp(bridge: Any, depth: int = 20, width: int = 128) -> Any:
    """The thesis's MNIST model: ``depth`` × [Dense, ReLU] and a softmax head."""
    layers = bridge.keras.layers
    bridge.set_seed(0)
    model = bridge.keras.Sequential(
        [bridge.keras.Input((784,))]
        + [layer for _ in range(depth) for layer in (layers.Dense(width),
                                                     layers.Activation('relu'))]
        + [layers.Dense(10, activation='softmax')])
    bridge.compile_model(model, bridge.optimizer_config('Adam', {'learning_rate': 0.001}),
                         'categorical_crossentropy')
    return model


def mnist_rows(rows: int) -> Dict[str, Any]:
    """Rows of MNIST where its file is at hand, else random rows of its shape (see ``source``)."""
    from AutoTrainer.data import files, get_dataset
    if files.find(['mnist.npz']):  # a benchmark downloads nothing
        data = get_dataset('mnist')
        return {'source': 'mnist', 'x': data['x'][:rows], 'y': data['y'][:rows],
                'x_val': data['x_val'][:rows // 6], 'y_val': data['y_val'][:rows // 6]}
    random = np.random.RandomState(0)
    x = random.rand(rows + rows // 6, 784).astype('float32')
    y = np.eye(10, dtype='float32')[random.randint(0, 10, len(x))]
    return {'source': 'random numbers of its shape', 'x': x[:rows], 'y': y[:rows],
            'x_val': x[rows:], 'y_val': y[rows:]}
