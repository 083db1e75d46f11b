import csv
import random

import judged_by_skill as by_skill
import pytest

from AutoTrainer.judge import facts
from AutoTrainer.judge.facts import GradientSummary, OutputSummary, Task, Verdict
from AutoTrainer.judge.history import LASTING
from AutoTrainer.judge.schedule import LONGEST_GAP, probe_is_affordable
from AutoTrainer.judge.session import Plan, Session, Subject
from AutoTrainer.judge.watcher import Watcher
from AutoTrainer.settings import Watching
from AutoTrainer.utils.monitor import IssueMonitor

HEALTHY = GradientSummary((('first', 1.0), ('last', 1.0)), 0.1, seconds=0.01)
VANISHED = HEALTHY._replace(kernels=(('first', 1e-8), ('last', 1.0)))
FINE = OutputSummary((), 0.0, 1.0, 1.0)


class Probe(facts.Probe):
    """A probe that reads its numbers from a list, one entry per epoch."""

    def __init__(self, gradients, outputs=None, task=None):
        self.all_gradients, self.all_outputs, self.the_task = gradients, outputs, task or Task()
        self.epoch = 0

    def gradients(self):
        return self.all_gradients[self.epoch]

    def outputs(self):
        return self.all_outputs[self.epoch] if self.all_outputs else FINE

    def task(self):
        return self.the_task


def run(checktype, rows, probe, budget=None, params=None, clock=None, seconds=1.0):
    """Watch a recorded training; returns (verdict, watcher, epochs probed)."""
    monitor = IssueMonitor(len(rows), params=params)
    clock = clock or iter(range(10**9)).__next__
    watcher = Watcher(monitor, checktype, probe, budget, clock)
    history = {'loss': [], 'acc': [], 'val_loss': [], 'val_acc': []}
    probed = []
    for epoch, row in enumerate(rows):
        probe.epoch = epoch
        for key, value in zip(history, row):
            history[key].append(value)
        check = watcher.look(history, seconds * (epoch + 1))
        if check and check.gradients:
            probed.append(epoch + 1)
    return verdict_of(watcher), watcher, probed


def verdict_of(watcher):
    found = watcher.found
    return Verdict() if found is None else Verdict(
        tuple(found.judgment.reasons), found.epoch, found.judgment.reasons)


def random_training(source):
    """A history and probe statistics of any kind: rising, flat, swinging, broken, NaN."""
    epochs = source.randint(1, 60)
    level, rise = source.choice([0.1, 0.3, 0.6, 0.69, 0.9]), source.choice([0, 0.001, 0.01, 0.05])
    swing = source.choice([0, 0, 0.005, 0.05, 0.3])
    broken_at = source.randint(0, epochs) if source.random() < 0.1 else None
    rows, gradients, outputs = [], [], []
    for epoch in range(epochs):
        acc = min(1.0, max(0.0, level + rise * epoch + swing * source.uniform(-1, 1)))
        loss = float('nan') if epoch == broken_at else source.choice([2.3, 1e4, -1.0, 0.1])
        validated = source.random() < 0.9
        rows.append((loss, round(acc, 3), 1.0 if validated else None,
                     round(acc * source.uniform(0.8, 1.1), 3) if validated else None))
        gradients.append(GradientSummary(
            (('first', 10 ** source.uniform(-9, 3)), ('last', source.choice([0.0, 1.0, 1e-3]))),
            zero_share=source.choice([0.0, 0.3, 0.7, 1.0]), finite=source.random() < 0.9,
            weights_finite=source.random() < 0.95, largest_weight=1.0,
            rectified=source.random() < 0.7, seconds=0.01))
        outputs.append(OutputSummary((), source.choice([0.0, -1.0]), 1.0,
                                     source.choice([1.0, 1.0, 2.5])))
    task = Task(source.choice(['categorical_crossentropy', 'mean_squared_error', '']), 'relu',
                source.choice([0, 1, 3]), source.choice(['one_hot', 'binary', '']),
                source.choice([0.5, 30.0, float('nan')]))
    params = {'alpha_1': source.choice([0, 0, 2]), 'alpha_3': source.choice([0, 1])}
    return rows, Probe(gradients, outputs, task), params


