"""Solutions that change how a model is trained and leave the model as it is."""

import math
import random
from typing import Any, Dict, List, Optional, Tuple

import numpy as np

from .. import keras_bridge
from ..intake.arrays import row_count
from ..judge.labels import label_kind
from ..judge.losses import BINARY_LOSSES, CATEGORICAL_LOSSES, fitting_losses, loss_name
from .candidate import Candidate, NotApplicable, Solution

Result = Tuple[Candidate, str]

_CLIPPING = ('clipvalue', 'clipnorm', 'global_clipnorm')
_CLIP_LIMITS = (10.0, 1.0)
_OPTIMIZERS = ('Adam', 'RMSprop', 'Nadam', 'Adamax', 'SGD')
_MOMENTA = (0.9, 0.8, 0.95)
_BATCH_SIZES = (32, 64, 128, 256)
_LOWEST_EXPONENT = -8
_SCHEDULED = 'a schedule sets the learning rate'


def _pick(choices: List[Any], attempt: int, reason: str) -> Any:
    """The choice of a try.

    Raises:
        NotApplicable: with the reason, if there are fewer choices.
    """
    if attempt >= len(choices):
        raise NotApplicable(reason)
    return choices[attempt]


def _close(a: Any, b: Any) -> bool:
    """Whether two settings are the same; Keras keeps numbers as float32."""
    if isinstance(a, (int, float)) and isinstance(b, (int, float)):
        return math.isclose(a, b, rel_tol=1e-5)
    return bool(a == b)


# ------------------------------------------------------------------------------------- optimizer

def learning_rate(optimizer: Dict[str, Any]) -> Optional[float]:
    """Learning rate of a described optimizer; None where a schedule sets it."""
    rate = optimizer['config'].get('learning_rate')
    return float(rate) if isinstance(rate, (int, float, np.floating)) else None


def _clipping(optimizer: Dict[str, Any]) -> Dict[str, float]:
    """The clipping that is in force."""
    return {key: optimizer['config'][key] for key in _CLIPPING
            if optimizer['config'].get(key) is not None}


def _fresh(name: str, like: Dict[str, Any], **settings: Any) -> Dict[str, Any]:
    """An optimizer with default settings; only the clipping is taken over.

    An earlier solution may have brought the clipping in, and what it cured would come back.
    """
    return keras_bridge.optimizer_config(name, dict(_clipping(like), **settings))


def _words(optimizer: Dict[str, Any]) -> str:
    rate = learning_rate(optimizer)
    momentum = optimizer['config'].get('momentum')
    return '%s (learning rate %s%s)' % (
        optimizer['class_name'], 'by a schedule' if rate is None else '%g' % rate,
        ', momentum %g' % momentum if momentum else '')


def _adam(candidate: Candidate, issue: str, attempt: int, rng: random.Random) -> Result:
    old = candidate.training.optimizer
    new = _fresh('Adam', old)
    ignored = ('name', 'learning_rate') if _rate_is_scheduled(candidate) else ('name',)
    if old['class_name'] == 'Adam' and all(
            _close(value, old['config'].get(key)) for key, value in new['config'].items()
            if key not in ignored):
        raise NotApplicable('the optimizer is Adam with its default settings already')
    return (candidate.trained(optimizer=new),
            'optimizer %s → %s' % (_words(old), _words(new)))


def _optimizer(candidate: Candidate, issue: str, attempt: int, rng: random.Random) -> Result:
    old = candidate.training.optimizer
    others = [name for name in _OPTIMIZERS if name != old['class_name']]
    new = _fresh(_pick(others, attempt, 'there is no further optimizer to try'), old)
    return (candidate.trained(optimizer=new),
            'optimizer %s → %s' % (_words(old), _words(new)))


def _momentum(candidate: Candidate, issue: str, attempt: int, rng: random.Random) -> Result:
    old = candidate.training.optimizer
    is_sgd = old['class_name'] == 'SGD'
    present = old['config'].get('momentum', 0.0) if is_sgd else None
    value = _pick([m for m in _MOMENTA if present is None or not _close(m, present)], attempt,
                  'there is no further momentum to try')
    if is_sgd:
        new = {'class_name': 'SGD', 'config': dict(old['config'], momentum=value)}
    else:
        new = _fresh('SGD', old, momentum=value)
    return (candidate.trained(optimizer=new),
            'optimizer %s → %s' % (_words(old), _words(new)))


