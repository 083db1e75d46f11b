"""What watching a loop of PyTorch costs: ``benchmarks.overhead --framework torch``.

The same trainings as with Keras, written as a loop. Two ways to watch: the loop says what each
epoch came to (``Watch.epoch``), or is left as it is and heard by hooks.
"""

import contextlib
import gc
import time
from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from AutoTrainer.utils.TimeCounter import TimeCounter

from ._common import mnist_rows

WAYS = ('epoch', 'hooks')
"""Ways to watch; None is a training without."""


def circle_model() -> nn.Module:
    """The model of ``benchmarks._common.circle``, its head without an activation."""
    return nn.Sequential(nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(),
                         nn.Linear(32, 1))


def deep_model(depth: int = 20, width: int = 128) -> nn.Module:
    """The model of ``benchmarks._common.deep_mlp``, likewise, with Keras's first weights.

    As PyTorch draws them, gradients fade in 20 layers of ReLU.
    """
    sizes = [784] + [width] * depth
    model = nn.Sequential(*[part for a, b in zip(sizes, sizes[1:])
                            for part in (nn.Linear(a, b), nn.ReLU())], nn.Linear(width, 10))
    for part in model:
        if isinstance(part, nn.Linear):
            nn.init.xavier_uniform_(part.weight)
            nn.init.zeros_(part.bias)
    return model


def timed(function: Callable[..., Any], inside: TimeCounter) -> Callable[..., Any]:
    """The function, its time counted."""
    clock = time.perf_counter

    def call(*values: Any, **named: Any) -> Any:
        started = clock()
        found = function(*values, **named)
        inside.seconds += clock() - started
        return found
    return call


@contextlib.contextmanager
def timed_hooks(inside: TimeCounter) -> Iterator[None]:
    """Count the time inside the hook that hears every batch."""
    from AutoTrainer.adapters.torch_hooks import Hooks
    kept = Hooks._after_loss
    Hooks._after_loss = timed(kept, inside)  # type: ignore
    try:
        yield
    finally:
        Hooks._after_loss = kept  # type: ignore


class Trainings:
    """Trainings of one problem, all alike.

    Args:
        model: makes the module.
        loss_fn: its loss.
        rate: learning rate of Adam.
        data: ``x``, ``y``, ``x_val``, ``y_val``, arrays.
        epochs: of each.
    """

    def __init__(self, model: Callable[[], nn.Module], loss_fn: nn.Module, rate: float,
                 data: Dict[str, np.ndarray], epochs: int) -> None:
        self._model, self._loss_fn, self._rate, self.epochs = model, loss_fn, rate, epochs
        self._x, self._y, self._x_val, self._y_val = [torch.as_tensor(data[key]) for key in (
            'x', 'y', 'x_val', 'y_val')]

    def run(self, way: Optional[str]) -> Dict[str, Any]:
        """One training: seconds of it and of its epochs, and what its watch did."""
        from AutoTrainer.adapters.pytorch import Watch
        inside = TimeCounter()
        torch.manual_seed(0)
        model = self._model()
        optimizer = torch.optim.Adam(model.parameters(), self._rate)
        loader = DataLoader(TensorDataset(self._x, self._y), 32, shuffle=True)
        watch: Any = None
        gc.collect()
        started = time.perf_counter()
        ends: List[float] = []
        if way in WAYS:
            with inside:
                watch = Watch(model, self._loss_fn, loader, epochs=self.epochs,
                              optimizer=optimizer, validation_data=(self._x_val, self._y_val),
                              stop=False)
        if way == 'hooks':
            with timed_hooks(inside), watch:
                self._train(model, optimizer, loader, ends)
        else:
            self._train(model, optimizer, loader, ends, timed(watch.epoch, inside)
                        if way == 'epoch' else None)
        seconds = time.perf_counter() - started
        session = watch and watch.session
        return {'seconds': seconds, 'epochs': np.diff([started] + ends),
                'checks': session.watcher.checks if session else 0,
                'probes': session.watcher.probes if session else 0,
                'skill_looks': session.watcher.skill_looks if session else 0,
                'yardsticks': len(session.monitor.yardsticks)
                if session and session.monitor.by_skill else 0,
                'inside_s': inside.seconds}

    def _train(self, model: nn.Module, optimizer: Any, loader: Any, ends: List[float],
               tell: Optional[Callable[..., Any]] = None) -> None:
        loss_fn = self._loss_fn
        for _ in range(self.epochs):
            model.train()
            losses, right = 0.0, 0
            for x, y in loader:
                optimizer.zero_grad()
                output = model(x)
                loss = loss_fn(output, y)
                loss.backward()
                optimizer.step()
                losses += loss.item() * len(x)
                right += self._right(output, y)
            model.eval()
            with torch.no_grad():
                output = model(self._x_val)
                val_loss = loss_fn(output, self._y_val).item()
                held = self._right(output, self._y_val)
            if tell is not None:
                tell(loss=losses / len(self._x), accuracy=right / len(self._x),
                     val_loss=val_loss, val_accuracy=held / len(self._x_val))
            ends.append(time.perf_counter())

    @staticmethod
    def _right(output: torch.Tensor, y: torch.Tensor) -> int:
        return int((((output > 0) == (y > 0.5)) if output.shape[1] == 1
                    else output.argmax(1) == y).sum())


def problems(quick: bool) -> Dict[str, Tuple[Trainings, Dict[str, Any]]]:
    """The trainings by name, with what is to be said of each."""
    from AutoTrainer.data import get_dataset
    rings = {key: np.asarray(part, 'float32').reshape(len(part), -1)
             for key, part in get_dataset('simplednn_circle').items() if part is not None}
    images = mnist_rows(640 if quick else 12000)
    source = images.pop('source')
    for key in ('y', 'y_val'):
        images[key] = images[key].argmax(axis=1)
    return {
        'circle': (Trainings(circle_model, nn.BCEWithLogitsLoss(), 0.01, rings,
                             10 if quick else 100), {}),
        'mnist_20_layers': (Trainings(deep_model, nn.CrossEntropyLoss(), 0.001, images,
                                      3 if quick else 20), {'data': source})}
