"""Going on after trouble, decided on numbers alone."""

import logging
import math

import judged_by_skill as by_skill
import pytest

from AutoTrainer.judge import recovery
from AutoTrainer.judge.recovery import MOST, PutBack
from AutoTrainer.judge.session import Plan, Session
from AutoTrainer.settings import Watching

NAN = math.nan


@pytest.mark.parametrize('issues, non_finite, expected', [
    (['explode'], '', True), (['collapse', 'unstable'], '', True),
    (['vanish', 'collapse'], '', False), (['not_converge'], '', False), ([], '', False),
    (['abnormal_data', 'explode'], 'loss = nan at epoch 3', True),  # a number has overflowed
    ([], 'loss = nan at epoch 3', False)])
def test_which_verdicts_it_is_for(issues, non_finite, expected):
    assert recovery.is_for(issues, non_finite) is expected


@pytest.mark.parametrize('losses, expected', [
    ([2.0, 1.0, 0.5, 6.0], None),                   # less than SPIKE times
    ([2.0, 1.0, 0.5, 60.0], 'the loss jumped to 60, 60 times the median of the 3 epochs before'),
    ([2.0, 1.0, 0.1, 0.1, 0.1, 1.5], None),        # a part of what was learnt is left
    ([2.0, 1.0, 0.1, 0.1, 0.1, 0.1, 2.5], 'jumped to 2.5, 25 times the median of the 5'),
    ([2.0, 1.0, 60.0], None),                       # two epochs have no usual loss
    ([2.0, 1.0, 0.5, NAN], None), ([2.0, 1.0, 0.5, None], None), ([], None),
    ([2.0, -1.0, -3.0, 60.0], None), ([None, 1.0, 0.5, 0.5, 60.0], None)])
def test_a_loss_that_jumps(losses, expected):
    said = recovery.spike(losses)
    assert said is None if expected is None else expected in said


@pytest.mark.parametrize('better, worse', [
    (dict(acc=0.5, val_acc=0.9), dict(acc=0.9, val_acc=0.5)),
    (dict(acc=0.5, loss=0.1), dict(acc=0.5, loss=0.2)),
    (dict(acc=0.5, loss=0.9, val_loss=0.1), dict(acc=0.5, loss=0.1, val_loss=0.2)),
    (dict(loss=0.1), dict(loss=0.2))])
def test_which_epoch_is_the_best(better, worse):
    assert recovery.score(better) > recovery.score(worse)


@pytest.mark.parametrize('values', [dict(loss=NAN, acc=0.9), dict(loss=1.0, val_loss=math.inf), {}])
def test_an_epoch_that_cannot_be_the_best(values):
    assert recovery.score(values) is None


# ------------------------------------------------------------------------- as a session has it

class Keeper:
    """A model whose state is a number, and its learning rate."""

    def __init__(self, session):
        self.session, self.kept, self.rate, self.put = session, (0, 1.0), 1.0, []

    def train(self, rows):
        """The epochs of a training; returns how many it took until it was stopped."""
        for count, (loss, acc) in enumerate(rows, 1):
            stop = self.session.epoch({'loss': loss, 'acc': acc})
            if self.session.restore_due:
                assert not stop
                rates = (self.rate, self.rate * 0.1) if self.session.goes_on else None
                self.rate = rates[1] if rates else self.rate
                self.put.append(self.kept[0])
                stop = self.session.restored(PutBack(self.kept[0], rates))
            elif self.session.is_best:
                self.kept = (self.session.epochs, self.rate)
            if stop:
                return count
        self.session.end()
        return len(rows)


class Recorder:
    def __init__(self):
        self.events = []

    def epoch(self, number, values):
        pass

    def event(self, name, **fields):
        self.events.append(dict(fields, event=name))


def restoring(planned=12, recorder=None, observers=(), **watching):
    return Session(Watching(checktype='epoch_1', on_issue='restore', **watching), Plan(planned),
                   recorder=recorder, observers=observers)


GOOD = [(1.0 / n, 0.6 + 0.02 * n) for n in range(1, 13)]
BROKEN = (NAN, 0.1)


def test_a_training_that_breaks_once_goes_on_to_its_end():
    recorder = Recorder()
    session = restoring(recorder=recorder)
    keeper = Keeper(session)
    assert keeper.train(GOOD[:4] + [BROKEN] + GOOD[5:]) == 12
    assert keeper.put == [4] and keeper.rate == 0.1
    one, = session.restorations
    assert one[:6] == (5, 'explode', 'loss = nan at epoch 5 is not a finite number', 4,
                       (1.0, 0.1), True)
    assert session.verdict.issues == () and session.ended == 'planned'
    assert session.verdict.reason.startswith('sound: nothing was found in 12 epochs')
    assert session.verdict.reason.endswith(
        'at epoch 5 (explode) the weights of epoch 4 were put back and the learning rate was '
        'lowered from 1 to 0.1')
    assert len(session.history['loss']) == 12 and math.isnan(session.history['loss'][4])
    event, = [event for event in recorder.events if event['event'] == 'restore']
    assert (event['epoch'], event['back_to'], event['rates']) == (5, 4, [1.0, 0.1])
    assert session.checks == 12 and session.monitor.state.epochs == 7
    assert session.monitor.state.epoch == 12  # counted as whoever trains counts


