"""What a repair is worth: which trainings, under which arms, and the arithmetic of the report."""

import argparse
import json

import numpy as np
import pytest

import AutoTrainer
from AutoTrainer import keras_bridge
from benchmarks.repair import __main__ as command
from benchmarks.repair import arms, report, run, search, space, subject
from benchmarks.repair.cases import Case, cases, chosen
from benchmarks.zoo import setups, tables
from benchmarks.zoo.setups import Data, Setup
from benchmarks.zoo.tape import train
from benchmarks.zoo.trainings import set_up

keras = keras_bridge.keras


@pytest.fixture(autouse=True)
def short_trainings(monkeypatch):
    """Of about 10 epochs instead of 50."""
    monkeypatch.setattr(setups, 'UPDATES', 50)


def case(recipe='dead_bias', seed=0, group='bad', **facts):
    return Case(**dict(dict(table='iris', recipe=recipe, seed=seed, task='classes',
                            spoilt='dead_units', half='report', group=group,
                            before=0.9 if group != 'bad' else 0.1, reference=1.0, usual=0.9,
                            epochs=10),
                       **facts))


def result(arm='race3', skill=0.9, of=None, **facts):
    return report.Result(**dict(dict(case=of or case(), arm=arm, skill=skill, error=0.05,
                                     price=1.0, seconds=2.0), **facts))


# ----------------------------------------------------------------------------- which trainings

def tape(skill, recipe='adam', spoilt='', issues=(), told=(), **facts):
    return dict(dict(table='iris', recipe=recipe, seed=0, task='classes', spoilt=spoilt,
                     half='report', skill=skill, epochs=10,
                     live=dict(issues=list(issues), told=list(told), epoch=3, reason='')), **facts)


def test_cases_are_the_bad_and_the_good_trainings_by_their_outcome():
    found = cases([tape(0.8), tape(0.7, 'momentum', issues=['lr']), tape(0.3, 'short'),
                   tape(0.7, 'raw_sgd', 'scales', issues=['overfit'], told=['overfit']),
                   tape(0.6, 'raw_adam', 'scales'), tape(0.02, table='nothing')])
    assert [(one.recipe, one.group) for one in found] == [
        ('adam', 'sound'), ('momentum', 'flagged'), ('short', 'bad'), ('raw_sgd', 'sound')]
    assert {one.reference for one in found} == {0.8}


def test_what_is_usual_is_the_median_of_the_well_set_trainings_on_the_same_rows():
    found = cases([tape(0.8), tape(0.7, 'momentum'), tape(0.3, 'short'), tape(0.1, 'x', 'scales'),
                   tape(0.9, seed=1), tape(0.1, 'x', 'scales', seed=1),
                   tape(0.1, 'x', 'scales', seed=2)])
    assert {(one.seed, one.usual, one.reference) for one in found if one.recipe == 'x'} == {
        (0, 0.7, 0.9), (1, 0.9, 0.9), (2, 0.9, 0.9)}


def test_every_nth_is_drawn_once_and_for_all_and_flagged_ones_are_all_taken():
    found = [case(seed=seed, group=group) for group in ('bad', 'flagged', 'sound')
             for seed in range(40)]
    some = chosen(found, 5)
    assert [sum(one.group == group for one in some)
            for group in ('bad', 'flagged', 'sound')] == [8, 40, 2]
    assert some == chosen(found[::-1], 5)
    assert set(some) < set(chosen(found)) and set(found[:40]) < set(chosen(found))
    assert [one.seed for one in some[:8]] != sorted(one.seed for one in some[:8])


def asked(**given):
    return argparse.Namespace(**dict(dict(half=None, seeds=None, tables=None, recipes=None),
                                     **given))


@pytest.mark.parametrize('given, expected', [
    ({}, True), (dict(half='report', seeds=[0], tables=['iris'], recipes=['dead_bias']), True),
    (dict(half='choose'), False), (dict(seeds=[1, 2]), False), (dict(tables=['wine']), False),
    (dict(recipes=[]), False)])
