"""Files from elsewhere are data: none of them runs code, eats the machine or shows a traceback."""

import json
import os
import pickle
import shutil
import time
import zipfile

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from AutoTrainer import keras_bridge
from AutoTrainer.cli import main
from AutoTrainer.errors import UserError, quote
from AutoTrainer.intake.config import check_config, read_config
from AutoTrainer.intake.model_file import look
from AutoTrainer.record import folder as records
from AutoTrainer.record import reader

GOOD = {'optimizer': 'SGD', 'opt_kwargs': {'lr': 0.01}, 'batchsize': 32, 'epoch': 2,
        'loss': 'categorical_crossentropy', 'dataset': 'simplednn_blob', 'callbacks': ['estop']}
keras = keras_bridge.keras
layers = keras.layers
needs_keras_3 = pytest.mark.skipif(keras_bridge.LEGACY, reason='TF 2.3 saves no .keras file')


# --------------------------------------------------------------------------------- configurations

class Creates:
    """Its pickle would create a file."""

    def __init__(self, path, how):
        self.path, self.how = path, how

    def __reduce__(self):
        return {'open': (open, (self.path, 'w')),
                'system': (os.system, ('touch %s' % self.path,)),
                'eval': (eval, ('open(%r, "w")' % self.path,))}[self.how]


@pytest.mark.parametrize('how', ['open', 'system', 'eval'])
@pytest.mark.parametrize('protocol', [0, 2, 4])
def test_a_pickle_that_would_create_a_file_does_not(tmp_path, capsys, how, protocol):
    target, path = tmp_path / 'created', tmp_path / 'config.pkl'
    path.write_bytes(pickle.dumps(dict(GOOD, loss=Creates(str(target), how)), protocol))
    model = tmp_path / ('model' + keras_bridge.MODEL_SUFFIX)
    model.write_bytes(b'')
    assert main(['-mp', str(model), '-cp', str(path), '-rd', str(tmp_path / 'run')]) == 2
    told = capsys.readouterr().err
    assert 'wants to import' in told and len(told.splitlines()) == 1
    assert not target.exists()


def nested(levels, make):
    value = 'x'
    for _ in range(levels):
        value = make(value)
    return value


@pytest.mark.parametrize('name, content, message', [
    # a dictionary whose key is a pair of the same pair of …; to hash it takes 2**60 steps
    ('c.pkl', b'\x80\x02}K\x01' + b'2\x86' * 60 + b'K\x01s.', 'tuples that share parts'),
    # parts numbered so that the table of them would take gigabytes
    ('c.pkl', b'\x80\x02}r\x00\x00\x00\x7f.', 'a pickle whose part has the number 2130706432'),
    ('c.pkl', b'}p2130706432\n.', 'a pickle whose part has the number 2130706432'),
    ('c.pkl', pickle.dumps(dict(GOOD, loss=nested(200, lambda v: [v, v]))), r'loss = \[\['),
    ('c.pkl', b'(' * 60000 + b't' * 60000 + b'.', 'bytes; a configuration has at most'),
    ('c.pkl', pickle.dumps(dict(GOOD, epoch=10 ** 9999)), 'a number of 33216 bits'),
    ('c.json', b'{"epoch": ' + b'9' * 60000 + b'}', 'a number of 60000 digits'),
    ('c.json', b'{"epoch": NaN}', 'NaN is no JSON'),
    ('c.json', b'{"epoch": -Infinity}', '-Infinity is no JSON'),
    ('c.json', b'[' * 60000, 'is not valid JSON'),
    ('c.json', json.dumps({'epochs' * 5000: 1}).encode(), 'unknown key'),
    ('c.json', json.dumps(dict(GOOD, dataset='x' * 60000)).encode(), ''),
    ('c.json', json.dumps(dict(GOOD, loss='a\nb')).encode(), ''),
])
def test_configurations_made_to_harm(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    began = time.monotonic()
    try:
        read_config(str(tmp_path / name))
    except UserError as error:
        assert '\n' not in str(error) and len(str(error)) < 800
        assert not message or pytest.raises(UserError, read_config, str(tmp_path / name)).match(
            message)
    else:
        assert not message
    assert time.monotonic() - began < 20  # not a timing: the harm meant here lasts for ever


@pytest.mark.parametrize('value, shown', [
    (3, '3'), (1.5, '1.5'), ('x', "'x'"), (None, 'None'), ([1], '[1]'),
    (10 ** 1000, 'a number of 3322 bits'),
])
def test_quote(value, shown):
    assert quote(value) == shown


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner)
    | st.tuples(inner), max_leaves=15)


