"""Legs of a candidate: going on is as not having stopped, and what breaks ends itself only."""

import numpy as np
import pytest

from AutoTrainer import keras_bridge
from AutoTrainer.judge.exam import exam_of
from AutoTrainer.judge.reference import Target
from AutoTrainer.record import legs
from AutoTrainer.record.checkpoint import FILE
from AutoTrainer.record.folder import RecordError
from AutoTrainer.record.legs import Course, Stretch, Trainer, best_weights
from AutoTrainer.solutions.candidate import Blueprint, Candidate, TargetScale, Training
from AutoTrainer.solutions.race import BROKE, NOT_FINITE

keras = keras_bridge.keras
layers = keras.layers
RANDOM = np.random.RandomState(0)
X = RANDOM.randn(60, 3).astype('float32')
Y = (X[:, 0] + 0.3 * RANDOM.randn(60) > 0).astype('int64')
HELD = X[40:], Y[40:]


class Breaks(layers.Layer):
    """Raises in training; is built and looked at as any other."""

    def call(self, x, training=None):
        if training:
            raise RuntimeError('no such luck')
        return x


def network(*extra, rate=0.1, loss='binary_crossentropy', head='sigmoid'):
    keras_bridge.set_seed(3)
    stack = [keras.Input((3,)), layers.Dense(6, activation='relu', name='hidden')]
    stack += list(extra) + [layers.Dense(1, activation=head, name='head')]
    model = keras.Sequential(stack)
    return Candidate(keras_bridge.take_blueprint(model), Training(
        keras_bridge.optimizer_config(keras.optimizers.SGD(rate, momentum=0.9)), loss, 20, 6, (),
        {'x': X[:40], 'y': Y[:40], 'x_val': HELD[0], 'y_val': HELD[1]}, ()))


def drawn():
    """Layers with a random state, or one that training moves."""
    return [layers.Dropout(0.3, name='dropped'), layers.BatchNormalization(name='normal')]


def course(labels=HELD[1], kind='binary'):
    return Course(exam_of(HELD[0], [Target(labels, labels, kind, 1)], np.arange(20)), 4)


def legs_of(candidate, folder, *until, fresh=True, looks=range(1, 7), how=None):
    """What a candidate comes to after its legs, with a trainer for each or one for all."""
    folder.mkdir(exist_ok=True)
    trainer, leg = None, None
    for epochs in until:
        if trainer is None or fresh:
            trainer = Trainer(how or course())
        leg = trainer(Stretch(str(folder), candidate, epochs, tuple(looks)))
    return leg


def left(folder):
    """All arrays that the last leg has left, and what it says of the candidate."""
    saved = legs.read_checkpoint(str(folder))
    told = dict(saved.watch)
    told.pop('seconds')
    return saved.model, best_weights(str(folder)), told


def same(one, other):
    for mine, theirs in zip(one[:2], other[:2]):
        assert len(mine) == len(theirs) > 0
        for a, b in zip(mine, theirs):
            assert a.dtype == b.dtype and a.tobytes() == b.tobytes()
    assert one[2] == other[2]


# ---------------------------------------------------------------------------------- going on

@pytest.mark.backend
@pytest.mark.parametrize('shuffle', [True, False])
def test_going_on_is_as_not_having_stopped(tmp_path, shuffle):
    """Weights, optimizer, looks: to the last bit, batch normalisation and dropout included."""
    extra = drawn()[keras_bridge.LEGACY:]  # whose dropout's random state nobody can read
    candidate = network(*extra)
    candidate = candidate._replace(training=candidate.training._replace(shuffle=shuffle))
    legs_of(candidate, tmp_path / 'whole', 6)
    legs_of(candidate, tmp_path / 'fresh', 2, 4, 6)
    legs_of(candidate, tmp_path / 'one', 2, 4, 6, fresh=False)
    whole = left(tmp_path / 'whole')
    assert [look[0] for look in whole[2]['looks']] == [1, 2, 3, 4, 5, 6]
    assert len({look[2] for look in whole[2]['looks']}) > 2
    same(left(tmp_path / 'fresh'), whole)
    same(left(tmp_path / 'one'), whole)


def test_legs_with_dropout_do_not_depend_on_who_trains_them(tmp_path):
    """TensorFlow 2.3 keeps the state of dropout to itself: every leg begins from the checkpoint."""
    candidate = network(*drawn())
    assert keras_bridge.repeats_exactly(legs.made(candidate, 4)) is not keras_bridge.LEGACY
    legs_of(candidate, tmp_path / 'fresh', 2, 4, 6)
    legs_of(candidate, tmp_path / 'one', 2, 4, 6, fresh=False)
    same(left(tmp_path / 'one'), left(tmp_path / 'fresh'))


def test_an_older_state_is_gone_on_from_all_the_same(tmp_path):
    """A worker that comes back to a candidate which another has trained further meanwhile."""
    candidate = network()
    folder, one, other = tmp_path / 'run', Trainer(course()), Trainer(course())
    folder.mkdir()
    for trainer, until, looks in ((one, 2, (1, 2)), (other, 4, (1, 2, 3, 4)),
                                  (one, 6, (1, 2, 3, 4, 5, 6))):
        leg = trainer(Stretch(str(folder), candidate, until, looks))
    assert [look.epoch for look in leg.looks] == [1, 2, 3, 4, 5, 6]
    legs_of(candidate, tmp_path / 'whole', 6)
    same(left(folder), left(tmp_path / 'whole'))


