"""What is told of a training that a run has made: its skill before and after a repair."""

import json

import numpy as np
import pytest

from AutoTrainer import keras_bridge
from AutoTrainer.judge.reference import Measured
from AutoTrainer.judge.skill import ACCURACY, BALANCED, SQUARED, Skill
from AutoTrainer.record.fit import measured_skill
from AutoTrainer.report.text import summary
from AutoTrainer.utils.utils import model_train

keras = keras_bridge.keras
layers = keras.layers
HALF, LITTLE, MUCH = Skill(0.5, 0.1), Skill(0.1, 0.05), Skill(0.9, 0.02)


class Probe:
    def __init__(self, measured):
        self.measured = measured

    def skills(self):
        if isinstance(self.measured, Exception):
            raise self.measured
        return self.measured


@pytest.mark.parametrize('measured, told', [
    (Measured(({ACCURACY: HALF, BALANCED: MUCH},), forms=(ACCURACY,)), (ACCURACY, HALF)),
    (Measured(({ACCURACY: HALF, BALANCED: MUCH},), forms=(BALANCED,)), (BALANCED, MUCH)),
    (Measured(({ACCURACY: MUCH},), ({ACCURACY: LITTLE},), forms=(ACCURACY,)), (ACCURACY, LITTLE)),
    # the output that is worst off
    (Measured(({ACCURACY: MUCH}, {SQUARED: HALF}), forms=(ACCURACY, SQUARED)), (SQUARED, HALF)),
    (Measured(({}, {SQUARED: HALF}), forms=(ACCURACY, SQUARED)), (SQUARED, HALF)),
    (Measured(({},), forms=(ACCURACY,)), ('', None)),
    (None, ('', None)),
    (ValueError('a shape that nobody foresaw'), ('', None)),
])
def test_the_skill_of_a_trained_model(measured, told):
    assert measured_skill(Probe(measured)) == told


def test_without_a_probe_no_skill_is_known():
    assert measured_skill(None) == ('', None)


# ------------------------------------------------------------------------------------- real runs

RANDOM = np.random.RandomState(0)
X = RANDOM.randn(240, 4).astype('float32')
Y = (X[:, 0] > 0).astype('float32')[:, None]
ROWS = {'x': X[:200], 'y': Y[:200], 'x_val': X[200:], 'y_val': Y[200:]}


def trained(folder, head='sigmoid', labels=Y, **settings):
    """What model_train hands back of a short training on these rows."""
    keras_bridge.set_seed(1)
    network = keras.Sequential([keras.Input((4,)), layers.Dense(8, activation='relu'),
                                layers.Dense(1, activation=head)])
    return model_train(
        network, optimizer=keras_bridge.optimizer_config('Adam', {'lr': 0.05}),
        loss='binary_crossentropy', iters=8, batch_size=40, save_dir=str(folder), dataset={
            'x': X[:200], 'y': labels[:200], 'x_val': X[200:], 'y_val': labels[200:]}, **settings)


def result_of(folder):
    return json.loads((folder / 'result.json').read_text(encoding='utf-8'))


@pytest.mark.backend
@pytest.mark.slow
@pytest.mark.filterwarnings('ignore:.*softmax over axis')
@pytest.mark.parametrize('rules, epoch', [('skill', 0), ('paper', 3)])
def test_skill_is_told_before_and_after_a_repair_under_every_rules(tmp_path, rules, epoch):
    """Under 'skill' the contradiction is repaired before the first epoch."""
    result = trained(tmp_path, 'softmax', checktype='adaptive', rules=rules)[0]
    assert result['issues'][0] == 'activation_issue' and result['detected_epoch'] == epoch
    skill = result['skill']
    assert result['status'] == 'repaired' and skill['form'] == ACCURACY
    assert skill['before'] <= 0 < 0.6 < skill['after']
    assert result_of(tmp_path)['skill'] == skill
    told = summary(result)
    assert 'Skill     %.2f → %.2f' % (skill['before'], skill['after']) in told
    assert 'found at epoch %d of 8' % epoch in told


@pytest.mark.slow
def test_what_is_only_told_is_no_issue_of_a_run(tmp_path):
    noise = np.random.RandomState(1).randint(0, 2, (240, 1)).astype('float32')
    issues, _ = trained(tmp_path, labels=noise, checktype='adaptive', autorepair=False)
    result = result_of(tmp_path)
    assert issues == result['issues'] == [] and result['status'] == 'normal'
    assert result['detected_epoch'] is None and result['yardstick'] < 0.2
    assert 'no_signal: ' in result['reason'] and 'no_signal: ' in summary(result)
