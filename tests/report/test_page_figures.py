"""The numbers behind each figure of a page, and its words."""

import math

import pytest
from made_runs import CHECKS, LEGS, OUTCOME, RESULT, SETTINGS, TRAINED, check, raced, repaired, rows
from made_runs import write as put

from AutoTrainer.report.page import attempts, curves, gradients, names, race, scale, story, svg
from AutoTrainer.report.page.run import Run, read_run
from AutoTrainer.utils.repair import SOLUTIONS

NONE = [None] * 4
HISTORY = {'loss': [0.7, 0.6, 0.65, 0.5], 'acc': [0.5, 0.5, 0.6, 0.7], 'val_loss': NONE,
           'val_acc': NONE}


def watched(history=HISTORY, **more):
    return Run('run', **dict({'settings': SETTINGS, 'history': history, 'begun': True}, **more))


# --------------------------------------------------------------------------------------- the curves

def test_curves_with_all_that_is_marked(tmp_path):
    run = read_run(repaired(tmp_path))
    loss = curves.loss_figure(run)
    assert [line.kind for line in loss.lines] == ['train', 'val']
    assert loss.lines[0].points[:2] == [(1.0, 0.69), (2.0, 0.6799999999999999)]
    assert loss.x_range == (0.0, 20.0) and loss.rug == (2.0, 6.0, 8.0)
    assert loss.marks == (svg.Mark(6, 'judgment point, epoch 6', 'judgment'),
                          svg.Mark(8, 'verdict, epoch 8', 'verdict'))
    assert loss.spans == (svg.Span(8, 20, 'planned, not trained'),)
    assert loss.takeaway == 'The validation loss went from 0.7 to 0.63; it was lowest, 0.63, at ' \
                            'epoch 8.'
    accuracy = curves.accuracy_figure(run)
    assert [(level.at, level.label) for level in accuracy.levels] == [(0.7, 'asked for: Θ = 0.7')]
    assert accuracy.takeaway.startswith('The validation accuracy ended at 0.5; its best was 0.5')


def test_the_yardstick_as_an_accuracy(tmp_path):
    """Skill 0 at accuracy 0.5: the best constant answer has 0.5, and 0.7 of the rest makes 0.85."""
    level, = curves.accuracy_figure(read_run(raced(tmp_path))).levels
    assert level.at == pytest.approx(0.85) and level.label == 'classical learners: about 0.85'


@pytest.mark.parametrize('settings, form, level', [
    ({'params': {'Theta': 0.9}}, '', 0.9), ({'rules': 'skill'}, '', None),
    ({'checktype': 'adaptive'}, '', None), ({'loss': 'mse'}, 'squared error', 0.7)])
def test_what_an_accuracy_is_held_against(settings, form, level):
    run = watched(settings=dict(SETTINGS, **settings),
                  events=[dict(TRAINED, outcome=dict(OUTCOME, skill_form=form))])
    found = curves.accuracy_figure(run)
    assert [known.at for known in found.levels] == ([] if level is None else [level])
    assert (found.title == 'Accuracy') == (form != 'squared error')


def test_losses_over_decades_and_beyond_all_numbers():
    run = watched(dict(HISTORY, loss=[1.0, 100.0, math.inf, math.nan]))
    found = curves.loss_figure(run)
    assert found.log and svg.Mark(3, 'not finite from epoch 3', 'verdict') in found.marks
    assert found.y_range == (pytest.approx(1 / 1.3), pytest.approx(130))
    assert '<svg' in svg.drawn(found, 'loss')


def test_skill_beside_its_yardstick():
    events = [check(2, skill=0.1, yardstick=None), check(4, ['underfit'], skill=0.2,
                                                         yardstick=0.9)]
    found = curves.skill_figure(watched(events=events))
    assert found.lines[0].points == [(2.0, 0.1), (4.0, 0.2)]
    assert [level.at for level in found.levels] == [0.0, 0.9]
    assert found.takeaway == 'Skill was 0.20 at epoch 4; classical learners get 0.90 from the ' \
                             'same rows.'
    assert curves.skill_figure(watched(events=events[:1])) is None