def test_a_leg_that_is_there_is_not_trained_again(tmp_path):
    candidate = network()
    first = legs_of(candidate, tmp_path / 'run', 2)
    before = (tmp_path / 'run' / FILE).stat().st_mtime_ns
    assert legs_of(candidate, tmp_path / 'run', 2) == first
    assert (tmp_path / 'run' / FILE).stat().st_mtime_ns == before


def test_a_checkpoint_of_another_model_breaks_the_candidate(tmp_path):
    legs_of(network(layers.Dense(2)), tmp_path / 'run', 2)
    leg = legs_of(network(), tmp_path / 'run', 4)
    assert leg.ended == BROKE and 'is of another model' in leg.said


def test_a_damaged_checkpoint_is_told(tmp_path):
    legs_of(network(), tmp_path / 'run', 2)
    (tmp_path / 'run' / FILE).write_bytes(b'PK torn')
    with pytest.raises(RecordError, match='cannot be gone on from'):
        legs_of(network(), tmp_path / 'run', 4)


# ------------------------------------------------------------------------------ the best look

def test_the_weights_kept_are_those_of_the_best_look(tmp_path):
    """Of two that are as good those of the later; also where they are of an earlier leg."""
    candidate = network(rate=1.0)
    leg = legs_of(candidate, tmp_path / 'run', 2, 4, 6)
    best = max(leg.looks, key=lambda look: (look.score, look.epoch))
    assert len({look.score for look in leg.looks}) > 1
    model = legs.made(candidate, 4)
    model.set_weights(best_weights(str(tmp_path / 'run')))
    asked = course()
    outputs = keras_bridge.predictor(model)(asked.exam.x)
    assert asked.exam.measure(outputs, [False]).score == best.score
    until = legs_of(candidate, tmp_path / 'until', best.epoch)
    assert until.looks == leg.looks[:best.epoch]
    for a, b in zip(best_weights(str(tmp_path / 'run')), best_weights(str(tmp_path / 'until'))):
        assert a.tobytes() == b.tobytes()


def test_who_was_not_looked_at_has_no_best_weights(tmp_path):
    legs_of(network(), tmp_path / 'run', 2, looks=())
    with pytest.raises(ValueError, match='no candidate that was looked at'):
        best_weights(str(tmp_path / 'run'))


def test_outputs_are_looked_at_in_the_units_of_the_labels(tmp_path):
    """A model that is trained on scaled targets is worth as much as it says in theirs."""
    amounts = (1e4 * X[:, 0] + 5e4).astype('float32')
    scale = TargetScale((float(amounts.mean()),), (float(amounts.std()),))
    candidate = network(loss='mean_squared_error', head=None, rate=0.02)._replace(targets=scale)
    candidate = candidate._replace(training=candidate.training._replace(dataset={
        'x': X[:40], 'y': scale.of_labels(amounts[:40]), 'x_val': HELD[0], 'y_val': amounts[40:]}))
    leg = legs_of(candidate, tmp_path / 'run', 6, how=course(amounts[40:], 'real'))
    assert leg.looks[-1].skill > 0.5


# ------------------------------------------------------------------------- what goes no further

@pytest.mark.backend
def test_a_loss_that_is_no_number_ends_a_candidate(tmp_path):
    candidate = network(rate=1e30, loss='mean_squared_error', head=None)
    leg = legs_of(candidate, tmp_path / 'run', 6)
    assert leg.ended == NOT_FINITE and leg.epochs < 6
    assert legs_of(candidate, tmp_path / 'run', 6) == leg  # for good


def test_outputs_that_are_no_numbers_are_worth_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(keras_bridge, 'predictor',
                        lambda model: lambda x: [np.full((20, 1), np.nan)])
    leg = legs_of(network(), tmp_path / 'run', 2)
    assert not leg.ended and [look.skill for look in leg.looks] == [-10.0, -10.0]


def test_what_breaks_down_says_how(tmp_path):
    breaking = network()._replace(model=Blueprint('subclassed', None, {'': []}, Subclassed()))
    leg = legs_of(breaking, tmp_path / 'run', 2)
    assert leg.ended == BROKE and leg.epochs == 0 and leg.looks == ()
    assert leg.said.startswith('Traceback') and 'no such luck' in leg.said


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.inner, self.breaks = layers.Dense(1, activation='sigmoid'), Breaks()

    def call(self, x, training=None):
        return self.breaks(self.inner(x), training=training)


@pytest.mark.parametrize('error', [MemoryError, RuntimeError])
def test_what_breaks_down_later_keeps_what_it_had_shown(tmp_path, monkeypatch, error):
    folder, candidate = tmp_path / 'run', network()
    first = legs_of(candidate, folder, 2)

    def fails(*given):
        raise error('too much')
    monkeypatch.setattr(keras_bridge, 'training_state', fails)
    leg = legs_of(candidate, folder, 4)
    assert leg.ended == BROKE and error.__name__ in leg.said and 'too much' in leg.said
    assert leg[:2] == first[:2] and leg.looks
    assert best_weights(str(folder))


def test_an_interruption_is_no_breakdown(tmp_path, monkeypatch):
    def interrupted(*given):
        raise KeyboardInterrupt
    monkeypatch.setattr(keras_bridge, 'training_state', interrupted)
    with pytest.raises(KeyboardInterrupt):
        legs_of(network(), tmp_path / 'run', 2)


def test_a_disk_that_refuses_ends_the_race(tmp_path, monkeypatch):
    def full(*given):
        raise RecordError('the disk is full')
    monkeypatch.setattr(legs, 'write_checkpoint', full)
    with pytest.raises(RecordError, match='the disk is full'):
        legs_of(network(), tmp_path / 'run', 2)
