"""What a model of Hugging Face answers with, and which loss it computes by itself."""

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
from .torch_probe import Learner, undisturbed
from .torch_rows import Rows
from .torch_setup import setup_of

MOST_OUTPUTS = 20000000
"""Numbers that a model may answer the measured rows with; a large vocabulary gives more."""

_LOOKED_AT = 8

Forward = Callable[[Any], Any]


class Seen(NamedTuple):
    """What can be judged of a model and its rows; nothing where that cannot be told.

    Attributes:
        rows: training rows.
        held: validation rows.
        loss_fn: of logits and labels.
        forward: from inputs to logits, the classes along the second axis.
    """

    rows: Optional[Rows] = None
    held: Optional[Rows] = None
    loss_fn: Any = None
    forward: Optional[Forward] = None


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
    few = map_arrays(lambda array: array[:_LOOKED_AT], rows.x)
    labels = rows.y[:_LOOKED_AT]
    output = Learner(model, loss_fn, ahead, labels).predict(few)
    if not output:
        raise UserError('it answers with no single tensor of logits; give Watch(forward=...)')
    size = output[0][0].size
    if size * MEASURED_ROWS > MOST_OUTPUTS:
        raise UserError('it answers each row with %d numbers, too many to be measured' % size)
    if loss_fn is not None:
        return Seen(rows, held, loss_fn, ahead)
    found = loss_like(Learner(model, None, ahead, labels), few, labels,
                      lambda x: _own_loss(model, x, labels))
    if found is not None:
        return Seen(rows, held, found, ahead)
    if labels.ndim > 1 and labels.shape[1] > 1:  # perhaps of the next token
        before: Forward = lambda x: ahead(x)[..., :-1]  # noqa: E731
        found = loss_like(Learner(model, None, before, labels), few, labels[:, 1:],
                          lambda x: _own_loss(model, x, labels))
    if found is None:
        raise UserError('its loss is none that is known; give Watch(loss_fn=...)')
    return Seen(_shifted(rows), None if held is None else _shifted(held), found, before)


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


def _shifted(rows: Rows) -> Rows:
    return rows._replace(y=rows.y[:, 1:])


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
