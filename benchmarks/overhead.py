"""Whole trainings with each schedule against none, alternating, in one process.

The model and its compiled training step are the same in all runs; weights and optimizer are put
back before each, so that the runs differ in the callback alone. What a probe costs to compile is
part of the run that makes it. ``none_again`` is a second run without the callback: what it seems to
cost is the noise of the machine.
"""

import gc
import statistics
import time
from typing import Any, Callable, Dict, List, Optional, Sequence

import numpy as np

from ._common import circle, deep_mlp, finish, mnist_rows, spread, start

SCHEDULES = ('Watch', 'adaptive', 'dynamic', 'epoch_3', 'epoch_1')
"""The schedules are judged by the paper's rules; ``Watch`` is ``adaptive`` with rules='skill'."""
CONTROL = 'none_again'


def one_run(model: Any, initial: List[Any], data: Dict[str, Any], batch_size: int, epochs: int,
            checktype: Optional[str]) -> Dict[str, Any]:
    """Seconds of one training and of its epochs, its checks and probes."""
    from AutoTrainer import LossHistory, Watch, keras_bridge
    ends: List[float] = []
    clock = keras_bridge.keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: ends.append(time.perf_counter()))
    variables = model.optimizer.variables
    for variable in variables() if callable(variables) else variables:
        if 'learning_rate' not in str(getattr(variable, 'path', variable.name)):
            variable.assign(np.zeros(tuple(variable.shape), variable.dtype if isinstance(
                variable.dtype, str) else variable.dtype.as_numpy_dtype))
    model.set_weights(initial)
    np.random.seed(0)
    watch: Any = None
    if checktype == 'Watch':
        watch = Watch(data['x'], data['y'], validation_data=(data['x_val'], data['y_val']),
                      batch_size=batch_size, stop=False)
    elif checktype not in (None, CONTROL):
        watch = LossHistory((data['x'], data['y']), batch_size=batch_size, stop=False,
                            checktype=checktype, rules='paper')
    gc.collect()
    started = time.perf_counter()
    model.fit(data['x'], data['y'], batch_size=batch_size, epochs=epochs, verbose=0,
              validation_data=(data['x_val'], data['y_val']),
              callbacks=[watch, clock] if watch else [clock])
    seconds = time.perf_counter() - started
    return {'seconds': seconds, 'epochs': np.diff([started] + ends),
            'checks': watch.watcher.checks if watch else 0,
            'probes': watch.watcher.probes if watch else 0,
            'skill_looks': watch.watcher.skill_looks if watch else 0,
            'yardsticks': len(watch.monitor.yardsticks) if watch else 0,
            'inside_s': watch.session.check_time.seconds if watch else 0.0}


def added_percent(runs: List[Dict[str, Any]], plain: List[Dict[str, Any]]) -> Dict[str, float]:
    """What runs take on top of plain ones, with the disturbances of the machine left out.

    For each epoch the faster half of the runs is averaged, and these means are added up.

    Returns:
        The estimate, and its 95 % interval when the pairs of runs are drawn anew.
    """
    with_it, without = [np.array([run['epochs'] for run in group]) for group in (runs, plain)]

    def estimate(chosen: Any) -> float:
        half = (len(chosen) + 1) // 2
        total, base = [np.sort(times[chosen], axis=0)[:half].mean(axis=0).sum()
                       for times in (with_it, without)]
        return float(100 * (total / base - 1))

    source = np.random.RandomState(0)
    drawn = [estimate(source.randint(0, len(runs), len(runs))) for _ in range(1000)]
    low, high = np.percentile(drawn, [2.5, 97.5])
    return {'estimate': round(estimate(np.arange(len(runs))), 3), 'low': round(float(low), 3),
            'high': round(float(high), 3)}


