"""What one check costs (t2), beside one epoch (t1): Circle model and 20-layer MNIST model."""

import statistics
import time
from typing import Any, Dict

from ._common import circle, deep_mlp, finish, mnist_rows, seconds_of, spread, start


def measure(model: Any, data: Dict[str, Any], batch_size: int, epochs: int,
            checks: int) -> Dict[str, Any]:
    """Figures of one model: seconds of an epoch, of compiling a probe, milliseconds of a check."""
    from AutoTrainer.intake.arrays import draw_batch
    from AutoTrainer.utils.compute_gradient import Probe
    model.fit(data['x'], data['y'], batch_size=batch_size, epochs=1, verbose=0)
    stamps = seconds_of(lambda: model.fit(data['x'], data['y'], batch_size=batch_size,
                                          epochs=1, verbose=0), epochs)
    probe = Probe(model, draw_batch(data['x'], data['y'], max(batch_size, 32), 0))
    started = time.perf_counter()
    probe.gradients()
    compiled = time.perf_counter()
    probe.outputs()
    outputs_compiled = time.perf_counter()
    gradients = seconds_of(probe.gradients, checks)
    outputs = seconds_of(probe.outputs, checks)
    t1 = statistics.median(stamps)
    return {'rows': len(data['x']), 'batch_size': batch_size,
            'parameters': int(model.count_params()),
            't1_epoch_s': spread(stamps),
            't2_gradients_ms': spread(gradients, 1e3),
            't2_gradients_and_outputs_ms': spread([a + b for a, b in zip(gradients, outputs)], 1e3),
            't2_over_t1': round(statistics.median(gradients) / t1, 6),
            'compile_gradients_s': round(compiled - started, 3),
            'compile_outputs_s': round(outputs_compiled - compiled, 3)}


def main() -> None:
    """Measure and print."""
    arguments, bridge = start(__doc__)
    quick = arguments.quick
    model, data = circle(bridge)
    figures = {'circle': measure(model, data, 32, 2 if quick else 10, 5 if quick else 100)}
    rows = mnist_rows(640 if quick else 60000)
    figures['mnist_20_layers'] = dict(
        measure(deep_mlp(bridge), rows, 32, 1 if quick else 3, 5 if quick else 100),
        data=rows['source'])
    finish('check_cost', figures, bridge)


if __name__ == '__main__':
    main()
