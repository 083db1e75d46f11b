"""Solutions that change the model: they rewrite its configuration, from which it is rebuilt.

Layers are found by what they are and where they stand in the graph, never by their names. Left
alone are shared layers (called more than once), nested models, and, but for the solution
``activation``, everything of the head (see :func:`AutoTrainer.solutions.graph.head_layers`).
"""

import random
from typing import Any, Callable, Dict, List, Tuple

import numpy as np

from .. import keras_bridge
from ..intake.arrays import parts
from ..judge.labels import HEAD_RANGES
from ..judge.losses import (
    BINARY_LOSSES,
    KNOWN_LOSSES,
    REGRESSION_LOSSES,
    fitting_losses,
    loss_name,
)
from . import graph as model_graph
from .candidate import Candidate, NotApplicable, Solution
from .edit import INITIALIZERS, KERNELS, Edit, counted, set_activation
from .graph import Graph
from .head import end_in, model_end
from .training import labels_of

Result = Tuple[Candidate, str]

_INITIAL_ORDER = ('he_uniform', 'lecun_normal', 'glorot_normal', 'he_normal', 'lecun_uniform',
                  'glorot_uniform')
_RECTIFIERS = ('relu', 'relu6', 'thresholded_relu')
_NOISE = 0.1
_DROPOUT = 0.25
_L2 = 0.01
_FEW_COLUMNS = 256
_NO_HIDDEN = 'the model has no hidden layer whose weights can be drawn anew'


# ----------------------------------------------------------------------- activations, initializers

def initializer_name(config: Dict[str, Any]) -> str:
    """Name of the initializer of a layer's kernel, ``'he_uniform'`` for all its spellings.

    Args:
        config: configuration of a layer with a kernel.
    """
    for kernel in KERNELS:
        value = config.get(kernel + '_initializer')
        if value is None:
            continue
        if isinstance(value, dict):
            settings = value.get('config') or {}
            for name, wanted in INITIALIZERS.items():
                if value['class_name'] == 'VarianceScaling' and all(
                        settings.get(key) == wanted[key] for key in wanted):
                    return name
            value = value['class_name']
        value = value if isinstance(value, str) else type(value).__name__
        return ''.join('_' + c.lower() if c.isupper() else c for c in value).lstrip('_')
    return ''


def _present_initializers(graph: Graph) -> List[str]:
    return sorted({initializer_name(config) for name in model_graph.hidden_kernels(graph)
                   for config in model_graph.kernel_configs(graph.entries[name])})


def _substitute(activation: str, initializer: str) -> Callable[..., Result]:
    """The solutions selu, relu and tanh: a hidden activation with the initializer made for it."""

    def apply(candidate: Candidate, issue: str, attempt: int, rng: random.Random) -> Result:
        edit = Edit(candidate)
        spots = model_graph.hidden_activations(edit.graph)
        kernels = model_graph.hidden_kernels(edit.graph)
        if not spots:
            raise NotApplicable('the model has no hidden activation to replace (recurrent layers '
                                'keep theirs)')
        before = sorted({spot.activation for spot in spots})
        if before == [activation] and _present_initializers(edit.graph) in ([], [initializer]):
            raise NotApplicable('the hidden layers use %s and %s already'
                                % (activation, initializer))
        for spot in spots:
            if spot.inside:
                set_activation(edit.graph.entries[spot.layer], activation)
            else:
                model_graph.replace_layer(edit.config, spot.layer, edit.new_layer(
                    'Activation', 'activation', activation=activation))
        for name in kernels:
            edit.redraw(name, initializer, rng)
        return edit.done(), '%s (%s) → %s; %s drawn anew by %s' % (
            counted(len(spots), 'hidden activation'), ', '.join(before), activation,
            counted(len(kernels), 'hidden layer'), initializer)

    return apply


def _initial(candidate: Candidate, issue: str, attempt: int, rng: random.Random) -> Result:
    edit = Edit(candidate)
    kernels = model_graph.hidden_kernels(edit.graph)
    if not kernels:
        raise NotApplicable(_NO_HIDDEN)
    present = _present_initializers(edit.graph)
    others = [name for name in _INITIAL_ORDER if [name] != present]
    if attempt >= len(others):
        raise NotApplicable('there is no further initializer to try')
    for name in kernels:
        edit.redraw(name, others[attempt], rng)
    return edit.done(), '%s drawn anew by %s instead of %s' % (
        counted(len(kernels), 'hidden layer'), others[attempt], ', '.join(present))


