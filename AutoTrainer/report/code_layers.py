"""A model as the lines of a program that build it, with a word on what was different before."""

import json
from typing import Any, Dict, List, Mapping, NamedTuple, Tuple

from ..solutions import graph as model_graph
from ..solutions.candidate import Blueprint
from ..solutions.graph import Config, Entry, dictionaries, layer_name
from .code_calls import Call, Unwritable, is_drawn_anew, keras_call, short, value_text, was

Computed = Mapping[str, Mapping[str, str]]
"""By layer name: the settings that lines before the model compute, and what they are called."""


def model_lines(before: Blueprint, after: Blueprint, computed: Computed,
                named: bool = False) -> List[str]:
    """The lines that build the changed model; comments alone where it cannot be written down.

    Args:
        before: the model that the user's program builds.
        after: the changed one; both have a configuration.
        computed: see :data:`Computed`.
        named: whether its inputs and outputs must keep their names, because data, losses or
            metrics go by them.
    """
    assert before.config is not None and after.config is not None
    if _only_unfrozen(before.config, after.config):
        # model.trainable = True does not reach the layers on every backend of Keras 3
        return ['for layer in model.layers:  # trainable was False in ' + ', '.join(
            layer_name(entry) for entry in before.config['layers']
            if any(part.get('trainable') is False for part in dictionaries(entry))),
                '    layer.trainable = True']
    pair = _Pair(before, after, computed)
    try:
        if model_graph.is_sequential(after.config):
            lines = _sequential(pair, named)
        else:
            lines = _functional(pair, named)
    except Unwritable:
        return _in_words(pair)
    frozen = [layer_name(entry) for entry in before.config['layers']
              if entry['config'].get('trainable') is False]
    kept = [name for name in frozen if name in before.weights and name in after.weights]
    return lines + ['# give it the weights that your program gives to the frozen layers: '
                    + ', '.join(kept)] * bool(kept)


def _only_unfrozen(before: Config, after: Config) -> bool:
    """Whether all that has changed is that no layer is frozen any more."""
    thawed = model_graph.copy_of(before)
    for part in dictionaries(thawed):
        if part.get('trainable') is False:
            part['trainable'] = True
    return same(thawed, after)


def same(one: Any, other: Any) -> bool:
    """Whether two configurations, or parts of them, say the same."""
    texts = []
    for part in (one, other):
        part = model_graph.copy_of(part)
        for inner in model_graph.dictionaries(part):
            inner.pop('build_config', None)  # follows from the rest
        texts.append(json.dumps(part, sort_keys=True, default=repr))
    return texts[0] == texts[1]


class _Pair:
    """Two configurations of a model, held against each other layer by layer.

    Attributes:
        after: the changed blueprint.
        graph: its graph.
    """

    def __init__(self, before: Blueprint, after: Blueprint, computed: Computed) -> None:
        assert before.config is not None and after.config is not None
        self.after, self.graph = after, model_graph.read(after.config)
        self._before, self._old = before, model_graph.read(before.config)
        self._computed = computed

    def call(self, name: str) -> Call:
        """The call that makes a layer."""
        return keras_call('layers', self.graph.entries[name], self._computed.get(name))

    def comment(self, name: str) -> str:
        """What has changed in a layer; '' for nothing."""
        old = self._old.entries.get(name)
        if old is None:
            return 'new'
        try:
            said = was(keras_call('layers', old), self.call(name))
        except Unwritable:  # as unwritable as it was, so compare what it is made of
            return '' if same(old['config'], self.graph.entries[name]['config']) else 'changed'
        redrawn = name in self._before.weights and name not in self.after.weights and any(
            is_drawn_anew(value) for config in model_graph.kernel_configs(self.graph.entries[name])
            for value in config.values())
        return said or 'drawn anew' * redrawn

    def removed(self) -> Dict[str, List[str]]:
        """The layers that are gone, as calls, by the layer they stood behind ('' for none)."""
        gone: Dict[str, List[str]] = {}
        last = ''
        for name, entry in self._old.entries.items():
            if name in self.graph.entries:
                last = name
            else:
                gone.setdefault(last, []).append(_shortly(entry))
        return gone

    def changed_settings(self, name: str) -> str:
        """The settings of a layer that have changed, as far as they can be written."""
        said = []
        for key, value in self.graph.entries[name]['config'].items():
            if not same(value, self._old.entries[name]['config'].get(key)):
                try:
                    said.append('%s=%s' % (key, value_text(value, key)))
                except Unwritable:
                    said.append('another ' + key)
        return ', '.join(said)