@pytest.mark.slow
@pytest.mark.once
@settings(max_examples=50, deadline=None)
@given(st.dictionaries(st.sampled_from(sorted(GOOD)) | st.text(), anything))
def test_any_configuration_is_taken_or_refused_in_a_sentence(changes):
    try:
        config = check_config(dict(GOOD, **changes))
    except UserError as error:
        assert '\n' not in str(error) and len(str(error)) < 1500
    else:
        assert set(config) == set(GOOD) and config == check_config(config)


numbers = st.none() | st.floats(allow_nan=False)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(numbers, numbers, numbers, numbers), max_size=6), st.binary(max_size=20))
def test_any_history_is_read_back_as_written(tmp_path_factory, epochs, torn):
    path = str(tmp_path_factory.mktemp('h') / 'history.csv')
    file = records.HistoryFile(path)
    keys = ('loss', 'acc', 'val_loss', 'val_acc')
    for number, values in enumerate(epochs, 1):
        file.add(number, dict(zip(keys, values)))
    file.close()
    assert reader.read_history(path) == {
        key: [values[i] for values in epochs] for i, key in enumerate(keys)}
    with open(path, 'ab') as written:
        written.write(torn.replace(b'\n', b''))
    assert len(reader.read_history(path)['loss']) == len(epochs)


# ----------------------------------------------------------------------------------------- models

def saved(tmp_path, suffix=keras_bridge.MODEL_SUFFIX, *more):
    keras_bridge.set_seed(1)
    model = keras.Sequential([keras.Input((4,)), layers.Dense(3, activation='relu', name='first')]
                             + list(more) + [layers.Dense(2, activation='softmax')])
    path = str(tmp_path / ('model' + suffix))
    model.save(path)
    return path


def refused(path, message, capsys, tmp_path):
    """Refused by the reader and by the command line, in one sentence, at once."""
    with pytest.raises(UserError, match=message) as caught:
        keras_bridge.load_model(path)
    assert '\n' not in str(caught.value) and len(str(caught.value)) < 800
    (tmp_path / 'good.json').write_text(json.dumps(GOOD))
    assert main(['-mp', path, '-cp', str(tmp_path / 'good.json'), '-rd', str(tmp_path / 'r')]) == 2
    told = capsys.readouterr().err
    assert 'Traceback' not in told and told.startswith('reproduce.py: model_path is ')


def rewrite(path, change):
    """Change the configuration inside a model file; everything else stays."""
    if path.endswith('.keras'):
        with zipfile.ZipFile(path) as archive:
            parts = {name: archive.read(name) for name in archive.namelist()}
        parts['config.json'] = json.dumps(change(json.loads(parts['config.json']))).encode()
        with zipfile.ZipFile(path, 'w') as archive:
            for name, content in parts.items():
                archive.writestr(name, content)
    else:
        with h5py.File(path, 'r+') as file:
            file.attrs['model_config'] = json.dumps(change(json.loads(
                file.attrs['model_config']))).encode()


def each_layer(config, change):
    for layer in config['config']['layers']:
        change(layer)
    return config


@pytest.mark.parametrize('content', [b'', b'\x89HDF\r\n\x1a\n', b'PK\x03\x04' + b'\0' * 50,
                                     b'text'])
def test_no_model_at_all(tmp_path, capsys, content):
    path = tmp_path / ('model' + keras_bridge.MODEL_SUFFIX)
    path.write_bytes(content)
    refused(str(path), 'cannot be read as a Keras model', capsys, tmp_path)


def test_a_folder_instead_of_a_model(tmp_path, capsys):
    refused(str(tmp_path), 'is no file', capsys, tmp_path)


@pytest.mark.parametrize('share', [0.5, 0.99])
def test_a_truncated_model(tmp_path, capsys, share):
    path = saved(tmp_path)
    with open(path, 'rb+') as file:
        file.truncate(int(os.path.getsize(path) * share))
    refused(path, 'model_path is', capsys, tmp_path)


@needs_keras_3
def test_a_damaged_part_of_an_archive(tmp_path, capsys):
    path = saved(tmp_path)
    with open(path, 'rb') as file:
        content = bytearray(file.read())
    content[content.index(b'model.weights.h5') + 200] ^= 255
    with open(path, 'wb') as file:
        file.write(content)
    refused(path, 'model.weights.h5', capsys, tmp_path)


@pytest.mark.slow
@needs_keras_3
def test_a_zip_bomb(tmp_path, capsys):
    path = saved(tmp_path)
    with zipfile.ZipFile(path, 'a', zipfile.ZIP_DEFLATED) as archive:
        archive.writestr('assets/bomb', b'\0' * (300 << 20))
    assert os.path.getsize(path) < 1 << 20
    refused(path, 'would unpack to more than', capsys, tmp_path)


def test_an_hdf5_bomb(tmp_path, capsys):
    """Arrays that are declared but not stored take no room in the file, and all the memory."""
    path = saved(tmp_path, '.h5')
    with h5py.File(path, 'r+') as file:
        file.create_dataset('bomb', (10 ** 6, 10 ** 6), 'float32')
    refused(path, 'would unpack to more than', capsys, tmp_path)


