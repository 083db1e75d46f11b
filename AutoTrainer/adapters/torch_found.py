"""Which loss a module is trained with, where nobody says it."""

import types
from typing import Any, Callable, Dict, List, Optional, Set

import numpy as np
import torch
from torch import nn

from ..intake.arrays import map_arrays
from .torch_losses import FUNCTIONS, loss_facts
from .torch_probe import Learner, undisturbed

_WEIGH = frozenset(('weight', 'pos_weight', 'reduction', 'label_smoothing', 'ignore_index'))
"""What a call of a loss can be given that makes another loss of it."""
_MATCHED = 1e-4


def loss_in(module: Any) -> Any:
    """The loss that a LightningModule has among its attributes, or calls in its training step.

    Args:
        module: the LightningModule.

    Returns:
        A module or function; None where there is none, or more than one.
    """
    held = [part for part in module.modules() if isinstance(part, nn.modules.loss._Loss)]
    held += [value for value in vars(module).values()
             if isinstance(value, types.FunctionType) and loss_facts(value).kind]
    if not held:
        held = [getattr(nn.functional, name) for name in sorted(_called(module))]
    return held[0] if len(held) == 1 else None


def _called(module: Any) -> Set[str]:
    """Losses of ``torch.nn.functional`` that are called in the training step of a module."""
    found: Set[str] = set()
    seen: Set[str] = set()
    waiting = ['training_step']
    while waiting:
        name = waiting.pop()
        code = getattr(getattr(type(module), name, None), '__code__', None)
        if code is None or name in seen:
            continue
        seen.add(name)
        given = {name for const in code.co_consts
                 for name in (const if isinstance(const, tuple) else (const,))}
        if _WEIGH & given:
            return set()
        found.update(FUNCTIONS.intersection(code.co_names))
        waiting += [called for called in code.co_names
                    if isinstance(getattr(type(module), called, None), types.FunctionType)
                    and called not in dir(nn.Module)]
    return found


def loss_like(learner: Learner, x: Any, y: Any, own: Callable[[Any], Any]) -> Any:
    """The loss of PyTorch that comes to the same as the one that a module computes by itself.

    Args:
        learner: the module, its loss left open.
        x: a few rows, arrays.
        y: their labels.
        own: what the module says the loss is, of tensors of the rows.

    Returns:
        A loss module; None where no loss is the same.
    """
    candidates: Dict[str, List[nn.Module]] = {
        'iu': [nn.CrossEntropyLoss(), nn.BCEWithLogitsLoss()],
        'f': [nn.MSELoss(), nn.BCEWithLogitsLoss(), nn.L1Loss(), nn.SmoothL1Loss(),
              nn.CrossEntropyLoss()]}
    with undisturbed(learner.model), torch.no_grad():
        given = learner.tensors(x)
        wanted = float(own(given))
        for loss_fn in candidates['f' if y.dtype.kind == 'f' else 'iu']:
            found = _value(Learner(learner.model, loss_fn, learner.call, y), given, y)
            if found is not None and abs(found - wanted) <= _MATCHED * max(1.0, abs(wanted)):
                return loss_fn
    return None


def stand_in(learner: Learner, x: Any, y: Any) -> Any:
    """A loss for a module whose own is not known, so that its answers can be looked at.

    Args:
        learner: the module, its loss left open.
        x: rows, arrays.
        y: their labels.

    Returns:
        A cross-entropy; None unless the labels are class numbers, and the module answers with one
        number for each class.
    """
    if not (isinstance(y, np.ndarray) and y.dtype.kind in 'iu' and y.ndim == 1 and y.min() == 0):
        return None
    answer = learner.predict(map_arrays(lambda array: array[:1], x))
    if not answer or answer[0].shape[1:] != (max(2, int(y.max()) + 1),):
        return None
    return lambda output, target: nn.functional.cross_entropy(output, target)


def _value(learner: Learner, given: Any, y: Any) -> Optional[float]:
    try:
        return float(learner.loss_of(learner.call(given), y))
    except (RuntimeError, ValueError, IndexError, TypeError):  # of labels that it does not take
        return None
