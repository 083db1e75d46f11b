import pickle
import sys

import numpy as np
import published_files as published
import pytest

from AutoTrainer.data import DatasetError, files, get_dataset
from AutoTrainer.errors import UserError

WRITERS = {
    # data set: (its published file, what writes a small one)
    'mnist': ('mnist.npz', published.write_mnist),
    'imdb': ('imdb.npz', published.write_imdb),
    'reuters': ('reuters.npz', published.write_reuters),
    'cifar10': ('cifar-10-python.tar.gz',
                lambda path: published.write_cifar10_archive(path, published.cifar10_batches())),
}


@pytest.fixture
def offline(monkeypatch):
    """Keras as it behaves without a network."""
    def fail(name, **_):
        raise Exception('URL fetch failure on somewhere: None -- no network\nsecond line')
    monkeypatch.setattr('AutoTrainer.keras_bridge.load_keras_dataset', fail)


def failure(name):
    with pytest.raises(DatasetError) as error:
        get_dataset(name)
    assert isinstance(error.value, UserError)
    assert '\n' not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize('name', WRITERS)
def test_absent_and_offline_says_where_to_put_the_file(name, offline, data_folder, tmp_path):
    message = failure(name)
    assert message == (
        f"data set '{name}' is not on this machine and cannot be downloaded (URL fetch failure on "
        f"somewhere: None -- no network); put {WRITERS[name][0]} into '{data_folder}' or "
        f"'{tmp_path / 'keras' / 'datasets'}', or name another folder in $AUTOTRAINER_DATA")