def _leaky(candidate: Candidate, issue: str, attempt: int, rng: random.Random) -> Result:
    edit = Edit(candidate)
    kinds = keras_bridge.leaky_layers()
    spots = [spot for spot in model_graph.hidden_activations(edit.graph)
             if spot.activation in _RECTIFIERS]
    if not spots:
        raise NotApplicable('the model has no hidden ReLU to replace')
    if attempt >= len(kinds):
        raise NotApplicable('there is no further kind of ReLU to try')
    words, class_name, settings = kinds[attempt]
    for spot in spots:
        layer = edit.new_layer(class_name, 'leaky', **settings)
        if spot.inside:
            set_activation(edit.graph.entries[spot.layer], 'linear')
            model_graph.insert_after(edit.config, spot.layer, [layer])
        else:
            model_graph.replace_layer(edit.config, spot.layer, layer)
    return edit.done(), '%s (%s) → %s' % (
        counted(len(spots), 'hidden activation'),
        ', '.join(sorted({spot.activation for spot in spots})), words)


# ------------------------------------------------------------------------- layers that are added

def _normalization(candidate: Candidate, issue: str, attempt: int,
                   rng: random.Random) -> Result:
    """BatchNormalization before every hidden activation.

    Behind recurrent layers only where they give one vector per row: over the time steps of padded
    sequences the padding would count.
    """
    edit = Edit(candidate)
    if candidate.training.batch_size == 1:
        raise NotApplicable('a batch of 1 row has nothing to normalise over')
    graph = edit.graph
    added = 0
    for spot in model_graph.hidden_activations(graph):
        if not spot.inside and _is_normalised(graph, graph.before[spot.layer]):
            continue
        if spot.inside and spot.activation == 'linear' and _is_normalised(
                graph, graph.after[spot.layer]):
            continue
        norm = _batch_norm(edit, model_graph.kernel_behind(graph, spot.layer))
        if spot.inside and spot.activation != 'linear':
            activation = set_activation(graph.entries[spot.layer], 'linear')
            model_graph.insert_after(edit.config, spot.layer, [norm, edit.new_layer(
                'Activation', 'activation_of_' + spot.layer, activation=activation)])
        elif spot.inside:
            model_graph.insert_after(edit.config, spot.layer, [norm])
        else:
            model_graph.insert_before(edit.config, spot.layer, [norm])
        added += 1
    for name in _plain_recurrent(graph):
        if not _is_normalised(graph, graph.after[name]):
            model_graph.insert_after(edit.config, name, [
                _batch_norm(edit, graph.entries[name])])
            added += 1
    if not added:
        raise NotApplicable('the model has no hidden activation without a normalization before it')
    return edit.done(), '%s added before activations' % counted(added, 'BatchNormalization layer')


def _is_normalised(graph: Graph, neighbours: List[str]) -> bool:
    return bool(neighbours) and all(
        graph.entries[other]['class_name'].endswith('Normalization') for other in neighbours)


def _batch_norm(edit: Edit, behind: model_graph.Entry) -> model_graph.Entry:
    settings = model_graph.kernel_configs(behind) or [{}]
    axis = 1 if settings[0].get('data_format') == 'channels_first' else -1
    return edit.new_layer('BatchNormalization', 'batch_norm', axis=axis)


def _plain_recurrent(graph: Graph) -> List[str]:
    """Hidden recurrent layers that give one vector per row."""
    return [name for name in model_graph.hidden_kernels(graph)
            if model_graph.is_recurrent(graph.entries[name])
            and not any(config.get('return_sequences') or config.get('return_state')
                        for config in model_graph.kernel_configs(graph.entries[name]))]


def _noise(candidate: Candidate, issue: str, attempt: int, rng: random.Random) -> Result:
    edit = Edit(candidate)
    graph = edit.graph
    places = [_behind_masking(graph, name) for name in graph.inputs.values()
              if not model_graph.takes_tokens(graph, name)]
    places = [place for place in places
              if not _all_are(graph, graph.after[place], ('GaussianNoise',))]
    for place in places:
        model_graph.insert_after(edit.config, place, [
            edit.new_layer('GaussianNoise', 'input_noise', stddev=_NOISE)])
    if not places:
        raise NotApplicable('the model has no input of measured numbers without noise')
    return edit.done(), 'Gaussian noise of %g on the input in training' % _NOISE


def _behind_masking(graph: Graph, name: str) -> str:
    """The layer behind which the values of an input can be changed.

    A Masking finds the padding by its value, which it would no longer have.

    Returns:
        The input itself, or the Masking that is all it feeds.

    Raises:
        NotApplicable: if they are masked in any other way.
    """
    # a functional model of Keras 3 has the comparison beside its Masking, reading the input too
    after = [other for other in graph.after[name]
             if graph.entries[other]['class_name'] != 'NotEqual']
    if _all_are(graph, after, ('Masking',)) and len(after) == 1 == graph.calls[after[0]]:
        name = after[0]
    if model_graph.is_masked(graph, name):
        raise NotApplicable('the model masks the values of its input, of which padding would no '
                            'longer be recognised')
    return name


