"""Graphs of configurations in both formats, written out by hand: no Keras is needed here."""

import copy

import pytest

from AutoTrainer.solutions import graph as mg


def older_call(*sources):  # TensorFlow 2.3
    return [[[name, 0, 0, {}] for name in sources]]


def newer_call(*sources):  # Keras 3
    tensors = [{'class_name': '__keras_tensor__', 'config': {
        'shape': (None, 4), 'dtype': 'float32', 'keras_history': [name, 0, 0]}} for name in sources]
    return [{'args': (tensors if len(tensors) > 1 else tensors[0],), 'kwargs': {'mask': None}}]


def layer(name, class_name, **config):
    if class_name == 'Dense':
        config = dict({'activation': 'linear', 'kernel_initializer': 'glorot_uniform'}, **config)
    return {'class_name': class_name, 'config': dict(config, name=name)}


def functional(call, *layers, outputs=('out',)):
    """A configuration from (entry, names of the layers that feed it)."""
    entries = [dict(entry, name=entry['config']['name'],
                    inbound_nodes=call(*sources) if sources else [])
               for entry, sources in layers]
    refs = [[name, 0, 0] for name in outputs]
    return {'name': 'm', 'layers': entries, 'input_layers': [['in', 0, 0]],
            'output_layers': refs if call is older_call or len(refs) > 1 else refs[0]}


def sequential(*layers):
    return {'name': 'm', 'layers': list(layers)}


def residual(call):
    return functional(
        call, (layer('in', 'InputLayer'), ()), (layer('a', 'Dense', activation='relu'), ('in',)),
        (layer('b', 'Dense'), ('a',)), (layer('sum', 'Add'), ('a', 'b')),
        (layer('act', 'Activation', activation='relu'), ('sum',)),
        (layer('out', 'Dense', activation='softmax'), ('act',)))


def edges(config):
    graph = mg.read(config)
    return {name: sources for name, sources in graph.before.items()}


@pytest.fixture(params=[older_call, newer_call], ids=['tf23', 'keras3'])
def call(request):
    return request.param


def test_read(call):
    graph = mg.read(residual(call))
    assert graph.before == {'in': [], 'a': ['in'], 'b': ['a'], 'sum': ['a', 'b'], 'act': ['sum'],
                            'out': ['act']}
    assert graph.after['a'] == ['b', 'sum'] and graph.after['out'] == []
    assert graph.outputs == ['out'] and graph.calls['a'] == 1 and graph.calls['in'] == 0


def test_read_sequential():
    graph = mg.read(sequential(layer('in', 'InputLayer'), layer('a', 'Dense'), layer('b', 'Dense')))
    assert graph.before == {'in': [], 'a': ['in'], 'b': ['a']} and graph.outputs == ['b']


def test_read_shared(call):
    config = residual(call)
    config['layers'][2]['inbound_nodes'] += call('b')
    assert mg.read(config).calls['b'] == 2


def test_read_dictionary_of_outputs(call):
    config = residual(call)
    config['output_layers'] = {'first': ['out', 0, 0], 'second': ['sum', 0, 0]}
    assert mg.read(config).outputs == ['out', 'sum']


def test_insert_after_moves_every_reader(call):
    config = residual(call)
    mg.insert_after(config, 'a', [layer('n1', 'Dropout'), layer('n2', 'ReLU')])
    assert edges(config) == {'in': [], 'a': ['in'], 'n1': ['a'], 'n2': ['n1'], 'b': ['n2'],
                             'sum': ['n2', 'b'], 'act': ['sum'], 'out': ['act']}
    assert [entry['name'] for entry in config['layers']][:5] == ['in', 'a', 'n1', 'n2', 'b']


def test_insert_after_output(call):
    config = residual(call)
    mg.insert_after(config, 'out', [layer('head', 'Activation', activation='softmax')])
    assert mg.read(config).outputs == ['head'] and edges(config)['head'] == ['out']


def test_insert_before_moves_one_reader(call):
    config = residual(call)
    mg.insert_before(config, 'b', [layer('n1', 'BatchNormalization')])
    assert edges(config)['b'] == ['n1'] and edges(config)['n1'] == ['a']
    assert edges(config)['sum'] == ['a', 'b']


def test_insert_in_sequential():
    config = sequential(layer('in', 'InputLayer'), layer('a', 'Dense'), layer('b', 'Dense'))
    mg.insert_after(config, 'b', [layer('last', 'ReLU')])
    mg.insert_before(config, 'b', [layer('x', 'ReLU'), layer('y', 'ReLU')])
    assert [mg.layer_name(e) for e in config['layers']] == ['in', 'a', 'x', 'y', 'b', 'last']
    assert all('inbound_nodes' not in entry for entry in config['layers'])


def test_replace_keeps_name_and_place(call):
    config = residual(call)
    before = edges(config)
    mg.replace_layer(config, 'act', layer('other', 'ELU', alpha=1.0))
    assert edges(config) == before
    assert mg.read(config).entries['act']['class_name'] == 'ELU'
    assert mg.read(config).entries['act']['config'] == {'alpha': 1.0, 'name': 'act'}


