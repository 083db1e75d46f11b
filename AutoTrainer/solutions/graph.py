"""Reading and editing the graph in a model's configuration; needs no Keras.

A configuration is what ``get_config()`` of a Sequential or functional model returns. Two formats
are recognised from the data: tf.keras of TensorFlow 2.3 writes a call of a layer as a list of
``[layer, call, output, keywords]``; Keras 3 writes a dictionary of arguments in which tensors are
``__keras_tensor__`` dictionaries with a ``keras_history``. In both, a tensor is named by three
values (layer, call, output), and that is all that is followed here.

Functions that edit change the configuration they are given: hand them a copy (:func:`copy_of`).
"""

from typing import Any, Callable, Dict, Iterator, List, Mapping, NamedTuple, Sequence, Tuple

Entry = Dict[str, Any]
Config = Dict[str, Any]

KERNEL_LAYERS = frozenset((
    'Dense', 'EinsumDense', 'Conv1D', 'Conv2D', 'Conv3D', 'Conv1DTranspose', 'Conv2DTranspose',
    'Conv3DTranspose', 'SeparableConv1D', 'SeparableConv2D', 'DepthwiseConv1D', 'DepthwiseConv2D',
    'LocallyConnected1D', 'LocallyConnected2D'))
"""Layers with a kernel and an activation of their own."""

RECURRENT_LAYERS = frozenset(('LSTM', 'GRU', 'SimpleRNN', 'ConvLSTM1D', 'ConvLSTM2D',
                              'ConvLSTM3D'))
"""Layers with a kernel whose activation is part of a recurrence."""

_ACTIVATION_LAYERS = {'relu': 'relu', 'relu6': 'relu6', 'leakyrelu': 'leaky_relu', 'elu': 'elu',
                      'prelu': 'prelu', 'thresholdedrelu': 'thresholded_relu',
                      'softmax': 'softmax', 'sigmoid': 'sigmoid', 'tanh': 'tanh', 'selu': 'selu',
                      'softplus': 'softplus', 'softsign': 'softsign', 'gelu': 'gelu',
                      'silu': 'silu', 'hardsigmoid': 'hard_sigmoid'}


class Graph(NamedTuple):
    """Which layer feeds which, as the configuration stood when it was read.

    Attributes:
        entries: the configuration's own entries by layer name, in the configuration's order.
        before: names of the layers that feed a layer.
        after: names of the layers that a layer feeds.
        calls: how often a layer is called; more than once for a shared layer.
        outputs: layers that produce the model's outputs.
        inputs: names of the input layers in the order in which a list of data feeds them, each
            under the key that its data has in a dictionary.
    """

    entries: Dict[str, Entry]
    before: Dict[str, List[str]]
    after: Dict[str, List[str]]
    calls: Dict[str, int]
    outputs: List[str]
    inputs: Dict[str, str]


# ----------------------------------------------------------------------------------- references

def is_sequential(config: Mapping[str, Any]) -> bool:
    """Whether the configuration is a Sequential's, a mere list of layers."""
    return 'output_layers' not in config


def layer_name(entry: Mapping[str, Any]) -> str:
    """Name of the layer of an entry."""
    return str(entry.get('name') or entry['config']['name'])


def _is_reference(tree: Any) -> bool:
    return (isinstance(tree, (list, tuple)) and len(tree) >= 3 and isinstance(tree[0], str)
            and all(isinstance(i, int) and not isinstance(i, bool) and i >= 0 for i in tree[1:3]))


def _references(tree: Any) -> Iterator[Tuple[str, int, int]]:
    """All tensors that a part of a configuration names."""
    if _is_reference(tree):
        yield (tree[0], tree[1], tree[2])
        tree = tree[3:]
    for part in (tree.values() if isinstance(tree, dict)
                 else tree if isinstance(tree, (list, tuple)) else ()):
        yield from _references(part)


def _renamed(tree: Any, old: str, new: str) -> Any:
    """A copy of a part of a configuration in which tensors of one layer are those of another."""
    if _is_reference(tree):
        head = [new, 0, 0] if tree[0] == old else list(tree[:3])
        return type_of(tree)(head + [_renamed(part, old, new) for part in tree[3:]])
    if isinstance(tree, dict):
        return {key: _renamed(part, old, new) for key, part in tree.items()}
    if isinstance(tree, (list, tuple)):
        return type_of(tree)(_renamed(part, old, new) for part in tree)
    return tree


