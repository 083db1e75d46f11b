"""The scheduler, with solutions and trainings made up for the purpose: nothing is trained here."""

import random

import pytest

from AutoTrainer.errors import UserError
from AutoTrainer.judge.issues import ISSUES
from AutoTrainer.record.folder import RecordError
from AutoTrainer.settings import Repairing
from AutoTrainer.solutions.candidate import (
    BrokeDown,
    Candidate,
    NotApplicable,
    Outcome,
    Runner,
    Solution,
    TrainingRecord,
)
from AutoTrainer.utils import modules, repair
from AutoTrainer.utils.modules import Repair_Module, filtered_issue


def outcome(*issues, accuracy=0.5, ended='planned', converged=True):
    return Outcome(TrainingRecord(
        issues=issues, reasons=dict.fromkeys(issues, 'so it is'), epoch=1 if issues else None,
        epochs=5, val_accuracy=accuracy, score=accuracy, checks=1, probes=1, train_seconds=1.0,
        check_seconds=0.5, ended=ended, converged=converged), model='model')


def solution(name, sufferance=0, memory=False, why_not=''):
    def apply(candidate, issue, attempt, rng):
        if why_not:
            raise NotApplicable(why_not)
        APPLIED.append((name, rng.random()))
        return (Candidate(candidate.model + [(name, attempt)], None),
                'did %s %d' % (name, attempt))

    return Solution(name, 'Does %s.' % name, sufferance, apply, memory)


APPLIED = []  # the solutions that changed something, each with what it drew


@pytest.fixture
def registry(monkeypatch):
    del APPLIED[:]
    solutions = {s.name: s for s in (
        solution('one'), solution('two', sufferance=2),
        solution('three', sufferance=3, memory=True),
        solution('never', why_not='there is nothing to change'))}
    for home in (modules, repair):
        monkeypatch.setattr(home, 'SOLUTIONS', solutions)
    order = {'vanish': ['one_2', 'never_1', 'two_1'], 'explode': ['three_1'],
             'unstable': ['one_1'], 'relu': ['never_2']}
    monkeypatch.setattr(modules, 'repair_strategy', lambda strategy: order)
    return solutions


class MadeUp(Runner):
    """Trainings come out as ``answers`` says, by the path of changes."""

    def __init__(self, answers):
        super().__init__()
        self.answers = answers
        self.trained = []
        self.told = []

    def run(self, candidate, step, seed):
        self.trained.append((tuple(candidate.model), step.number, seed))
        answer = self.answers[tuple(name + str(attempt) for name, attempt in candidate.model)]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def attempted(self, attempt, outcome):
        super().attempted(attempt, outcome)
        self.told.append((attempt.number, outcome))


def scheduler(answers, **arguments):
    runner = MadeUp(answers)
    return Repair_Module(runner, Repairing(seed=3, **arguments)), runner


START = Candidate([], None)


@pytest.mark.parametrize('issues, done, first', [
    (['unstable', 'vanish'], [], 'vanish'),
    (['loss_issue', 'activation_issue', 'relu'], [], 'activation_issue'),
    (['activation_issue', 'abnormal_data'], [], 'abnormal_data'),
    (['overfit', 'not_converge'], [], 'not_converge'),
    (['vanish', 'explode', 'relu'], ['relu'], 'explode'),
    (['vanish'], ['vanish'], ''), ([], [], ''),
])
def test_filtered_issue(issues, done, first):
    assert filtered_issue(issues, done) == ([first] if first else [])


def test_upstream_fault_tie_by_hash():
    """Equal priorities are ordered by the diagnosis, not by how a set happens to be laid out."""
    for issues in (['activation_issue', 'loss_issue'], ['loss_issue', 'activation_issue']):
        assert filtered_issue(issues) == ['activation_issue']
        assert filtered_issue(set(issues)) == ['activation_issue']


def test_the_first_training_without_an_issue_solves_it(registry):
    module, runner = scheduler({('one0',): outcome('vanish'), ('one1',): outcome(accuracy=0.9)})
    found = module.solve(START, outcome('vanish'))
    assert (found.status, found.solution) == ('repaired', 'one')
    assert found.candidate.model == [('one', 1)]
    assert [(a.solution, a.attempt, a.status) for a in runner.attempts] == [
        ('one', 1, 'failed'), ('one', 2, 'solved')]


def test_every_attempt_is_applied_once_with_its_own_seed(registry):
    module, runner = scheduler({('one0',): outcome('vanish'), ('one1',): outcome('vanish'),
                                ('two0',): outcome('vanish')})
    module.solve(START, outcome('vanish'))
    seeds = [3 * 1009 + number for number in (1, 2, 3)]
    assert [(number, seed) for _, number, seed in runner.trained] == list(zip((1, 2, 3), seeds))
    assert APPLIED == [(name, random.Random(seed).random())
                       for name, seed in zip(('one', 'one', 'two'), seeds)]