def test_without_a_plan_nothing_is_made_up():
    run = Run('run', history=HISTORY, events=[check(3, ['vanish'])])
    found = curves.loss_figure(run)
    assert found.x_range == (0.0, 4.0) and found.spans == ()
    assert [mark.label for mark in found.marks] == ['verdict, epoch 3']
    empty = Run('run')
    assert curves.loss_figure(empty) is curves.accuracy_figure(empty) is None


@pytest.mark.parametrize('planned, point', [(5, 3), (10, 3), (20, 6), (21, 7), (300, 90)])
def test_the_judgment_point_is_the_first_epoch_that_is_judged(planned, point):
    from AutoTrainer.judge.history import judged
    assert curves.judgment_point(planned) == point
    assert judged(point, planned) and not judged(point - 1, planned)


# ------------------------------------------------------------------------------------ the gradients

def test_gradients_layer_by_layer(tmp_path):
    run = read_run(repaired(tmp_path))
    found = gradients.gradients_figure(run)
    assert [(line.kind, line.label) for line in found.lines] == [
        ('first', 'one'), ('depth', ''), ('last', 'head')]
    assert found.lines[0].points == [(2.0, 1e-6), (6.0, 1e-6), (8.0, 1e-6)]
    assert found.log and found.x_range == (2.0, 8.0)
    assert found.takeaway == (
        'At epoch 8 the gradient of the first layer (one/kernel) had a norm of 10⁻⁶, that of the '
        'last (head/kernel) 0.01: 10,000 times as much.')
    profile = gradients.profile_figure(run)
    assert profile.lines[0].points == [
        (1.0, 1e-6), (2.0, pytest.approx(1e-4)), (3.0, 0.01)]
    assert profile.takeaway == 'It is smallest in one (10⁻⁶) and largest in head (0.01).'


def test_gradients_that_are_zero_or_none():
    dead = {'names': ['a/kernel', 'b/kernel', 'c/kernel'], 'norms': [0.0, None, 0.1]}
    run = watched(events=[check(2), check(3, layers=('a', 'b')), check(4), check(5)])
    assert len(gradients.measured(run)) == 3  # one looked at other layers
    run = watched(events=[dict(check(epoch), layers=dead) for epoch in (2, 3)])
    found = gradients.gradients_figure(run)
    assert found.foot == 0.01 and found.y_range[0] < 0.01
    assert 'a/kernel' in found.takeaway and found.takeaway.endswith('(c/kernel) 0.1.')
    assert '<svg' in svg.drawn(found, 'gradients')
    assert gradients.gradients_figure(watched(events=[check(2)])) is None
    assert gradients.profile_figure(watched()) is None


def test_where_every_gradient_is_zero_there_is_a_sentence_and_no_figure():
    dead = {'names': ['a/kernel', 'b/kernel', 'c/kernel'], 'norms': [0.0, 0.0, 0.0]}
    run = watched(events=[dict(check(epoch), layers=dead) for epoch in (2, 3)])
    assert gradients.gradients_figure(run) is gradients.profile_figure(run) is None
    assert gradients.no_gradient(run).startswith('At epoch 3 the gradient of every kernel was 0')
    alive = watched(events=[dict(check(2), layers=dict(dead, norms=[0.0, 0.0, 0.1]))])
    assert gradients.no_gradient(alive) == gradients.no_gradient(watched()) == ''


# -------------------------------------------------------------------------------- race and attempts

def test_a_race_over_its_price(tmp_path):
    """8 of 20 epochs are 0.4 planned trainings; each leg begins where the last one ended."""
    run = read_run(raced(tmp_path))
    found = race.race_of(run)
    assert (found.begun_at, found.price, found.goal, found.winner) == (0.4, 1.1, 0.7, 2)
    first, second = found.tracks
    assert first.points == (pytest.approx((0.5, 0.1)), pytest.approx((0.6, 0.2)))
    assert second.points == (pytest.approx((0.7, 0.1)), pytest.approx((0.8, 0.3)),
                             pytest.approx((1.1, 0.6)))
    assert [(row.words, row.skill, row.epochs, row.ended, row.won) for row in found.rows] == [
        ('SELU activations and fresh starting weights', '0.20', '4 of 20', 'in the worse half',
         False),
        ('ReLU activations', '0.60', '10 of 20', 'trained to the planned end', True)]
    figure = race.race_figure(run, found)
    assert [line.label for line in figure.lines] == ['1', '2, best']
    assert [level.at for level in figure.levels] == [0.0, 0.7]
    assert figure.spans == (svg.Span(0.0, 0.4, 'first training'),)
    assert figure.takeaway == (
        '2 candidates were trained, for 1.1 planned trainings together with the first; number 2 '
        'was best, with a skill of 0.60 on the rows that choose, and 0.50 on rows that chose '
        'nothing.')


