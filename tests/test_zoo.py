"""The zoo: its truth, its counting, and that every training of it can be made and replayed."""

import json
import math
import warnings

import numpy as np
import pytest

from benchmarks.zoo import peers, report, run, setups, tables, truth
from benchmarks.zoo.setups import Data, Setup
from benchmarks.zoo.trainings import RECIPES, set_up

WAYS = ('scales', 'rate_high', 'rate_low', 'head', 'loss', 'targets', 'weights', 'dead_units',
        'saturated', 'dropout', 'noise', 'order', 'too_small', 'too_few', 'regularisation',
        'frozen')


# ----------------------------------------------------------------------------------- the truth

@pytest.mark.parametrize('task, labels, answers, expected', [
    ('binary', [0, 0, 0, 1], [0, 0, 0, 1], 1.0),
    ('binary', [0, 0, 0, 1], [0, 0, 0, 0], 0.0),       # the best constant answer
    ('binary', [0, 0, 0, 1], [1, 1, 1, 0], -1.0),
    ('binary', [0] * 9 + [1], [0] * 8 + [1, 1], 8 / 9),  # a rare class that is found
    ('binary', [0, 1], [math.nan, 1], -1.0),
    ('classes', [0, 1, 2], [2, 2, 2], 0.0),
    ('classes', [0, 1, 2, 2], [0, 1, 2, 2], 1.0),
    ('regression', [1.0, 2.0, 3.0], [1.0, 2.0, 3.0], 1.0),
    ('regression', [1.0, 2.0, 3.0], [2.0, 2.0, 2.0], 0.0),
    ('regression', [1.0, 2.0, 3.0], [50.0, 50.0, 50.0], -1.0),
    ('regression', [1.0, 2.0, 3.0], [math.inf, 2.0, 3.0], -1.0),
    ('multilabel', [[1, 0], [0, 0], [1, 1]], [[1, 0], [0, 0], [1, 1]], 1.0),
    ('multilabel', [[1, 0], [0, 0], [1, 1]], [[1, 0], [1, 0], [1, 0]], 0.0),
])
def test_skill_is_0_for_the_best_constant_answer_and_1_for_perfection(task, labels, answers,
                                                                     expected):
    found = truth.skill(task, np.array(labels), np.array(answers, dtype='float64'))
    assert found == pytest.approx(expected)


@pytest.mark.parametrize('skill, best, expected', [
    (0.4, 0.8, 'bad'), (0.41, 0.8, None), (0.67, 0.8, None), (0.68, 0.8, 'good'),
    (-1.0, 0.8, 'bad'), (0.0, 0.09, None), (0.5, None, None)])
def test_a_training_is_held_against_the_best_of_its_table(skill, best, expected):
    assert truth.outcome(skill, best) == expected


def test_only_well_set_trainings_say_what_can_be_reached():
    assert truth.best_of([
        {'table': 'a', 'spoilt': '', 'skill': 0.5}, {'table': 'a', 'spoilt': '', 'skill': 0.7},
        {'table': 'a', 'spoilt': 'scales', 'skill': 0.9}]) == {'a': 0.7}


@pytest.mark.parametrize('hits, of, low, high', [
    (0, 10, 0.0, 0.2775), (5, 10, 0.2366, 0.7634), (10, 10, 0.7225, 1.0), (95, 100, 0.8882, 0.9785),
    (0, 0, 0.0, 1.0)])
def test_wilsons_interval(hits, of, low, high):
    assert report.wilson(hits, of) == pytest.approx((low, high), abs=1e-4)


# ------------------------------------------------------------------------- tables and trainings

def there(half):
    return [tables.load(name) for name in half if not tables.missing(name)]


