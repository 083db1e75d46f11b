"""What a model of Hugging Face answers with, and which loss it computes by itself."""

import inspect
from typing import Any, Callable, Mapping, NamedTuple, Optional

import numpy as np
import torch

from ..errors import UserError, first_line
from ..intake.arrays import map_arrays
from ..judge.reference import MEASURED_ROWS
from ..judge.setup import Setup
from ..utils.logger import LOGGER
from .torch_anatomy import anatomy_of
from .torch_found import loss_like
from .torch_losses import IGNORED
from .torch_probe import Learner, undisturbed
from .torch_rows import Rows
from .torch_setup import setup_of

MOST_OUTPUTS = 10000000
"""Numbers that a model may answer the measured rows with; a large vocabulary gives more."""

_LOOKED_AT = 8
_OFTEN = 0.9  # share of the rows of the best place in which another has to have a label

Forward = Callable[[Any], Any]


class Seen(NamedTuple):
    """What can be judged of a model and its rows; nothing where that cannot be told.

    Attributes:
        rows: training rows.
        held: validation rows.
        loss_fn: of logits and labels.
        forward: from inputs to logits, the classes along the second axis.
        unmeasured: why nothing can be, in words.
    """

    rows: Optional[Rows] = None
    held: Optional[Rows] = None
    loss_fn: Any = None
    forward: Optional[Forward] = None
    unmeasured: str = ''


def seen_of(model: Any, rows: Rows, held: Optional[Rows], loss_fn: Any = None,
            forward: Optional[Forward] = None) -> Seen:
    """Look at a model with a few of its rows.

    Args:
        model: the module, unwrapped.
        rows: training rows: dictionaries of inputs.
        held: validation rows; None without any.
        loss_fn: of logits and labels; None for the model's own.
        forward: from inputs to logits; None for the model's own.

    Raises:
        UserError: where the loss cannot be told, or the model answers with too much.
    """
    if not any(True for _ in model.parameters()):
        raise UserError('the module has no parameters')
    if not isinstance(rows.y, np.ndarray):
        raise UserError('its labels are several')
    ahead: Forward = forward or (lambda x: _logits(model, x))
    answer = Learner(model, None, ahead).predict(map_arrays(lambda array: array[:1], rows.x))
    if not answer:
        raise UserError('it answers with no single tensor of logits; give Watch(forward=...)')
    large = answer[0].size * MEASURED_ROWS > MOST_OUTPUTS
    too_large = UserError('it answers each row with %d numbers, too many to be measured'
                          % answer[0].size)
    few = map_arrays(lambda array: array[:2 if large else _LOOKED_AT], rows.x)
    labels = rows.y[:2 if large else _LOOKED_AT]
    found = loss_fn or loss_like(Learner(model, None, ahead, labels), few, labels,
                                 lambda x: _own_loss(model, x, labels))
    if found is not None:
        if large:
            raise too_large
        if loss_fn is None:
            rows, held = _paired(rows, answer[0]), held and _paired(held, answer[0])
        return Seen(rows, held, found, ahead)
    if labels.ndim == 2 and labels.shape[1] > 2:  # perhaps of the next token
        before: Forward = lambda x: ahead(x)[..., :-1]  # noqa: E731
        found = loss_like(Learner(model, None, before, labels), few, labels[:, 1:],
                          lambda x: _own_loss(model, x, labels))
    if found is None:
        raise UserError('its loss is none that is known; give Watch(loss_fn=...)')
    if not large and not np.any(rows.y == IGNORED):
        return Seen(_at(rows, slice(None)), None if held is None else _at(held, slice(None)),
                    found, before)
    if forward is not None or 'logits_to_keep' not in inspect.signature(
            model.forward).parameters:
        raise too_large if large else UserError(
            'its loss leaves out some tokens, and its logits cannot be asked for at others alone')
    return _at_places(model, rows, held, found, answer[0].shape[1])


def _paired(rows: Rows, answer: np.ndarray) -> Rows:
    """Rows with a number each as labels, as a model compares them that answers with one.

    Its own loss comes to that of pairs: it never holds an output against every label.
    """
    return rows._replace(y=rows.y[:, None]) if (
        answer.shape[1:] == (1,) and rows.y.ndim == 1) else rows