def test_what_the_command_line_asks_for(given, expected):
    assert command.is_wanted(case(), asked(**given)) is expected


def test_good_trainings_are_given_to_the_race_alone():
    works = command.works([case(), case(group='sound')], ['adam', 'race3'], 'folder')
    assert [(work.case.group, work.arm) for work in works] == [
        ('bad', 'adam'), ('bad', 'race3'), ('sound', 'race3')]


@pytest.mark.parametrize('given, why', [
    (['--arms', 'race4'], 'race4'), (['--every', '0'], '--every is 0'),
    (['--tables', 'iris,rose'], 'rose'), (['--arms', 'adam,optuna'], 'pip install optuna')])
def test_what_cannot_be_asked_for_is_said(given, why, capsys, monkeypatch):
    monkeypatch.setattr(command, 'find_spec', lambda name: None)
    with pytest.raises(SystemExit):
        command.main(given)
    assert why in capsys.readouterr().err


def test_every_arm_of_the_command_line_is_there():
    assert {*command.ARMS, *command.QUICK_ARMS} == set(arms.ARMS)


# ------------------------------------------------------------------- the training, and its answers

@pytest.mark.slow
@pytest.mark.parametrize('recipe', ['sorted_fast', 'weighed'])
def test_the_training_is_made_up_again_as_it_was_taped(recipe):
    table = tables.load('iris')
    taped = train(table, recipe, 1, taped=False)
    training = subject.Subject(case(recipe, 1), table).ready()
    training.fit()
    assert subject.untouched(training.data, training.model)['skill'] == taped['skill']


def handing_out(units, head, loss, kernel):
    """A compiled model of iris's four columns that hands out what the kernel says."""
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(units, activation=head)])
    model.layers[-1].set_weights([np.array(kernel, dtype='float32'),
                                  np.zeros(units, dtype='float32')])
    model.compile('SGD', loss)
    return model


ONE_ROW = np.array([[1.0, 0.0, 0.0, 0.0]], dtype='float32')


@pytest.mark.parametrize('task, units, head, logits, row, expected', [
    ('classes', 3, 'softmax', False, [0, 0, 5], 2),    # from one unit to one for each class
    ('classes', 3, 'linear', True, [-1, -5, -2], 0),
    ('classes', 1, 'linear', False, [1.7], 2),         # class numbers, still
    ('classes', 1, 'linear', False, [9.0], 2),
    ('binary', 1, 'sigmoid', False, [0.3], 1),
    ('binary', 1, 'linear', True, [0.3], 1),           # above 0 is more than half
    ('binary', 1, 'linear', False, [0.3], 0),
    ('binary', 2, 'softmax', False, [0.3, 0.2], 0),    # from one unit to two
    ('regression', 1, 'linear', False, [2.0], 25.0),   # 5 times the number, and 15
    ('multilabel', 3, 'sigmoid', False, [0.3, -0.3, 1], [1, 0, 1]),
    ('multilabel', 3, 'linear', True, [0.3, -0.3, 1], [1, 0, 1]),
    ('multilabel', 3, 'linear', False, [0.3, -0.3, 1], [0, 0, 1]),
])
def test_outputs_are_read_by_what_the_model_hands_out(task, units, head, logits, row, expected):
    data = Data.__new__(Data)
    data.setup = Setup(logits=not logits, units=7)  # which nobody may ask
    data.table = tables.Table('', task, 'rows', np.zeros((3, 4)), np.arange(3))
    data.middle, data.spread = 15.0, 5.0
    loss = (keras.losses.BinaryCrossentropy(from_logits=True) if logits else 'mean_squared_error')
    model = handing_out(units, head, loss, [row] + [[0] * units] * 3)
    assert subject.answers(data, model, ONE_ROW)[0] == pytest.approx(expected)


def test_the_standard_error_falls_with_the_rows():
    truth = np.arange(400) % 2
    wrong = np.where(np.arange(400) % 10 < 2, 1 - truth, truth).astype('float64')
    few, many = (subject.standard_error('binary', truth[:n], wrong[:n]) for n in (40, 400))
    assert 0.03 < many < 0.05 < few < 0.2