@pytest.mark.parametrize('half', [tables.CHOOSE, tables.REPORT], ids=['choose', 'report'])
def test_each_half_has_every_kind_of_table(half):
    found = there(half)
    assert {'binary', 'classes', 'regression'} <= {table.task for table in found}
    assert any(table.task == 'binary' and max(np.mean(table.y), 1 - np.mean(table.y)) >= 0.85
               for table in found)
    assert any(table.kind in ('image', 'tokens', 'sequence') for table in found)
    assert any(table.task == 'multilabel' for table in found)
    assert any(table.task == 'regression' and np.std(table.y) > 1e4 for table in found)


def test_the_halves_share_no_table_and_there_are_enough():
    assert not set(tables.CHOOSE) & set(tables.REPORT)
    assert len(there(tables.TABLES)) >= 14


def test_a_table_that_cannot_be_had_says_why(monkeypatch):
    monkeypatch.setattr(tables.importlib.util, 'find_spec', lambda name: None)
    assert 'pip install' in tables.missing('fair')
    assert tables.missing('iris') is None


def test_no_row_of_the_truth_is_trained_or_validated_on():
    for table in (tables.load('iris'), tables.load('friedman')):
        parts = tables.split(table, 3)
        assert sorted(np.concatenate(parts)) == list(range(len(table.x)))


def test_inputs_are_scaled_by_what_the_training_rows_say():
    table = tables.load('wine')
    data = Data(table, Setup(batch=0), tables.split(table, 0))
    assert np.abs(data.x.mean(axis=0)).max() < 1e-4
    assert np.abs(data.x_test.mean(axis=0)).max() > 1e-3


def test_rows_sorted_by_label_leave_the_last_labels_to_validation():
    table = tables.load('iris')
    data = Data(table, Setup(split_ordered=True, batch=0, units=3, head='softmax'),
                tables.split(table, 0))
    assert data.y.max() <= data.y_val.min()


def test_the_numbers_of_a_regression_come_back_in_their_own_unit():
    table = tables.load('prices')
    data = Data(table, Setup(targets_scaled=True, batch=0), tables.split(table, 0))
    back = data.answers(data.y_val[:, None])
    assert back == pytest.approx(table.y[tables.split(table, 0).val], rel=1e-3)


def test_a_third_of_what_a_table_gets_is_well_set_and_every_way_of_spoiling_is_there():
    drawn = run.jobs(['iris'], None, [0])
    assert sum(not RECIPES[job.recipe].spoilt for job in drawn) * 3 == len(drawn) >= 22
    ways = [recipe.spoilt for recipe in RECIPES.values()]
    assert set(ways) == {'', *WAYS}
    assert all(ways.count(way) >= 2 for way in WAYS)


def test_what_is_drawn_depends_on_table_recipe_and_seed_alone():
    table = tables.load('iris')
    assert set_up(table, 'rate_high_sgd', 90, 5) == set_up(table, 'rate_high_sgd', 90, 5)
    assert set_up(table, 'rate_high_sgd', 90, 5) != set_up(table, 'rate_high_sgd', 90, 6)
    assert run.jobs(['iris', 'wine'], None, [0, 1]) == run.jobs(['iris', 'wine'], None, [0, 1])


def test_every_recipe_suits_every_task():
    for name in ('breast_cancer', 'wine', 'prices', 'multilabel'):
        table = tables.load(name)
        for recipe in RECIPES:
            setup = set_up(table, recipe, 600, 0)
            assert setup.epochs >= 1 and setup.rate > 0, recipe
            assert setup.units in (1, table.classes), recipe
            assert not setup.one_hot or table.task == 'classes', recipe


@pytest.mark.slow
@pytest.mark.parametrize('place, name', list(enumerate(
    ['breast_cancer', 'digit_images', 'topics', 'totals'])))
def test_every_recipe_builds(place, name):
    """Each for one kind of table, each kind with every fourth recipe; layers are few and narrow."""
    from AutoTrainer import keras_bridge
    from benchmarks.zoo import models
    table = tables.load(name)
    for recipe in list(RECIPES)[place::4]:
        keras_bridge.keras.backend.clear_session()
        setup = set_up(table, recipe, 600, 0)
        setup.hidden = tuple(4 for _ in setup.hidden[:2])  # shapes that JAX has compiled once
        model = models.build(table, setup, 10)
        assert model.output_shape == (None, setup.units), recipe
        assert len(models.callbacks(setup)) == len(setup.callbacks), recipe