def _all_are(graph: Graph, names: List[str], class_names: Tuple[str, ...]) -> bool:
    return bool(names) and all(graph.entries[name]['class_name'] in class_names for name in names)


def _dropout(candidate: Candidate, issue: str, attempt: int, rng: random.Random) -> Result:
    edit = Edit(candidate)
    graph = edit.graph
    spots = [spot.layer for spot in model_graph.hidden_activations(graph)]
    recurrent = [name for name in model_graph.hidden_kernels(graph)
                 if model_graph.is_recurrent(graph.entries[name]) and not any(
                     config.get('return_state')
                     for config in model_graph.kernel_configs(graph.entries[name]))]
    names = [name for name in spots + recurrent if not _all_are(
        graph, graph.after[name],
        ('Dropout', 'SpatialDropout1D', 'SpatialDropout2D', 'SpatialDropout3D', 'AlphaDropout'))]
    if not names:
        raise NotApplicable('the model has no hidden activation without dropout')
    for name in names:
        model_graph.insert_after(edit.config, name, [
            edit.new_layer('Dropout', 'dropout_of_' + name, rate=_DROPOUT)])
    return edit.done(), 'dropout of %g after %s' % (_DROPOUT, counted(len(names), 'hidden layer'))


def _regular(candidate: Candidate, issue: str, attempt: int, rng: random.Random) -> Result:
    edit = Edit(candidate)
    changed = set()
    for name in model_graph.hidden_kernels(edit.graph):
        for config in model_graph.kernel_configs(edit.graph.entries[name]):
            for part in KERNELS + ('bias',):
                key = part + '_regularizer'
                if key in config and config[key] is None:
                    config[key] = {'class_name': 'L2', 'config': {'l2': _L2}}
                    changed.add(name)
    if not changed:
        raise NotApplicable('the model has no hidden layer without a regularizer')
    return edit.done(), 'L2 of %g on kernel and bias of %s' % (
        _L2, counted(len(changed), 'hidden layer'))


# ------------------------------------------------------------------------------- the model's ends

def _fitting_head(loss: str, units: int) -> str:
    """The activation that a model should end in; for regressions there is no other than linear."""
    if loss in REGRESSION_LOSSES or loss == 'categorical_hinge':
        return 'linear'
    return 'softmax' if units > 1 and loss not in BINARY_LOSSES else 'sigmoid'


def _head_fits(present: str, loss: str, units: int, y: Any) -> bool:
    """Whether a head can be left as it is: it is the right one, or can reach every label."""
    wanted = _fitting_head(loss, units)
    if wanted == 'linear':
        lowest, highest = HEAD_RANGES.get(present, (-np.inf, np.inf))
        return bool(lowest <= np.min(y) and np.max(y) <= highest)
    return present == wanted or (wanted == 'sigmoid' and (
        present == 'hard_sigmoid' or (present == 'softmax' and units > 1)))


def _activation(candidate: Candidate, issue: str, attempt: int, rng: random.Random) -> Result:
    edit = Edit(candidate)
    graph = edit.graph
    units = keras_bridge.output_units(candidate.model.original)
    if len(graph.outputs) != 1 or not units:
        raise NotApplicable('the model has several outputs, or its output has no fixed size')
    if keras_bridge.takes_logits(candidate.training.loss):
        raise NotApplicable('the loss takes logits, so the model must end without an activation')
    loss = loss_name(candidate.training.loss)
    if loss not in KNOWN_LOSSES:
        loss, _ = fitting_losses(labels_of(candidate), units)
    end = model_end(graph)
    present = end.activation
    wanted = _fitting_head(loss, units)
    if _head_fits(present, loss, units, candidate.training.dataset['y']):
        raise NotApplicable('the model ends in %s, which fits the loss %s' % (present, loss))
    end_in(edit, end, wanted)
    return edit.done(), 'head %s → %s, which fits the loss %s' % (present, wanted, loss)


def rescaling(x: np.ndarray) -> Tuple[Any, Any]:
    """Scale and offset that bring data to mean 0 and standard deviation 1: ``scale * x + offset``.

    Args:
        x: array of shape (rows, …). The columns of a table (rows, up to 256 columns) are scaled
            one by one; anything else, such as images, as a whole. A column that is nearly always
            the same is scaled by a tenth of its range, so that rare values do not become huge.

    Returns:
        Two numbers, or two lists of one number per column.
    """
    by_column = x.ndim == 2 and x.shape[1] <= _FEW_COLUMNS
    axis = 0 if by_column else None
    x = np.asarray(x, dtype=np.float64)
    mean = np.mean(x, axis=axis)
    spread = np.maximum(np.std(x, axis=axis), (np.max(x, axis=axis) - np.min(x, axis=axis)) / 10)
    scale = 1 / np.where(spread > 0, spread, 1.0)
    offset = -mean * scale
    if by_column and x.shape[1] > 1:
        return [float(v) for v in scale], [float(v) for v in offset]
    return float(np.ravel(scale)[0]), float(np.ravel(offset)[0])


