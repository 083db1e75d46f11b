"""A race from the stopped training to what is handed back."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from AutoTrainer import keras_bridge, racing, repair
from AutoTrainer.judge.exam import Worth
from AutoTrainer.judge.skill import Skill
from AutoTrainer.record.legs import best_weights

keras = keras_bridge.keras


def worth(choice, last, whole=None, error=0.02):
    return racing.Measured(*[Worth(Skill(value, error), value) for value in (
        choice, last, (choice + last) / 2 if whole is None else whole)])


def judged(before, seen, yardstick):
    ground = SimpleNamespace(yardstick=None if yardstick is None else Skill(yardstick, 0.02),
                             form='accuracy')
    looks = [SimpleNamespace(skill=skill) for skill in seen]
    race = SimpleNamespace(racers=[SimpleNamespace(leg=SimpleNamespace(looks=looks))])
    return racing._Judged(ground, racing.Before(None, before), race, None, None, 0)


@pytest.mark.parametrize('before, after, is_more', [
    (worth(0.0, 0.0), worth(0.1, 0.01), True),
    (worth(0.8, 0.8), worth(0.9, 0.79), False),          # worse on rows that chose nothing
    (worth(0.8, 0.8), worth(0.7, 0.82, 0.76), False),    # worse on all rows together
    (worth(0.8, 0.8), worth(0.8, 0.8), False),           # no better
])
def test_nothing_worse_than_the_first_training_is_handed_back(before, after, is_more):
    assert judged(before, [0.9], 0.9).is_worth_more(after) is is_more


@pytest.mark.parametrize('before, seen, yardstick, after, status', [
    (worth(0.0, 0.0), [0.9], 0.9, worth(0.9, 0.85), 'repaired'),
    (worth(0.0, 0.0), [0.9], 0.9, worth(0.9, 0.6), 'improved'),     # well set by luck on one half
    (worth(0.0, 0.0), [0.6], 0.9, worth(0.6, 0.55), 'improved'),    # the best seen is too little
    (worth(0.0, 0.0), [0.7], None, worth(0.7, 0.65), 'repaired'),   # the yardstick is not known
    (worth(0.0, 0.0), [0.1], 0.9, worth(0.1, 0.01), 'failed'),      # within a standard error
    (worth(-2.0, -2.0), [-0.1], None, worth(-0.1, -0.1), 'improved'),    # no more than a constant
])
def test_what_a_winner_is_called(before, seen, yardstick, after, status):
    assert judged(before, seen, yardstick).status(after) == status


def thousands():
    """Rows whose targets go by thousands, and a model that steps out of bounds on them."""
    random = np.random.RandomState(0)
    x = random.uniform(-1, 1, (240, 3)).astype('float32')
    y = 1000 * (x[:, 0] - 2 * x[:, 1] + 5)
    keras_bridge.set_seed(0)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(8, activation='relu'),
                              keras.layers.Dense(1)])
    model.compile('sgd', 'mse')
    return model, x, y


@pytest.mark.backend
@pytest.mark.slow
def test_a_race_gives_answers_in_the_units_of_the_labels(tmp_path):
    """And the weights of the winner's best look, of a model that takes the rows as they come."""
    model, x, y = thousands()
    path = str(tmp_path / 'run')
    given = keras_bridge.all_weights(model)
    found, result = repair(model, x[:120], y[:120], validation_data=(x[120:], y[120:]), epochs=24,
                           batch_size=8, save_dir=path)
    assert result['status'] == 'repaired' and result['skill']['before'] < 0.5
    missed = np.mean((found.predict(x[120:], verbose=0).ravel() - y[120:]) ** 2)
    assert 1 - missed / np.var(y[120:]) > 0.85 * result['yardstick']
    assert result['price'] <= 3 + 1 / 8
    assert all(np.array_equal(one, other) for one, other in zip(
        given, keras_bridge.all_weights(model)))
    winner = next(entry for entry in result['race']['candidates']
                  if entry['number'] == result['race']['winner'])
    assert 'targets' in winner['name'].split('+') and result['solution'] == winner['name']
    kept = best_weights('%s/attempts/%03d_race_1' % (path, winner['number']))
    assert all(np.array_equal(one, other) for one, other in zip(
        kept, keras_bridge.all_weights(found)))
    with open(tmp_path / 'run' / 'events.jsonl', encoding='utf-8') as stream:
        legs = [event for event in map(json.loads, stream)
                if event['event'] == 'leg' and event['number'] == winner['number']]
    best = max(legs[-1]['looks'], key=lambda look: (look[2], look[0]))
    assert (best[0], best[1]) == (winner['best_epoch'], winner['skill'])


@pytest.mark.slow
def test_a_race_leaves_a_sound_training_alone():
    _, x, y = thousands()
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(16, activation='relu'),
                              keras.layers.Dense(1, activation='sigmoid')])
    model.compile(keras.optimizers.Adam(0.01), 'binary_crossentropy')
    labels = (y > 5000).astype('float32')
    _, result = repair(model, x[:160], labels[:160], validation_data=(x[160:], labels[160:]),
                       epochs=20, batch_size=8)
    assert result['status'] == 'normal' and result['price'] == 1 and 'race' not in result


def test_no_candidate_is_trained_where_nothing_can_be_measured(caplog):
    """Rows of one class: nobody can be better than the best constant answer."""
    _, x, _ = thousands()
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4, activation='relu'),
                              keras.layers.Dense(1, activation='softmax')])  # always 1
    model.compile('sgd', 'binary_crossentropy')
    labels = np.ones(len(x), 'float32')
    _, result = repair(model, x[:160], labels[:160], validation_data=(x[160:], labels[160:]),
                       epochs=4)
    assert result['status'] == 'failed' and result['race']['candidates'] == []
    assert result['race']['winner'] is None and 'cannot be measured' in caplog.text