def _at_places(model: Any, rows: Rows, held: Optional[Rows], loss_fn: Any,
               vocabulary: int) -> Seen:
    """What can be judged where only some places of a text can be looked at.

    Args:
        model: of the next token.
        rows: training rows.
        held: validation rows; None without any.
        loss_fn: of logits and labels.
        vocabulary: tokens that it tells apart.

    Raises:
        UserError: where no two places have a label in most rows.
    """
    often = (rows.y[:, 1:] != IGNORED).mean(axis=0)
    places = np.flatnonzero(often >= _OFTEN * often.max())
    most = max(2, MOST_OUTPUTS // (MEASURED_ROWS * vocabulary))
    if len(places) > most:
        places = places[np.linspace(0, len(places) - 1, most).round().astype(int)]
    if len(places) < 2:
        raise UserError('no two places of its texts have a label in most rows')
    count = max(2, MOST_OUTPUTS // (len(places) * vocabulary))

    def forward(x: Mapping[str, torch.Tensor]) -> Any:
        device = next(iter(model.parameters())).device
        return _logits(model, dict(x, logits_to_keep=torch.as_tensor(places).to(device)))

    return Seen(_of_some(_at(rows, places), count),
                None if held is None or held.y.shape[1] < places.max() + 2
                else _of_some(_at(held, places), count), loss_fn, forward)


def _of_some(rows: Rows, count: int) -> Optional[Rows]:
    """At the most so many of the rows whose labels all count; None where there are none."""
    chosen = np.flatnonzero((rows.y != IGNORED).all(axis=1))
    if not len(chosen):
        return None
    if len(chosen) > count:
        chosen = chosen[np.linspace(0, len(chosen) - 1, count).round().astype(int)]
    return rows._replace(x=map_arrays(lambda array: array[chosen], rows.x), y=rows.y[chosen])


def setup_at(model: Any, seen: Seen, optimizer: Any, rate: float) -> Optional[Setup]:
    """How a training is set up whose rate begins somewhere below, as a warm-up does.

    Args:
        model: the module, unwrapped.
        seen: what is known of it.
        optimizer: of the training.
        rate: the largest that is planned.

    Returns:
        None where that cannot be told, or the optimizer was made by somebody else.
    """
    if seen.rows is None or optimizer is None or any(
            group.get('initial_lr') != rate for group in optimizer.param_groups):
        return None
    try:
        learner = Learner(model, seen.loss_fn, seen.forward, seen.rows.y)
        few = map_arrays(lambda array: array[:_LOOKED_AT], seen.rows.x)
        with undisturbed(model):
            found = setup_of(model, anatomy_of(learner, learner.tensors(few)), optimizer)
        return found._replace(learning_rate=rate, scheduled=False)
    except Exception as error:  # of a model that nobody foresaw
        LOGGER.debug('how the training is set up cannot be told: %s', first_line(error))
        return None


def _at(rows: Rows, places: Any) -> Rows:
    """Rows whose labels are the tokens that follow on some places."""
    return rows._replace(y=rows.y[:, 1:][:, places])


def _logits(model: Any, x: Mapping[str, torch.Tensor]) -> Any:
    """The logits of a batch, the classes along the second axis, as PyTorch's losses take them."""
    found = model(**x)
    if isinstance(found, Mapping):
        found = found.get('logits')
    elif isinstance(found, (list, tuple)):
        found = found[0]
    return found.movedim(-1, 1) if isinstance(found, torch.Tensor) and found.ndim > 2 else found


def _own_loss(model: Any, x: Mapping[str, torch.Tensor], y: np.ndarray) -> Any:
    """The loss that a model computes by itself.

    Raises:
        UserError: if it computes none.
    """
    device = next(iter(model.parameters())).device
    found = model(**dict(x, labels=torch.as_tensor(y).to(device)))
    loss = found.get('loss') if isinstance(found, Mapping) else found[0] if isinstance(
        found, (list, tuple)) else getattr(found, 'loss', None)
    if loss is None:
        raise UserError('it computes no loss from labels; give Watch(loss_fn=...)')
    return loss
