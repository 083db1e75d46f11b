"""How a check grows: with depth, with parameters, with the length of the history."""

import time
from typing import Any, Dict, List

import numpy as np

from ._common import deep_mlp, finish, seconds_of, spread, start


def probe_cost(bridge: Any, depth: int, width: int, checks: int) -> Dict[str, Any]:
    """Milliseconds of a check of gradients and outputs, seconds to compile it."""
    from AutoTrainer.intake.arrays import draw_batch
    from AutoTrainer.utils.compute_gradient import Probe
    model = deep_mlp(bridge, depth, width)
    random = np.random.RandomState(0)
    x = random.rand(32, 784).astype('float32')
    y = np.eye(10, dtype='float32')[random.randint(0, 10, 32)]
    probe = Probe(model, draw_batch(x, y, 32, 0))
    compiling = seconds_of(lambda: (probe.gradients(), probe.outputs()), 1)[0]
    return {'depth': depth, 'width': width, 'parameters': int(model.count_params()),
            'compile_s': round(compiling, 2),
            'gradients_ms': spread(seconds_of(probe.gradients, checks), 1e3),
            'outputs_ms': spread(seconds_of(probe.outputs, checks), 1e3)}


def history_cost(lengths: List[int]) -> List[Dict[str, Any]]:
    """Microseconds that a look at the history takes after so many epochs (median of 101)."""
    from AutoTrainer.judge.watcher import Watcher
    from AutoTrainer.utils.monitor import IssueMonitor
    random = np.random.RandomState(0)
    last = max(lengths) + 101
    curves = random.rand(4, last) * [[1], [0.2], [1], [0.2]] + 0.75
    history: Dict[str, List[Any]] = {'loss': [], 'acc': [], 'val_loss': [], 'val_acc': []}
    monitor = IssueMonitor(last, params={'eta': 2}, optional_issues=('collapse',))
    watcher = Watcher(monitor, 'adaptive', None)
    cost = np.zeros(last)
    for epoch in range(last):
        for values, value in zip(history.values(), curves[:, epoch]):
            values.append(float(value))
        started = time.perf_counter()
        watcher.look(history, 1.0)
        cost[epoch] = time.perf_counter() - started
    return [{'epoch': length, 'look_us': spread(list(cost[length:length + 101]), 1e6)}
            for length in lengths]


def draw(figures: Dict[str, Any], path: str) -> None:
    """Draw cost against depth and against parameters."""
    import matplotlib
    matplotlib.use('Agg')
    from matplotlib import pyplot
    figure, axes = pyplot.subplots(1, 2, figsize=(8, 3.2))
    for axis, name, key in ((axes[0], 'depth', 'depth'), (axes[1], 'parameters', 'parameters')):
        for measured, style in (('gradients_ms', 'o-'), ('outputs_ms', 's--')):
            axis.plot([row[key] for row in figures[name]],
                      [row[measured]['median'] for row in figures[name]], style,
                      label=measured[:-3])
        axis.set_xscale('log')
        axis.set_yscale('log')
        axis.set_xlabel({'depth': 'hidden layers', 'parameters': 'parameters'}[key])
        axis.set_ylabel('one check [ms]')
        axis.legend()
    figure.tight_layout()
    figure.savefig(path)


def main() -> None:
    """Measure and print."""
    arguments, bridge = start(__doc__, plot=dict(
        metavar='FILE', help='also draw the figure (.png or .svg)'))
    quick = arguments.quick
    checks = 3 if quick else 30
    figures = {
        'depth': [probe_cost(bridge, depth, 32, checks)
                  for depth in ((5,) if quick else (5, 10, 20, 50, 100, 200))],
        'parameters': [probe_cost(bridge, 5, width, checks)
                       for width in ((12,) if quick else (12, 90, 400, 1450))],
        'history': history_cost([10, 100] if quick else [10, 100, 1000, 10000, 100000])}
    if arguments.plot:
        draw(figures, arguments.plot)
    finish('scaling', figures, bridge)


if __name__ == '__main__':
    main()
