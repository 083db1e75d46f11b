"""One watched training without any framework."""

import subprocess
import sys
from pathlib import Path

import judged_by_skill as by_skill
import pytest

from AutoTrainer.judge import facts
from AutoTrainer.judge.facts import GradientSummary, OutputSummary, Task
from AutoTrainer.judge.on_record import LAYERS_ON_RECORD, PROBES_ON_RECORD
from AutoTrainer.judge.session import Plan, Session, Subject
from AutoTrainer.settings import Watching

ROOT = Path(__file__).resolve().parents[2]
HEALTHY = GradientSummary((('first', 1.0), ('last', 1.0)), 0.1, zero_shares=(0.2, 0.0))
VANISHED = HEALTHY._replace(kernels=(('first', 1e-8), ('last', 1.0)))


class Probe(facts.Probe):
    def __init__(self, gradients=HEALTHY):
        self.summary = gradients

    def gradients(self):
        return self.summary

    def outputs(self):
        return OutputSummary((('a', 0.5), ('b', 0.25)), 0.0, 1.0, 1.0)

    def task(self):
        return Task()


class Recorder:
    def __init__(self):
        self.epochs, self.events = [], []

    def epoch(self, number, values):
        self.epochs.append((number, dict(values)))

    def event(self, name, **fields):
        self.events.append(dict(fields, event=name))


def values(acc, loss=1.0, val_acc=None):
    return {'loss': loss, 'acc': acc, 'val_loss': None, 'val_acc': val_acc}


def session(planned=10, probe=None, recorder=None, before=0, **watching):
    return Session(Watching(**dict({'checktype': 'epoch_1'}, **watching)),
                   Plan(planned, before=before), Subject(probe), recorder)


def train(watched, accuracies):
    """Feed accuracies until the session stops the training; returns how many it took."""
    for count, acc in enumerate(accuracies, 1):
        if watched.epoch(values(acc)):
            return count
    return len(accuracies)


SLOW, RISING = [0.3] * 10, [0.1 + 0.08 * i for i in range(10)]


@pytest.mark.parametrize('settings, accuracies, trained, ended, issues, reason', [
    ({}, RISING, 10, 'planned', (), 'sound: nothing was found in 10 epochs by 10 checks'),
    ({}, SLOW, 3, 'verdict', ('not_converge',), 'not_converge: the largest accuracy gain'),
    ({'on_issue': 'continue'}, SLOW, 10, 'planned', ('not_converge',), 'not_converge: '),
    ({'satisfied_count': 2, 'satisfied_acc': 0.5}, RISING, 7, 'satisfied', (), 'sound: '),
    # ended by somebody else, before anything could be judged: no proof of anything
    ({}, [0.1, 0.2], 2, 'callback', (), 'not judged: 2 epochs, a verdict needs 3'),
    ({}, [], 0, 'callback', (), 'not judged: no epoch has ended yet'),
    # ended by somebody else: judged as it stands
    ({'checktype': 'epoch_10'}, [0.3] * 4, 4, 'callback', ('not_converge',), 'not_converge: '),
    ({'checktype': 'epoch_10'}, [0.1, 0.2, 0.35], 3, 'callback', (),
     'nothing was found, but the training was ended at epoch 3 of 10 before it had converged'),
    ({'checktype': 'epoch_10'}, [0.5, 0.7, 0.9], 3, 'callback', (), 'sound: '),
])
def test_how_a_training_ends_and_what_that_means(settings, accuracies, trained, ended, issues,
                                                 reason):
    watched = session(**settings)
    assert train(watched, accuracies) == trained
    watched.end()
    assert (watched.ended, watched.verdict.issues) == (ended, issues)
    assert watched.verdict.reason.startswith(reason)
    assert list(watched.verdict.reasons) == list(issues)
    assert watched.plan.epochs == watched.monitor.total_epoch == 10


@pytest.mark.parametrize('accuracies, converged', [
    ([0.1, 0.2], False), ([0.5, 0.75], True), ([None, None], True)])
def test_converged(accuracies, converged):
    watched = session()
    train(watched, accuracies)
    assert watched.converged is converged


