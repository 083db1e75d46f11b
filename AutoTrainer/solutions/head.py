"""The end of a model, and the solution that makes head, loss and number of outputs fit the labels.

What contradicts itself is mended in one step: a softmax behind one output under a loss over
classes is not mended by another loss alone.
"""

import random
from typing import Any, List, NamedTuple, Tuple

import numpy as np

from .. import keras_bridge
from ..intake.arrays import parts
from ..judge.examine import MOST_CODES, code_skills
from ..judge.labels import summarise_labels
from ..judge.losses import loss_name
from . import graph as model_graph
from .candidate import Candidate, NotApplicable, Solution
from .edit import Edit, set_activation
from .graph import Graph

Result = Tuple[Candidate, str]

_SHAPING = ('Reshape', 'Flatten', 'Permute', 'Dropout')
_DISTANCES = ('mean_squared_error', 'mean_absolute_error', 'huber', 'huber_loss', 'log_cosh')
"""Losses of measured numbers that can stay."""
_MOST_CLASSES = 1000


class End(NamedTuple):
    """Where a model's last activation is, or would be.

    Attributes:
        layer: name of the layer.
        activation: its name; ``'linear'`` for none.
        is_layer: whether it is a layer of its own.
        is_setting: whether it is a setting of a layer with a kernel.
    """

    layer: str
    activation: str
    is_layer: bool
    is_setting: bool


def model_end(graph: Graph) -> End:
    """The end of a model with one output."""
    name = graph.outputs[0]
    while graph.entries[name]['class_name'] in _SHAPING and len(graph.before[name]) == 1:
        name = graph.before[name][0]
    entry = graph.entries[name]
    is_layer = bool(model_graph.activation_layer(entry))
    has_setting = bool(model_graph.kernel_configs(entry)) and not model_graph.is_recurrent(entry)
    return End(name, model_graph.activation_layer(entry) if is_layer
               else model_graph.activation_of(model_graph.kernel_configs(entry)[0]) if has_setting
               else 'linear', is_layer, has_setting)


def end_in(edit: Edit, end: End, wanted: str) -> None:
    """Have a model end in another activation.

    Raises:
        NotApplicable: if its end belongs to something else too.
    """
    entry = edit.graph.entries[end.layer]
    if edit.graph.calls[end.layer] != 1 or model_graph.is_nested(entry):
        raise NotApplicable('the model ends in a shared layer or another model')
    if end.is_setting:
        set_activation(entry, wanted)
        return
    layer = edit.new_layer('Activation', 'head', activation=wanted)
    if end.is_layer:
        model_graph.replace_layer(edit.config, end.layer, layer)
    else:
        model_graph.insert_after(edit.config, end.layer, [layer])


class Wanted(NamedTuple):
    """What fits some labels.

    Attributes:
        units: outputs.
        head: their activation.
        loss: the loss.
        fine: losses that can stay instead.
    """

    units: int
    head: str
    loss: str
    fine: Tuple[str, ...]


def fitting(candidate: Candidate, units: int) -> Wanted:
    """Outputs, head and loss that fit the labels of a candidate.

    Class numbers are taken for classes where the loss or the number of outputs says so, or, behind
    a single output, where a classical learner tells them apart but cannot put them in order.

    Raises:
        NotApplicable: if the labels do not say.
    """
    y = candidate.training.dataset['y']
    known = summarise_labels(y, getattr(candidate.model.original, 'output_shape', None))
    if not known.kind or not known.width or not known.finite:
        raise NotApplicable('the labels do not say what fits')
    if known.kind == 'one_hot':
        fine: Tuple[str, ...] = ('categorical_crossentropy',)
        if units == known.width == 2:
            fine += ('binary_crossentropy',)
        return Wanted(known.width, 'softmax', fine[0], fine)
    if known.kind == 'multi_hot':
        return Wanted(known.width, 'sigmoid', 'binary_crossentropy', ('binary_crossentropy',))
    sparse = 'sparse_categorical_crossentropy'
    if known.kind == 'binary':
        if units == 2:
            return Wanted(2, 'softmax', sparse, (sparse,))
        return Wanted(1, 'sigmoid', 'binary_crossentropy', ('binary_crossentropy',))
    loss = loss_name(candidate.training.loss)
    if loss in ('hinge', 'squared_hinge') and known.two_valued and known.lowest == -1 and (
            known.highest == 1):
        return Wanted(known.width, 'tanh', loss, (loss,))
    if known.kind == 'integer' and 0 <= known.lowest and known.highest < _MOST_CLASSES and (
            units > 1 or 'crossentropy' in loss
            or known.highest < MOST_CODES and code_skills(
                parts(candidate.training.dataset['x']), np.asarray(y)) is not None):
        return Wanted(max(units if units > 1 else 0, int(known.highest) + 1), 'softmax', sparse,
                      (sparse,))
    return Wanted(known.width, 'linear', 'mean_squared_error', _DISTANCES)


def _head(candidate: Candidate, issue: str, attempt: int, rng: random.Random) -> Result:
    edit = Edit(candidate)
    graph = edit.graph
    if len(graph.outputs) != 1:
        raise NotApplicable('the model has several outputs')
    end = model_end(graph)
    units = head_units(graph, end) or keras_bridge.output_units(candidate.model.original)
    wanted = fitting(candidate, units)
    loss: Any = candidate.training.loss
    said: List[str] = []
    if wanted.units != units:
        _resize(edit, end, wanted.units)
        said.append('%d outputs → %d' % (units, wanted.units))
    present = loss_name(loss)
    if present not in wanted.fine:
        loss = wanted.loss
        said.append('loss %s → %s' % (present or 'none', loss))
    head = wanted.head
    if keras_bridge.takes_logits(loss):
        head = 'linear'
    if end.activation != head and not (head == 'sigmoid' and end.activation == 'hard_sigmoid'):
        end_in(edit, end, head)
        said.append('head %s → %s' % (end.activation, head))
    if not said:
        raise NotApplicable('head and loss fit the labels already')
    changed = edit.done()
    return (changed._replace(training=changed.training._replace(loss=loss)), ', '.join(said))


def head_units(graph: Graph, end: End) -> int:
    """Units of the Dense that a model ends in; 0 where it ends in something else."""
    name = _last_kernel(graph, end)
    configs = model_graph.kernel_configs(graph.entries[name]) if name else []
    return int(configs[0].get('units') or 0) if configs else 0


def _last_kernel(graph: Graph, end: End) -> str:
    """The layer with a kernel behind which the model ends; '' for none that is a Dense."""
    name = end.layer
    while not model_graph.kernel_configs(graph.entries[name]) and len(graph.before[name]) == 1:
        name = graph.before[name][0]
    return name if graph.entries[name]['class_name'] in ('Dense', 'TimeDistributed') else ''


def _resize(edit: Edit, end: End, units: int) -> None:
    graph = edit.graph
    name = _last_kernel(graph, end)
    if not name or graph.calls[name] != 1:
        raise NotApplicable('the labels want %d outputs, but the model does not end in a Dense'
                            % units)
    model_graph.kernel_configs(graph.entries[name])[0]['units'] = units
    edit.redrawn.append(name)
    edit.reshaped()


HEAD_SOLUTIONS: Tuple[Solution, ...] = (
    Solution('head', 'Makes number of outputs, last activation and loss fit the labels.', 1, _head),
)
"""One entry: see its function."""