def test_a_race_that_still_runs(tmp_path):
    run = read_run(raced(tmp_path, ended=False))
    found = race.race_of(run)
    assert found.price == pytest.approx(1.1) and found.winner is None and found.goal is None
    assert [(row.skill, row.epochs, row.ended) for row in found.rows] == [
        ('0.20', '4', ''), ('0.60', '10', '')]
    assert run.attempts == [] and race.race_of(watched()) is None
    assert race.race_figure(run, found).takeaway.endswith(
        '; so far number 2 is ahead, with a skill of 0.60.')


def test_tries(tmp_path):
    run = read_run(repaired(tmp_path))
    assert [row[:4] for row in attempts.rows_of(run)] == [
        (1, 'batch normalisation', 'there is one already', '– skipped'),
        (2, 'ReLU activations', '2 layers → relu', '! broke down (ValueError: no)'),
        (3, 'SELU activations', '2 layers → selu', '✓ solved')]
    found = attempts.attempts_figure(run)
    assert [(line.kind, line.label, len(line.points)) for line in found.lines] == [
        ('before', '', 8), ('winner', '3', 20)]
    assert found.x_range == (0.0, 20.0)
    assert found.takeaway == '1 try was trained; number 3 (SELU activations) solved it, with an ' \
                             'accuracy of 75.0 %.'
    assert attempts.attempts_figure(watched()) is None


# ---------------------------------------------------------------------------------------- the words

@pytest.mark.parametrize('changes, headline, lead', [
    ({}, 'Vanishing gradient, found after epoch 8 of 20.',
     'Mended by SELU activations: skill 0.00 → 0.50.'),
    ({'yardstick': 0.7, 'solution': 'data+selu+bn'},
     'Vanishing gradient, found after epoch 8 of 20.',
     'Mended by scaled inputs, SELU activations and batch normalisation: skill 0.00 → 0.50, '
     'less than classical learners (0.70).'),
    ({'skill': {}, 'issues': ['vanish', 'not_converge'], 'detected_epoch': 0},
     'Vanishing gradient and slow convergence, found before the first step.',
     'Mended by SELU activations: accuracy 50.0 % → 75.0 %.'),
    ({'status': 'improved', 'issues_left': ['unstable']},
     'Vanishing gradient, found after epoch 8 of 20.',
     'Improved by SELU activations: skill 0.00 → 0.50. Left: oscillating loss.'),
    ({'status': 'failed', 'solution': None}, 'Vanishing gradient, found after epoch 8 of 20.',
     'Not repaired: nothing that was tried trained better.'),
    ({'status': 'detected'}, 'Vanishing gradient, found after epoch 8 of 20.',
     'Not repaired, as asked for.'),
    ({'status': 'repaired', 'skill': {'before': 0.1, 'after': -0.001}},
     'Vanishing gradient, found after epoch 8 of 20.',
     'The symptom is gone by SELU activations, but the model knows no more than the best constant '
     'answer: skill 0.10 → 0.00.'),
    ({'status': 'interrupted', 'attempts': []}, 'Vanishing gradient, found after epoch 8 of 20.',
     'The run was interrupted. What was known by then is below; it can be gone on with: '
     'resume=True, or reproduce.py --resume.'),
    ({'initial_issue': 'underfit', 'issues': ['underfit'], 'reasons': {}},
     'Learns too little, no cause found: seen after epoch 8 of 20.',
     'Mended by SELU activations: skill 0.00 → 0.50.'),
    ({'status': 'normal', 'initial_issue': None, 'issues': [], 'reason': 'sound: 20 epochs'},
     'Nothing is wrong with this training.',
     '4 epochs were trained of 20 planned: skill 0.50, accuracy 75.0 %.'),
    ({'status': 'normal', 'initial_issue': None, 'issues': [], 'reason': 'not judged: 2 epochs'},
     'Nothing was found, which proves little.',
     '4 epochs were trained of 20 planned: skill 0.50, accuracy 75.0 %.'),
])
def test_the_first_lines(changes, headline, lead):
    told = story.story_of(watched(result=dict(RESULT, **changes)))
    assert (told.headline, told.lead) == (headline, lead)