def _shortly(entry: Entry) -> str:
    try:
        return short(keras_call('layers', entry))
    except Unwritable:
        return str(entry['class_name'])


def _commented(line: str, comment: str) -> str:
    return '%s  # %s' % (line, comment) if comment else line


# ----------------------------------------------------------------------------------- a Sequential

def _sequential(pair: _Pair, named: bool) -> List[str]:
    lines = ['model = keras.Sequential([']
    entries, removed = pair.graph.entries, pair.removed()
    if not pair.graph.inputs:
        shape = getattr(pair.after.original, 'input_shape', None)
        if isinstance(shape, tuple) and all(size is None or isinstance(size, int)
                                            for size in shape):
            lines.append('    keras.Input(%s),' % value_text(shape[1:]))
    lines += ['    # without %s' % text for text in removed.get('', ())]
    for name, entry in entries.items():
        if entry['class_name'] == 'InputLayer':
            lines.append('    %s,' % _input(entry, named))
        else:
            call = pair.call(name)
            if named and name in pair.graph.outputs:
                call = call.with_settings({'name': repr(name)})
            lines.append(_commented('    %s,' % call.text, pair.comment(name)))
        lines += ['    # without %s' % text for text in removed.get(name, ())]
    return lines + ['])']


def _input(entry: Entry, named: bool) -> str:
    config = entry['config']
    shape = tuple(config.get('batch_shape') or config.get('batch_input_shape') or ())
    given = [value_text(shape[1:])]
    given += ['batch_size=%d' % shape[0]] if shape[:1] != (None,) and shape else []
    given += ['name=%r' % layer_name(entry)] if named else []
    if config.get('dtype', 'float32') != 'float32':
        given.append('dtype=%s' % value_text(config['dtype']))
    given += ['%s=True' % key for key in ('sparse', 'ragged', 'optional') if config.get(key)]
    return 'keras.Input(%s)' % ', '.join(given)


# ------------------------------------------------------------------------------ a functional model

class _Tensor(NamedTuple):
    """A tensor that a call takes: which layer gave it, and as which of its outputs."""

    layer: str
    output: int


def _functional(pair: _Pair, named: bool) -> List[str]:
    graph, config = pair.graph, pair.after.config
    assert config is not None
    if any(calls > 1 for calls in graph.calls.values()):
        raise Unwritable('a shared layer')
    order = _in_order(graph)
    variables = {name: 'x%d' % number for number, name in enumerate(order)}
    calls = {name: _arguments(graph.entries[name]['inbound_nodes']) for name in order}
    ends = [_ends(config[key]) for key in ('input_layers', 'output_layers')]
    several = {name for name in order if graph.entries[name]['config'].get('return_state')} | {
        tensor.layer for tree in [calls, ends] for tensor in _tensors(tree) if tensor.output}

    def text(tree: Any) -> str:
        if isinstance(tree, _Tensor):
            return variables[tree.layer] + '[%d]' % tree.output * (tree.layer in several)
        if isinstance(tree, dict):
            return '{%s}' % ', '.join('%r: %s' % (key, text(part)) for key, part in tree.items())
        if isinstance(tree, (list, tuple)):
            return '[%s]' % ', '.join(text(part) for part in tree)
        return value_text(tree)

    lines, removed = [], pair.removed()
    for name in order:
        entry = graph.entries[name]
        if entry['class_name'] == 'InputLayer':
            lines.append('%s = %s' % (variables[name], _input(entry, named)))
        else:
            call = pair.call(name)
            if named and name in graph.outputs:
                call = call.with_settings({'name': repr(name)})
            args, kwargs = calls[name]
            given = [text(part) for part in args] + ['%s=%s' % (key, text(part))
                                                     for key, part in kwargs.items()]
            lines.append(_commented('%s = %s(%s)' % (variables[name], call.text, ', '.join(given)),
                                    pair.comment(name)))
        lines += ['# without %s' % said for said in removed.get(name, ())]
    return lines + ['model = keras.Model(%s)' % ', '.join(text(end) for end in ends)]