def test_the_third_time_the_training_is_stopped_at_its_best():
    session = restoring()
    keeper = Keeper(session)
    assert keeper.train(GOOD[:2] + [BROKEN] * 8) == 5
    assert keeper.put == [2, 2, 2] and keeper.rate == pytest.approx(0.01)
    assert [one.goes_on for one in session.restorations] == [True] * MOST + [False]
    assert session.verdict.issues == ('explode',) and session.verdict.epoch == 5
    assert session.ended == 'verdict'


def test_at_the_planned_end_the_best_is_put_back_and_the_verdict_stands():
    session = restoring(planned=5)
    keeper = Keeper(session)
    assert keeper.train(GOOD[:4] + [BROKEN]) == 5
    assert keeper.put == [4] and keeper.rate == 1.0
    assert session.verdict.issues == ('explode',)


def test_before_the_first_good_epoch_there_is_the_beginning():
    session = restoring()
    keeper = Keeper(session)
    assert keeper.train([BROKEN] + GOOD[1:]) == 12
    assert keeper.put == [0]
    assert 'the weights from before the first step were put back' in session.verdict.reason


def test_where_nothing_can_be_put_back_the_training_is_stopped():
    session = restoring()
    assert not session.epoch({'loss': NAN, 'acc': 0.1}) and session.restore_due
    assert session.restored(PutBack(None, note='no epoch was kept'))
    assert session.verdict.reason.endswith(
        'at epoch 1 (explode) nothing was put back: no epoch was kept')


def test_a_loss_that_jumps_is_answered_at_once_and_only_here():
    jump = GOOD[:4] + [(70.0, 0.3)] + GOOD[5:]
    session = restoring()
    keeper = Keeper(session)
    assert keeper.train(jump) == 12 and keeper.put == [4]
    assert session.restorations[0].reason.startswith('the loss jumped to 70')
    stopping = Session(Watching(checktype='epoch_1'), Plan(12))
    assert not any(stopping.epoch({'loss': loss, 'acc': acc}) for loss, acc in jump)


def test_other_verdicts_stop_the_training():
    session = restoring()
    assert Keeper(session).train([(1.0, 0.3)] * 12) == 4  # 0.3 of 12
    assert session.verdict.issues == ('not_converge',) and session.restorations == ()


def test_a_collapse_under_skill():
    levels = [0.8] * 6 + [0.0] * 14
    session = by_skill.session(levels, watching={'on_issue': 'restore'})
    kept, put = [], []
    for epoch, level in enumerate(levels, 1):
        session.subject.probe.epoch = epoch
        stop = session.epoch(by_skill.row(0.8 if put else level, 0.5))
        if session.restore_due:
            put.append(kept[-1])
            stop = session.restored(PutBack(kept[-1], (0.1, 0.01)))
        elif session.is_best:
            kept.append(epoch)
        assert not stop
    assert session.restorations[0].issue == 'collapse' and put == [1]
    assert session.verdict.issues == () and session.verdict.skill == pytest.approx(0.8)


@pytest.mark.parametrize('stopped', [4, 6, 8])
def test_a_session_taken_up_again_knows_what_was_put_back(stopped):
    rows = GOOD[:4] + [BROKEN] + GOOD[5:7] + [BROKEN] * 5
    whole, part, rest = restoring(), restoring(), restoring()
    ends = Keeper(whole).train(rows)
    for row in rows[:stopped]:
        part.epoch(dict(zip(('loss', 'acc'), row)))
        if part.restore_due:
            part.restored(PutBack(4, (1.0, 0.1)))
    rest.restore(part.state(), 1.0)
    keeper = Keeper(rest)
    keeper.kept = (4, 1.0)
    assert stopped + keeper.train(rows[stopped:]) == ends == 9
    assert [one.epoch for one in rest.restorations] == [5, 8, 9]
    assert rest.verdict.issues == whole.verdict.issues == ('explode',)


# ----------------------------------------------------------------------------------- who looks on

class Shown:
    def __init__(self, breaks_at=None):
        self.seen, self.ended, self.breaks_at = [], 0, breaks_at

    def epoch(self, session):
        self.seen.append(session.epochs)
        if session.epochs == self.breaks_at:
            raise OSError('no space left')

    def end(self, session):
        self.ended += 1


def test_who_looks_on_sees_every_epoch_and_may_break_down(caplog):
    shown, broken = Shown(), Shown(breaks_at=2)
    session = Session(Watching(checktype='epoch_1'), Plan(3), observers=(broken, shown))
    with caplog.at_level(logging.WARNING):
        for loss, acc in GOOD[:3]:
            assert not session.epoch({'loss': loss, 'acc': acc})
        session.end()
    assert shown.seen == [1, 2, 3] and shown.ended == 1
    assert broken.seen == [1, 2] and broken.ended == 0
    said, = caplog.messages
    assert said == 'Shown shows nothing any more (OSError: no space left); the training goes on'