def type_of(sequence: Any) -> Callable[..., Any]:
    """``tuple`` or ``list``: TensorFlow has kinds of lists that only it can make."""
    return tuple if isinstance(sequence, tuple) else list


def copy_of(config: Any) -> Any:
    """A deep copy of a configuration; objects other than containers are shared."""
    if isinstance(config, dict):
        return {key: copy_of(value) for key, value in config.items()}
    if isinstance(config, (list, tuple)):
        return type_of(config)(copy_of(value) for value in config)
    return config


def dictionaries(tree: Any) -> Iterator[Dict[str, Any]]:
    """All dictionaries in a tree of dictionaries and lists, outer ones first."""
    if isinstance(tree, dict):
        yield tree
    for value in (tree.values() if isinstance(tree, dict)
                  else tree if isinstance(tree, list) else ()):
        yield from dictionaries(value)


def read(config: Config) -> Graph:
    """Read the graph of a configuration.

    Args:
        config: ``get_config()`` of a Sequential or functional model.

    Returns:
        The graph; its entries are those of ``config``, not copies.
    """
    entries = {layer_name(entry): entry for entry in config['layers']}
    names = list(entries)
    before: Dict[str, List[str]] = {name: [] for name in names}
    if is_sequential(config):
        before.update((name, [previous]) for previous, name in zip(names, names[1:]))
        calls = dict.fromkeys(names, 1)
        outputs = names[-1:]
    else:
        for name, entry in entries.items():
            before[name] = _distinct(source for source, _, _ in _references(entry['inbound_nodes'])
                                     if source in entries)
        calls = {name: len(entry['inbound_nodes']) for name, entry in entries.items()}
        outputs = _distinct(name for name, _, _ in _references(config['output_layers']))
    after: Dict[str, List[str]] = {name: [] for name in names}
    for name, sources in before.items():
        for source in sources:
            after[source].append(name)
    return Graph(entries, before, after, calls, outputs, _inputs(config))


def _inputs(config: Config) -> Dict[str, str]:
    """The input layers as ``Graph`` has them; the order of the layers says nothing about it."""
    if is_sequential(config):
        names = [layer_name(entry) for entry in config['layers']
                 if entry['class_name'] == 'InputLayer']
        return dict(zip(names, names))
    given = config['input_layers']
    if isinstance(given, dict):  # Keras takes the parts of a dictionary in the order of its keys
        return {key: name for key in sorted(given) for name, _, _ in _references(given[key])}
    return {name: name for name, _, _ in _references(given)}


def _distinct(names: Any) -> List[str]:
    return list(dict.fromkeys(names))


# ------------------------------------------------------------------------------- kinds of layers

def kernel_configs(entry: Entry) -> List[Dict[str, Any]]:
    """The configurations that hold a layer's kernel settings, to be read or changed in place.

    Returns:
        One for a layer of ``KERNEL_LAYERS`` or ``RECURRENT_LAYERS``, also inside TimeDistributed;
        one or two for such a layer inside Bidirectional; none for any other layer.
    """
    config = entry['config']
    if entry['class_name'] in ('TimeDistributed', 'Bidirectional'):
        inner = [config[key] for key in ('layer', 'backward_layer') if config.get(key)]
        return [found for part in inner for found in kernel_configs(part)]
    return [config] if entry['class_name'] in KERNEL_LAYERS | RECURRENT_LAYERS else []


def is_recurrent(entry: Entry) -> bool:
    """Whether a layer is recurrent, also inside a wrapper."""
    if entry['class_name'] in ('TimeDistributed', 'Bidirectional'):
        return is_recurrent(entry['config']['layer'])
    return entry['class_name'] in RECURRENT_LAYERS or 'cell' in entry['config']


def is_nested(entry: Entry) -> bool:
    """Whether a layer is itself a model."""
    return 'layers' in entry['config']


def learns(entry: Entry) -> bool:
    """Whether a layer maps its input by weights of its own.

    Normalization and PReLU, whose weights only scale, count as not learning here.
    """
    config = entry['config']
    return bool(kernel_configs(entry)) or is_nested(entry) or any(
        key in config for key in ('layer', 'cell', 'kernel_initializer', 'embeddings_initializer'))


def activation_of(config: Mapping[str, Any]) -> str:
    """Name of the activation in a layer's configuration; ``'linear'`` for none."""
    value = config.get('activation')
    if value is None:
        return 'linear'
    if isinstance(value, Mapping):  # a layer or function as Keras 3 writes it
        inner = value.get('config')
        name = inner if isinstance(inner, str) else value.get('class_name', '')
        return _ACTIVATION_LAYERS.get(str(name).lower(), str(name))
    return value if isinstance(value, str) else str(getattr(value, '__name__',
                                                             type(value).__name__))