def _in_order(graph: model_graph.Graph) -> List[str]:
    """The layers such that each stands behind those that feed it."""
    order = list(graph.inputs.values())
    left = [name for name in graph.entries if name not in order]
    while left:
        ready = next(name for name in left if set(graph.before[name]) <= set(order))
        order.append(ready)
        left.remove(ready)
    return order


def _arguments(nodes: Any) -> Tuple[Any, Dict[str, Any]]:
    """The arguments of a layer's only call: those by position, and those by name."""
    if not nodes:
        return [], {}
    node = nodes[0]
    if isinstance(node, dict):  # Keras 3
        return _tree(node.get('args', ())), _keywords(node.get('kwargs', {}))
    tensors = [_Tensor(part[0], part[2]) for part in node]
    return (tensors if len(tensors) == 1 else [tensors]), _keywords(
        node[0][3] if len(node[0]) > 3 else {})


def _keywords(kwargs: Mapping[str, Any]) -> Dict[str, Any]:
    """The arguments by name; Keras 3 writes down that a recurrent layer was not being trained."""
    return {key: _tree(value) for key, value in kwargs.items()
            if value is not None and (key, value) != ('training', False)}


def _tree(value: Any) -> Any:
    """A part of a call with its tensors as :class:`_Tensor`, whichever Keras wrote it."""
    if isinstance(value, dict):
        if value.get('class_name') == '__keras_tensor__':
            name, _, index = value['config']['keras_history']
            return _Tensor(name, index)
        if 'class_name' in value:
            raise Unwritable(str(value['class_name']))
        return {key: _tree(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        if _is_tensor(value):
            return _Tensor(value[0], value[2])
        return [_tree(part) for part in value]
    return value


def _is_tensor(value: Any) -> bool:
    return len(value) >= 3 and isinstance(value[0], str) and all(
        type(part) is int for part in value[1:3])


def _ends(references: Any) -> Any:
    """The inputs or outputs of a model as they are given to ``keras.Model``."""
    tree = _tree(references)
    return tree[0] if isinstance(tree, list) and len(tree) == 1 else tree


def _tensors(tree: Any) -> List[_Tensor]:
    if isinstance(tree, _Tensor):
        return [tree]
    parts = (list(tree.values()) if isinstance(tree, dict)
             else tree if isinstance(tree, (list, tuple)) else [])
    return [found for part in parts for found in _tensors(part)]


# -------------------------------------------------------------------------------------- in words

def _in_words(pair: _Pair) -> List[str]:
    """What to change in a model that cannot be written down as a whole."""
    lines = ['# change these layers of your model; the rest of it stays:']
    for name, entry in pair.graph.entries.items():
        comment = pair.comment(name)
        if not comment:
            continue
        try:
            text = pair.call(name).text
        except Unwritable:
            text = '%s%s' % (entry['class_name'], ' with %s' % pair.changed_settings(name)
                             if comment != 'new' else '')
        if comment == 'new':
            text = 'behind %s %s' % (' and '.join(pair.graph.before[name]), text)
        lines.append('#   %s: %s  # %s' % (name, text, comment))
    return lines + ['#   without %s' % said for gone in pair.removed().values() for said in gone]