def test_an_hdf5_file_that_reaches_for_others(tmp_path, capsys):
    secret = tmp_path / 'secret'
    secret.write_bytes(b'\0' * 4000)
    for name in ('link', 'soft', 'external'):
        path = saved(tmp_path, '.h5')
        with h5py.File(path, 'r+') as file:
            if name == 'link':
                file['more'] = h5py.ExternalLink(str(secret), '/')
            elif name == 'soft':
                file['more'] = h5py.SoftLink('/nowhere')
            else:
                created = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
                created.set_external(str(secret).encode(), 0, 4000)
                h5py.h5d.create(file.id, b'more', h5py.h5t.NATIVE_FLOAT,
                                h5py.h5s.create_simple((1000,)), created)
        refused(path, 'elsewhere|another file', capsys, tmp_path)


def test_hard_links_in_a_circle_are_read_once(tmp_path):
    path = saved(tmp_path, '.h5')
    before = look(path)
    with h5py.File(path, 'r+') as file:
        file['model_weights/again'] = file['/']
    assert look(path) == before


@pytest.mark.skipif(keras_bridge.LEGACY, reason='TF 2.3 can only build a model to measure it')
@pytest.mark.parametrize('suffix', ['.h5', '.keras'])
def test_layers_larger_than_what_is_stored(tmp_path, capsys, suffix):
    path = saved(tmp_path, suffix)

    def grow(layer):
        if 'units' in layer['config']:
            layer['config']['units'] = 10 ** 6
        if layer['config']['name'] != 'first' and 'build_config' in layer:
            layer['build_config'] = {'input_shape': [None, 10 ** 6]}
    rewrite(path, lambda config: each_layer(config, grow))
    refused(path, 'many more weights than it stores', capsys, tmp_path)


def test_code_in_a_model(tmp_path, capsys):
    path = saved(tmp_path, keras_bridge.MODEL_SUFFIX,
                 layers.Lambda(lambda x: x, output_shape=(3,), name='code'))
    refused(path, 'Lambda layers carry code', capsys, tmp_path)
    assert keras_bridge.load_model(path, trust=True).get_layer('code')


def test_a_class_of_ones_own(tmp_path, capsys):
    class Own(layers.Dense):
        pass

    path = saved(tmp_path, keras_bridge.MODEL_SUFFIX, Own(3))
    refused(path, 'Own', capsys, tmp_path)


@needs_keras_3
def test_a_module_named_by_a_file_is_not_imported(tmp_path, capsys, monkeypatch):
    (tmp_path / 'trap.py').write_text('open(%r, "w")' % str(tmp_path / 'sprung'))
    monkeypatch.syspath_prepend(str(tmp_path))
    path = saved(tmp_path)
    rewrite(path, lambda config: each_layer(config, lambda layer: layer.update(
        module='trap', class_name='Trap') if layer['config'].get('name') == 'first' else None))
    refused(path, 'class trap.Trap is not of Keras', capsys, tmp_path)
    assert not (tmp_path / 'sprung').exists()


def test_a_file_that_the_library_never_ends_reading(tmp_path, capsys, monkeypatch):
    from AutoTrainer.intake import model_file
    path = saved(tmp_path)
    stuck = tmp_path / 'stuck.py'
    stuck.write_text('import time; time.sleep(600)')
    monkeypatch.setattr(model_file, '__file__', str(stuck))
    monkeypatch.setattr(model_file, '_SECONDS', 1.0)
    refused(path, 'reading it takes for ever', capsys, tmp_path)
    stuck.write_text('import os; os.abort()')
    refused(path, 'kills the process that tries', capsys, tmp_path)


def test_modules_beside_the_reader_stand_in_for_none(tmp_path, monkeypatch):
    """The reader runs as a script; the modules of its folder are not in its way."""
    from AutoTrainer.intake import model_file
    copy = tmp_path / 'copy'
    copy.mkdir()
    shutil.copy(model_file.__file__, str(copy / 'model_file.py'))
    (copy / 'zipfile.py').write_text('raise SystemExit("wrong one")')
    monkeypatch.setattr(model_file, '__file__', str(copy / 'model_file.py'))
    config, stored = model_file.read_model_file(saved(tmp_path))
    assert config['class_name'] == 'Sequential' and stored == 4 * 3 + 3 + 3 * 2 + 2


def test_what_is_stored_is_counted(tmp_path):
    arrays = np.zeros((5, 7), 'float32')
    with h5py.File(str(tmp_path / 'a.h5'), 'w') as file:
        file['a'], file['b/c'] = arrays, arrays
    assert look(str(tmp_path / 'a.h5')) == (None, 70)
