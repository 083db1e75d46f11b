"""Symptoms and solutions of a program's own."""

import json
import logging
import subprocess
import sys

import numpy as np
import pytest

from AutoTrainer import (
    NotApplicable,
    UserError,
    Watch,
    keras_bridge,
    model_train,
    register_solution,
    register_symptom,
    repair,
    unregister,
)
from AutoTrainer.cli import main
from AutoTrainer.judge import own
from AutoTrainer.judge.issues import ISSUES
from AutoTrainer.judge.own import OwnSymptoms, Seen, issue_named
from AutoTrainer.report.text import summary
from AutoTrainer.solutions.entrants import ORDER
from AutoTrainer.utils.repair import SOLUTIONS, STRATEGIES

keras = keras_bridge.keras
WORDS = 'a loss that stands still'
STEP = 0.1


@pytest.fixture(autouse=True)
def nothing_left():
    yield
    for name in list(own.RULES) + list(own.SOLUTIONS):
        unregister(name)


def plateau(seen):
    losses = seen.history['loss']
    if seen.epoch >= 2 and losses[-2] - losses[-1] < 1e-3:
        return 'the loss stands at %.3f,\n  epoch %d of %d' % (
            losses[-1], seen.epoch, seen.planned)
    return None


def larger_step(candidate, issue, attempt, rng):
    optimizer = candidate.training.optimizer
    if optimizer['config']['learning_rate'] >= STEP:
        raise NotApplicable('the step is large already')
    return candidate.trained(optimizer=dict(optimizer, config=dict(
        optimizer['config'], learning_rate=STEP))), 'a step of %g for %s' % (STEP, issue)


def register_both():
    register_solution('larger_step', larger_step, 'a step of a tenth', 0)
    register_symptom('plateau', plateau, WORDS, mends=['larger_step'], advice='larger steps',
                     meaning='it learns no more', priority=4)


def rows():
    rng = np.random.RandomState(0)
    x = rng.normal(size=(320, 4)).astype('float32')
    return x, (x[:, 0] + x[:, 1] > 0).astype('float32')


def small(rate=1e-6):
    keras_bridge.set_seed(3)
    model = keras.Sequential([keras.layers.Dense(6, 'relu', input_shape=(4,))
                              if keras_bridge.LEGACY else keras.layers.Dense(6, 'relu'),
                              keras.layers.Dense(1, 'sigmoid')])
    model.build((None, 4))
    model.compile(keras.optimizers.SGD(rate, momentum=0.9), 'binary_crossentropy',
                  metrics=['accuracy'])
    return model


def watched(epochs=4, **settings):
    x, y = rows()
    watch = Watch(x, y, **settings)
    history = small().fit(x, y, epochs=epochs, verbose=0, callbacks=[watch])
    return watch, history.history['loss']


def trained(folder, **settings):
    x, y = rows()
    return model_train(
        small(), optimizer={'class_name': 'SGD', 'config': {'learning_rate': 1e-6}},
        loss='binary_crossentropy', iters=5, batch_size=32, save_dir=str(folder),
        dataset={'x': x, 'y': y, 'x_val': x[:96], 'y_val': y[:96]}, checktype='epoch_1',
        **settings)


def state():
    return (dict(ISSUES), {name: {issue: list(tried) for issue, tried in order.items()}
                           for name, order in STRATEGIES.items()}, list(ORDER), dict(SOLUTIONS))


# ------------------------------------------------------------------------------------- symptoms

@pytest.mark.parametrize('rules', ['skill', 'paper'])
def test_it_is_judged_under_both_rules_and_ends_the_training(rules, tmp_path, capsys):
    register_symptom('plateau', plateau, WORDS, advice='larger steps', priority=4)
    watch, losses = watched(rules=rules, save_dir=str(tmp_path))
    verdict = watch.verdict
    assert verdict.issues[0] == 'plateau' and verdict.epoch == 2 and len(losses) == 2
    assert verdict.reasons['plateau'] == 'the loss stands at %.3f, epoch 2 of 4' % losses[-1]
    assert ('try: larger steps' in verdict.reason) == (rules == 'skill')
    event = json.loads((tmp_path / 'events.jsonl').read_text().splitlines()[-1])
    assert event['issues'][0] == 'plateau' and event['reasons'] == verdict.reasons
    # of another process, which has registered nothing
    unregister('plateau')
    assert main(['report', str(tmp_path)]) == 0
    assert 'the loss stands at' in (tmp_path / 'report.html').read_text(encoding='utf-8')


