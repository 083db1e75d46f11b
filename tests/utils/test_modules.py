"""The scheduler, with solutions and trainings made up for the purpose: nothing is trained here."""

import pytest

from AutoTrainer.errors import UserError
from AutoTrainer.judge.issues import ISSUES
from AutoTrainer.record.folder import RecordError
from AutoTrainer.utils import modules, repair
from AutoTrainer.utils.modules import Candidate, Outcome, Repair_Module, filtered_issue
from AutoTrainer.utils.repair import Solution


def outcome(*issues, accuracy=0.5):
    return Outcome(model='model', issues=issues, reason='', epoch=1 if issues else None, epochs=5,
                   val_accuracy=accuracy, score=accuracy, checks=1, probes=1, train_seconds=1.0,
                   check_seconds=0.0)


def solution(name, sufferance=0, memory=False, why_not=''):
    return Solution(
        name, sufferance, memory, lambda candidate, issue, attempt: why_not,
        lambda candidate, issue, attempt, rng: (
            Candidate(candidate.model + [(name, attempt)], None), 'did %s %d' % (name, attempt)))


@pytest.fixture
def registry(monkeypatch):
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


def scheduler(answers, **arguments):
    """A Repair_Module whose trainings come out as ``answers`` says, by the path of changes."""
    trained = []

    def train(candidate, step, seed):
        trained.append((tuple(candidate.model), step.number, seed))
        answer = answers[tuple(name + str(attempt) for name, attempt in candidate.model)]
        if isinstance(answer, Exception):
            raise answer
        return answer
    module = Repair_Module(train, seed=3, **arguments)
    return module, trained


START = Candidate([], None)


@pytest.mark.parametrize('issues, done, first', [
    (['unstable', 'vanish'], [], 'vanish'),
    (['loss_issue', 'activation_issue', 'relu'], [], 'activation_issue'),
    (['activation_issue', 'abnormal_data'], [], 'abnormal_data'),
    (['overfit', 'not_converge'], [], 'not_converge'),
    (['vanish', 'explode', 'relu'], ['relu'], 'explode'),
    (['vanish'], ['vanish'], None), ([], [], None),
])
def test_filtered_issue(issues, done, first):
    assert filtered_issue(issues, done) == first


def test_upstream_fault_tie_by_hash():
    """Equal priorities are ordered by the diagnosis, not by how a set happens to be laid out."""
    for issues in (['activation_issue', 'loss_issue'], ['loss_issue', 'activation_issue']):
        assert filtered_issue(issues) == 'activation_issue'
        assert filtered_issue(set(issues)) == 'activation_issue'


def test_the_first_training_without_an_issue_solves_it(registry):
    module, trained = scheduler({('one0',): outcome('vanish'), ('one1',): outcome(accuracy=0.9)})
    found = module.solve(START, outcome('vanish'))
    assert (found.status, found.solution) == ('repaired', 'one')
    assert found.candidate.model == [('one', 1)]
    assert [(a['solution'], a['try'], a['status']) for a in found.attempts] == [
        ('one', 1, 'failed'), ('one', 2, 'solved')]
    assert len({seed for _, _, seed in trained}) == 2


def test_every_solution_starts_from_the_same_model(registry):
    """Upstream's solutions_stack and seed_model_mutated: changes of failed tries do not pile up."""
    module, trained = scheduler({('one0',): outcome('vanish'), ('one1',): outcome('vanish'),
                                ('two0',): outcome('vanish')})
    found = module.solve(START, outcome('vanish'))
    assert found.status == 'failed' and found.outcome.issues == ('vanish',)
    assert [path for path, _, _ in trained] == [(('one', 0),), (('one', 1),), (('two', 0),)]
    skipped = found.attempts[2]
    assert (skipped['solution'], skipped['status'], skipped['description']) == (
        'never', 'skipped', 'there is nothing to change')


def test_a_new_issue_makes_it_potential_and_is_repaired_next(registry):
    kept = []
    module, trained = scheduler({
        ('one0',): outcome('unstable', accuracy=0.6), ('one1',): outcome('explode', accuracy=0.7),
        ('two0',): outcome('vanish'), ('one1', 'three0'): outcome(accuracy=0.95),
    }, keep=lambda outcome, step: kept.append(step.number))
    found = module.solve(START, outcome('vanish'))
    assert (found.status, found.solution) == ('repaired', 'one+three')
    assert [a['status'] for a in found.attempts] == [
        'potential', 'potential', 'skipped', 'failed', 'solved']
    assert kept == [1, 2, 4]


def test_no_issue_is_repaired_twice(registry):
    module, trained = scheduler({
        ('one0',): outcome('explode', accuracy=0.6), ('one1',): outcome('vanish'),
        ('two0',): outcome('vanish'), ('one0', 'three0'): outcome('vanish', accuracy=0.8)})
    found = module.solve(START, outcome('vanish'))
    assert (found.status, found.solution) == ('improved', 'one+three')
    assert found.outcome.val_accuracy == 0.8 and len(trained) == 4


def test_a_potential_that_trains_worse_is_no_improvement(registry):
    module, _ = scheduler({
        ('one0',): outcome('explode', accuracy=0.1), ('one1',): outcome('vanish'),
        ('two0',): outcome('vanish'), ('one0', 'three0'): outcome('explode')})
    found = module.solve(START, outcome('vanish', accuracy=0.4))
    assert found.status == 'failed' and found.solution == ''
    assert found.outcome.val_accuracy == 0.4


def test_at_most_ten_rounds(monkeypatch):
    monkeypatch.setattr(modules, 'ISSUES', {str(i): ISSUES['unstable'] for i in range(30)})
    for home in (modules, repair):
        monkeypatch.setattr(home, 'SOLUTIONS', {'s': solution('s')})
    monkeypatch.setattr(modules, 'repair_strategy',
                        lambda strategy: {str(i): ['s_1'] for i in range(30)})
    count = []

    def train(candidate, step, seed):
        count.append(step)
        return outcome(str(len(count)))
    assert Repair_Module(train).solve(START, outcome('0')).status == 'failed'
    assert len(count) == modules.MOST_ROUNDS == 10


def test_upstream_fault_one_process_crash_loses(registry):
    """An attempt that breaks down is recorded with its traceback and the next one is tried."""
    records = []
    module, _ = scheduler({('one0',): MemoryError('no room'), ('one1',): outcome()},
                         record=lambda record: records.append(dict(record)))
    found = module.solve(START, outcome('vanish'))
    assert found.status == 'repaired'
    assert records[0]['status'] == 'error' and 'MemoryError: no room' in records[0]['traceback']
    assert [r['status'] for r in records] == ['error', 'solved']


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
    module, trained = scheduler({})
    assert [(d['issue'], d['solution'], d['try'], d['description'])
            for d in module.describe(START, ['unstable', 'vanish'])] == [
        ('vanish', 'one', 1, 'did one 0'), ('vanish', 'one', 2, 'did one 1'),
        ('vanish', 'two', 1, 'did two 0'), ('unstable', 'one', 1, 'did one 0')]
    assert not trained


@pytest.mark.parametrize('value', [-1, 4, 1.5, None])
def test_wrong_sufferance(value):
    with pytest.raises(UserError, match='modification_sufferance'):
        Repair_Module(lambda *a: None, modification_sufferance=value)