@pytest.mark.parametrize('skill, yardstick, words', [
    (0.5, None, ''), (0.5, 0.7, ', less than classical learners (0.70)'),
    (0.68, 0.7, ', as good as classical learners (0.70)'),
    (0.72, 0.7, ', as good as classical learners (0.70)'),
    (0.9, 0.7, ', better than classical learners (0.70)'),
    (0.1, -0.02, ' (classical learners: −0.02)')])
def test_a_skill_beside_its_yardstick(skill, yardstick, words):
    assert story.beside(skill, yardstick) == words


def test_the_first_lines_before_the_end():
    assert story.headline(watched()) == 'Nothing was found in 4 of 20 epochs so far.'
    assert story.headline(Run('x')) == 'No epoch has ended yet.'
    assert story.story_of(watched(events=CHECKS)).headline == (
        'Vanishing gradient, found after epoch 8 of 20.')
    bare = Run('x', history=HISTORY, events=CHECKS)
    assert story.story_of(bare).badge == '! Found' and 'watched' in story.lead(bare)


def test_numbers_and_facts():
    run = watched(result=RESULT)
    assert [(found.name, found.before, found.after) for found in story.changes(run)] == [
        ('Skill', '0.00', '0.50'), ('Accuracy', '50.0 %', '75.0 %'), ('Time', '1 min 02 s', None)]
    facts = dict(story.environment(run))
    assert facts['Optimizer'] == 'Adam, learning rate 0.001' and facts['Seed'] == '0'
    assert facts['Repair took'] == '1 min 01 s'
    assert [story.duration(time) for time in (0.25, 61, 7325)] == [
        '0.2 s', '1 min 01 s', '2 h 02 min']


def test_every_solution_has_a_name_for_readers():
    assert set(names.SHORT) == set(SOLUTIONS)
    assert names.in_words('mine+selu') == 'mine and SELU activations'


# ------------------------------------------------------------------------------------------ drawing

def test_a_thinned_line_keeps_its_peaks():
    points = [(float(i), math.sin(i / 50)) for i in range(5000)]
    points[1234], points[3456] = (1234.0, 9.0), (3456.0, -9.0)
    found = scale.thinned(points, 100)
    assert len(found) <= 100 and found == sorted(found)
    assert {(1234.0, 9.0), (3456.0, -9.0), points[0], points[-1]} <= set(found)
    assert scale.thinned(points[:100], 100) == points[:100]


@pytest.mark.parametrize('low, high, ticks', [
    (0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1.0]), (0, 300, [0, 100, 200, 300]),
    (0.49, 0.51, [0.49, 0.495, 0.5, 0.505, 0.51]), (-1, 0.5, [-1, -0.5, 0, 0.5]), (2, 2, [2])])
def test_ticks_are_round(low, high, ticks):
    assert scale.linear_ticks(low, high, 5) == pytest.approx(ticks)


@pytest.mark.parametrize('value, text', [
    (0, '0'), (0.25, '0.25'), (1234.4, '1234'), (2.66e-7, '2.7·10⁻⁷'), (1e-6, '10⁻⁶'),
    (-1e9, '−10⁹'), (-0.5, '−0.5')])
def test_numbers_in_few_characters(value, text):
    assert scale.number_text(value) == text


@pytest.mark.parametrize('ticks, log, texts', [
    ([0, 0.25, 0.5], False, ['0', '0.25', '0.5']), ([2.302, 2.304, 2.306], False, None),
    ([2.302, 2.304, 2.31], False, ['2.302', '2.304', '2.31']),
    ([12345.1, 12345.2], False, ['12345.1', '12345.2']), ([1e-6, 0.1], True, ['10⁻⁶', '10⁻¹']),
    ([1.0000001e-5, 1.0000002e-5], False, None), ([3.0], False, ['3'])])
def test_the_numbers_of_an_axis_differ(ticks, log, texts):
    found = scale.tick_texts(ticks, log)
    assert len(set(found)) == len(ticks)
    assert texts is None or found == texts