def _data_of_inputs(graph: Graph, x: Any) -> List[Tuple[str, np.ndarray]]:
    """The input layers, each with its part of the data.

    Raises:
        NotApplicable: if that cannot be told.
    """
    arrays = parts(x)
    if len(arrays) != len(graph.inputs):
        raise NotApplicable('the model has %d input layers but the data %d inputs'
                            % (len(graph.inputs), len(arrays)))
    if isinstance(x, dict) and len(x) > 1:
        if set(x) != set(graph.inputs):
            raise NotApplicable('the model has the inputs %s but the data %s' % (
                ', '.join(sorted(graph.inputs)), ', '.join(sorted(x))))
        arrays = [x[key] for key in graph.inputs]
    return list(zip(graph.inputs.values(), arrays))


def _unmasked(masking: model_graph.Entry, array: np.ndarray) -> np.ndarray:
    """The values that a Masking lets through, for :func:`rescaling`; all if they are none."""
    kept = array[np.any(array != masking['config']['mask_value'], axis=-1)]
    if not kept.size:
        return array
    return kept if array.ndim == 2 else np.ravel(kept)  # only a table is scaled by columns


def _data(candidate: Candidate, issue: str, attempt: int, rng: random.Random) -> Result:
    """Rescale the inputs inside the model.

    A Rescaling layer with the mean and spread of the training data is put behind the input (and
    its Masking, where there is one; padding then does not count into mean and spread). Thus
    validation data gets the same transform, nobody's arrays are changed, and the repaired model
    works on the data as it comes, also after it was saved.
    """
    edit = Edit(candidate)
    graph = edit.graph
    words = []
    for name, array in _data_of_inputs(graph, candidate.training.dataset['x']):
        if model_graph.takes_tokens(graph, name):
            continue
        place = _behind_masking(graph, name)
        if _all_are(graph, graph.after[place], ('Rescaling', 'Normalization')):
            continue
        values = array if place == name else _unmasked(graph.entries[place], array)
        scale, offset = rescaling(values)
        layer = edit.new_layer('Rescaling', 'rescale_input', scale=scale, offset=offset)
        if place != name and not keras_bridge.passes_mask('Rescaling', scale=1.0):
            raise NotApplicable('padding would no longer be recognised: Rescaling does not pass '
                                'the mask on in this version of Keras')
        model_graph.insert_after(edit.config, place, [layer])
        words.append('mean %.3g, deviation %.3g' % (np.mean(values), np.std(values)))
    if not words:
        raise NotApplicable('the model has no input of measured numbers that it does not rescale '
                            'already')
    return edit.done(), 'inputs (%s) → mean 0, deviation 1 by a Rescaling layer in the model' % (
        '; '.join(words))


STRUCTURE_SOLUTIONS: Tuple[Solution, ...] = (
    Solution('selu', 'Replaces every hidden activation by SELU and draws the hidden layers anew '
             'by LeCun uniform.', 2, _substitute('selu', 'lecun_uniform')),
    Solution('relu', 'Replaces every hidden activation by ReLU and draws the hidden layers anew '
             'by He uniform.', 2, _substitute('relu', 'he_uniform')),
    Solution('tanh', 'Replaces every hidden activation by tanh and draws the hidden layers anew '
             'by Glorot uniform.', 2, _substitute('tanh', 'glorot_uniform')),
    Solution('leaky', 'Replaces every hidden ReLU by a kin of it: LeakyReLU, ELU, ThresholdedReLU '
             'in turn.', 2, _leaky),
    Solution('bn', 'Puts a BatchNormalization before every hidden activation.', 3, _normalization,
             memory=True),
    Solution('initial', 'Draws the hidden layers anew by another initializer: He uniform, LeCun '
             'normal, Glorot normal, … in turn.', 1, _initial),
    Solution('GN', 'Adds Gaussian noise to the inputs in training.', 1, _noise),
    Solution('dropout', 'Puts a Dropout behind every hidden layer.', 1, _dropout),
    Solution('regular', 'Puts an L2 penalty on kernels and biases of the hidden layers.', 1,
             _regular),
    Solution('activation', 'Ends the model in the activation that fits the loss.', 1, _activation),
    Solution('data', 'Rescales the inputs to mean 0 and deviation 1 by a layer inside the model.',
             1, _data),
)
"""One entry per solution; for each, see its function."""