def test_before_the_judgment_point_nothing_is_said_to_be_sound():
    watched = session(planned=100, checktype='epoch_5')
    train(watched, RISING)
    assert watched.verdict.reason == 'not judged yet: 10 of 100 planned epochs'


def test_an_issue_found_at_the_end_of_others_is_no_reason_of_the_end():
    watched = session(planned=100, probe=Probe(VANISHED), checktype='epoch_50')
    assert train(watched, SLOW) == 10
    watched.end()
    assert watched.verdict.issues == ('vanish',) and watched.ended == 'callback'


def test_epochs_before_are_counted_in_a_verdict():
    watched = session(planned=10, before=40)
    train(watched, SLOW)
    assert watched.verdict.epoch == 43
    watched = session(planned=10, before=40)
    watched.epoch(values(0.1, float('nan')))
    assert watched.verdict.reason == 'explode: loss = nan at epoch 41 is not a finite number'


def test_the_loss_stands_in_for_an_accuracy_that_is_not_there():
    watched = Session(Watching(checktype='epoch_1'), Plan(5), Subject(None, False, lambda: 4.0))
    assert not watched.epoch(values(0.99, loss=1.0))  # a share of exact hits says nothing
    assert watched.history['acc'] == [0.75]
    slow = Session(Watching(checktype='epoch_1'), Plan(5), Subject(constant_loss=lambda: 4.0))
    for _ in range(3):
        slow.epoch(values(None, loss=8.0))
    assert slow.verdict.issues == ('not_converge',) and 'Acc' not in slow.verdict.reason
    assert ('the lowest loss is 2 times that of the best constant prediction'
            in slow.verdict.reason)


def test_what_goes_on_record():
    recorder = Recorder()
    watched = session(probe=Probe(VANISHED), recorder=recorder)
    train(watched, SLOW)
    assert [number for number, _ in recorder.epochs] == [1, 2, 3]
    assert [event['epoch'] for event in recorder.events] == [1, 2, 3]
    last = recorder.events[-1]
    assert last['issues'] == ['vanish'] and list(last['reasons']) == ['vanish']
    assert last['reason'] == 'vanish: ' + last['reasons']['vanish']
    assert last['gradients'] == {'first': 1e-8, 'last': 1.0, 'zero_share': 0.1}
    assert last['layers'] == {'names': ['first', 'last'], 'norms': [1e-8, 1.0],
                              'zero_shares': [0.2, 0.0], 'outputs': {'a': 0.5, 'b': 0.25}}


def test_what_goes_on_record_per_layer_is_bounded():
    kernels = tuple(('k%d' % i, 1.0) for i in range(1000))
    recorder = Recorder()
    watched = session(planned=1600, probe=Probe(HEALTHY._replace(
        kernels=kernels, zero_shares=(0.0,) * 1000)), recorder=recorder)
    train(watched, [0.9] * 1600)
    kept = [event['layers'] for event in recorder.events if event['layers']]
    assert len(recorder.events) == 1600
    assert len(kept) == 3 * PROBES_ON_RECORD  # all of 100, half of 100, a quarter of 200, …
    assert all(len(layers['names']) == len(layers['zero_shares']) == LAYERS_ON_RECORD
               for layers in kept)
    assert kept[0]['names'][0] == 'k0' and kept[0]['names'][-1] == 'k999'


@pytest.mark.parametrize('stopped', [1, 2, 5, 9])
def test_a_session_that_is_restored_goes_on_as_if_nothing_had_happened(stopped):
    rows = [0.3 + 0.02 * i for i in range(10)]
    settings = {'probe': Probe(VANISHED), 'params': {'alpha_1': 5}}
    whole = session(**settings)
    ends = train(whole, rows)
    part = session(**settings)
    train(part, rows[:min(stopped, ends - 1)])
    rest = session(**settings)
    rest.restore(part.state(), 1.0)
    assert part.epochs + train(rest, rows[part.epochs:]) == ends
    assert rest.verdict == whole.verdict and rest.history == whole.history
    assert (rest.checks, rest.probes) == (whole.checks, whole.probes)


