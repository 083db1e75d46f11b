"""``repair``: what is wrong with a training, and a model that trains, for about the same price."""

import operator
import tempfile
from typing import Any, Dict, Mapping, NamedTuple, Optional, Sequence

from . import keras_bridge
from .adapters.keras_source import unmeasured
from .errors import UserError, quote, way_out
from .intake import inputs
from .intake.config import check_callback_names, check_count, check_number
from .intake.rows import row_pair
from .judge.labels import label_kind
from .judge.losses import REGRESSION_LOSSES, loss_name
from .record.reader import RunReader
from .settings import RUN_SETTINGS
from .solutions.candidate import Training
from .utils.compute_gradient import plain_task
from .utils.utils import model_train

_OWN = ('seed', 'jobs', 'budget', 'autorepair')
_NAMES = ('validation_data', 'epochs', 'batch_size', 'budget', 'jobs', 'seed', 'save_dir', 'resume',
          'shuffle', 'class_weight', 'callbacks')
SETTINGS = tuple(name for name in RUN_SETTINGS if name not in _OWN) + (
    'engine', 'verb', 'log_dir', 'checkpoint_epochs', 'checkpoint_seconds', 'on_race')
"""Further settings, those of ``model_train`` by name."""


class Repaired(NamedTuple):
    """What ``repair`` returns.

    Attributes:
        model: a trained model, compiled: that of the first training if it is sound or nothing was
            better. It takes the inputs, and gives the answers, of the model that came in; where
            labels or head had to be mended, answers of the mended kind, as ``result['reason']``
            says.
        result: the content of ``result.json`` (docs/guide/run-folder.md): ``status``, ``issues``,
            ``reason``, ``skill`` before and after, ``yardstick``, ``price``, ``race``.
    """

    model: Any
    result: Dict[str, Any]


def repair(model: Any, x: Any, y: Any = None, *, validation_data: Any = None, epochs: int,
           batch_size: int = 32, budget: float = 3.0, jobs: int = 1, seed: int = 0,
           save_dir: Optional[str] = None, resume: bool = False, shuffle: bool = True,
           class_weight: Optional[Mapping[int, float]] = None, callbacks: Sequence[Any] = (),
           **settings: Any) -> Repaired:
    """Train a compiled model; if it does not train well, say why, and race the likely cures.

    The first training is watched, and stopped when it learns clearly less than its data allows.
    Candidates that mend what the diagnosis names, and then what it does not, begin; the better half
    goes on; the best is trained to its end. What the first training reached on the validation rows
    is never given up for less.

    Args:
        model: a compiled Keras model, not trained yet; it is not changed (a subclassed one is
            trained itself).
        x: training inputs: an array of shape (rows, …), or a list or dictionary of arrays.
        y: their labels, likewise.
        validation_data: ``(x, y)`` as ``fit`` has it. Half of it chooses among the candidates, half
            has the last word. Without it a fifth of the training rows is kept for that, if it comes
            to a race.
        epochs: planned epochs, the unit of the price.
        batch_size: rows per step.
        budget: what all may cost, in planned trainings, the first one included.
        jobs: processes that train candidates; the result does not depend on it.
        seed: for everything random.
        save_dir: the run folder (docs/guide/run-folder.md); without it nothing is left.
        resume: whether to go on with an interrupted repair in ``save_dir``.
        shuffle: as for ``fit``.
        class_weight: as for ``fit``.
        callbacks: of the first training; candidates are trained without any, as many set the
            learning rate or end a training.
        settings: those of ``model_train`` by name, such as ``modification_sufferance`` (0 to 3:
            how much of the model may change), ``memory_limit``, ``engine``.

    Returns:
        The model and the result.

    Raises:
        UserError: for arguments that cannot work, before anything is trained.
        KeyboardInterrupt: if it is interrupted; with ``save_dir`` it can be resumed.

    Example:
        >>> model, result = repair(model, x, y, epochs=50)  # doctest: +SKIP
        >>> print(result['status'], result['skill'], result['price'])  # doctest: +SKIP
    """
    keras_bridge.check_compiled(model)
    for name in settings:
        if name not in SETTINGS:
            raise UserError('repair has no setting %r; %s' % (name, way_out(
                name, _NAMES + SETTINGS)))
    training = _training(model, x, y, validation_data, check_count('epochs', epochs),
                         check_count('batch_size', batch_size))._replace(
        shuffle=bool(shuffle), class_weight=_class_weight(class_weight),
        callbacks=tuple(check_callback_names(callbacks)))
    own_way = unmeasured(model, training.dataset['y'], plain_task(model, training.dataset['y']))
    if own_way:
        raise UserError('%s, by which repair would have to choose; Watch and check go with any '
                        'loss' % own_way)
    if resume and save_dir is None:
        raise UserError('resume is set without save_dir; give the folder of the repair')
    # a budget of seconds for checks would make the verdict depend on how fast the machine is
    given = dict({'checktype': 'adaptive', 'strategy': 'race', 'overhead_budget': None}, **settings)
    if save_dir is not None:
        try:
            done = model_train(model, training, save_dir=save_dir, seed=seed, budget=budget,
                               jobs=jobs, resume=resume, **given)
        except KeyboardInterrupt as interrupt:
            if not RunReader(save_dir).is_begun:
                raise
            # what was done by then is on record; where in Keras it was says nothing to anybody
            raise type(interrupt)('repair was interrupted; the same call with resume=True goes on '
                                  'with what lies in %r' % save_dir) from None
        return Repaired(done.model, done.result)
    with tempfile.TemporaryDirectory() as folder:
        done = model_train(model, training, save_dir=folder, seed=seed, budget=budget, jobs=jobs,
                           **given)
        return Repaired(done.model, dict(done.result, model_path=None))