def test_it_sees_what_was_measured():
    seen = []
    register_symptom('nosy', lambda what: seen.append(what), 'nothing')
    watch, losses = watched(rules='paper', checktype='epoch_1', epochs=2)
    assert [what.epoch for what in seen] == [1, 2] and seen[0].planned == 2
    assert seen[-1].history['loss'] == tuple(watch.history['loss'])
    assert seen[0].gradients.kernels and seen[0].skill is None
    seen.clear()
    watched(stop=False)
    assert seen[-1].skill is not None and seen[-1].yardstick > seen[-1].skill


def test_one_that_fails_is_told_once_and_disturbs_nothing(caplog):
    _, alone = watched(stop=False)
    register_symptom('broken', lambda seen: 1 / 0, 'broken')
    register_symptom('wrong', lambda seen: 7, 'wrong')
    with caplog.at_level(logging.WARNING):
        _, losses = watched(stop=False)
    assert losses == alone
    told = [record.getMessage() for record in caplog.records if 'cannot be told' in record.message]
    assert told == [
        'epoch 1: the symptom broken cannot be told (ZeroDivisionError: division by zero); it is '
        'not looked for any more',
        'epoch 1: the symptom wrong cannot be told (TypeError: it answers 7, which is no text and '
        'not None); it is not looked for any more']


@pytest.mark.parametrize('priority, issues', [
    (4, ['mine', 'vanish', 'unstable']), (2, ['vanish', 'unstable', 'mine'])])
def test_the_one_to_be_repaired_first_stands_in_front(priority, issues):
    from AutoTrainer.judge.facts import Judgment
    register_symptom('mine', lambda seen: 'so', 'mine', priority=priority)
    found = OwnSymptoms().added(Judgment({'vanish': 'a', 'unstable': 'b'}, {}), Seen(1, 2, {}))
    assert list(found.reasons) == issues and found.reasons['mine'] == 'so'


# --------------------------------------------------------------------------------------- repair

@pytest.mark.slow
def test_it_is_repaired_by_ones_own_solution(tmp_path, capsys):
    register_both()
    result = trained(tmp_path / 'run').result
    assert result['status'] == 'repaired' and result['solution'] == 'larger_step'
    assert result['initial_issue'] == 'plateau'
    attempt, = result['attempts']
    assert attempt['description'] == 'a step of 0.1 for plateau'
    assert 'Problem   %s (plateau)' % WORDS in summary(result)
    unregister('plateau')
    unregister('larger_step')
    assert 'Problem   %s (plateau)' % WORDS in summary(result)
    assert main(['report', str(tmp_path / 'run')]) == 0
    page = (tmp_path / 'run' / 'report.html').read_text(encoding='utf-8')
    assert WORDS[1:] in page and 'larger steps' in page
    assert 'It learns no more.</p>' in page  # nobody has said how it looks


def test_it_is_tried_for_a_known_issue_after_what_there_is():
    before = ISSUES['vanish'], STRATEGIES['structure']['vanish']
    register_solution('mine', larger_step, 'mine', 0, mends=['vanish'], tries=2)
    assert ISSUES['vanish'].cures == before[0].cures + ('mine',)
    assert ISSUES['vanish'].mends == before[0].mends + ('mine_2',)
    assert STRATEGIES['structure']['vanish'] == before[1] + ['mine_2']


@pytest.mark.slow
@pytest.mark.once
def test_a_race_tries_it_in_any_number_of_processes(tmp_path):
    register_both()
    x, y = rows()
    found = []
    for jobs in (1, 2):
        _, result = repair(small(), x, y, validation_data=(x[:128], y[:128]), epochs=6,
                           budget=2.0, jobs=jobs, strategy='cause')
        for entry in result['race']['candidates']:
            del entry['seconds']
        found.append(result['race'])
    assert found[0] == found[1]
    assert found[0]['candidates'][0]['name'] == 'larger_step'
    assert found[0]['candidates'][0]['words'] == ['a step of 0.1 for ']
    assert 'SGD(learning_rate=0.1' in found[0]['code'] or found[0]['winner'] != 1


