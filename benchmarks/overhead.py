"""Whole trainings with each schedule against none, alternating, in one process.

The model and its compiled training step are the same in all runs; weights and optimizer are put
back before each, so that the runs differ in the callback alone. What a probe costs to compile is
part of the run that makes it.
"""

import gc
import statistics
import time
from typing import Any, Dict, List, Optional, Sequence

import numpy as np

from ._common import circle, deep_mlp, finish, mnist_rows, spread, start

SCHEDULES = ('adaptive', 'dynamic', 'epoch_3', 'epoch_1')


def one_run(model: Any, initial: List[Any], data: Dict[str, Any], batch_size: int, epochs: int,
            checktype: Optional[str]) -> Dict[str, float]:
    """Seconds of one training, its checks and probes."""
    from AutoTrainer.utils.utils import LossHistory
    variables = model.optimizer.variables
    for variable in variables() if callable(variables) else variables:
        if 'learning_rate' not in str(getattr(variable, 'path', variable.name)):
            variable.assign(np.zeros(tuple(variable.shape), variable.dtype if isinstance(
                variable.dtype, str) else variable.dtype.as_numpy_dtype))
    model.set_weights(initial)
    np.random.seed(0)
    watch = checktype and LossHistory((data['x'], data['y']), batch_size=batch_size, stop=False,
                                      checktype=checktype)
    gc.collect()
    started = time.perf_counter()
    model.fit(data['x'], data['y'], batch_size=batch_size, epochs=epochs, verbose=0,
              validation_data=(data['x_val'], data['y_val']), callbacks=[watch] if watch else [])
    seconds = time.perf_counter() - started
    return {'seconds': seconds, 'checks': watch.watcher.checks if watch else 0,
            'probes': watch.watcher.probes if watch else 0,
            'inside_s': watch.check_time.seconds if watch else 0.0}


def compare(model: Any, data: Dict[str, Any], batch_size: int, epochs: int,
            repeats: int, schedules: Sequence[str]) -> Dict[str, Any]:
    """Alternate the schedules and compare each run with the one without a callback beside it."""
    initial = [np.array(w) for w in model.get_weights()]  # JAX gives its buffers to the next step
    model.fit(data['x'][:batch_size * 2], data['y'][:batch_size * 2], batch_size=batch_size,
              verbose=0, validation_data=(data['x_val'], data['y_val']))
    compared: List[Optional[str]] = [None, *schedules]
    runs: Dict[Any, List[Dict[str, float]]] = {checktype: [] for checktype in compared}
    one_run(model, initial, data, batch_size, min(epochs, 3), None)
    for repeat in range(repeats):
        first = repeat % len(compared)
        order = compared[first:] + compared[:first]
        for checktype in order:
            runs[checktype].append(one_run(model, initial, data, batch_size, epochs, checktype))
    plain = [run['seconds'] for run in runs[None]]
    figures: Dict[str, Any] = {'epochs': epochs, 'rows': len(data['x']), 'none_s': spread(plain)}
    for checktype in schedules:
        ratios = [100 * (run['seconds'] / base - 1) for run, base in zip(runs[checktype], plain)]
        inside = [100 * run['inside_s'] / (run['seconds'] - run['inside_s'])
                  for run in runs[checktype]]
        figures[checktype] = {
            'overhead_percent': spread(ratios), 'inside_callback_percent': spread(inside),
            'checks': statistics.median(run['checks'] for run in runs[checktype]),
            'probes': statistics.median(run['probes'] for run in runs[checktype])}
    return figures


def main() -> None:
    """Measure and print."""
    arguments, bridge = start(__doc__.splitlines()[0], schedules=SCHEDULES)
    quick, schedules = arguments.quick, arguments.schedules.split(',')
    model, data = circle(bridge)
    repeats = 1 if quick else arguments.repeats
    figures = {'circle': compare(model, data, 32, 10 if quick else 100, repeats, schedules)}
    rows = mnist_rows(640 if quick else 12000)
    figures['mnist_5_layers'] = dict(
        compare(deep_mlp(bridge, depth=5), rows, 32, 3 if quick else 20, (repeats + 2) // 3,
                schedules), data=rows['source'])
    finish('overhead', figures, bridge)


if __name__ == '__main__':
    main()
