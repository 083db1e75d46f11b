"""Some thousand generated questions for both programs, the same for every seed and Python."""

import math
import random
from typing import Any, Dict, List, Sequence

from ..utils.monitor import DEFAULT_PARAMS

Case = Dict[str, Any]
"""The arguments of one question, in plain values."""

LOSSES = ('binary_crossentropy', 'categorical_crossentropy', 'sparse_categorical_crossentropy',
          'mean_squared_error', 'mean_absolute_error')
HEADS = ('sigmoid', 'softmax', 'linear', 'relu')


def cases(seed: int) -> Dict[str, List[Case]]:
    """The cases of every question.

    Args:
        seed: of everything random.

    Returns:
        For each question its cases; some curves and gradients stand exactly at a threshold.
    """
    source = random.Random(seed)

    def several(number: int, make: Any) -> List[Case]:
        return [make(source, k) for k in range(number)]

    return {
        'has_NaN': several(200, lambda r, k: {'values': spoilt(r, _numbers(r, 0, 8))}),
        'max_delta_acc': several(300, lambda r, k: {'acc': curve(r, r.randint(0, 30))}),
        'ol_judge': several(800, lambda r, k: {
            'acc': curve(r, r.randint(0, 40)), 'threshold': r.choice((0.03, 0.1, 0.25)),
            'rate': r.choice((0.03, 0.2, 0.25, 0.5))}),
        'gradient_norm': several(200, lambda r, k: {'gradients': gradients(r, k)}),
        'gradient_zero_radio': several(200, lambda r, k: {'gradients': gradients(r, k)}),
        'gradient_issue': several(600, lambda r, k: {
            'gradients': gradients(r, k), 'params': dict(DEFAULT_PARAMS)}),
        'weights_issue': several(200, lambda r, k: {
            'weights': [[spoilt(r, _numbers(r, 1, 4, r.choice((0.5, 4, 20, 2000))), 0.05)]]}),
        'loss_issue': several(1000, training),
        'loss_function_issue': [
            {'loss': loss, 'units': units, 'head': head, 'labels': labels_of(loss, units)}
            for loss in LOSSES for units in (1, 2, 3, 10) for head in HEADS],
        'layer_issue': several(300, configured),
        'recognizer': several(1000, lambda r, k: dict(
            training(r, k), gradients=gradients(r, k), **configured(r, k))),
        'filtered_issue': several(300, lambda r, k: {'issues': r.sample(
            ('vanish', 'explode', 'relu', 'unstable', 'not_converge', 'overfit',
             'activation_issue', 'loss_issue', 'abnormal_data')[:6 if k % 2 else 9],
            r.randint(0, 4))}),
        'read_strategy': [{'entry': '%s_%d' % (name, tries)} for tries in (1, 2, 3, 12)
                          for name in ('selu', 'relu', 'bn', 'ReduceLR', 'GN', 'lr')],
        'repair_strategy': [{'method': method}
                            for method in ('balance', 'structure', 'efficiency')],
        'filtered': [{'method': method, 'sufferance': sufferance, 'memory': memory}
                     for method in ('balance', 'structure', 'efficiency')
                     for sufferance in range(4) for memory in (False, True)],
    }


def _numbers(source: random.Random, least: int, most: int, scale: float = 1.0) -> List[float]:
    return [source.gauss(0, scale) for _ in range(source.randint(least, most))]


def spoilt(source: random.Random, values: Sequence[float], share: float = 0.3) -> List[float]:
    """Now and then with a number that is none."""
    found = list(values)
    if found and source.random() < share:
        found[source.randrange(len(found))] = source.choice((math.nan, math.inf, -math.inf))
    return found