@pytest.mark.parametrize('name', WRITERS)
@pytest.mark.parametrize('damage', [
    lambda content: b'',
    lambda content: content[:len(content) // 2],
    lambda content: b'<html>moved</html>',
    lambda content: content[:100] + bytes(byte ^ 255 for byte in content[100:400]) + content[400:],
], ids=['empty', 'half', 'a web page', 'flipped bytes'])
def test_damaged_file(name, damage, data_folder):
    published_name, write = WRITERS[name]
    path = data_folder / published_name
    write(path)
    path.write_bytes(damage(path.read_bytes()))
    message = failure(name)
    assert message.startswith(f"data set '{name}': '{path}' is damaged or another file (")
    assert message.endswith(f'replace it by the published {published_name}, '
                            'or remove it to have it downloaded')


WRONG_CONTENTS = [
    # data set, what to write instead, what the message says of it
    ('mnist', {'y_train': np.zeros(5, 'uint8')}, 'images (6, 28, 28) and labels (5,)'),
    ('mnist', {'x_test': np.zeros((3, 8, 8))}, 'images (3, 8, 8)'),
    ('mnist', {'y_test': np.array([0, 1, 10])}, 'labels go from 0 to 10, not from 0 to 9'),
    ('mnist', {'y_test': np.array([-1, 1, 2])}, 'labels go from -1 to 2'),
    ('mnist', {'y_test': np.array([0., 1., 2.])}, 'labels are of type float64'),
    ('mnist', {'x_train': published.object_array([1, 'a'])}, 'images (2,)'),
    ('imdb', {'y_train': np.zeros(3, int)}, '8 texts and labels of shape (3,)'),
    ('imdb', {'y_test': np.full(5, 2)}, 'labels go from 2 to 2'),
    ('imdb', {'x_test': published.object_array(['a', 'b', 'c', 'd', 'e'])}, 'no list of word'),
    ('imdb', {'x_test': published.object_array([[1], [2], [3], [4], [-5]])}, 'no list of word'),
    ('imdb', {'x_test': published.object_array([[1], [2], [3], [4], [.5]])}, 'no list of word'),
    ('reuters', {'y': np.full(11, 46)}, 'labels go from 46 to 46, not from 0 to 45'),
]


@pytest.mark.parametrize('name, instead, said', WRONG_CONTENTS)
def test_file_of_another_data_set(name, instead, said, data_folder):
    published_name, write = WRITERS[name]
    write(data_folder / published_name, **instead)
    assert said in failure(name)


def test_missing_array_is_named(data_folder):
    np.savez(str(data_folder / 'mnist.npz'), x_train=np.zeros((2, 28, 28)), y_test=np.zeros(2))
    assert 'it holds no x_test and no y_train' in failure('mnist')


@pytest.mark.parametrize('change, said', [
    (lambda batch: batch.pop(b'labels'), 'labels'),
    (lambda batch: batch[b'labels'].append(3), 'images (4, 3072) and 5 labels'),
    (lambda batch: batch.update({b'labels': [0, 1, 2, 30]}), 'from 0 to 30'),
    (lambda batch: batch.update({b'data': np.zeros((4, 3072))}), 'images (4, 3072)'),
])
def test_wrong_cifar10_batch(change, said, data_folder):
    batches = published.cifar10_batches()
    change(batches['data_batch_3'])
    published.write_cifar10_archive(data_folder / 'cifar-10-python.tar.gz', batches)
    assert said in failure('cifar10')


def test_cifar10_archive_without_a_batch(data_folder):
    batches = published.cifar10_batches()
    del batches['test_batch']
    published.write_cifar10_archive(data_folder / 'cifar-10-python.tar.gz', batches)
    assert 'test_batch' in failure('cifar10')


@pytest.mark.parametrize('name', ['imdb', 'reuters', 'mnist'])
def test_code_in_an_npz_does_not_run(name, data_folder, tmp_path):
    published_name, write = WRITERS[name]
    trap = tmp_path / 'trap'
    key = 'x' if name == 'reuters' else 'x_train'
    write(data_folder / published_name,
          **{key: published.object_array([[1], published.Hostile(trap)])})
    assert 'mkdir, which no data file needs' in failure(name)
    assert not trap.exists()


def test_code_in_a_cifar10_batch_does_not_run(data_folder, tmp_path):
    trap = tmp_path / 'trap'
    batches = published.cifar10_batches()
    batches['data_batch_2'] = pickle.dumps(published.Hostile(trap), protocol=2)
    published.write_cifar10_archive(data_folder / 'cifar-10-python.tar.gz', batches)
    assert 'mkdir, which no data file needs' in failure('cifar10')
    assert not trap.exists()


@pytest.mark.parametrize('array', [
    np.arange(12, dtype='>i4').reshape(3, 4),
    np.asfortranarray(np.arange(12.0).reshape(3, 4)),
    np.array([True, False]),
    np.array(7),
])
@pytest.mark.parametrize('protocol', [2, 4])
def test_arrays_in_pickles_come_back_whole(array, protocol, tmp_path):
    path = tmp_path / 'array.pkl'
    path.write_bytes(pickle.dumps({b'a': array, b'b': 1}, protocol=protocol))
    with path.open('rb') as stream:
        read = files.read_pickle(stream)
    np.testing.assert_array_equal(read[b'a'], array)
    assert read[b'a'].shape == array.shape
    assert read[b'a'].dtype == array.dtype.newbyteorder('=')
    assert read[b'b'] == 1


def test_object_array_of_equally_long_lists(tmp_path):
    np.savez(str(tmp_path / 'a.npz'), x=np.array([[1, 2], [3, 4]], dtype=object))
    assert files.read_npz(tmp_path / 'a.npz', ['x']) == {'x': [[1, 2], [3, 4]]}


def test_own_folder_comes_before_the_cache_of_keras(data_folder, tmp_path, offline):
    cache = tmp_path / 'keras' / 'datasets'
    cache.mkdir(parents=True)
    published.write_mnist(cache / 'mnist.npz', train=2)
    assert len(get_dataset('mnist')['x']) == 2
    published.write_mnist(data_folder / 'mnist.npz', train=5)
    assert len(get_dataset('mnist')['x']) == 5


def test_cache_of_keras_is_in_the_home_folder_unless_named(tmp_path, monkeypatch, offline):
    monkeypatch.delenv('KERAS_HOME')
    monkeypatch.delenv('AUTOTRAINER_DATA')
    monkeypatch.setenv('HOME', str(tmp_path))
    cache = tmp_path / '.keras' / 'datasets'
    assert str(cache) in failure('mnist')
    cache.mkdir(parents=True)
    published.write_mnist(cache / 'mnist.npz', train=3)
    assert len(get_dataset('mnist')['x']) == 3


def test_download_is_left_to_keras_and_keeps_standard_output_clean(
        monkeypatch, capsys, tmp_path):
    asked = []

    def download(name, **arguments):
        print('Downloading data', file=sys.stdout)
        asked.append((name, arguments))
        return ((np.zeros((2, 28, 28), 'uint8'), np.array([1, 2])),
                (np.zeros((1, 28, 28), 'uint8'), np.array([3])))
    monkeypatch.setattr('AutoTrainer.keras_bridge.load_keras_dataset', download)
    dataset = get_dataset('mnist')
    assert asked == [('mnist', {})]
    assert dataset['x'].shape == (2, 784) and dataset['y_val'].argmax() == 3
    printed = capsys.readouterr()
    assert printed.out == '' and 'Downloading' in printed.err