def test_every_solution_starts_from_the_same_model(registry):
    """Upstream's solutions_stack and seed_model_mutated: changes of failed tries do not pile up."""
    module, runner = scheduler({('one0',): outcome('vanish'), ('one1',): outcome('vanish'),
                                ('two0',): outcome('vanish')})
    found = module.solve(START, outcome('vanish'))
    assert found.status == 'failed' and found.outcome.record.issues == ('vanish',)
    assert [path for path, _, _ in runner.trained] == [
        (('one', 0),), (('one', 1),), (('two', 0),)]


def test_a_skipped_attempt_says_why_and_takes_no_number(registry):
    module, runner = scheduler({('one0',): outcome('vanish'), ('one1',): outcome('vanish'),
                                ('two0',): outcome('vanish')})
    module.solve(START, outcome('vanish'))
    assert [a.number for a in runner.attempts] == [1, 2, None, 3]
    assert runner.attempts[2].to_json() == {
        'repairs': 'vanish', 'solution': 'never', 'try': 1, 'status': 'skipped',
        'description': 'there is nothing to change', 'issue': None, 'val_accuracy': None,
        'epochs': 0, 'seconds': 0.0}


def test_what_is_told_of_an_attempt(registry):
    module, runner = scheduler({('one0',): outcome('unstable', 'not_converge', accuracy=0.6),
                                ('one1',): outcome()})
    module.solve(START, outcome('vanish'))
    assert runner.attempts[0].to_json() == {
        'repairs': 'vanish', 'solution': 'one', 'try': 1, 'status': 'potential',
        'description': 'did one 0', 'number': 1, 'issue': 'unstable', 'val_accuracy': 0.6,
        'epochs': 5, 'seconds': 1.5, 'ended': 'planned'}


def test_a_new_issue_makes_it_potential_and_is_repaired_next(registry):
    module, runner = scheduler({
        ('one0',): outcome('unstable', accuracy=0.6), ('one1',): outcome('explode', accuracy=0.7),
        ('two0',): outcome('vanish'), ('one1', 'three0'): outcome(accuracy=0.95)})
    found = module.solve(START, outcome('vanish'))
    assert (found.status, found.solution) == ('repaired', 'one+three')
    assert [a.status for a in runner.attempts] == [
        'potential', 'potential', 'skipped', 'failed', 'solved']
    assert [(number, outcome and outcome.record.issues) for number, outcome in runner.told] == [
        (1, ('unstable',)), (2, ('explode',)), (None, None), (3, ('vanish',)), (4, ())]


def test_no_issue_is_repaired_twice(registry):
    module, runner = scheduler({
        ('one0',): outcome('explode', accuracy=0.6), ('one1',): outcome('vanish'),
        ('two0',): outcome('vanish'), ('one0', 'three0'): outcome('vanish', accuracy=0.8)})
    found = module.solve(START, outcome('vanish'))
    assert (found.status, found.solution) == ('improved', 'one+three')
    assert found.outcome.record.val_accuracy == 0.8 and len(runner.trained) == 4


def test_a_potential_that_trains_worse_is_no_improvement(registry):
    module, _ = scheduler({
        ('one0',): outcome('explode', accuracy=0.1), ('one1',): outcome('vanish'),
        ('two0',): outcome('vanish'), ('one0', 'three0'): outcome('explode')})
    found = module.solve(START, outcome('vanish', accuracy=0.4))
    assert found.status == 'failed' and found.solution == ''
    assert found.outcome.record.val_accuracy == 0.4


# ------------------------------------------------------------------- trainings that end early

@pytest.mark.parametrize('issues, ended, converged, status', [
    ((), 'planned', True, 'solved'),
    ((), 'planned', False, 'solved'),  # the recognizer has seen all of it and found nothing
    ((), 'satisfied', True, 'solved'),
    ((), 'callback', True, 'solved'),
    ((), 'callback', False, 'potential'),
    (('vanish',), 'verdict', False, 'failed'),
    (('vanish',), 'callback', False, 'failed'),
    (('unstable',), 'verdict', True, 'potential'),
    (('unstable',), 'callback', True, 'potential'),
])
def test_what_an_attempt_came_to(registry, issues, ended, converged, status):
    module, runner = scheduler({
        ('one0',): outcome(*issues, ended=ended, converged=converged),
        ('one1',): outcome(), ('one0', 'one0'): outcome()})
    module.solve(START, outcome('vanish'))
    assert runner.attempts[0].status == status and runner.attempts[0].ended == ended


def unproven(accuracy):
    return outcome(accuracy=accuracy, ended='callback', converged=False)


