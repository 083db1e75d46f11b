"""What a training of PyTorch goes through between its checks: weights noted, rates written down."""

import math
from typing import Any, Iterator, List, NamedTuple, Optional, Set, Tuple

import torch
from torch import nn

from ..judge.course import Course
from ..judge.preflight import LIKELY, Finding
from .torch_anatomy import Anatomy
from .torch_probe import Learner, undisturbed
from .torch_setup import held_parameters, in_common

_SAMPLED = 256
"""Numbers of a weight that are kept, evenly spread: one step changes nearly all of them."""


class _Noted(NamedTuple):
    """A weight as it was."""

    layer: str
    module: nn.Module
    name: str
    weight: Any
    version: Optional[int]
    sample: torch.Tensor

    def is_at_rest(self) -> bool:
        """Whether nothing has been written to it since, and it is still the module's."""
        now = getattr(self.module, self.name, None)
        return (now is self.weight and _version(now) == self.version
                and now.numel() > 0 and torch.equal(_sample(now), self.sample))


class Traveller:
    """Goes along with a training.

    Args:
        anatomy: of its module.
        optimizer: of PyTorch; None if it is not known.
    """

    def __init__(self, anatomy: Anatomy, optimizer: Any) -> None:
        self._optimizer = optimizer
        held = held_parameters(optimizer)
        self._noted = [
            _Noted(layer, module, name, weight, _version(weight), _sample(weight))
            for layer, module in anatomy.names
            for name, weight in module.named_parameters(recurse=False)
            if weight.numel() and weight.requires_grad and (held is None or id(weight) in held)]
        self._rates: List[List[float]] = []  # of each group
        self._done, self._planned = 0, None  # type: int, Optional[int]

    def ended(self, epoch: int, planned: int) -> None:
        """An epoch has ended, of so many."""
        groups = () if self._optimizer is None else self._optimizer.param_groups
        self._rates.append([float(group.get('lr', math.nan)) for group in groups])
        self._done, self._planned = epoch, planned

    def course(self) -> Course:
        """What it has seen; of the first epoch it may have missed the steps."""
        layers = {noted.layer: True for noted in self._noted}
        for noted in self._noted:
            layers[noted.layer] = layers[noted.layer] and noted.is_at_rest()
        return Course(len(self._rates) - 1, self._done, self._planned,
                      tuple(map(in_common, self._rates)), tuple(layers),
                      tuple(layer for layer, rests in layers.items() if rests))


def _version(weight: Any) -> Optional[int]:
    """How often PyTorch has seen it written to."""
    return None if weight.is_inference() else int(weight._version)


def _sample(weight: Any) -> torch.Tensor:
    flat = weight.detach().reshape(-1)
    return flat[::max(1, len(flat) // _SAMPLED)].clone()


def layers_in_lists(learner: Learner, x: Any, optimizer: Any) -> Optional[Finding]:
    """Layers that the forward pass uses and neither module nor optimizer knows.

    Args:
        learner: the module.
        x: a few rows, arrays.
        optimizer: of PyTorch; None if it is not known.
    """
    held, model = held_parameters(optimizer), learner.model
    known = set(model.modules())
    hidden = [(where, layer) for where, layer in _in_containers(model) if layer not in known
              and any(one.requires_grad and id(one) not in (held or ())
                      for one in layer.parameters())]
    if held is None or not hidden:
        return None
    used: Set[nn.Module] = set()

    def after(module: nn.Module, args: Any, output: Any) -> None:
        if isinstance(output, torch.Tensor) and output.requires_grad:
            used.add(module)

    hooks = [layer.register_forward_hook(after) for _, layer in hidden]
    try:
        with undisturbed(model):
            learner.call(learner.tensors(x))
    finally:
        for hook in hooks:
            hook.remove()
    names = [where for where, layer in hidden if layer in used]
    if not names:
        return None
    return Finding('layers_in_a_list', LIKELY,
                   '%d layer%s in a plain list or dict (%s), where neither the module nor the '
                   'optimizer sees the weights: they stay as they were drawn'
                   % (len(names), ' is held' if len(names) == 1 else 's are held',
                      ', '.join(dict.fromkeys(names))),
                   'hold the layers in a torch.nn.ModuleList or ModuleDict, and make the optimizer '
                   'after that', 'not_converge')


def _in_containers(model: nn.Module) -> Iterator[Tuple[str, nn.Module]]:
    """Modules in lists, tuples and dicts among the attributes, with the name of the attribute."""
    for prefix, module in model.named_modules():
        for name, value in vars(module).items():
            inside = value.values() if isinstance(value, dict) else value
            if name.startswith('_') or not isinstance(value, (list, tuple, dict)):
                continue
            for one in inside:
                if isinstance(one, nn.Module):
                    yield '.'.join(filter(None, (prefix, name))), one