def curve(source: random.Random, length: int) -> List[float]:
    """A curve of accuracies: it rises, stands still or swings; with ties, and on a grid."""
    level, ceiling = source.uniform(0, 0.9), source.uniform(0.3, 1.0)
    swing, speed = source.choice((0.0, 0.01, 0.05, 0.3)), source.choice((0.0, 0.02, 0.3))
    found = []
    for _ in range(length):
        level += speed * (ceiling - level)
        found.append(min(1.0, max(0.0, level + source.uniform(-swing, swing))))
    digits = source.choice((1, 2, 17))
    return [round(value, digits) for value in found]


def training(source: random.Random, number: int) -> Case:
    """A history up to a check, of a training that goes well or badly, with its thresholds."""
    total = source.choice((5, 20, 50, 100))
    length = source.randint(1, min(total, 40))
    acc = curve(source, length)
    val_acc = [max(0.0, value - source.choice((0.0, 0.05, 0.2))) for value in acc] \
        if source.random() < 0.5 else curve(source, length)
    loss = [abs(source.gauss(0.8, 0.4)) for _ in range(length)]
    val_loss = [abs(source.gauss(0.9, 0.4)) for _ in range(length)]
    for series in (loss, val_loss):
        if number % 8 == 1:
            series[source.randrange(length)] = source.choice((math.nan, math.inf, 2e3, 2e5, -0.5))
    history = {'loss': loss, 'acc': acc, 'val_loss': val_loss, 'val_acc': val_acc}
    return {'history': history, 'total_epoch': total, 'checkgap': 1,
            'params': dict(DEFAULT_PARAMS)}


def gradients(source: random.Random, number: int) -> List[Any]:
    """Kernels and biases in turn; now and then one that is zero, none, or without its bias."""
    layers = source.randint(1, 4)
    tilt = source.choice((0.0, -6.0, -1.0, 1.0, 6.0))  # powers of ten from the last to the first
    dead = source.choice((0.0, 0.0, 0.5, 0.95))
    found: List[Any] = []
    for layer in range(layers):
        scale = 10 ** (tilt * (layers - 1 - layer) / max(1, layers - 1) - 1)

        def values(length: int, scale: float = scale) -> List[float]:
            return [0.0 if source.random() < dead else source.gauss(0, scale)
                    for _ in range(length)]

        found += [[values(3), values(3)], values(3)]
    odd = number % 20
    if odd == 1:
        found[-2] = [[0.0] * 3, [0.0] * 3]
    elif odd == 2:
        found[0] = [[math.nan, 1.0, 1.0]]
    elif odd == 3:
        found = [[[70.0]], [1.0], [[1.0]], [1.0]]  # exactly at beta_3
    elif odd == 4:
        del found[1]
    elif odd == 5:
        found = [[[0.0]], [0.0], [[0.0]], [0.0]]
    return found


def labels_of(loss: str, units: int) -> str:
    """The labels that somebody who takes a loss has."""
    if 'sparse' in loss:
        return 'integer'
    if 'categorical' in loss:
        return 'one_hot' if units > 1 else 'binary'
    if 'binary' in loss:
        return 'binary' if units == 1 else 'multi_hot'
    return 'real'


def configured(source: random.Random, number: int) -> Case:
    """Head, loss and outputs; every other time those that belong together."""
    if number % 2:
        rows = []
        for _ in range(3):
            weights = [source.random() + 0.01 for _ in range(3)]
            rows.append([weight / sum(weights) for weight in weights])
        return {'loss': 'categorical_crossentropy', 'head': 'softmax', 'units': 3,
                'labels': 'one_hot', 'outputs': rows, 'params': dict(DEFAULT_PARAMS)}
    loss, head, units = source.choice(LOSSES), source.choice(HEADS), source.choice((1, 2, 3))
    low, high = {'sigmoid': (0, 1), 'softmax': (0.0, 1.0 / units), 'linear': (-3, 3),
                 'relu': (0, 3)}[head]
    return {'loss': loss, 'head': head, 'units': units, 'labels': labels_of(loss, units),
            'outputs': [[source.uniform(low, high) for _ in range(units)] for _ in range(3)],
            'params': dict(DEFAULT_PARAMS)}
