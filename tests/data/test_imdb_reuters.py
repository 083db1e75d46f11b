import sys

import numpy as np
import published_files as published
import pytest

from AutoTrainer.data import get_dataset, imdb, reuters, words

TEXTS = [[7], [1, 2, 3], []]


@pytest.mark.parametrize('texts, num_words, encoded', [
    (TEXTS, 100, [[1, 10], [1, 4, 5, 6], [1]]),
    (TEXTS, 10, [[1, 2], [1, 4, 5, 6], [1]]),   # the rank whose number is num_words is rare
    (TEXTS, 11, [[1, 10], [1, 4, 5, 6], [1]]),
    ([], 10, []),
])
def test_encode(texts, num_words, encoded):
    assert words.encode(texts, num_words).tolist() == encoded


@pytest.mark.parametrize('text, padded', [
    ([], [0, 0, 0]), ([5], [0, 0, 5]), ([5, 6, 7], [5, 6, 7]), ([5, 6, 7, 8], [6, 7, 8]),
])
def test_pad(text, padded):
    assert words.pad([text], 3).tolist() == [padded]


@pytest.mark.parametrize('text, bag', [
    ([], [0, 0, 0]), ([2], [0, 0, 1]), ([0, 2, 2], [1, 0, 1]),
])
def test_bag(text, bag):
    assert words.bag([text], 3).tolist() == [bag]


def test_imdb(data_folder):
    published.write_imdb(data_folder / 'imdb.npz')
    dataset = get_dataset('imdb')
    assert dataset['x'].shape == (8, 500) and dataset['x_val'].shape == (5, 500)
    assert dataset['x'].dtype == np.int32 and dataset['x'].max() < imdb.NUM_WORDS
    assert dataset['y'].shape == (8, 2) and dataset['y'].dtype == np.float32
    assert dataset['y'].sum(axis=0).tolist() == [4.0, 4.0]
    assert dataset['y_val'].sum(axis=0).tolist() == [3.0, 2.0]


def test_reuters(data_folder):
    arrays = published.write_reuters(data_folder / 'reuters.npz')
    dataset = get_dataset('reuters')
    assert dataset['x'].shape == (8, 1000) and dataset['x_val'].shape == (3, 1000)
    assert set(np.unique(dataset['x'])) == {0.0, 1.0}
    labels = np.concatenate([dataset['y'], dataset['y_val']])
    assert labels.shape == (11, 46)
    assert sorted(labels.argmax(axis=1)) == sorted(arrays['y'])


@pytest.mark.parametrize('module, write', [
    (imdb, published.write_imdb), (reuters, published.write_reuters),
])
def test_same_as_keras_reads_the_same_file(module, write, data_folder, monkeypatch):
    name = module.__name__.split('.')[-1]
    path = data_folder / (name + '.npz')
    write(path)
    from AutoTrainer.keras_bridge import load_keras_dataset
    keras_modules = [loaded for full, loaded in list(sys.modules.items())
                     if full.endswith('.datasets.' + name) and hasattr(loaded, 'get_file')]
    assert keras_modules
    for loaded in keras_modules:
        monkeypatch.setattr(loaded, 'get_file', lambda *_, **__: str(path))
    theirs = load_keras_dataset(name, num_words=module.NUM_WORDS)
    for (x, y), (their_x, their_y) in zip(module.load_data(), theirs):
        assert [list(text) for text in x] == [list(text) for text in their_x]
        np.testing.assert_array_equal(y, their_y)
        assert module.preprocess(((x, y), (x, y)))['x'].tolist() == module.preprocess(
            ((their_x, their_y), (their_x, their_y)))['x'].tolist()