@pytest.mark.once
@pytest.mark.parametrize('block', range(5))
def test_adaptive_finds_what_checking_every_epoch_finds(block):
    """1,000 trainings: the same issues at the same epoch, never with more probes."""
    source, found = random.Random(block), 0
    for _ in range(200):
        rows, probe, params = random_training(source)
        every, every_watcher, every_probed = run('epoch_1', rows, probe, params=params)
        adaptive, watcher, probed = run('adaptive', rows, probe, params=params)
        assert adaptive == every
        assert set(probed) <= set(every_probed) and watcher.probes <= every_watcher.probes
        found += bool(every.issues)
    assert 50 < found < 195, 'the trainings must not all be alike'


def test_a_session_under_the_papers_rules_says_what_the_recognizer_of_the_paper_says():
    source, found = random.Random(7), 0
    for _ in range(100):
        rows, probe, params = random_training(source)
        expected, _, _ = run('adaptive', rows, probe, params=params)
        watched = Session(Watching('adaptive', params=params, optional_issues=(), rules='paper',
                                   overhead_budget=None), Plan(len(rows)), Subject(probe))
        assert type(watched.monitor) is IssueMonitor
        assert not watched.begin()
        for epoch, row in enumerate(rows):
            probe.epoch = epoch
            if watched.epoch(dict(zip(('loss', 'acc', 'val_loss', 'val_acc'), row))):
                break
        verdict = watched.verdict
        assert (verdict.issues, verdict.epoch, verdict.reasons) == (
            expected.issues, expected.epoch, expected.reasons)
        found += bool(verdict.issues)
    assert 20 < found < 100


@pytest.mark.once
@pytest.mark.parametrize('block', range(2))
def test_the_budget_delays_by_less_than_the_longest_gap(block):
    """However little may be spent, a verdict on a symptom that lasts comes LONGEST_GAP - 1 epochs
    late at most; it falls away only if the run has learnt by then."""
    source = random.Random(100 + block)
    for _ in range(100):
        rows, probe, _ = random_training(source)
        # what one probe shows here, all later ones show: the symptom lasts
        worst = probe.all_gradients[-1]
        start = source.randint(0, len(rows))
        probe.all_gradients = [HEALTHY] * start + [worst] * (len(rows) - start)
        probe.all_outputs = None
        every, _, _ = run('epoch_1', rows, probe)
        late, _, _ = run('adaptive', rows, probe, budget=1e-9)
        if every.issues:
            ends = every.epoch + LONGEST_GAP - 1
            if late.issues:
                assert every.epoch <= late.epoch <= ends
            else:
                best = max(max(row[1], row[3] or 0) for row in rows[:ends])
                assert ends <= len(rows) and best >= 0.7


@pytest.mark.parametrize('checktype', ['epoch_5', 'dynamic', 'adaptive'])
@pytest.mark.parametrize('rows, planned, issues, probes', [
    ([(2.3, 0.1, None, None)] * 4, 100, ('vanish',), 1),   # ended early: judged as it stands
    ([(0.2, 0.95, None, None)] * 4, 100, (), None),        # it had learnt
    ([(2.3, 0.1, None, None)] * 2, 100, (), 0),            # too short for any judgment
    ([], 100, (), 0),
])
def test_a_training_that_ends_early_is_judged_at_its_end(checktype, rows, planned, issues, probes):
    probe = Probe([VANISHED] * 4)
    probe.epoch = len(rows) - 1
    watcher = Watcher(IssueMonitor(planned), checktype, probe, None)
    history = {'loss': [], 'acc': [], 'val_loss': [], 'val_acc': []}
    for row in rows:
        for key, value in zip(history, row):
            history[key].append(value)
        assert watcher.look(history, 1.0) is None or checktype == 'adaptive'
    watcher.end(history, 1.0)
    assert verdict_of(watcher).issues == issues
    assert watcher.monitor.total_epoch == planned  # what was planned stays what was planned
    assert probes is None or checktype != 'adaptive' or watcher.probes == probes
    assert watcher.end(history, 1.0) is None  # once is enough


def test_a_model_that_cannot_be_measured_is_judged_by_its_history(caplog):
    class Broken(Probe):
        def gradients(self):
            raise TypeError('no\nsuch layer')

    rows = [(2.3, 0.3, None, None)] * 20
    verdict, watcher, probed = run('epoch_1', rows, Broken([HEALTHY] * 20))
    assert verdict.issues == ('not_converge',) and probed == [] and watcher.probe is None
    assert caplog.text.count('cannot be measured (TypeError: no such layer)') == 1


