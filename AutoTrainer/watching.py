"""``Watch``: the callback for whoever wants to know whether a training is any good, and if not why.

The same callback as :class:`~AutoTrainer.utils.utils.LossHistory`, with other defaults: it looks
when it matters (``adaptive``), and judges by what is learnt (``rules='skill'``).
"""

import inspect
from typing import Any, Optional

from .adapters.keras_callback import LossHistory
from .errors import UserError, way_out
from .intake.config import check_count
from .utils.logger import LOGGER

_OWN = ('self', 'training_data', 'validation_data', 'total_epoch', 'stop', 'save_dir', 'seed')
_NAMES = ('x', 'y', 'validation_data', 'epochs', 'stop', 'save_dir', 'seed')
SETTINGS = tuple(name for name in inspect.signature(LossHistory.__init__).parameters
                 if name not in _OWN)
"""Further settings, those of ``LossHistory`` by name."""


class Watch(LossHistory):
    """Watches a Keras training; silent while all is well.

    Args:
        x: inputs, as ``fit`` takes them: an array, a list or a dictionary of arrays; or the batches
            that ``fit`` takes, if they can be begun twice. Without them only the history is judged,
            by the paper's rules.
        y: labels; None where ``x`` gives both.
        validation_data: ``(x, y)`` as ``fit`` has it. Without it skill is measured on training
            rows.
        epochs: planned epochs, where ``fit`` does not say them: where it is called once per epoch,
            or for some epochs at a time, all are one training.
        stop: True for ``on_issue='stop'``, False for ``on_issue='continue'``.
        save_dir: folder for ``history.csv`` and ``events.jsonl``; without it nothing is written.
        seed: which rows are looked at.
        settings: those of ``LossHistory`` by name; ``checktype`` is ``'adaptive'`` unless given.

    Attributes:
        verdict: a :class:`~AutoTrainer.judge.facts.Verdict`: ``issues``, ``epoch``, ``reason``,
            ``skill`` (0 the best constant answer, 1 all that can be known), ``yardstick`` (what a
            classical learner gets from the same rows).

    Raises:
        UserError: for a wrong argument, or data that cannot be trained on, at once.

    Example:
        >>> watch = Watch(x, y, validation_data=(x_val, y_val))  # doctest: +SKIP
        >>> model.fit(x, y, validation_data=(x_val, y_val), callbacks=[watch])  # doctest: +SKIP
        >>> print(watch.verdict.reason)  # doctest: +SKIP
    """

    def __init__(self, x: Any = None, y: Any = None, *, validation_data: Any = None,
                 epochs: Optional[int] = None, stop: Optional[bool] = None,
                 save_dir: Optional[str] = None, seed: int = 0, **settings: Any) -> None:
        for name in settings:
            if name not in SETTINGS + ('total_epoch',):
                raise UserError('Watch has no setting %r; %s' % (name, way_out(
                    name, _NAMES + SETTINGS)))
        if validation_data is not None and _is_rows(validation_data):
            raise UserError('validation_data is a %s; give (x, y) as fit has it'
                            % type(validation_data).__name__)
        if y is None and _is_rows(x):
            raise UserError('y is missing; give Watch(x, y), the labels beside the inputs')
        if y is not None and not (_is_rows(x) or isinstance(x, (list, tuple, dict))):
            raise UserError('x is a %s, which gives its labels by itself; leave y out'
                            % type(x).__name__)
        data = None if x is None else x if y is None else (x, y)
        if data is None:
            LOGGER.warning('Watch has no rows: only the history is judged, by the rules of the '
                           'paper; give x and y as fit has them to have skill measured')
        if epochs is not None:
            check_count('epochs', epochs)
            if settings.setdefault('total_epoch', epochs) != epochs:
                raise UserError('epochs is %r, but total_epoch, its other name, is %r; leave '
                                'total_epoch out' % (epochs, settings['total_epoch']))
        super().__init__(data, validation_data=validation_data, stop=stop, save_dir=save_dir,
                         seed=seed, **dict({'checktype': 'adaptive'}, **settings))


def _is_rows(data: Any) -> bool:
    """Whether something is one array of rows, of whatever library."""
    return hasattr(data, 'shape') and hasattr(data, 'dtype') or hasattr(data, 'iloc')