def rates_to_try(issue: str, is_sgd: bool, present: Optional[float]) -> List[float]:
    """Learning rates that the solution ``lr`` tries, in order.

    Args:
        issue: for ``not_converge`` the rate goes up, for anything else down.
        is_sgd: SGD starts from 0.01 and goes up to 1, adaptive optimizers from 0.001 up to 0.1.
        present: the rate in force; None where a schedule sets it.

    Returns:
        Powers of ten: the base, then ten times more or less each (thesis, solutions of
        oscillating loss and slow convergence). None of them is the present rate or lies on its
        wrong side, apart from the base, which is the last resort of a training that is slow at a
        rate above it.
    """
    base, top = (-2, 0) if is_sgd else (-3, -1)
    if issue == 'not_converge':
        rates = [float('1e%d' % e) for e in range(base, top + 1)]
        higher = [r for r in rates if present is None or (r > present and not _close(r, present))]
        return higher if rates[0] in higher or _close(rates[0], present) else higher + rates[:1]
    rates = [float('1e%d' % e) for e in range(base, _LOWEST_EXPONENT - 1, -1)]
    return [r for r in rates if present is None or (r < present and not _close(r, present))]


def _lr(candidate: Candidate, issue: str, attempt: int, rng: random.Random) -> Result:
    if _rate_is_scheduled(candidate):
        raise NotApplicable(_SCHEDULED)
    old = candidate.training.optimizer
    present = learning_rate(old)
    rates = rates_to_try(issue, old['class_name'] == 'SGD', present)
    rate = _pick(rates, attempt, 'there is no further learning rate to try')
    new = {'class_name': old['class_name'], 'config': dict(old['config'], learning_rate=rate)}
    return (candidate.trained(optimizer=new), 'learning rate %s → %g (%s)' % (
        'by a schedule' if present is None else '%g' % present, rate, old['class_name']))


def _gradient(candidate: Candidate, issue: str, attempt: int, rng: random.Random) -> Result:
    old = candidate.training.optimizer
    present = old['config'].get('clipvalue') or math.inf
    limit = _pick([c for c in _CLIP_LIMITS if c < present and not _close(c, present)], attempt,
                  'gradients are clipped to ±%g already' % present)
    config = {key: value for key, value in old['config'].items() if key not in _CLIPPING}
    new = {'class_name': old['class_name'], 'config': dict(config, clipvalue=limit)}
    return (candidate.trained(optimizer=new),
            'gradients clipped to [−%g, %g]%s' % (limit, limit, ''.join(
                ' instead of %s %g' % clipping for clipping in _clipping(old).items())))


# ------------------------------------------------------------------------------- the rest of fit

def _batch(candidate: Candidate, issue: str, attempt: int, rng: random.Random) -> Result:
    present = candidate.training.batch_size
    rows = row_count(candidate.training.dataset['x'])
    if present >= rows:
        raise NotApplicable('a batch holds all %d rows already' % rows)
    # of the sizes that hold all rows the first stands for the others
    full = [size for size in _BATCH_SIZES if size >= rows][:1]
    size = _pick([size for size in _BATCH_SIZES if present < size < rows] + full, attempt,
                 'the batch size is %d already; no larger one that differs is left to try'
                 % present)
    return (candidate.trained(batch_size=size), 'batch size %d → %d' % (present, size))


def _callback_kinds(candidate: Candidate) -> List[str]:
    return [callback if isinstance(callback, str) else type(callback).__name__
            for callback in candidate.training.callbacks]


def _rate_is_scheduled(candidate: Candidate) -> bool:
    """Whether a callback sets the learning rate anew in every epoch, whatever the optimizer has."""
    return any(isinstance(callback, keras_bridge.keras.callbacks.LearningRateScheduler)
               for callback in candidate.training.callbacks)


def _restart(candidate: Candidate, issue: str, attempt: int, rng: random.Random) -> Result:
    if candidate.best is None:
        raise NotApplicable('the training had not learnt anything to restart from')
    old = candidate.training.optimizer
    rate = learning_rate(old)
    if rate is None or _rate_is_scheduled(candidate):
        raise NotApplicable(_SCHEDULED)
    slower = rate / 10 ** (attempt + 1)
    optimizer = {'class_name': old['class_name'], 'config': dict(old['config'],
                                                                 learning_rate=slower)}
    changed = candidate.trained(optimizer=optimizer)
    return (changed._replace(model=candidate.model._replace(weights=candidate.best)),
            'restart from the weights of the best epoch, learning rate %g → %g (%s)'
            % (rate, slower, old['class_name']))