def test_the_closing_epoch_is_probed_whatever_it_costs():
    rows = [(2.3, 0.3 + 0.02 * (i % 2), None, None) for i in range(21)]
    probe = Probe([HEALTHY] * 20 + [VANISHED])
    verdict, _, _ = run('adaptive', rows, probe, budget=1e-9, params={'eta': 2, 'delta': 0.0})
    assert verdict.issues == ('vanish',) and verdict.epoch == 21


def test_no_verdict_without_the_probe_that_could_outrank_it():
    """A run that turns slow between two probes is still told from a vanishing gradient."""
    rows = [(2.3, 0.3, None, None)] * 20
    verdict, _, probed = run('adaptive', rows, Probe([VANISHED] * 20), budget=1e-9)
    assert verdict.issues == ('vanish',) and probed == [6]


def test_a_run_that_learns_is_never_probed():
    rows = [(1.0, 0.75, None, None)] + [(0.5, 0.8, None, None)] * 49
    verdict, watcher, probed = run('adaptive', rows, Probe([VANISHED] * 50))
    assert probed == [] and watcher.probes == 0 and not verdict.issues


@pytest.mark.parametrize('since, spent, cost, training, budget, wanted', [
    (None, 0.0, 0.0, 0.0, 0.01, True),      # the first
    (1, 5.0, 5.0, 1.0, None, True),         # no budget
    (1, 0.5, 0.5, 100.0, 0.01, True),       # exactly within it
    (1, 0.6, 0.5, 100.0, 0.01, False),
    (LONGEST_GAP - 1, 9.0, 1.0, 1.0, 0.01, False),
    (LONGEST_GAP, 9.0, 1.0, 1.0, 0.01, True),
])
def test_budget(since, spent, cost, training, budget, wanted):
    assert probe_is_affordable(since, spent, cost, training, budget) is wanted


def test_upstream_fault_short_run_alarm():
    for epochs in range(3, 14):
        rows = [(1.0 - 0.05 * i, 0.5 + 0.04 * i, None, None) for i in range(epochs)]
        verdict, _, _ = run('epoch_3', rows, Probe([HEALTHY] * epochs))
        assert not verdict.issues, epochs


def test_upstream_fault_no_check_no_verdict():
    verdict, _, probed = run('epoch_10', [(2.3, 0.1, None, None)] * 10, Probe([VANISHED] * 10))
    assert verdict.issues == ('vanish',) and probed == [10]


def test_upstream_fault_midpoint_only():
    """A run that starts to swing at 55 % is reported when it has swung often enough."""
    rows = [(0.5, 0.5 + 0.008 * i if i < 55 else 0.9 - 0.3 * (i % 2), None, None)
            for i in range(100)]
    verdict, _, _ = run('epoch_3', rows, Probe([HEALTHY] * 100))
    assert verdict.issues == ('unstable',) and verdict.epoch > 55


def test_upstream_fault_early_flag_waits():
    rows = [(0.5, 0.9 - 0.3 * (i % 2), None, None) for i in range(100)]
    verdict, _, _ = run('epoch_3', rows, Probe([HEALTHY] * 100))
    assert verdict.issues == ('unstable',) and verdict.epoch == 30


def test_upstream_fault_one_check_late():
    rows = [(2.3, 0.1, None, None)] * 100
    verdict, _, _ = run('epoch_5', rows, Probe([HEALTHY] * 100))
    assert verdict.issues == ('not_converge',) and verdict.epoch == 30


def test_upstream_fault_sticky_symptoms():
    """A vanishing gradient of the first epochs that has healed is not reported later."""
    rows = [(1.0, 0.5 + 0.004 * i, None, None) for i in range(40)]
    probe = Probe([VANISHED] * 11 + [HEALTHY] * 29)
    verdict, _, _ = run('epoch_1', rows, probe, params={'delta': 0.001})
    assert not verdict.issues


def test_upstream_fault_spike_blinds():
    """A loss of 10,000 at epoch 2 neither is a verdict nor hides a later one."""
    rows = [(1e4 if i == 1 else 0.5, 0.9 - 0.3 * (i % 2 if i > 5 else 0), None, None)
            for i in range(40)]
    verdict, _, _ = run('epoch_1', rows, Probe([HEALTHY] * 40))
    assert verdict.issues == ('unstable',)
    calm = [(1e4 if i == 1 else 0.5, 0.8, None, None) for i in range(40)]
    assert not run('epoch_1', calm, Probe([HEALTHY] * 40))[0].issues


class Counting(Probe):
    outputs_read = 0

    def outputs(self):
        self.outputs_read += 1
        return super().outputs()


