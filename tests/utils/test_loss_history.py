"""The callback as somebody meets it who puts it into a fit() of their own."""

import json
import logging

import numpy as np
import pytest

from AutoTrainer import keras_bridge
from AutoTrainer.errors import UserError
from AutoTrainer.utils.utils import LossHistory, model_train

keras = keras_bridge.keras
layers = keras.layers
random = np.random.RandomState(0)
CLASSES = np.arange(60) % 3
X = (0.3 * random.randn(60, 2) + 4 * np.eye(3)[CLASSES][:, :2]).astype('float32')
ONE_HOT = np.eye(3, dtype='float32')[CLASSES]
FLAT = {'learning_rate': 0.0}


def model(loss='categorical_crossentropy', metrics=('accuracy',), units=3, **optimizer):
    keras_bridge.set_seed(3)
    network = keras.Sequential([keras.Input((2,)), layers.Dense(
        units, activation='softmax' if units > 1 else None, name='head')])
    network.compile(keras.optimizers.SGD(**(optimizer or {'learning_rate': 0.05})), loss,
                    metrics=list(metrics))
    return network


def fit(network, watch, epochs=10, **settings):
    return network.fit(X, settings.pop('y', ONE_HOT), epochs=epochs, batch_size=30, verbose=0,
                       callbacks=[watch], **settings)


# ------------------------------------------------------------------------------ what it says

@pytest.mark.parametrize('stop, told', [
    (True, 'the training is stopped (LossHistory(..., stop=False) lets it run on)'), (False, '')])
def test_it_says_on_a_line_of_its_own_what_it_found(caplog, stop, told):
    watch = LossHistory((X, ONE_HOT), stop=stop)
    with caplog.at_level(logging.WARNING, 'AutoTrainer'):
        fit(model(**FLAT), watch)
    said = [record for record in caplog.records if 'not_converge' in record.getMessage()]
    assert len(said) == 1 and said[0].levelno == logging.WARNING
    assert said[0].getMessage() == 'epoch %d: %s%s' % (
        watch.verdict.epoch, watch.verdict.reason, told and '; ' + told)


def test_a_sound_training_makes_it_say_nothing(caplog):
    watch = LossHistory((X, ONE_HOT))
    fit(model(learning_rate=0.2), watch, epochs=20)
    assert watch.issue_list == [] and caplog.text == ''
    assert watch.verdict.reason.startswith('sound: nothing was found in 20 epochs by ')


def test_a_training_too_short_to_judge_is_said_to_be_one(caplog):
    watch = LossHistory((X, ONE_HOT))
    fit(model(**FLAT), watch, epochs=2)
    assert watch.verdict.reason.startswith('not judged: 2 epochs, a verdict needs 3')
    assert caplog.text.count('not judged: 2 epochs') == 1


def test_what_it_finds_goes_into_the_folder_for_issues(tmp_path):
    watch = LossHistory((X, ONE_HOT), pkl_dir=str(tmp_path / 'issues'))
    fit(model(**FLAT), watch)
    told = json.loads((tmp_path / 'issues' / 'issue_history.json').read_text(encoding='utf-8'))
    assert told['issues'] == watch.issue_list == ['not_converge']
    assert told['history'] == watch.history and told['epoch'] == watch.verdict.epoch
    assert told['reasons'] == watch.verdict.reasons


@pytest.mark.parametrize('given, told', [
    (None, "compile with metrics=['accuracy'] or give LossHistory arrays as training_data"),
    ((X, ONE_HOT), 'of the loss own_loss with these labels the best constant prediction is not')])
def test_without_accuracy_it_says_what_would_help(caplog, given, told):
    def own_loss(y, y_pred):
        return (y - y_pred) ** 2

    fit(model(own_loss, ()), LossHistory(given), epochs=3)
    assert caplog.text.count('no accuracy among the metrics') == 1 and told in caplog.text


# --------------------------------------------------------------------- several fits, one training

