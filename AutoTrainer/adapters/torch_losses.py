"""What a loss of PyTorch is called elsewhere, and what it takes."""

import functools
from typing import Any, Dict, NamedTuple, Optional, Tuple

import numpy as np
import torch
from torch import nn

IGNORED = -100
"""The class number that PyTorch's losses leave out unless they are told another."""

_CLASS_NUMBERS = 'sparse_categorical_crossentropy'
_MODULES: Dict[str, Tuple[str, bool]] = {
    'CrossEntropyLoss': (_CLASS_NUMBERS, True),
    # log-shares stay what they are when a softmax and its logarithm are taken once more
    'NLLLoss': (_CLASS_NUMBERS, True),
    'KLDivLoss': ('kl_divergence', True),
    'BCEWithLogitsLoss': ('binary_crossentropy', True),
    'MultiLabelSoftMarginLoss': ('binary_crossentropy', True),
    'BCELoss': ('binary_crossentropy', False),
    'MSELoss': ('mean_squared_error', False),
    'L1Loss': ('mean_absolute_error', False),
    'SmoothL1Loss': ('huber', False),
    'HuberLoss': ('huber', False),
}
_FUNCTIONS = {
    'cross_entropy': 'CrossEntropyLoss', 'nll_loss': 'NLLLoss', 'kl_div': 'KLDivLoss',
    'binary_cross_entropy_with_logits': 'BCEWithLogitsLoss',
    'multilabel_soft_margin_loss': 'MultiLabelSoftMarginLoss', 'binary_cross_entropy': 'BCELoss',
    'mse_loss': 'MSELoss', 'l1_loss': 'L1Loss', 'smooth_l1_loss': 'SmoothL1Loss',
    'huber_loss': 'HuberLoss',
}


class LossFacts(NamedTuple):
    """What is known of a loss.

    Attributes:
        kind: PyTorch's name of it as a module; '' for one of the user's own.
        name: the project's name, see :mod:`AutoTrainer.judge.losses`.
        logits: whether it applies softmax or sigmoid to the outputs by itself.
        ignored: class number that it leaves out.
        plain: whether it weighs all rows and classes alike and takes their mean.
    """

    kind: str = ''
    name: str = ''
    logits: bool = False
    ignored: Optional[int] = None
    plain: bool = True

    @property
    def of_classes(self) -> bool:
        """Whether it compares the outputs of a row, along axis 1, with a class number each."""
        return self.kind in ('CrossEntropyLoss', 'NLLLoss')


FUNCTIONS = frozenset(_FUNCTIONS)
"""The losses of ``torch.nn.functional`` that are known."""


def loss_facts(loss_fn: Any, labels: Any = None) -> LossFacts:
    """What is known of a loss: a module, or a function of ``torch.nn.functional``.

    Args:
        loss_fn: as it is called with ``(output, target)``; ``functools.partial`` is opened.
        labels: some of them: a cross-entropy also takes rows of shares.
    """
    given: Dict[str, Any] = {}
    while isinstance(loss_fn, functools.partial):
        given = dict(loss_fn.keywords, **given)
        loss_fn = loss_fn.func
    if isinstance(loss_fn, nn.Module):
        kind = _kind_of(loss_fn)
        given = {name: getattr(loss_fn, name, None) for name in (
            'ignore_index', 'weight', 'pos_weight', 'label_smoothing', 'reduction')}
    else:
        name = getattr(loss_fn, '__name__', '')
        kind = _FUNCTIONS.get(name, '') if getattr(nn.functional, name or ' ', None) is loss_fn \
            else ''
    if not kind:
        own = getattr(loss_fn, '__name__', None) or type(loss_fn).__name__
        return LossFacts(name='' if own == '<lambda>' else own)
    name, logits = _MODULES[kind]
    ignored: Optional[int] = None
    if name == _CLASS_NUMBERS:
        if _are_shares(labels):
            name = 'categorical_crossentropy'
        else:
            found = given.get('ignore_index')
            ignored = IGNORED if found is None else int(found)
    plain = (given.get('reduction') or 'mean') == 'mean' and not (
        given.get('label_smoothing') or any(
            given.get(name) is not None for name in ('weight', 'pos_weight')))
    return LossFacts(kind, name, logits, ignored, plain)


def _kind_of(loss_fn: nn.Module) -> str:
    """The class of PyTorch whose ``forward`` a loss has; '' for a forward of its own."""
    for kind in type(loss_fn).__mro__:
        if 'forward' in vars(kind):
            return kind.__name__ if kind.__name__ in _MODULES and (
                kind is getattr(nn, kind.__name__, None)) else ''
    return ''


def _are_shares(labels: Any) -> bool:
    """Whether labels for a cross-entropy are rows of shares, not class numbers."""
    if isinstance(labels, torch.Tensor):
        return labels.is_floating_point() and labels.ndim > 1 and labels.shape[1] > 1
    return (isinstance(labels, np.ndarray) and labels.dtype.kind == 'f' and labels.ndim > 1
            and labels.shape[1] > 1)
