"""Layers that are to learn and whose outputs something cuts off from the loss.

The gradient of such a layer is not small: there is none. An output that this loss does not take, as
an auxiliary head's, has none either, by intent. What tells them apart is the loss: it depends on
what has been cut off.
"""

import itertools
from typing import Iterator, List, Optional, Set, Tuple

import torch
from torch import nn

from ..errors import first_line
from ..intake.arrays import Batch, map_arrays
from ..judge.course import Course
from ..judge.preflight import CERTAIN, LIKELY, Finding
from ..utils.logger import LOGGER
from .torch_anatomy import Anatomy
from .torch_probe import Learner, Probe, undisturbed

_ROWS = 32
"""Rows that are sent through: among fewer the largest output may well be the same one in all."""
_TRIED = 16
"""Layers, at the most, of which it is tried whether the loss depends on them: a pass for each."""
_NAMED = 3
_SAME = 1e-5
"""Share of a loss that the order of a sum may change on a GPU."""
_ADVICE = ('see what cuts the outputs of these layers off from the loss: detach(), .data, '
           'torch.no_grad(), numpy, argmax')

Layers = List[Tuple[str, nn.Module]]


def layers_cut_off(probe: Probe, course: Course) -> Optional[Finding]:
    """Layers to which no gradient of the loss arrives at all, though the loss depends on them.

    A layer that has changed gets its gradient from elsewhere. Before an epoch has shown which do,
    only those are named that come in front of all layers with a gradient: a codebook, or a model
    that follows this one, may well have a loss, or a rule, of its own.

    Args:
        probe: of the training.
        course: what the training has gone through.
    """
    learner, wanted = probe.learner, set(course.at_rest)
    cut = [(name, module) for name, module in probe.anatomy.names if name in wanted]
    x, y = [map_arrays(lambda array: array[:_ROWS], part) for part in probe.batch]
    batch, reached, has_gradient = Batch(x, y), set(), False  # type: Batch, Set[int], bool
    try:
        for training in (False, True):  # some give no gradient in inference mode alone
            if not cut:
                return None
            found = _reached(learner, batch, training)
            reached, has_gradient = reached | (found or set()), has_gradient or found is not None
            cut = [(name, module) for name, module in cut if not _is_reached(module, reached)]
        if cut and not has_gradient:
            return Finding('layers_cut_off', CERTAIN, 'the loss is cut off from every weight: it '
                           'has no gradient, and loss.backward() fails', _ADVICE, 'vanish')
        cut = _last_first(cut, probe.anatomy, reached, course.watched < 1)
        names = list(itertools.islice(_needed(learner, batch, cut), _NAMED + 1))
    except Exception as error:  # of a module, or a loss, that nobody foresaw
        LOGGER.debug('whether layers are cut off cannot be told: %s', first_line(error))
        return None
    if not names:
        return None
    return Finding('layers_cut_off', LIKELY,
                   'no gradient of the loss arrives at %s%s, though the loss depends on %s: '
                   'something cuts the outputs off on their way'
                   % (', '.join(names[_NAMED - 1::-1]),
                      ' and layers in front of them' * (len(names) > _NAMED),
                      'it' if len(names) == 1 else 'them'), _ADVICE, 'vanish')


def _reached(learner: Learner, batch: Batch, training: bool) -> Optional[Set[int]]:
    """The parameters, by id, to which a gradient arrives in a mode; None of a loss without one."""
    model = learner.model
    with undisturbed(model):
        for module in model.modules() if training else ():
            module.training = True
            # a step that is under way has noted which buffers it was made with
            module._buffers.update((name, value.clone()) for name, value in module._buffers.items()
                                   if value is not None)
        loss = learner.loss_of(learner.call(learner.tensors(batch.x)), batch.y)
        if not loss.requires_grad:
            return None
        weights = [weight for weight in model.parameters() if weight.requires_grad]
        gradients = torch.autograd.grad(loss, weights, allow_unused=True)
    return {id(weight) for weight, gradient in zip(weights, gradients) if gradient is not None}


def _is_reached(module: nn.Module, reached: Set[int]) -> bool:
    return any(id(weight) in reached for weight in module.parameters(recurse=False))


def _last_first(layers: Layers, anatomy: Anatomy, reached: Set[int], in_front: bool) -> Layers:
    """Layers from the last that is called on: it is next to what cuts them off.

    Args:
        layers: without a gradient.
        anatomy: of the module.
        reached: see ``_reached``.
        in_front: whether to leave out those that are not called before all with a gradient.
    """
    places = {call.module: place for place, call in enumerate(anatomy.calls)}
    first = min((place for module, place in places.items() if _is_reached(module, reached)),
                default=len(places))
    if in_front:
        layers = [layer for layer in layers if places.get(layer[1], first) < first]
    return sorted(layers, key=lambda layer: places.get(layer[1], -1), reverse=True)


def _needed(learner: Learner, batch: Batch, layers: Layers) -> Iterator[str]:
    """The names of layers whose weights the loss depends on."""
    before = _loss(learner, batch)
    if not torch.isfinite(before):
        return
    for name, module in layers[:_TRIED]:
        own = dict(module.named_parameters(recurse=False))
        try:
            for key, weight in own.items():  # others in their place: the weights stay untouched
                setattr(module, key, nn.Parameter(-2 * weight.detach(), requires_grad=False))
            after = _loss(learner, batch)
        finally:
            for key, weight in own.items():
                setattr(module, key, weight)
        if not torch.isclose(before, after, rtol=_SAME, atol=0.0):
            yield name or type(module).__name__


def _loss(learner: Learner, batch: Batch) -> torch.Tensor:
    """The loss in inference mode; what a module draws at random is the same each time."""
    with undisturbed(learner.model), torch.no_grad():
        return learner.loss_of(learner.call(learner.tensors(batch.x)), batch.y)
