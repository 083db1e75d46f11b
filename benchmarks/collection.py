"""Trainings per second: all runs of a collection as one program, and one after another by ``fit``.

On the thesis's 20-layer model and MNIST, for the device that JAX finds: the command to give on a
GPU. What the vectorised engine reaches is also told as arithmetic and as memory traffic, to hold
against what the card can do.
"""

import time
from typing import Any, Dict

import numpy as np

from ._common import deep_mlp, finish, mnist_rows, spread, start

THESIS_RUN_EPOCHS = 62500
"""Epochs of all 700 runs of the thesis's nine cases together."""
ALL_ROWS = 60000
"""Of MNIST, in an epoch of the thesis."""


def vectorised(program: Any, model: Any, runs: int, epochs: int) -> Dict[str, Any]:
    """Compile the program for as many of the runs as fit, and time its epochs."""
    from Motivation import stacked
    started = time.perf_counter()
    at_once = program.most_runs(runs)
    compiled = time.perf_counter() - started
    state = stacked.stack([stacked.first_state(model)] * at_once)
    orders = np.stack([np.random.RandomState(run).permutation(program.rows).astype(np.int32)
                       for run in range(at_once)])
    seconds = []
    for _ in range(epochs + 1):  # the first also brings the state to the device
        started = time.perf_counter()
        state, values = program.epoch(state, orders)
        np.asarray(values['loss'])
        seconds.append(time.perf_counter() - started)
    return {'runs_at_once': at_once, 'compile_s': round(compiled, 2),
            'needs_gib': round(program.bytes_needed(at_once) / 2**30, 3),
            'epoch_s': spread(seconds[1:])}


def reached(model: Any, data: Dict[str, Any], batch_size: int, per_second: float) -> Dict[str, Any]:
    """What so many runs × epochs per second are in operations and in bytes moved.

    Two operations per weight and row forward, four backward. At each step every weight is read
    twice, its gradient written and read, and Adam reads and writes it with its two moments: ten
    numbers of four bytes, if nothing stays in the cache.
    """
    weights = model.count_params()
    rows, steps = len(data['x']), -(-len(data['x']) // batch_size)
    return {'tflop_per_s': round(
                weights * (6 * rows + 2 * len(data['x_val'])) * per_second / 1e12, 4),
            'gb_per_s': round(40 * weights * steps * per_second / 1e9, 2)}


def ordinary(model: Any, data: Dict[str, Any], batch_size: int, epochs: int) -> Dict[str, Any]:
    """Time the epochs of ``fit``, without those of the start: imports, and what it compiles."""
    from AutoTrainer import keras_bridge
    ends = [time.perf_counter()]
    clock = keras_bridge.keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: ends.append(time.perf_counter()))
    model.fit(data['x'], data['y'], batch_size=batch_size, epochs=epochs + 1, verbose=0,
              validation_data=(data['x_val'], data['y_val']), callbacks=[clock])
    seconds = np.diff(ends)
    return {'first_epoch_s': round(float(seconds[0]), 2), 'epoch_s': spread(list(seconds[1:]))}


def main() -> None:
    """Measure and print."""
    arguments, bridge = start(
        __doc__.splitlines()[0],
        runs=dict(type=int, default=100, metavar='N',
                  help='runs at once, if they fit (default %(default)s)'),
        epochs=dict(type=int, default=3, metavar='N',
                    help='epochs to time (default %(default)s)'),
        rows=dict(type=int, default=ALL_ROWS, metavar='N', help='of MNIST (default %(default)s)'))
    from Motivation import stacked
    stacked.check_backend()
    import jax
    if arguments.quick:
        arguments.runs, arguments.epochs = min(arguments.runs, 4), 1
        arguments.rows = min(arguments.rows, 640)
    data, batch_size = mnist_rows(arguments.rows), 32
    model = deep_mlp(bridge)
    program = stacked.Program(model, data, batch_size)
    found = vectorised(program, model, arguments.runs, arguments.epochs)
    per_second = found['runs_at_once'] / found['epoch_s']['median']
    found.update(run_epochs_per_s=round(per_second, 3),
                 **reached(model, data, batch_size, per_second))
    alone = ordinary(model, data, batch_size, arguments.epochs)
    alone['run_epochs_per_s'] = round(1 / alone['epoch_s']['median'], 3)
    finish('collection', {
        'device': jax.devices()[0].device_kind, 'data': data['source'], 'rows': len(data['x']),
        'weights': model.count_params(), 'vectorised': found, 'ordinary': alone,
        'times_as_fast': round(per_second / alone['run_epochs_per_s'], 2),
        **{'minutes_for_' + what: round(  # all rows of MNIST, whatever was measured
            epochs * ALL_ROWS / len(data['x']) / per_second / 60, 2)
           for what, epochs in (('100_runs_of_50_epochs', 5000),
                                ('the_thesis', THESIS_RUN_EPOCHS))}}, bridge)


if __name__ == '__main__':
    main()