# --------------------------------------------------------------------------------- the searches

@pytest.mark.parametrize('name', ['breast_cancer', 'wine', 'multilabel', 'diabetes'])
def test_every_point_of_the_space_suits_the_labels(name):
    table = tables.load(name)
    draw = np.random.RandomState(0)
    setup = set_up(table, 'loss_of_another', 300, 0)
    seen = set()
    for _ in range(40):
        values = space.drawn(table.task, draw)
        assert space.RATES[0] <= values['rate'] <= space.RATES[1]
        new = space.changed(setup, table, values)
        assert new.units == (1 if table.task == 'binary' and values['head'] != 'softmax'
                             else table.classes)
        assert (new.hidden, new.scale, new.epochs, new.targets_scaled) == (
            setup.hidden, setup.scale, setup.epochs, setup.targets_scaled)
        assert not new.one_hot or table.task == 'classes'
        seen.add(values['head'])
    assert seen == set(space.HEADS[table.task])


@pytest.mark.slow
def test_a_random_search_tells_what_to_choose_by_and_what_came_of_it():
    one = subject.Subject(case('unvalidated', 1), tables.load('iris'))
    found = search.random_search(one, 2)
    for trial in found:
        assert trial['epochs'] == one.setup.epochs and trial['finished']
        assert -1 <= trial['validation'] <= 1 and -1 <= trial['skill'] <= 1
    again = search.random_search(one, 1)
    assert dict(again[0], seconds=0) == dict(found[0], seconds=0)


@pytest.mark.once
@pytest.mark.slow
def test_optuna_keeps_to_its_budget_and_stops_hopeless_trials(monkeypatch):
    """Each trial does worse than those before it."""
    seen = []
    monkeypatch.setattr(search, 'to_choose_by', lambda training: seen.append(0) or -len(seen))
    one = subject.Subject(case('adam', 0), tables.load('iris'))
    one.setup.epochs = epochs = 9
    trials = search.optuna_search(one, 1.2)
    assert [trial['epochs'] for trial in trials] == [epochs, 1, 1]  # 9 + 1 are less than 10.8
    assert [trial['finished'] for trial in trials] == [True, False, False]


# ------------------------------------------------------------------------------------ the arms

@pytest.mark.slow
def test_a_repair_gets_the_training_as_it_was_taped(monkeypatch):
    given = {}

    def repair(model, x, y, **kwargs):
        given.update(kwargs, rows=len(x))
        return model, dict(
            price=1.7, status='repaired', issues=['relu', 'lr'], yardstick=0.9,
            solution='bn', skill=dict(before=0.1, after=0.8, form='accuracy'),
            race=dict(candidates=[dict(name='adam', skill=0.4), dict(name='bn', skill=0.8)]))
    monkeypatch.setattr(AutoTrainer, 'repair', repair, raising=False)
    table = tables.load('iris')
    one = subject.Subject(case('sorted_fast', 1), table)
    record = arms.ARMS['race15'](one)
    assert given['shuffle'] is False and given['budget'] == 1.5
    assert (given['epochs'], given['batch_size'], given['seed']) == (
        one.setup.epochs, one.setup.batch, 1)
    assert len(given['validation_data'][0]) == 30
    assert (record['price'], record['status'], record['winner']) == (1.7, 'repaired', 'bn')
    assert [one['name'] for one in record['candidates']] == ['adam', 'bn']
    arms.ARMS['race3'](subject.Subject(case('unvalidated', 1), table))
    assert given['validation_data'] is None and given['shuffle'] is True


@pytest.mark.slow
def test_upstreams_order_is_paid_by_the_epoch():
    record = arms.ARMS['upstream'](subject.Subject(case('rate_low_adam', 0), tables.load('iris')))
    assert record['status'] == 'repaired' and record['issues'] and record['winner']
    assert 1.0 < record['price'] < 6 and record['skill'] > 0.5