# ------------------------------------------------------------------------------ tapes and judges

@pytest.fixture(scope='module')
def taped(tmp_path_factory):
    """Tapes of a few short trainings of several kinds, well set and spoilt."""
    folder = str(tmp_path_factory.mktemp('tapes'))
    wanted = [run.Job(*names, 0) for names in (
        ('iris', 'linear'), ('iris', 'rate_low_adam'), ('iris', 'dead_bias'),
        ('diabetes', 'unmeasured'), ('breast_cancer', 'head_flat'))]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(setups, 'UPDATES', 100)
        assert run.run(wanted, folder) == []
    return run.read(folder, ['iris', 'diabetes', 'breast_cancer'])


@pytest.mark.slow
def test_a_replay_says_what_was_said_live(taped):
    from benchmarks.zoo.replay import replay
    for tape in taped:
        verdict = replay(tape).verdict
        assert (list(verdict.issues), verdict.epoch, verdict.reason) == (
            tape['live']['issues'], tape['live']['epoch'], tape['live']['reason'])
        assert peers.live(tape) == peers.said(tape)


@pytest.mark.slow
def test_a_tape_has_an_entry_for_every_epoch(taped):
    for tape in taped:
        for part in (tape['gradients'], tape['outputs'], tape['measured'], tape['curve'],
                     tape['history']['loss']):
            assert len(part) == tape['epochs']
        assert tape['skill'] == tape['curve'][-1]


@pytest.mark.slow
def test_the_papers_rules_are_replayed_from_the_same_tape(taped):
    found = report.cases(taped, peers.JUDGES)
    paper = {case.tape['recipe']: case.said['paper'].issues for case in found}
    assert 'not_converge' in paper['rate_low_adam'] and paper['linear'] == ()


def tape(losses, epochs=20, **facts):
    length = len(losses)
    return dict(dict(table='t', recipe='adam', seed=0, spoilt='', half='report', task='binary',
                     skill=0.9, epochs=epochs,
                     history=dict(loss=losses, acc=[None] * length, val_loss=losses,
                                  val_acc=[None] * length),
                     live=dict(issues=[], told=[], epoch=None, reason='sound')), **facts)


@pytest.mark.parametrize('losses, issues, epoch', [
    ([1.0, math.nan], ('nan',), 2), ([1.0] * 20, ('stopped',), 6),
    ([1.0 / n for n in range(1, 21)], (), None),
    ([1.0 / n for n in range(1, 13)] + [1.0] * 8, (), None)])  # stopped, but late
def test_what_counts_as_a_verdict_of_early_stopping(losses, issues, epoch):
    assert peers.stopping(tape(losses))[:2] == (issues, epoch)


def test_the_coin_is_thrown_once_for_each_training():
    thrown = [bool(peers.coin(tape([1.0], seed=seed)).issues) for seed in range(200)]
    assert 70 < sum(thrown) < 130
    assert thrown == [bool(peers.coin(tape([1.0], seed=seed)).issues) for seed in range(200)]


def made_up_cases():
    says = {'a': lambda told: peers.Said(('relu',), 4, 'why') if told['recipe'] == 'dead_bias'
            or told['seed'] == 9 else peers.Said((), None, '')}
    return report.cases(
        [tape([1.0], seed=seed) for seed in (0, 1, 9)]
        + [tape([1.0], recipe=recipe, spoilt=way, skill=0.1)
           for recipe, way in (('dead_bias', 'dead_units'), ('raw_sgd', 'scales'))], says)


def test_figures_count_bad_and_good_trainings():
    found = report.figures(made_up_cases(), 'a')
    assert (found['bad'], found['good'], found['epoch']) == (2, 3, 0.2)
    assert (found['recall']['hits'], found['recall']['of']) == (1, 2)
    assert found['false_alarms']['share'] == pytest.approx(1 / 3, abs=1e-4)


