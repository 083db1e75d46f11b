"""Solutions that take away what holds a model back, or give it what it lacks.

Frozen layers, dropout and noise that leave nothing, penalties that leave no weights, layers too
narrow to pass anything on, too few layers, starting weights that nothing can be learnt from.
"""

import random
from typing import Any, Dict, List, Tuple

from . import graph as model_graph
from .candidate import Candidate, NotApplicable, Solution
from .edit import INITIALIZERS, Edit, counted

Result = Tuple[Candidate, str]

LITTLE_DROPOUT = 0.1
"""Rate that is left of any dropout above it."""
_DROPOUTS = ('Dropout', 'AlphaDropout', 'SpatialDropout1D', 'SpatialDropout2D',
             'SpatialDropout3D', 'GaussianDropout')
_NARROW, _WIDTH = 16, 32
"""Units below which a hidden layer is narrow, and what it gets then."""
_LAYERS, _UNITS = 2, 64
"""Hidden layers that a model gets which has too few, and their units."""
_PENALTIES = ('kernel_regularizer', 'bias_regularizer', 'activity_regularizer',
              'depthwise_regularizer', 'pointwise_regularizer', 'recurrent_regularizer')
_DRAWN_BY = {'relu': 'he_uniform', 'leaky_relu': 'he_uniform', 'elu': 'he_uniform',
             'selu': 'lecun_uniform', 'gelu': 'he_uniform', 'silu': 'he_uniform'}
"""How the weights before an activation are drawn; before any other by Glorot uniform."""


def _parts(entry: model_graph.Entry) -> List[model_graph.Entry]:
    """A layer, and all that are inside of it: what a wrapper holds, the layers of a model."""
    config = entry['config']
    inner = [config[key] for key in ('layer', 'backward_layer') if config.get(key)]
    return [entry] + [part for other in inner + list(config.get('layers', ()))
                      for part in _parts(other)]


# -------------------------------------------------------------------------------- starting weights

def _weights(candidate: Candidate, issue: str, attempt: int, rng: random.Random) -> Result:
    """All kernels drawn as their activations want them, all biases 0.

    Unlike ``initial`` the head and the biases belong to it: units that a bias has switched off
    would stay so.
    """
    edit = Edit(candidate)
    graph = edit.graph
    hidden = model_graph.hidden_kernels(graph)
    head = [name for name in model_graph.head_layers(graph)
            if graph.calls[name] == 1 and model_graph.kernel_configs(graph.entries[name])]
    if not hidden + head:
        raise NotApplicable('the model has no layer whose weights can be drawn anew')
    activations = {spot.layer: spot.activation for spot in model_graph.hidden_activations(graph)}
    used = set()
    for name in hidden + head:
        following = model_graph.activation_behind(graph, name)
        drawn_by = _DRAWN_BY.get(activations.get(name) or following, 'glorot_uniform')
        if name in head or model_graph.is_recurrent(graph.entries[name]):
            drawn_by = 'glorot_uniform'
        edit.redraw(name, drawn_by, rng)
        used.add(drawn_by)
        for config in model_graph.kernel_configs(graph.entries[name]):
            if 'bias_initializer' in config and not model_graph.is_recurrent(graph.entries[name]):
                config['bias_initializer'] = {'class_name': 'Zeros', 'config': {}}
    return edit.done(), '%s drawn anew by %s, biases 0' % (
        counted(len(hidden + head), 'layer'), ' and '.join(sorted(used)))


def _unfreeze(candidate: Candidate, issue: str, attempt: int, rng: random.Random) -> Result:
    edit = Edit(candidate)
    frozen = 0
    for entry in edit.config['layers']:
        found = [part for part in _parts(entry) if part['config'].get('trainable') is False]
        for part in found:
            part['config']['trainable'] = True
        frozen += bool(found)
    if not frozen:
        raise NotApplicable('no layer of the model is frozen')
    return edit.done(), '%s trainable again' % counted(frozen, 'frozen layer')


# --------------------------------------------------------------------- dropout, noise, penalties

def _less_dropout(candidate: Candidate, issue: str, attempt: int, rng: random.Random) -> Result:
    edit = Edit(candidate)
    rates, noise = [], 0
    for entry in [part for whole in edit.config['layers'] for part in _parts(whole)]:
        config = entry['config']
        if entry['class_name'] in _DROPOUTS and config.get('rate', 0) > LITTLE_DROPOUT:
            rates.append(config['rate'])
            config['rate'] = LITTLE_DROPOUT
        if entry['class_name'] == 'GaussianNoise' and config.get('stddev', 0) > 0:
            noise += 1
            config['stddev'] = 0.0
        for key in ('dropout', 'recurrent_dropout'):
            if isinstance(config.get(key), float) and config[key] > LITTLE_DROPOUT:
                rates.append(config[key])
                config[key] = LITTLE_DROPOUT
    said = []
    if rates:
        said.append('dropout of %s → %g' % (
            ', '.join('%g' % rate for rate in sorted(set(rates))), LITTLE_DROPOUT))
    if noise:
        said.append('no noise from %s' % counted(noise, 'layer'))
    if not said:
        raise NotApplicable('the model has no noise and no dropout above %g' % LITTLE_DROPOUT)
    return edit.done(), '; '.join(said)


