"""What saving a training in mid-run costs: the 20-layer MNIST model, in the default setting."""

import os
import tempfile
import time
from typing import Any, Dict, List

from ._common import deep_mlp, finish, mnist_rows, spread, start


def save_now_and_then(bridge: Any, data: Dict[str, Any], epochs: int,
                      seconds: float) -> Dict[str, Any]:
    """Train once with checkpoints every ``seconds`` at the most, and time them."""
    from AutoTrainer.record import fit
    from AutoTrainer.record.checkpoint import Checkpoint, Interval
    from AutoTrainer.solutions.candidate import Training
    from AutoTrainer.utils.utils import model_retrain
    spent: List[float] = []
    sizes: List[int] = []

    class Timed(Checkpoint):
        """A checkpoint that is timed; the epochs at which it only looks at the clock as well."""

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            before, began = self._last_epoch, time.perf_counter()
            super().on_epoch_end(epoch, logs)
            spent.append(time.perf_counter() - began)
            if self._last_epoch != before:
                saved.append(spent[-1])
                sizes.append(os.path.getsize(self.path))

    saved: List[float] = []
    kept, fit.Checkpoint = fit.Checkpoint, Timed  # type: ignore[misc]
    try:
        with tempfile.TemporaryDirectory() as folder:
            began = time.perf_counter()
            model_retrain(deep_mlp(bridge), Training(
                bridge.optimizer_config('Adam', {'learning_rate': 0.001}),
                'categorical_crossentropy', 32, epochs, (), data), save_dir=folder,
                params={'eta': 2, 'Theta': 0.0}, checkpoint=Interval(1, seconds))
            whole = time.perf_counter() - began
    finally:
        fit.Checkpoint = kept  # type: ignore[misc]
    return {'epochs': epochs, 'rows': len(data['x']), 'training_s': round(whole - sum(spent), 2),
            'checkpoints': len(saved), 'checkpoint_ms': spread(saved, 1000) if saved else None,
            'file_mib': round(max(sizes) / 2**20, 2) if sizes else None,
            'share_percent': round(100 * sum(spent) / (whole - sum(spent)), 4)}


def main() -> None:
    """Measure and print."""
    arguments, bridge = start(__doc__)
    rows = mnist_rows(640 if arguments.quick else 60000)
    data = {key: rows[key] for key in ('x', 'y', 'x_val', 'y_val')}
    epochs = 4 if arguments.quick else 40
    finish('checkpoint', {
        'data': rows['source'],
        'default': save_now_and_then(bridge, data, epochs, 30.0),
        'every_epoch': save_now_and_then(bridge, data, epochs // 4, 0.0)}, bridge)


if __name__ == '__main__':
    main()