def activation_layer(entry: Entry) -> str:
    """Name of the activation that a layer consists of; '' if it is something else.

    Layers (``Activation``, ``ReLU``, ``Softmax``, …) count, and so do functions that were called
    on a tensor.
    """
    if entry['class_name'] == 'Activation':
        return activation_of(entry['config'])
    operation = entry['class_name']
    if operation == 'TensorFlowOpLayer':
        operation = entry['config'].get('node_def', {}).get('op', '')
    return _ACTIVATION_LAYERS.get(str(operation).lower(), '')


# ------------------------------------------------------------------------------- parts of a model

def head_layers(graph: Graph) -> List[str]:
    """The layers that turn the last features into the outputs.

    From every output back to the layer that learns: an activation, a pooling or a reshaping
    behind the last Dense belongs to the head, and so does that Dense.
    """
    return _walk(graph, graph.outputs, graph.before)


def _walk(graph: Graph, start: Sequence[str], towards: Mapping[str, Sequence[str]]) -> List[str]:
    """Layers reached from ``start`` up to and including the first that learn, in model order."""
    found, ahead = set(), list(start)
    while ahead:
        name = ahead.pop()
        if name not in found:
            found.add(name)
            if not learns(graph.entries[name]):
                ahead.extend(towards[name])
    return [name for name in graph.entries if name in found]


def hidden_kernels(graph: Graph) -> List[str]:
    """Names of hidden layers with a kernel that can be changed by themselves.

    The head, embeddings, shared layers and nested models are left out.
    """
    head = set(head_layers(graph))
    return [name for name, entry in graph.entries.items()
            if name not in head and graph.calls[name] == 1 and kernel_configs(entry)]


class Spot(NamedTuple):
    """A place where a hidden activation is, or should be.

    Attributes:
        layer: name of the layer.
        inside: whether the activation is a setting of a layer with a kernel (True) or a layer of
            its own.
        activation: its name; ``'linear'`` where a hidden layer has none at all.
    """

    layer: str
    inside: bool
    activation: str


def hidden_activations(graph: Graph) -> List[Spot]:
    """Where a model's hidden activations are, in model order.

    A layer with a kernel but without activation is a spot only if no activation follows before
    the next layer that learns: ``Dense`` + ``Activation`` is one spot, not two. Recurrent layers
    are none, as their activation belongs to the recurrence; shared layers, nested models and the
    head are left out; so are a softmax that no kernel alone takes in (an attention) and a sigmoid
    that is multiplied with something else (a gate).
    """
    head = set(head_layers(graph))
    spots = []
    for name, entry in graph.entries.items():
        if name in head or graph.calls[name] != 1 or is_nested(entry) or is_recurrent(entry):
            continue
        settings = kernel_configs(entry)
        activation = activation_of(settings[0]) if settings else activation_layer(entry)
        if not activation or activation == 'softmax' and not _feeds_kernel(graph, name) or (
                activation in ('sigmoid', 'hard_sigmoid') and _is_multiplied(graph, name)):
            continue
        if settings and activation == 'linear' and _activation_follows(graph, name):
            continue
        if settings or activation != 'linear':
            spots.append(Spot(name, bool(settings), activation))
    return spots


def _feeds_kernel(graph: Graph, name: str) -> bool:
    """Whether a layer with a kernel takes in the outputs of one, and nothing else does."""
    after = graph.after[name]
    return len(after) == 1 and bool(kernel_configs(graph.entries[name])) and bool(
        kernel_configs(graph.entries[after[0]]))


def _is_multiplied(graph: Graph, name: str) -> bool:
    after = graph.after[name]
    while len(after) == 1 and graph.entries[after[0]]['class_name'] in ('Reshape', 'RepeatVector',
                                                                        'Permute'):
        after = graph.after[after[0]]
    return any(graph.entries[other]['class_name'] == 'Multiply' for other in after)


def _activation_follows(graph: Graph, name: str) -> bool:
    return any(activation_layer(graph.entries[other]) not in ('', 'linear')
               for other in _walk(graph, graph.after[name], graph.after))


def activation_behind(graph: Graph, name: str) -> str:
    """Name of the first activation behind a layer, up to the next that learns; '' for none."""
    return next((activation_layer(graph.entries[other])
                 for other in _walk(graph, graph.after[name], graph.after)
                 if activation_layer(graph.entries[other]) not in ('', 'linear')), '')