@pytest.mark.slow
def test_a_run_goes_on_only_with_what_it_was_begun_with(tmp_path):
    def stop(watch):
        if watch.session.epochs == 2 and watch.solution:
            raise KeyboardInterrupt

    register_both()
    undisturbed = trained(tmp_path / 'one').result
    with pytest.raises(KeyboardInterrupt):
        trained(tmp_path / 'two', on_epoch=stop)
    assert main(['report', str(tmp_path / 'two')]) == 0
    unregister('plateau')
    with pytest.raises(UserError, match="resumed: the symptom 'plateau' was registered when the "
                                        r"run was begun and is not now; call register_symptom\("):
        trained(tmp_path / 'two', resume=True)
    register_symptom('plateau', plateau, WORDS, mends=['larger_step'], priority=4)
    register_symptom('more', lambda seen: None, 'more')
    with pytest.raises(UserError, match="'more' is registered now and was not"):
        trained(tmp_path / 'two', resume=True)
    unregister('more')
    result = trained(tmp_path / 'two', resume=True).result
    for name in ('status', 'solution', 'accuracy', 'reasons'):
        assert result[name] == undisturbed[name]


# -------------------------------------------------------------------------------------- registry

def test_what_is_forgotten_leaves_nothing_behind():
    before = state()
    register_both()
    register_solution('other', larger_step, 'other', 3, mends=['vanish', 'plateau'])
    assert state() != before and ISSUES['plateau'].mends == ('larger_step_1', 'other_1')
    unregister('larger_step')
    assert ISSUES['plateau'].mends == ('other_1',)
    assert STRATEGIES['balance']['plateau'] == ['other_1']
    for name in ('plateau', 'other'):
        unregister(name)
    assert state() == before and not own.on_record()


@pytest.mark.parametrize('given, said', [
    (dict(name='vanish'), "the name 'vanish' is taken; give the symptom another$"),
    (dict(name='there'), r"'there' is taken; give the symptom another, or call unregister\('there"),
    (dict(name='no name'), "the name of a symptom is 'no name'; give letters"),
    (dict(rule=3), 'rule is 3, which cannot be called'),
    (dict(words=''), "words is ''; give a few words"),
    (dict(advice=None), 'advice is None; give a few words'),
    (dict(priority=7), 'priority is 7; give 0 to 4'),
    (dict(mends='lr_3'), "mends is 'lr_3'; give a list"),
    (dict(mends=['sellu_1']), "mends has 'sellu_1', which is no solution; did you mean selu"),
    (dict(mends=['lr_0']), "mends has 'lr_0'"),
    (dict(cures=['weights+momentum']), "cures has 'momentum', which no race applies"),
])
def test_symptoms_that_cannot_be(given, said):
    register_symptom('there', plateau, 'there')
    before = state()
    with pytest.raises(UserError, match=said):
        register_symptom(**dict(dict(name='new', rule=plateau, words='new'), **given))
    assert state() == before


@pytest.mark.parametrize('given, said', [
    (dict(name='selu'), "the name 'selu' is taken; give the solution another"),
    (dict(name='race'), "the name 'race' is taken"),
    (dict(name='step_2'), "named 'step_2', which would read as so many tries"),
    (dict(function=None), 'function is None, which cannot be called'),
    (dict(sufferance=5), 'sufferance is 5; give 0'),
    (dict(tries=0), 'tries is 0'),
    (dict(mends=['vanishing']), "mends has 'vanishing', which is no issue; did you mean vanish"),
])
def test_solutions_that_cannot_be(given, said):
    before = state()
    with pytest.raises(UserError, match=said):
        register_solution(**dict(dict(name='new', function=larger_step, words='new', sufferance=0),
                                 **given))
    assert state() == before


def test_what_was_not_registered_cannot_be_forgotten():
    with pytest.raises(UserError, match="'plateau' is not registered; nothing is"):
        unregister('plateau')
    register_both()
    with pytest.raises(UserError, match="'vanish' is not registered; known are plateau, larger"):
        unregister('vanish')


@pytest.mark.parametrize('record', [
    None, 7, {'issues': 3}, {'issues': {'plateau': 3}}, {'issues': {'plateau': {'words': 3}}}, {}])
def test_a_damaged_record_is_passed_over(record):
    assert issue_named('plateau', record).words == 'plateau'
    assert issue_named('vanish', record).words == ISSUES['vanish'].words


def test_a_symptom_needs_no_framework():
    code = ('import sys, AutoTrainer\n'
            'AutoTrainer.register_symptom("x", len, "x"); AutoTrainer.unregister("x")\n'
            'assert not {"keras", "tensorflow", "jax", "torch"} & set(sys.modules)')
    subprocess.run([sys.executable, '-c', code], check=True, timeout=60)