def test_under_skill_what_was_measured_goes_on_record_too():
    for levels, reached in (([0.0] * 10, 0.9), ([0.0] * 10, 0.0), ([0.9] * 10, 0.9)):
        recorder = Recorder()
        watched = by_skill.session(levels, reached=reached, recorder=recorder)
        verdict = by_skill.train(watched, levels)
        assert len(recorder.epochs) == watched.epochs
        if levels[0]:  # a check that measured nothing and found nothing is not written down
            assert recorder.events == []
            continue
        last = recorder.events[-1]
        assert (last['skill'], last['yardstick'], last['epoch']) == (0.0, reached, verdict.epoch)
        known, = last['yardsticks']
        assert known['learner'] == 'a linear model' and known['rows'] == 200
        told = {name: verdict.reasons[name] for name in verdict.told}
        assert last['told'] == told and list(last['issues']) == [
            name for name in verdict.issues if name not in told]
    recorder = Recorder()
    watched = session(probe=Probe(VANISHED), recorder=recorder)
    train(watched, SLOW)
    assert not {'skill', 'told', 'yardsticks'} & set(recorder.events[-1])  # by the paper's rules


def test_a_verdict_before_the_first_step_goes_on_record_once():
    recorder = Recorder()
    watched = by_skill.session([0.0] * 10, findings=[by_skill.CONTRADICTION], recorder=recorder)
    assert watched.begin() and watched.begin()
    event, = recorder.events
    assert (event['epoch'], event['issues']) == (0, ['activation_issue'])
    watched.end()
    assert watched.ended == 'verdict' and len(recorder.events) == 1


def test_begin_asks_nothing_of_a_training_that_is_gone_on_with_or_judged_by_the_paper():
    levels = [0.9] * 10
    watched = by_skill.session(levels)
    by_skill.train(watched, levels[:5])
    asked = len(watched.subject.probe.thorough)
    assert not watched.begin() and len(watched.subject.probe.thorough) == asked == 1
    paper = by_skill.session(levels, findings=[by_skill.CONTRADICTION], watching={'rules': 'paper'})
    assert not paper.begin() and paper.subject.probe.thorough == []


@pytest.mark.parametrize('told, skill, reason', [
    ((), None, 'vanish: it fades; try: ReLU'),
    ((), 0.1, 'learns 0.10; likely cause: vanish: it fades; try: ReLU'),
    (('vanish',), 0.1, 'learns 0.10; vanish: it fades; try: ReLU'),      # told is not blamed
])
def test_the_reason_of_a_verdict_in_one_line(told, skill, reason):
    verdict = facts.Verdict(('vanish',), 3, {'vanish': 'it fades'}, '', told, skill, 0.9,
                            '' if skill is None else 'learns 0.10', 'ReLU')
    assert verdict.reason == reason and verdict.is_blamed is not bool(told)
    assert verdict.as_dict()['reason'] == reason


def test_the_judge_needs_no_framework():
    """In an interpreter that cannot import one, every module of judge/ imports and judges."""
    code = '''
import importlib, pkgutil, sys
for name in ('keras', 'jax', 'tensorflow', 'torch'):
    sys.modules[name] = None
import AutoTrainer.judge as judge
modules = [m.name for m in pkgutil.iter_modules(judge.__path__)]
for name in modules:
    importlib.import_module('AutoTrainer.judge.' + name)
from AutoTrainer.judge.session import Plan, Session
from AutoTrainer.settings import Watching
watched = Session(Watching(checktype='epoch_1'), Plan(10))
while not watched.epoch(dict(loss=2.3, acc=0.1, val_loss=2.3, val_acc=0.1)):
    pass
print(len(modules), watched.verdict.issues, watched.verdict.epoch)
'''
    said = subprocess.run([sys.executable, '-c', code], cwd=str(ROOT), stdout=subprocess.PIPE,
                          check=True).stdout.decode()
    count = len(list((ROOT / 'AutoTrainer' / 'judge').glob('[!_]*.py')))
    assert said.split(' ', 1) == [str(count), "('not_converge',) 3\n"]