def test_one_fit_per_epoch_is_one_training_where_total_epoch_says_so(tmp_path):
    network, watch = model(**FLAT), LossHistory((X, ONE_HOT), total_epoch=20, checktype='epoch_1',
                                                save_dir=str(tmp_path))
    for _ in range(20):
        fit(network, watch, epochs=1)
    assert watch.issue_list == ['not_converge'] and watch.verdict.epoch == 6  # 0.3 of 20
    assert len(watch.history['loss']) == 20
    rows = (tmp_path / 'history.csv').read_text().splitlines()
    assert len(rows) == 21 and rows[-1].startswith('20,')


def test_one_fit_per_epoch_is_one_training_where_initial_epoch_says_so():
    network, watch = model(**FLAT), LossHistory((X, ONE_HOT), checktype='epoch_1')
    for epoch in range(6):
        fit(network, watch, initial_epoch=epoch, epochs=epoch + 1)
    assert watch.issue_list == ['not_converge'] and watch.verdict.epoch == 3
    assert len(watch.history['loss']) == 6


def test_one_fit_per_epoch_without_a_word_is_warned_of(caplog):
    network, watch = model(**FLAT), LossHistory((X, ONE_HOT))
    for _ in range(4):
        fit(network, watch, epochs=1)
    assert watch.issue_list == [] and 'give epochs=N' in caplog.text


def test_another_model_is_another_training():
    watch = LossHistory((X, ONE_HOT), total_epoch=20)
    fit(model(), watch, epochs=5)
    fit(model(), watch, epochs=4)
    assert len(watch.history['loss']) == 4


def test_epochs_that_nobody_watched_count_in_the_verdict():
    watch = LossHistory((X, ONE_HOT), checktype='epoch_1')
    fit(model(**FLAT), watch, initial_epoch=10, epochs=20)
    assert watch.verdict.epoch == 13 and len(watch.history['loss']) == 3


# ------------------------------------------------------------------------------- what it refuses

def broken(row):
    x = X.copy()
    x[row, 1] = np.nan
    return x


@pytest.mark.parametrize('data, told', [
    ((broken(17), ONE_HOT), r'x holds 1 values that are NaN or infinite \(the first, NaN, in row '
                            r'17\)'),
    (({'a': X, 'b': broken(3)}, ONE_HOT), r"x\['b'\] holds 1 values"),
    ((X, ONE_HOT[:10]), 'x and y have 60 and 10 rows; give as many labels as inputs'),
    ((X[:0], ONE_HOT[:0]), 'x is empty'),
    (([[1.0, 2.0], [3.0]], [0, 1]), 'rows of unequal length'),
])
def test_data_is_checked_as_by_model_train(tmp_path, data, told):
    with pytest.raises(UserError, match=told):
        LossHistory(data)
    if isinstance(data[0], np.ndarray):
        with pytest.raises(UserError, match=told):
            model_train(model(), optimizer='SGD', loss='categorical_crossentropy', iters=1,
                        batch_size=8, dataset={'x': data[0], 'y': data[1]},
                        save_dir=str(tmp_path))


def test_class_numbers_beyond_the_outputs_are_refused_before_the_first_step():
    watch = LossHistory((X, CLASSES + 1))
    with pytest.raises(UserError, match='y holds labels from 1 to 3, but the model has 3 outputs'):
        fit(model('sparse_categorical_crossentropy'), watch, y=CLASSES + 1)
    assert watch.history['loss'] == []


def test_lists_of_numbers_are_data_too():
    watch = LossHistory((X.tolist(), CLASSES.tolist()), checktype='epoch_1')
    fit(model('sparse_categorical_crossentropy'), watch, epochs=3, y=CLASSES)
    assert watch.session.probes > 0


def test_the_class_instead_of_an_object_of_it():
    with pytest.raises(UserError, match=r'callbacks has the class LossHistory; give an object'):
        fit(model(), LossHistory, epochs=1)
