import json
import os
import pickle

import pytest

from AutoTrainer.errors import UserError
from AutoTrainer.intake.config import check_callback_names, check_config, check_count, read_config

GOOD = {'optimizer': 'SGD', 'opt_kwargs': {'lr': 0.01, 'momentum': 0.9}, 'batchsize': 1,
        'epoch': 200, 'loss': 'categorical_crossentropy', 'dataset': 'simplednn_blob'}


def changed(**fields):
    return {key: value for key, value in dict(GOOD, **fields).items() if value is not None}


@pytest.mark.parametrize('config, message', [
    (changed(epoch=None), "no key 'epoch'"),
    (changed(epoch=0), 'epoch is 0'),
    (changed(epoch=-3), 'epoch is -3'),
    (changed(epoch=2.5), 'epoch = 2.5'),
    (changed(epoch=True), 'epoch = True'),
    (changed(epoch=10**9), 'epoch is 1000000000'),
    (changed(batchsize='32'), "batchsize = '32'"),
    (changed(batchsize=0), 'batchsize is 0'),
    (changed(optimizer=7), 'optimizer = 7'),
    (changed(optimiser='SGD'), "unknown key 'optimiser'; did you mean optimizer?"),
    (changed(opt_kwargs={'lr': float('nan')}), r"opt_kwargs\['lr'\] = nan"),
    (changed(opt_kwargs=[1]), r'opt_kwargs = \[1\]'),
    (changed(callbacks=['estopp']), "callbacks has 'estopp'"),
    ([], 'the configuration is a list'),
])
def test_wrong_configurations_are_told_in_one_sentence(config, message):
    with pytest.raises(UserError, match=message) as caught:
        check_config(config)
    assert '\n' not in str(caught.value)


def test_optional_keys_are_filled_in():
    complete = check_config(changed(opt_kwargs=None))
    assert complete['opt_kwargs'] == {} and complete['callbacks'] == ()


@pytest.mark.parametrize('name, dump', [('c.json', json.dumps), ('c.pkl', pickle.dumps)])
def test_json_and_pickle_hold_the_same(tmp_path, name, dump):
    content = dump(GOOD)
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    assert read_config(str(tmp_path / name)) == check_config(GOOD)


class Evil:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (self.path, 'w'))


def test_upstream_fault_reproduce_unpickles(tmp_path):
    """A pickle that would create a file when it is loaded creates none."""
    target = str(tmp_path / 'created')
    path = str(tmp_path / 'config.pkl')
    with open(path, 'wb') as file:
        pickle.dump(dict(GOOD, loss=Evil(target)), file)
    with pytest.raises(UserError, match='wants to import'):
        read_config(path)
    assert not os.path.exists(target)


@pytest.mark.parametrize('name, content', [
    ('c.json', b'{"optimizer": '), ('c.json', b'\xff\xfe'), ('c.json', b''), ('c.pkl', b''),
    ('c.pkl', pickle.dumps(GOOD)[:-5]), ('c.pkl', b'not a pickle'), ('c.json', b'[1e999]'),
])
def test_damaged_files_are_told(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError):
        read_config(str(tmp_path / name))


def test_missing_file_folder_and_huge_file(tmp_path):
    with pytest.raises(UserError, match='is no file'):
        read_config(str(tmp_path / 'none.json'))
    with pytest.raises(UserError, match='is no file'):
        read_config(str(tmp_path))
    (tmp_path / 'big.json').write_bytes(b' ' * (2 << 20))
    with pytest.raises(UserError, match='a file of 2097152 bytes'):
        read_config(str(tmp_path / 'big.json'))


def test_upstream_configs_are_read(shared):
    for name, epochs in (('Gradient_Vanish_Case', 300), ('Oscillating_Loss_Case', 200)):
        config = read_config(str(shared / 'models' / (name + '_config.pkl')))
        assert config['epoch'] == epochs


@pytest.mark.parametrize('value', [0, -1, 1.0, True, '3', 10**8, None])
def test_counts(value):
    with pytest.raises(UserError, match='iters is'):
        check_count('iters', value)


def test_callback_names_keep_their_order():
    names = ['ReduceLR', 'estop', 'ReduceLR']
    assert check_callback_names(names) == tuple(names)


def test_a_class_is_no_callback():
    class Own:
        def on_epoch_end(self, epoch, logs=None):
            """Does nothing."""

    with pytest.raises(UserError, match=r'has the class Own; give an object of it, Own\(\)'):
        check_callback_names([Own])
    assert len(check_callback_names([Own(), 'estop'])) == 2