def takes_tokens(graph: Graph, name: str) -> bool:
    """Whether an input holds token numbers: it feeds an Embedding before anything that learns."""
    return any(graph.entries[other]['class_name'] == 'Embedding'
               for other in _walk(graph, [name], graph.after))


def is_masked(graph: Graph, name: str) -> bool:
    """Whether a layer's values say what is padding: a Masking follows before anything that learns.

    So does a comparison in a functional model's own code, or a nested model that has one of these.
    """
    return any(_masks(graph.entries[other])
               for other in _walk(graph, graph.after[name], graph.after))


def _masks(entry: Entry) -> bool:
    return entry['class_name'] in ('Masking', 'NotEqual') or any(
        _masks(inner) for inner in entry['config'].get('layers', ()))


def kernel_behind(graph: Graph, name: str) -> Entry:
    """The nearest layer with a kernel at or before a layer; the layer itself if there is none."""
    for other in reversed(_walk(graph, [name], graph.before)):
        if kernel_configs(graph.entries[other]):
            return graph.entries[other]
    return graph.entries[name]


def fresh_name(config: Config, stem: str) -> str:
    """A layer name that the configuration does not have yet: ``stem``, ``stem_1``, …."""
    taken = {layer_name(entry) for entry in config['layers']}
    names = [stem] + ['%s_%d' % (stem, i) for i in range(1, len(taken) + 1)]
    return next(name for name in names if name not in taken)


# --------------------------------------------------------------------------------------- editing

def _call(config: Config, reference: Tuple[str, int, int]) -> Any:
    """One call of a layer on one tensor, in the configuration's own format."""
    calls = [call for entry in config['layers'] for call in entry['inbound_nodes']]
    if any(isinstance(call, dict) for call in calls):
        tensor = {'class_name': '__keras_tensor__',
                  'config': {'shape': [], 'dtype': 'float32', 'keras_history': list(reference)}}
        return {'args': [tensor], 'kwargs': {}}
    return [list(reference) + [{}]]


def _place(config: Config, new: Sequence[Entry], position: int,
           source: Tuple[str, int, int]) -> None:
    """Put a chain of layers into the list of layers, fed by a tensor."""
    for offset, entry in enumerate(new):
        if not is_sequential(config):
            entry.update(name=layer_name(entry), inbound_nodes=[_call(config, source)])
            source = (layer_name(entry), 0, 0)
        config['layers'].insert(position + offset, entry)


def _position(config: Config, name: str) -> int:
    return [layer_name(entry) for entry in config['layers']].index(name)


def insert_after(config: Config, name: str, new: Sequence[Entry]) -> None:
    """Insert layers between a layer and everything that reads it, the model's outputs included.

    Args:
        config: changed in place.
        name: a layer with one output that is called once.
        new: entries with names that are free, see :func:`fresh_name`; the first is fed by the
            layer, each further one by the one before it.
    """
    if not is_sequential(config):
        last = layer_name(new[-1])
        for entry in config['layers']:
            entry['inbound_nodes'] = _renamed(entry['inbound_nodes'], name, last)
        config['output_layers'] = _renamed(config['output_layers'], name, last)
    _place(config, new, _position(config, name) + 1, (name, 0, 0))


def insert_before(config: Config, name: str, new: Sequence[Entry]) -> None:
    """Insert layers before a layer; whatever else reads its source is not touched.

    Args:
        config: changed in place.
        name: a layer with one input that is called once.
        new: as for :func:`insert_after`.
    """
    position = _position(config, name)
    source = ('', 0, 0)
    if not is_sequential(config):
        entry = config['layers'][position]
        source = next(_references(entry['inbound_nodes']))
        entry['inbound_nodes'] = [_call(config, (layer_name(new[-1]), 0, 0))]
    _place(config, new, position, source)


def replace_layer(config: Config, name: str, new: Entry) -> None:
    """Put another layer in a layer's place, under the old name.

    Args:
        config: changed in place.
        name: a layer whose input and output shape the new one can have.
        new: its entry; the name in it does not count.
    """
    position = _position(config, name)
    old = config['layers'][position]
    entry = dict(new, config=dict(new['config'], name=name))
    entry.update((key, old[key]) for key in ('name', 'inbound_nodes') if key in old)
    if 'batch_input_shape' in old['config']:
        entry['config']['batch_input_shape'] = old['config']['batch_input_shape']
    config['layers'][position] = entry