# ------------------------------------------------------------------------------------ the run

def test_what_is_on_record_is_not_run_again_unless_it_crashed(monkeypatch, tmp_path, capsys):
    ran = []

    def arm(one):
        ran.append(one.case.recipe)
        if one.case.recipe == 'raw_sgd':
            raise ValueError('no such\nlayer')
        return dict(skill=0.5, error=0.1, price=1.0)
    monkeypatch.setattr(arms, 'ARMS', {'adam': arm})
    works = [run.Work(case(recipe), 'adam', str(tmp_path)) for recipe in ('raw_sgd', 'dead_bias')]
    assert run.run(works, str(tmp_path)) == works[:1]
    assert 'iris-raw_sgd-0 adam: ValueError: no such layer' in capsys.readouterr().err
    run.run(works, str(tmp_path))
    assert ran == ['raw_sgd', 'dead_bias', 'raw_sgd']
    found = report.results(run.read(str(tmp_path), ['adam']))
    assert [(one.case.recipe, one.skill, bool(one.crashed)) for one in found] == [
        ('dead_bias', 0.5, False), ('raw_sgd', 0.1, True)]
    assert run.read(str(tmp_path), ['race3']) == []


# ------------------------------------------------------------------------------------ the report

@pytest.mark.parametrize('skill, reached, usual, improved, rate', [
    (0.85, True, True, True, 0.8333), (0.84, False, True, True, 0.8222),
    (0.77, False, True, True, 0.7444), (0.76, False, False, True, 0.7333),
    (0.15, False, False, False, 0.0556), (0.1, False, False, False, 0.0),
    (1.2, True, True, True, 1.0), (-1.0, False, False, False, -1.0)])
def test_what_counts_as_reached_as_usual_and_as_improved(skill, reached, usual, improved, rate):
    one = result(skill=skill)
    assert (one.reached, one.usual, one.improved) == (reached, usual, improved)
    assert one.rate == pytest.approx(rate, abs=1e-4)


def trial(validation, skill, epochs=10, finished=True):
    return dict(validation=validation, skill=skill, error=0.1, epochs=epochs, finished=finished,
                seconds=3.0)


def test_a_random_search_is_cut_off_at_several_sizes_and_chooses_by_validation():
    found = report.results([dict(case=case(), arm='random', trials=[
        trial(0.2, 0.3), trial(0.1, 0.9), trial(0.8, 0.7), trial(0.8, 0.6)])])
    assert [(one.arm, one.skill, one.price, one.seconds) for one in found] == [
        ('random1', 0.3, 1.0, 3.0), ('random3', 0.7, 3.0, 9.0)]


def test_optuna_is_asked_at_both_budgets_and_hands_back_what_was_not_stopped():
    found = report.results([dict(case=case(), arm='optuna', trials=[
        trial(0.2, 0.3), trial(0.9, 0.1, 3, False), trial(0.1, 0.2), trial(0.4, 0.4),
        trial(0.5, 0.8), trial(0.0, 0.0)])])
    assert [(one.arm, one.skill, one.price) for one in found] == [
        ('optuna3', 0.4, 3.3), ('optuna5', 0.8, 5.3)]


def made_up():
    others = [case(seed=seed) for seed in range(4)]
    return ([result('race3', skill, of, status=status, issues=('relu',), price=price)
             for of, skill, status, price in zip(
                 others, (0.9, 0.9, 0.6, 0.4), ('repaired', 'repaired', 'failed', 'repaired'),
                 (1.2, 1.4, 3.0, 2.0))]
            + [result('adam', skill, of) for of, skill in zip(others[:3], (0.1, 0.9, 0.3))]
            + [result('cause', skill, of, status='improved', issues=issues) for of, skill, issues
               in zip(others[:3], (0.9, 0.3, 0.8), (('relu', 'lr'), ('relu',), ()))])