def assert_outputs_are_never_read(rows):
    probe = Counting([HEALTHY] * 40)
    verdict, watcher, _ = run('epoch_1', rows, probe)
    assert not verdict.issues and watcher.probes == 40 and probe.outputs_read == 0


def test_upstream_fault_spike_slow():
    """One large loss at epoch 2 makes no later check dearer."""
    assert_outputs_are_never_read(
        [(1e4 if i == 1 else 0.5, 0.8, None, None) for i in range(40)])


def test_upstream_fault_flat_top_slow():
    """A run that has learnt and moves little has its layer outputs read at no check."""
    assert_outputs_are_never_read(
        [(0.1, 0.95 + 0.001 * (i % 3 == 0), None, None) for i in range(40)])


@pytest.mark.parametrize('thorough', [False, True])
def test_a_look_at_the_set_up_that_fails_costs_no_verdict(caplog, thorough):
    class Broken(by_skill.Probe):
        def findings(self, look_thoroughly):
            if look_thoroughly is thorough:
                raise KeyError('a layer that nobody foresaw')
            return ()

    levels = [0.0] * 50
    watched = by_skill.session(levels, gradients=by_skill.VANISHED)
    old = watched.subject.probe
    broken = Broken(old.shown, old.reached, gradients=old.the_gradients)
    watched = by_skill.session(levels, subject={'probe': broken})
    verdict = by_skill.train(watched, levels)
    assert verdict.issues == ('vanish',) and verdict.epoch < 15
    assert caplog.text == '' and watched.watcher.failed == ''


@pytest.mark.parametrize('broken, issues', [('skills', ()), ('gradients', ('underfit',))])
def test_a_model_that_cannot_be_measured_is_not_said_to_be_sound(caplog, broken, issues):
    levels = [0.0] * 50
    watched = by_skill.session(levels)
    setattr(watched.subject.probe, broken, lambda: 1 / 0)
    verdict = by_skill.train(watched, levels)
    assert verdict.issues == issues
    assert caplog.text.count('the model cannot be measured (ZeroDivisionError') == 1
    assert issues or verdict.reason.endswith(
        'not judged: the model could not be measured (division by zero)')


@pytest.mark.parametrize('epoch_seconds, gap', [(20.0, 1), (0.01, LONGEST_GAP)])
def test_the_first_looks_at_skill_are_made_whatever_they_cost_and_compiling_is_left_out(
        epoch_seconds, gap):
    now = [0.0]

    class Slow(by_skill.Probe):
        def skills(self):
            # it is compiled once, and the machine is busy at the third look
            now[0] += {0: 100.0, 2: 30.0}.get(len(self.looks), 1.0)
            return super().skills()

    levels = [0.3] * 60
    old = by_skill.session(levels, reached=0.3).subject.probe
    watched = by_skill.session(levels, subject={'probe': Slow(old.shown, old.reached)},
                               watching={'overhead_budget': 0.1})
    watched.watcher._clock = lambda: now[0]
    watched._began, watched._clock = 0.0, lambda: epoch_seconds * watched.epochs
    by_skill.train(watched, levels)
    looks = watched.subject.probe.looks
    assert looks[LASTING - 1] == looks[0] + LASTING - 1 and looks[-1] == 60
    assert {after - before for before, after in zip(looks[LASTING - 1:-1], looks[LASTING:-1])} == {
        gap}


@pytest.mark.slow
@pytest.mark.once
def test_recorded_runs_need_fewer_probes_than_the_thesis_schedule(shared):
    """Every recorded run: adaptive = epoch_1, zero probes where the clause never holds."""
    totals = {'adaptive': 0, 'dynamic': 0}
    for path in sorted((shared / 'histories').glob('*/*.csv')):
        with open(str(path)) as file:
            rows = [(float(r['loss']), float(r['accuracy']), float(r['val_loss']),
                     float(r['val_accuracy'])) for r in csv.DictReader(file)]
        probe = Probe([HEALTHY] * len(rows))
        every, _, _ = run('epoch_1', rows, probe)
        adaptive, watcher, _ = run('adaptive', rows, probe)
        assert adaptive == every, path
        totals['adaptive'] += watcher.probes
        totals['dynamic'] += run('dynamic', rows, probe)[1].probes
        judged = [max(max(row[1] for row in rows[:k]), max(row[3] for row in rows[:k]))
                  for k in range(1, len(rows) + 1) if k >= 0.3 * len(rows)]
        if judged[0] >= 0.7:
            assert watcher.probes == 0
    assert totals['adaptive'] < totals['dynamic']