def _training(model: Any, x: Any, y: Any, validation_data: Any, epochs: int,
              batch_size: int) -> Training:
    """How a compiled model is trained.

    Raises:
        UserError: for data that is no rows, or does not pair up.
    """
    if y is None or not _is_rows(x):
        raise UserError('x is a %s; give rows as arrays, and their labels as y: every candidate '
                        'is trained on them' % type(x).__name__ if y is not None or not _is_rows(x)
                        else 'y is missing; give repair(model, x, y, ...)')
    held: Any = (None, None)
    if validation_data is not None:
        held = row_pair(validation_data)
        if held is None:
            raise UserError('validation_data is a %s; give (x, y) as fit has it'
                            % type(validation_data).__name__)
    dataset = inputs.check_dataset({'x': x, 'y': y, 'x_val': held[0], 'y_val': held[1]})
    kind = label_kind(dataset['y'], getattr(model, 'output_shape', None))
    counts = kind in ('binary', 'one_hot', 'multi_hot') or (
        kind == 'integer' and loss_name(model.loss) not in REGRESSION_LOSSES)
    return Training(keras_bridge.optimizer_config(model.optimizer), model.loss, batch_size, epochs,
                    (), dataset, ('accuracy',) if counts else (),
                    loss_weights=keras_bridge.loss_weights(model))


def _class_weight(given: Any) -> Optional[Dict[int, float]]:
    """What the rows of a class count, as ``fit`` takes it.

    Raises:
        UserError: if it is nothing of the kind.
    """
    if given is None:
        return None
    try:
        return {operator.index(kind): check_number('class_weight', share, 0)
                for kind, share in given.items()}
    except (AttributeError, TypeError, UserError) as error:
        raise UserError('class_weight is %s; give the weight of each class number, such as '
                        '{0: 1.0, 1: 2.5}' % quote(given)) from error


def _is_rows(data: Any) -> bool:
    return isinstance(data, (list, tuple, dict)) or (
        hasattr(data, 'shape') and hasattr(data, 'dtype')) or hasattr(data, 'iloc')