def test_arms_are_compared_on_the_trainings_that_all_of_them_had():
    told = report.summary(made_up())
    assert told['cases'] == 3 and list(told['arms']) == ['race3', 'adam', 'cause']
    race = told['arms']['race3']
    assert (race['cases'], race['reached']['hits'], race['improved']['hits']) == (3, 2, 3)
    assert race['price'] == dict(median=1.4, mean=1.867)
    assert race['rate'] == pytest.approx((8 / 9 + 8 / 9 + 5 / 9) / 3, abs=1e-3)
    assert told['arms']['adam']['improved']['share'] == pytest.approx(2 / 3, abs=1e-3)
    assert told['tasks']['classes']['race3'] == told['ways']['dead_units']['race3'] == race


def test_a_cause_is_right_if_its_own_solutions_are_enough():
    told = report.causes([*(one for one in made_up() if one.arm == 'cause'),
                          result('cause', 0.9, case(group='flagged'), issues=('relu',))])
    assert {cause: (entry['reached']['hits'], entry['usual']['hits'], entry['usual']['of'])
            for cause, entry in told.items()} == {
        'all': (1, 2, 3), 'relu': (1, 1, 2), 'nothing': (0, 1, 1)}


def test_what_is_called_repaired_and_is_not_is_listed():
    wrong = report.summary(made_up())['wrongly_repaired']
    assert wrong['race3'] == ['iris-dead_bias-3'] and wrong['cause'] == []


def test_harm_is_counted_beyond_the_standard_error():
    good = [case(seed=seed, group='sound') for seed in range(3)]
    told = report.harm([
        result('race3', skill, of, status=status, error=0.05) for of, skill, status in zip(
            good, (0.9, 0.87, 0.7), ('normal', 'normal', 'repaired'))])
    assert told == dict(cases=3, touched=1, worse=1, worse_by_002=2, worst=-0.2,
                        mean=pytest.approx(-0.077, abs=1e-3), price=1.0, crashed=0)


def test_the_report_in_words_has_all_its_parts():
    found = made_up() + [result('race3', 0.9, case(group='flagged'), status='normal')]
    words = report.text(report.summary(found))
    for part in ('3 bad trainings', 'race3', 'by task', 'dead_units', 'named first',
                 'good, flagged', 'iris-dead_bias-3'):
        assert part in words
    assert 'good, sound' not in words
    lines = report.missed(found, 'race3')
    assert len(lines) == 2 and 'share 0.60' in ''.join(lines) and 'failed' in ''.join(lines)
    assert 'relu' in lines[0]


def test_what_is_there_is_shown_without_training(tmp_path, capsys):
    for arm, skill in (('adam', 0.9), ('random', None)):
        work = run.Work(case(), arm, str(tmp_path))
        told = dict(trials=[trial(0.5, 0.5)]) if skill is None else dict(
            skill=skill, error=0.1, price=1.0)
        run.write(dict(told, case=case()._asdict(), arm=arm, seconds=1.0, versions={'keras': '3'}),
                  work.path)
    assert command.main(['--show', '--out', str(tmp_path), '--json', '--missed']) == 0
    told = capsys.readouterr()
    figures = json.loads(told.out)['figures']
    assert list(figures['arms']) == ['adam', 'random1'] and figures['cases'] == 1
    assert figures['repaired_with'] == [{'keras': '3'}]
    assert command.main(['--show', '--out', str(tmp_path), '--seeds', '7']) == 0
    assert '0 bad trainings' in capsys.readouterr().out


@pytest.mark.once
@pytest.mark.slow
def test_the_quick_form_prints_one_document(monkeypatch, capsys):
    monkeypatch.setattr(command, 'QUICK_RECIPES', ('adam', 'dead_bias'))
    assert command.main(['--quick', '--json', '--tables', 'iris', '--recipes', 'dead_bias',
                         '--arms', 'race3,adam']) == 0
    document = json.loads(capsys.readouterr().out)
    assert document['benchmark'] == 'repair'
    assert set(document['figures']['arms']) == {'race3', 'adam'}
    assert document['figures']['cases'] > 0