def test_formats_are_kept(call):
    """What is inserted is written in the format of its neighbours."""
    config = residual(call)
    mg.insert_after(config, 'a', [layer('n', 'Dropout')])
    added = mg.read(config).entries['n']['inbound_nodes']
    if call is older_call:
        assert added == [[['a', 0, 0, {}]]]
    else:
        assert added[0]['args'][0]['config']['keras_history'] == ['a', 0, 0]
        assert isinstance(config['layers'][1]['inbound_nodes'][0]['args'], tuple)


def test_keywords_are_followed():
    """TensorFlow 2.3 writes a tensor that is handed over by keyword among the keywords."""
    config = functional(older_call, (layer('in', 'InputLayer'), ()), (layer('a', 'Dense'), ('in',)),
                        (layer('out', 'Attention'), ('in',)))
    config['layers'][2]['inbound_nodes'][0][0][3] = {'value': ['a', 0, 0], 'scale': 2}
    assert mg.read(config).before['out'] == ['in', 'a']
    mg.insert_after(config, 'a', [layer('n', 'ReLU')])
    assert config['layers'][3]['inbound_nodes'][0][0][3] == {'value': ['n', 0, 0], 'scale': 2}


def test_references_are_not_shared(call):
    """Editing a copy leaves the original as it was."""
    config = residual(call)
    original = copy.deepcopy(config)
    mg.insert_after(copy.deepcopy(config), 'a', [layer('n', 'ReLU')])
    assert config == original


def spots(config):
    return [tuple(spot) for spot in mg.hidden_activations(mg.read(config))]


@pytest.mark.parametrize('layers, expected', [
    # activation inside; the head is left alone
    ([('a', 'Dense', 'relu'), ('o', 'Dense', 'softmax')], [('a', True, 'relu')]),
    # Dense + Activation is one spot
    ([('a', 'Dense', 'linear'), ('r', 'Activation', 'relu'), ('o', 'Dense', 'softmax')],
     [('r', False, 'relu')]),
    ([('a', 'Dense', 'linear'), ('n', 'BatchNormalization', None), ('d', 'Dropout', None),
      ('r', 'ReLU', None), ('o', 'Dense', 'softmax')], [('r', False, 'relu')]),
    # no activation anywhere: there should be one
    ([('a', 'Dense', 'linear'), ('b', 'Dense', 'linear'), ('o', 'Dense', 'softmax')],
     [('a', True, 'linear'), ('b', True, 'linear')]),
    # a head of Dense + Activation, also behind pooling
    ([('a', 'Dense', 'tanh'), ('o', 'Dense', 'linear'), ('s', 'Softmax', None)],
     [('a', True, 'tanh')]),
    ([('c', 'Conv2D', 'relu'), ('d', 'Conv2D', 'relu'), ('p', 'GlobalAveragePooling2D', None),
      ('s', 'Activation', 'softmax')], [('c', True, 'relu')]),
    # recurrent layers keep what they have
    ([('e', 'Embedding', None), ('l', 'LSTM', 'tanh'), ('o', 'Dense', 'sigmoid')], []),
    # a single layer is all head
    ([('o', 'Dense', 'sigmoid')], []),
    # Activation('linear') does nothing, so the Dense before it has none
    ([('a', 'Dense', 'linear'), ('r', 'Activation', 'linear'), ('o', 'Dense', 'softmax')],
     [('a', True, 'linear')]),
])
def test_hidden_activations(layers, expected):
    entries = [layer(name, kind, **({} if activation is None else {'activation': activation}))
               for name, kind, activation in layers]
    for entry in entries:
        if entry['class_name'] == 'Embedding':
            entry['config']['embeddings_initializer'] = 'uniform'
    assert spots(sequential(layer('in', 'InputLayer'), *entries)) == expected


def test_hidden_activations_of_a_residual_block(call):
    assert spots(residual(call)) == [('a', True, 'relu'), ('act', False, 'relu')]


def test_gates_attention_shared_and_nested_are_left_alone(call):
    nested = layer('inner', 'Sequential', layers=[layer('x', 'Dense', activation='relu')])
    config = functional(
        call, (layer('in', 'InputLayer'), ()), (layer('a', 'Dense', activation='relu'), ('in',)),
        (layer('gate', 'Dense', activation='sigmoid'), ('a',)),
        (layer('shape', 'Reshape'), ('gate',)), (layer('times', 'Multiply'), ('a', 'shape')),
        (layer('weights', 'Softmax'), ('times',)), (nested, ('weights',)),
        (layer('shared', 'Dense', activation='relu'), ('inner',)),
        (layer('out', 'Dense'), ('shared',)))
    config['layers'][7]['inbound_nodes'] += call('shared')
    graph = mg.read(config)
    assert mg.hidden_activations(graph) == [mg.Spot('a', True, 'relu')]
    assert mg.hidden_kernels(graph) == ['a', 'gate']