def test_summary_and_text_have_every_way_and_the_wrong_ones_are_listed():
    part = report.summary(made_up_cases(), ['a'])
    assert set(part['ways']) == {'well set', 'dead_units', 'scales'}
    assert part['causes']['a'] == {'dead_units': {'relu': 1}, 'scales': {'nothing': 1}}
    assert 'dead_units' in report.text({'report': part}, ['a'])
    missed, alarm = sorted(report.wrong(made_up_cases(), 'a'), reverse=True)
    assert missed.startswith('missed') and 'raw_sgd' in missed
    assert alarm.startswith('false alarm') and 'why' in alarm


def test_tables_on_which_nothing_learns_are_counted_apart():
    says = {'a': lambda told: peers.Said(('relu',), 4, 'why')}
    found = report.cases([tape([1.0], skill=0.05), tape([1.0], table='u', skill=0.9),
                          tape([1.0], table='v', spoilt='scales')], says)
    assert report.summary(found, ['a'])['without_truth'] == {
        'trainings': 1, 'told_no_signal': 0, 'blamed': {'a': 1}}
    assert [case.outcome for case in found] == [None, 'good', None]


# ------------------------------------------------------------------------------------ the run

def test_what_is_taped_is_not_trained_again_unless_it_is_asked_for(monkeypatch, tmp_path):
    trained = []
    monkeypatch.setattr(run, '_one', lambda work: (trained.append(work[0]), (work[0], None))[1])
    wanted = [run.Job('iris', 'adam', 0), run.Job('iris', 'linear', 0)]
    run.write({'table': 'iris', 'loss': math.nan}, wanted[0].path(tmp_path))
    assert run.run(wanted, str(tmp_path)) == []
    assert trained == wanted[1:]
    run.run(wanted, str(tmp_path), anew=True)
    assert trained == wanted[1:] + wanted
    assert math.isnan(run.read(str(tmp_path), ['iris'])[0]['loss'])


def test_one_training_that_fails_does_not_end_the_others(monkeypatch, tmp_path, capsys):
    def load(name):
        raise ValueError('no such rows')
    monkeypatch.setattr(run.tables, 'load', load)
    wanted = [run.Job('iris', 'adam', 0), run.Job('wine', 'adam', 0)]
    monkeypatch.setattr(run, '_loaded', {})
    assert run.run(wanted, str(tmp_path)) == wanted
    assert 'no such rows' in capsys.readouterr().err


@pytest.mark.slow
def test_the_quick_form_prints_one_document(taped, monkeypatch, capsys):
    """Of trainings that are taped already."""
    from benchmarks.zoo.__main__ import main

    def lay(wanted, folder, *_):
        for tape in taped:
            run.write(tape, run.Job(tape['table'], tape['recipe'], tape['seed']).path(folder))
        assert run.Job('iris', 'linear', 0) in wanted and len(wanted) == 3
        return []
    monkeypatch.setattr(run, 'run', lay)
    assert main(['--quick', '--json', '--tables', 'iris',
                 '--recipes', 'linear,rate_low_adam,dead_bias']) == 0
    document = json.loads(capsys.readouterr().out)
    assert document['benchmark'] == 'zoo'
    skill = document['figures']['report']['judges']['skill']
    assert skill['recall']['of'] > 0 and skill['false_alarms']['of'] > 0
    assert set(document['figures']['report']['judges']) == set(peers.JUDGES)


def test_a_run_in_this_process_leaves_its_words_alone():
    """What is quiet for a benchmark speaks again afterwards."""
    from AutoTrainer.utils.logger import LOGGER
    level, filters = LOGGER.level, list(warnings.filters)
    assert list(run.in_processes(str, [1], 1, '')) == ['1']
    assert LOGGER.level == level and warnings.filters == filters