def _reduce_lr(candidate: Candidate, issue: str, attempt: int, rng: random.Random) -> Result:
    kinds = _callback_kinds(candidate)
    if 'ReduceLR' in kinds or 'ReduceLROnPlateau' in kinds:
        raise NotApplicable('the learning rate is lowered on a plateau already')
    if _rate_is_scheduled(candidate) or learning_rate(candidate.training.optimizer) is None:
        raise NotApplicable(_SCHEDULED)
    return (candidate.trained(callbacks=candidate.training.callbacks + ('ReduceLR',)),
            'learning rate × %g whenever %s has not improved for %d epochs' % (
                keras_bridge.REDUCE_FACTOR, _watched(candidate), keras_bridge.REDUCE_PATIENCE))


def _early_stop(candidate: Candidate, issue: str, attempt: int, rng: random.Random) -> Result:
    kinds = _callback_kinds(candidate)
    if 'estop' in kinds or 'EarlyStopping' in kinds:
        raise NotApplicable('the training stops early already')
    return (candidate.trained(callbacks=candidate.training.callbacks + ('estop',)),
            'stop once %s has not improved for %d epochs, with the best weights' % (
                _watched(candidate), keras_bridge.STOP_PATIENCE))


def _watched(candidate: Candidate) -> str:
    return ('the loss' if candidate.training.dataset.get('x_val') is None
            else 'the validation loss')


# ------------------------------------------------------------------------------------------ loss

def labels_of(candidate: Candidate) -> str:
    """Kind of the training labels (see :func:`~AutoTrainer.judge.labels.label_kind`)."""
    return label_kind(candidate.training.dataset['y'],
                      getattr(candidate.model.original, 'output_shape', None))


def _loss(candidate: Candidate, issue: str, attempt: int, rng: random.Random) -> Result:
    y = candidate.training.dataset['y']
    present = loss_name(candidate.training.loss)
    units = keras_bridge.output_units(candidate.model.original)
    loss, fine = fitting_losses(labels_of(candidate), units)
    if not loss:
        raise NotApplicable('the labels do not say which loss fits')
    if loss == 'mean_squared_error' and np.min(y) >= 0 and np.max(y) <= 1:
        fine = fine | BINARY_LOSSES | CATEGORICAL_LOSSES  # shares as labels
    if present in fine:
        raise NotApplicable('the loss %s fits the labels already' % present)
    if loss.startswith('sparse') and (np.min(y) < 0 or np.max(y) >= units):
        raise NotApplicable('the labels go from %g to %g but the model has %d outputs; no loss '
                            'fits that' % (np.min(y), np.max(y), units))
    return (candidate.trained(loss=loss), 'loss %s → %s' % (present or 'none', loss))


TRAINING_SOLUTIONS: Tuple[Solution, ...] = (
    Solution('gradient', 'Clips every entry of the gradients to ±10, then to ±1.', 0, _gradient),
    Solution('adam', 'Trains with Adam at its default settings.', 0, _adam),
    Solution('optimizer', 'Trains with another optimizer at its default settings: Adam, RMSprop, '
             'Nadam, Adamax, SGD in turn.', 0, _optimizer),
    Solution('lr', 'Sets the learning rate to powers of ten in turn: higher and higher ones for a '
             'training that is slow, lower and lower ones for any other.', 0, _lr),
    Solution('restart', 'Goes back to the weights of the best epoch and trains on from there at a '
             'learning rate ten times lower, then a hundred times.', 0, _restart),
    Solution('ReduceLR', 'Lowers the learning rate whenever the loss has stopped improving.', 0,
             _reduce_lr),
    Solution('momentum', 'Trains with SGD and a momentum of 0.9, then 0.8, then 0.95.', 0,
             _momentum),
    Solution('batch', 'Trains on larger batches: 32, 64, 128, 256 rows in turn.', 0, _batch,
             memory=True),
    Solution('estop', 'Stops the training when the loss no longer improves, and puts the best '
             'weights back.', 0, _early_stop),
    Solution('loss', 'Trains with the loss that fits the labels and the number of outputs.', 0,
             _loss),
)
"""One entry per solution; for each, see its function."""