def compare(model: Any, data: Dict[str, Any], batch_size: int, epochs: int,
            repeats: int, schedules: Sequence[str]) -> Dict[str, Any]:
    """Alternate the schedules and compare each run with the one without a callback beside it."""
    initial = [np.array(w) for w in model.get_weights()]  # JAX gives its buffers to the next step
    model.fit(data['x'][:batch_size * 2], data['y'][:batch_size * 2], batch_size=batch_size,
              verbose=0, validation_data=(data['x_val'], data['y_val']))
    compared: List[Optional[str]] = [None, *schedules, CONTROL]
    one_run(model, initial, data, batch_size, min(epochs, 3), None)
    runs = alternated(lambda checktype: one_run(model, initial, data, batch_size, epochs,
                                                checktype), compared, repeats)
    return told(runs, dict(epochs=epochs, rows=len(data['x'])), [*schedules, CONTROL])


def alternated(run: Callable[[Optional[str]], Dict[str, Any]], compared: List[Optional[str]],
               repeats: int) -> Dict[Any, List[Dict[str, Any]]]:
    """So many runs of each kind, each time begun with another one."""
    runs: Dict[Any, List[Dict[str, Any]]] = {kind: [] for kind in compared}
    for repeat in range(repeats):
        first = repeat % len(compared)
        for kind in compared[first:] + compared[:first]:
            runs[kind].append(run(kind))
    return runs


def told(runs: Dict[Any, List[Dict[str, Any]]], facts: Dict[str, Any],
         compared: Sequence[str]) -> Dict[str, Any]:
    """What runs cost on top of those without a watch.

    Args:
        runs: by how they were watched; None without.
        facts: to be said of all of them.
        compared: ways to watch that are compared with None.
    """
    plain = [run['seconds'] for run in runs[None]]
    figures: Dict[str, Any] = dict(facts, none_s=spread(plain))
    for checktype in compared:
        ratios = [100 * (run['seconds'] / base - 1) for run, base in zip(runs[checktype], plain)]
        inside = [100 * run['inside_s'] / (run['seconds'] - run['inside_s'])
                  for run in runs[checktype]]
        figures[checktype] = {
            'overhead_percent': spread(ratios),
            'added_percent': added_percent(runs[checktype], runs[None]),
            'inside_callback_percent': spread(inside),
            'checks': statistics.median(run['checks'] for run in runs[checktype]),
            **{name: statistics.median(run[name] for run in runs[checktype])
               for name in ('probes', 'skill_looks', 'yardsticks')}}
    return figures


def main() -> None:
    """Measure and print."""
    arguments, bridge = start(
        __doc__.splitlines()[0],
        framework=dict(default='keras', choices=('keras', 'torch'),
                       help='whose trainings (default %(default)s); with torch a loop of PyTorch, '
                            'told of its epochs and heard by hooks'),
        schedules=dict(default=','.join(SCHEDULES), metavar='A,B',
                       help='schedules to compare (default %(default)s)'),
        circle=dict(type=int, default=9, metavar='N',
                    help='trainings with each on Circle, 0 for none (default %(default)s)'),
        mnist=dict(type=int, default=3, metavar='N',
                   help='trainings with each on MNIST, 0 for none (default %(default)s)'))
    quick, schedules = arguments.quick, arguments.schedules.split(',')
    figures = {}
    if arguments.framework == 'torch':
        from .torch_overhead import WAYS, problems
        repeats = {'circle': arguments.circle, 'mnist_20_layers': arguments.mnist}
        for name, (trainings, facts) in problems(quick).items():
            if repeats[name]:
                figures[name] = told(alternated(trainings.run, [None, *WAYS, CONTROL],
                                                1 if quick else repeats[name]),
                                     dict(facts, epochs=trainings.epochs), [*WAYS, CONTROL])
        finish('overhead', figures, bridge)
        return
    if arguments.circle:
        model, data = circle(bridge)
        figures['circle'] = compare(model, data, 32, 10 if quick else 100,
                                    1 if quick else arguments.circle, schedules)
    if arguments.mnist:
        rows = mnist_rows(640 if quick else 12000)
        figures['mnist_5_layers'] = dict(
            compare(deep_mlp(bridge, depth=5), rows, 32, 3 if quick else 20,
                    1 if quick else arguments.mnist, schedules), data=rows['source'])
    finish('overhead', figures, bridge)


if __name__ == '__main__':
    main()