def test_after_an_end_that_proves_nothing_the_search_goes_on(registry):
    module, runner = scheduler({('one0',): unproven(0.6), ('one1',): unproven(0.7),
                                ('two0',): outcome(accuracy=0.65)})
    found = module.solve(START, outcome('vanish', accuracy=0.1))
    assert (found.status, found.solution) == ('repaired', 'two')
    assert [a.status for a in runner.attempts] == ['potential', 'potential', 'skipped', 'solved']


@pytest.mark.parametrize('before, status', [(0.1, 'improved'), (0.8, 'failed')])
def test_the_best_that_proves_nothing_is_handed_back_if_it_is_better(registry, before, status):
    module, runner = scheduler({('one0',): unproven(0.6), ('one1',): unproven(0.7),
                                ('two0',): outcome('vanish', accuracy=0.9)})
    found = module.solve(START, outcome('vanish', accuracy=before))
    assert found.status == status
    assert found.outcome.record.val_accuracy == (0.7 if status == 'improved' else before)
    assert len(runner.trained) == 3


def test_an_issue_that_came_up_is_repaired_also_if_a_training_without_any_proves_nothing(registry):
    """The next round goes on from where there is something to repair."""
    module, runner = scheduler({
        ('one0',): unproven(0.9), ('one1',): outcome('explode', accuracy=0.4),
        ('two0',): outcome('vanish'), ('one1', 'three0'): outcome(accuracy=0.8)})
    found = module.solve(START, outcome('vanish', accuracy=0.1))
    assert (found.status, found.solution) == ('repaired', 'one+three')
    assert found.outcome.record.val_accuracy == 0.8


# ------------------------------------------------------------------------------ limits and failures

def test_at_most_ten_rounds(monkeypatch):
    monkeypatch.setattr(modules, 'ISSUES', {str(i): ISSUES['vanish'] for i in range(30)})
    for home in (modules, repair):
        monkeypatch.setattr(home, 'SOLUTIONS', {'s': solution('s')})
    monkeypatch.setattr(modules, 'repair_strategy',
                        lambda strategy: {str(i): ['s_1'] for i in range(30)})

    class EverSomethingNew(Runner):
        def run(self, candidate, step, seed):
            return outcome(str(step.number))

    runner = EverSomethingNew()
    assert Repair_Module(runner).solve(START, outcome('0')).status == 'failed'
    assert len(runner.attempts) == modules.MOST_ROUNDS == 10


def test_upstream_fault_one_process_crash_loses(registry):
    """An attempt that breaks down is recorded with its traceback and the next one is tried."""
    module, runner = scheduler({('one0',): MemoryError('no room'), ('one1',): outcome()})
    assert module.solve(START, outcome('vanish')).status == 'repaired'
    first, second = runner.attempts
    assert first.status == 'error' and 'MemoryError: no room' in first.traceback
    assert (first.number, first.description, first.ended) == (1, 'did one 0', None)
    assert (second.number, second.status) == (2, 'solved')


def test_what_broke_down_before_an_interruption_keeps_its_traceback(registry):
    module, runner = scheduler({('one0',): BrokeDown('of that time'), ('one1',): outcome()})
    module.solve(START, outcome('vanish'))
    assert runner.attempts[0].traceback == 'of that time'


def test_a_full_disk_ends_the_repair(registry):
    module, _ = scheduler({('one0',): RecordError('disk full')})
    with pytest.raises(RecordError):
        module.solve(START, outcome('vanish'))


@pytest.mark.parametrize('sufferance, names', [
    (0, ['one', 'never']), (1, ['one', 'never']), (2, ['one', 'never', 'two']),
    (3, ['one', 'never', 'two'])])
def test_upstream_fault_sufferance_crash(registry, sufferance, names):
    module, _ = scheduler({}, modification_sufferance=sufferance)
    assert [s.name for s, _ in module.candidates('vanish')] == names


@pytest.mark.parametrize('limit, names', [(False, ['three']), (True, [])])
def test_upstream_fault_memory_limit_crash(registry, limit, names):
    module, _ = scheduler({}, memory_limit=limit)
    assert [s.name for s, _ in module.candidates('explode')] == names


def test_without_repair_the_solutions_are_described(registry):
    module, runner = scheduler({})
    assert [(d['issue'], d['solution'], d['try'], d['description'])
            for d in module.describe(START, ['unstable', 'vanish'])] == [
        ('vanish', 'one', 1, 'did one 0'), ('vanish', 'one', 2, 'did one 1'),
        ('vanish', 'two', 1, 'did two 0'), ('unstable', 'one', 1, 'did one 0')]
    assert not runner.trained and not runner.attempts


@pytest.mark.parametrize('value', [-1, 4, 1.5, None])
def test_wrong_sufferance(value):
    with pytest.raises(UserError, match='modification_sufferance'):
        Repairing(modification_sufferance=value)