def _less_decay(candidate: Candidate, issue: str, attempt: int, rng: random.Random) -> Result:
    optimizer = candidate.training.optimizer
    decays = bool(optimizer['config'].get('weight_decay'))
    if decays:
        config = dict(optimizer['config'], weight_decay=None)
        if optimizer['class_name'] == 'AdamW':
            config['weight_decay'] = 0.0
        candidate = candidate._replace(training=candidate.training._replace(
            optimizer=dict(optimizer, config=config)))
    penalised = 0
    if candidate.model.config is not None:
        edit = Edit(candidate)
        for entry in edit.config['layers']:
            found = [(part['config'], key) for part in _parts(entry) for key in _PENALTIES
                     if part['config'].get(key)]
            for config, key in found:
                config[key] = None
            penalised += bool(found)
        candidate = edit.done()
    said = ['no penalty on %s' % counted(penalised, 'layer')] * bool(penalised) + [
        'no weight decay in the optimizer'] * decays
    if not said:
        raise NotApplicable('nothing in the model is penalised')
    return candidate, '; '.join(said)


# ----------------------------------------------------------------------------------- how large

def _wider(candidate: Candidate, issue: str, attempt: int, rng: random.Random) -> Result:
    edit = Edit(candidate)
    graph = edit.graph
    widened: List[Tuple[str, int]] = []
    for name in model_graph.hidden_kernels(graph):
        for config in model_graph.kernel_configs(graph.entries[name]):
            units = config.get('units')
            if isinstance(units, int) and units < _NARROW and not _is_fixed(graph, name):
                widened.append((name, units))
                config['units'] = _WIDTH
    if not widened:
        raise NotApplicable('no hidden layer has fewer than %d units that others do not depend on'
                            % _NARROW)
    for name in model_graph.hidden_kernels(graph) + model_graph.head_layers(graph):
        if graph.calls[name] == 1 and any(
                'kernel_initializer' in config
                for config in model_graph.kernel_configs(graph.entries[name])):
            edit.redrawn.append(name)  # most of them take other inputs now
    edit.reshaped()
    return edit.done(), '%s of %s units → %d' % (
        counted(len(widened), 'layer'),
        ', '.join(str(units) for units in sorted({units for _, units in widened})), _WIDTH)


def _is_fixed(graph: model_graph.Graph, name: str) -> bool:
    """Whether what a layer puts out must have its size, for what it is merged with or read by."""
    ahead, seen = list(graph.after[name]), set()
    while ahead:
        other = ahead.pop()
        if other in seen:
            continue
        seen.add(other)
        entry = graph.entries[other]
        is_merge = len(graph.before[other]) > 1 and entry['class_name'] != 'Concatenate'
        if is_merge or entry['class_name'] == 'Reshape' or model_graph.is_nested(entry):
            return True
        if not model_graph.learns(entry):
            ahead += graph.after[other]
    return False


def _deeper(candidate: Candidate, issue: str, attempt: int, rng: random.Random) -> Result:
    edit = Edit(candidate)
    graph = edit.graph
    hidden = model_graph.hidden_kernels(graph)
    head = [name for name in model_graph.head_layers(graph)
            if graph.entries[name]['class_name'] == 'Dense']
    if len(head) != 1 or graph.calls[head[0]] != 1 or len(graph.before[head[0]]) > 1:
        raise NotApplicable('the model has no single Dense at its end')
    if len(hidden) > _LAYERS:
        raise NotApplicable('the model has %s already' % counted(len(hidden), 'hidden layer'))
    if not graph.before[head[0]]:
        raise NotApplicable('the model does not name its inputs; give it an Input layer')
    names: List[str] = []
    for _ in range(_LAYERS):
        layer = edit.new_layer('Dense', 'more', units=_UNITS, activation='relu',
                               kernel_initializer=_he(rng))
        model_graph.insert_before(edit.config, head[0], [layer])
        names.append(model_graph.layer_name(layer))
    edit.redrawn.append(head[0])
    edit.reshaped()
    return edit.done(), '%d more hidden layers of %d ReLU units' % (_LAYERS, _UNITS)


def _he(rng: random.Random) -> Dict[str, Any]:
    return {'class_name': 'VarianceScaling',
            'config': dict(INITIALIZERS['he_uniform'], seed=rng.randrange(2**31))}


RESTRAINT_SOLUTIONS: Tuple[Solution, ...] = (
    Solution('weights', 'Draws all kernels anew as their activations want them, with biases of 0.',
             1, _weights),
    Solution('unfreeze', 'Makes all frozen layers trainable.', 0, _unfreeze),
    Solution('less_dropout', 'Lowers every dropout to %g and takes noise away.' % LITTLE_DROPOUT, 1,
             _less_dropout),
    Solution('less_decay', 'Takes away all penalties on weights and outputs.', 1, _less_decay),
    Solution('wider', 'Gives hidden layers of fewer than %d units %d.' % (_NARROW, _WIDTH), 3,
             _wider),
    Solution('deeper', 'Puts %d hidden layers of %d ReLU units before the head.'
             % (_LAYERS, _UNITS), 3, _deeper),
)
"""One entry per solution; for each, see its function."""