def test_wrappers_are_opened():
    dense = {'class_name': 'Dense', 'config': {'name': 'x', 'activation': 'relu'}}
    gru = {'class_name': 'GRU', 'config': {'name': 'g', 'activation': 'tanh'}}
    config = sequential(layer('in', 'InputLayer'), layer('td', 'TimeDistributed', layer=dense),
                        layer('bi', 'Bidirectional', layer=gru, backward_layer=copy.deepcopy(gru)),
                        layer('o', 'Dense'))
    graph = mg.read(config)
    assert mg.hidden_kernels(graph) == ['td', 'bi']
    assert len(mg.kernel_configs(graph.entries['bi'])) == 2 and mg.is_recurrent(graph.entries['bi'])
    assert mg.hidden_activations(graph) == [mg.Spot('td', True, 'relu')]


@pytest.mark.parametrize('value, expected', [
    (None, 'linear'), ('relu', 'relu'), (abs, 'abs'),
    ({'class_name': 'function', 'config': 'my_activation'}, 'my_activation'),
    ({'class_name': 'LeakyReLU', 'config': {'negative_slope': 0.1}}, 'leaky_relu')])
def test_activation_of(value, expected):
    assert mg.activation_of({'activation': value}) == expected


@pytest.mark.parametrize('entry, expected', [
    (layer('x', 'Activation', activation='tanh'), 'tanh'), (layer('x', 'LeakyReLU'), 'leaky_relu'),
    (layer('x', 'Relu'), 'relu'),  # keras.ops.relu on a tensor
    (layer('x', 'TensorFlowOpLayer', node_def={'op': 'Relu'}), 'relu'),  # tf.nn.relu
    (layer('x', 'TensorFlowOpLayer', node_def={'op': 'AddV2'}), ''), (layer('x', 'Dropout'), '')])
def test_activation_layer(entry, expected):
    assert mg.activation_layer(entry) == expected


def test_takes_tokens(call):
    embedding = layer('e', 'Embedding', embeddings_initializer='uniform')
    config = functional(call, (layer('in', 'InputLayer'), ()), (layer('x', 'InputLayer'), ()),
                        (layer('r', 'Reshape'), ('in',)), (embedding, ('r',)),
                        (layer('out', 'Concatenate'), ('e', 'x')))
    graph = mg.read(config)
    assert mg.takes_tokens(graph, 'in') and not mg.takes_tokens(graph, 'x')



@pytest.mark.parametrize('given, expected', [
    ([['b', 0, 0], ['a', 0, 0]], ['b', 'a']), ([['a', 0, 0], ['b', 0, 0]], ['a', 'b']),
    (['a', 0, 0], ['a'])])
def test_inputs_are_in_the_order_of_the_model(given, expected):
    config = dict(functional(older_call, (layer('a', 'InputLayer'), ()),
                             (layer('b', 'InputLayer'), ()), (layer('out', 'Add'), ('a', 'b'))),
                  input_layers=given)
    assert list(mg.read(config).inputs.items()) == [(name, name) for name in expected]


def test_inputs_by_key_are_in_the_order_of_the_keys(call):
    config = dict(residual(call), input_layers={'v': ['a', 0, 0], 'u': ['b', 0, 0]})
    assert list(mg.read(config).inputs.items()) == [('u', 'b'), ('v', 'a')]


def test_inputs_of_a_sequential():
    config = sequential(layer('in', 'InputLayer'), layer('out', 'Dense'))
    assert mg.read(config).inputs == {'in': 'in'}


def test_is_masked(call):
    nested = {'class_name': 'Functional', 'config': {
        'name': 'inner', 'layers': [layer('mask', 'Masking', mask_value=0.0)]}}
    graph = mg.read(functional(
        call, (layer('in', 'InputLayer'), ()), (layer('shaped', 'Reshape'), ('in',)),
        (layer('mask', 'Masking', mask_value=0.0), ('shaped',)),
        (layer('out', 'LSTM', kernel_initializer=''), ('mask',)),
        (layer('in2', 'InputLayer'), ()), (layer('a', 'Dense'), ('in2',)),
        (layer('late', 'Masking', mask_value=0.0), ('a',)),
        (layer('in3', 'InputLayer'), ()), (nested, ('in3',))))
    assert [name for name in ('in', 'shaped', 'mask', 'in2', 'a', 'in3')
            if mg.is_masked(graph, name)] == ['in', 'shaped', 'a', 'in3']


def test_kernel_behind(call):
    graph = mg.read(residual(call))
    assert mg.layer_name(mg.kernel_behind(graph, 'act')) in ('a', 'b')
    assert mg.layer_name(mg.kernel_behind(graph, 'in')) == 'in'


def test_fresh_name():
    config = sequential(layer('norm', 'Dense'), layer('norm_1', 'Dense'))
    assert mg.fresh_name(config, 'norm') == 'norm_2'
    assert mg.fresh_name(config, 'other') == 'other'