def test_gaps_split_a_line():
    assert scale.pieces([(1, 1.0), (2, None), (3, 2.0), (4, 3.0), (5, math.nan), (6, 1e308)]) == [
        [(1, 1.0)], [(3, 2.0), (4, 3.0)]]
    figure = svg.Figure('t', 'd', 'x', 'y', (svg.Line('a', [(1, 1.0), (2, None), (3, 2.0),
                                                            (4, 3.0)], 'train'),))
    drawing = svg.drawn(figure, 'f')
    assert drawing.count('<circle') == 2 and drawing.count('class="line train"') == 4  # and legend


@pytest.mark.parametrize('values', [[0.0], [1e308, -1e308], [5e-324], [math.nan], [-5.0, 3.0], [1]])
@pytest.mark.parametrize('log', [False, True])
def test_any_number_can_be_drawn(values, log):
    points = [(float(i), value) for i, value in enumerate(values)]
    figure = svg.Figure('t', 'd', 'x', 'y', (svg.Line('a', points, 'train', 'end'),), log=log,
                        marks=(svg.Mark(2 ** 53, 'far', 'verdict'),))
    drawing = svg.drawn(figure, 'f')
    assert 'nan' not in drawing and 'inf' not in drawing


def test_a_figure_says_what_it_is_to_whoever_cannot_see_it():
    drawing = svg.drawn(svg.Figure('<b>', 'a & b', 'x', 'y', (svg.Line('<i>', [(0, 1.0)], 'k',
                                                                       '</svg>'),)), 'f')
    assert '<title id="fw-t">&lt;b&gt;</title><desc id="fw-d">a &amp; b</desc>' in drawing
    assert drawing.count('role="img" aria-labelledby="f') == 2
    assert '<b>' not in drawing and '<i>' not in drawing and drawing.count('</svg>') == 2


def test_a_callback_that_watched_twice_shows_its_last_training(tmp_path):
    put(tmp_path, 'history.csv', rows(3))
    put(tmp_path, 'events.jsonl', [check(5, ['vanish']), check(2), check(3)])
    run = read_run(str(tmp_path))
    assert [found.epoch for found in run.checks] == [2, 3] and run.verdict is None
    assert LEGS and not run.begun


def restore(epoch, back_to, **more):
    return dict({'event': 'restore', 'time': 1.7e9 + epoch, 'epoch': epoch, 'issue': 'explode',
                 'reason': 'loss = nan', 'back_to': back_to, 'rates': [0.1, 0.01], 'goes_on': True,
                 'note': '', 'retrain': False, 'solution': None}, **more)


def test_where_the_best_weights_were_put_back(tmp_path):
    put(tmp_path, 'history.csv', rows(8))
    put(tmp_path, 'events.jsonl', [restore(9, 1), check(2), check(5, ['explode']), restore(5, 4),
                                   check(8)])
    run = read_run(str(tmp_path))
    assert run.verdict is None and len(run.restorations) == 1  # the first is an earlier training's
    assert curves.moments(run) == (svg.Mark(5, 'weights of epoch 4 put back, epoch 5',
                                            'restored'),)
    assert story.lead(run).endswith(
        'At epoch 5 (explode) the weights of epoch 4 were put back and the learning rate was '
        'lowered from 0.1 to 0.01.')


@pytest.mark.parametrize('changes', [{'goes_on': False}, {'rates': 'low', 'goes_on': 1},
                                     {'rates': [None, 1], 'note': 3, 'issue': None}])
def test_what_was_put_back_at_the_end_or_in_a_damaged_line(tmp_path, changes):
    put(tmp_path, 'history.csv', rows(5))
    put(tmp_path, 'events.jsonl', [check(5, ['explode']), restore(5, 4, **changes)])
    run = read_run(str(tmp_path))
    assert (run.verdict is None) is ('goes_on' not in changes)
    assert 'weights of epoch 4 were put back' in story.lead(run)


def test_losses_that_hardly_differ_are_told_apart():
    found = curves.loss_figure(watched(history=dict(HISTORY, val_loss=[0.6921, 0.69214, 0.69212])))
    assert '0.6921 to 0.69212' in found.takeaway


def test_why_candidates_end_in_words_for_every_reason():
    from AutoTrainer.solutions import race as races
    assert names.ended_in_words(races.OUTRUN) == 'the race was won'
    assert names.ended_in_words(races.BROKE) == races.BROKE
