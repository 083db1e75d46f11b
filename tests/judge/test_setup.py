"""How a training is set up, as plain facts, and what is said of it."""

import math

import pytest

from AutoTrainer.judge.columns import Data
from AutoTrainer.judge.examine import examine
from AutoTrainer.judge.facts import Task
from AutoTrainer.judge.issues import ISSUES
from AutoTrainer.judge.labels import LabelSummary
from AutoTrainer.judge.setup import Dropout, Kernel, Lookup, Output, Setup

SOUND = Setup(Task('mean_squared_error', 'linear', 1),
              LabelSummary('real', 1, 2, -2.0, 2.0), 'Adam', 0.001,
              kernels=(Kernel('one', 'relu', 1.0), Kernel('two', 'relu', 1.0),
                       Kernel('head', 'linear', 1.0)),
              dropouts=(Dropout('drop', 0.5, 64),), chain=True, rows=1000, epochs=20)


def found(**changes):
    findings = examine(SOUND._replace(**changes), Data())
    assert all(finding.issue in ISSUES for finding in findings)
    return ['%s %s' % finding[1::-1] for finding in findings]


def kernels(count, **facts):
    return tuple(Kernel('layer_%d' % i, **dict(dict(activation='relu', spread=1.0), **facts))
                 for i in range(count))


def test_nothing_is_said_of_a_sound_setup_or_of_what_is_not_known():
    assert found() == [] and examine(Setup(), Data()) == []


@pytest.mark.parametrize('lookups, expected', [
    ([Lookup('words', 30, 29)], []),
    ([Lookup('words', 30, 30)], ['certain beyond_vocabulary']),
    ([Lookup('words', 30, 49, lenient=True)], ['likely beyond_vocabulary']),
    ([Lookup('words', 30, -1)], []),
    ([Lookup('words', 50, 49), Lookup('tags', 5, 9)], ['certain beyond_vocabulary']),
])
def test_numbers_beyond_an_embedding(lookups, expected):
    assert found(lookups=tuple(lookups)) == expected


def test_numbers_beyond_an_embedding_in_words():
    finding, = examine(SOUND._replace(lookups=(Lookup('words', 30, 49),)), Data())
    assert finding.sentence == ('the inputs hold numbers up to 49, but the Embedding words knows 0 '
                                'to 29 (input_dim=30)')
    assert finding.advice.startswith('give it input_dim=50')


def priced(lowest, highest, loss='mean_squared_error', head='linear'):
    return Output('price', Task(loss, head, 1), LabelSummary('real', 1, 2, lowest, highest))


def test_what_contradicts_itself_in_one_of_several_outputs():
    certain = Output('kind', Task('binary_crossentropy', 'softmax', 1),
                     LabelSummary('binary', 1, 2, 0.0, 1.0))
    finding, = examine(SOUND._replace(task=Task(), labels=LabelSummary(),
                                      outputs=(priced(-1.0, 50.0), certain)), Data())
    assert (finding.severity, finding.name) == ('certain', 'softmax_of_one')
    assert finding.sentence.startswith('output kind: ')


@pytest.mark.parametrize('output, expected', [
    (priced(0.0, 5000.0), ['note large_targets']),
    (priced(-1.0, 50.0), []),
    (priced(math.nan, math.nan), []),
    (priced(0.0, 5000.0, 'poisson'), [])])
def test_large_targets_of_one_of_several_outputs(output, expected):
    assert found(task=Task(), labels=LabelSummary(), outputs=(output,)) == expected


@pytest.mark.parametrize('optimizer, rate, facts, expected', [
    ('Adam', 0.0, {}, ['certain no_learning_rate']),
    ('Adam', -0.1, {}, ['certain no_learning_rate']),
    ('MyOwn', 0.0, {}, ['certain no_learning_rate']),
    ('MyOwn', 1e9, {}, []),
    ('Adam', math.nan, {}, []),
    ('Adam', 0.0, {'scheduled': True}, []),  # a warm-up begins there
    ('Adam', 1e-8, {'scheduled': True}, []),
    ('Adam', 0.4, {'scheduled': True}, ['likely learning_rate_high']),
    ('SGD', 6.0, {}, ['likely learning_rate_high']),
    ('SGD', 2.0, {}, ['note learning_rate_high']),
    ('SGD', 0.6, {'momentum': 0.9}, ['likely learning_rate_high']),
    ('SGD', 0.05, {'momentum': 0.9}, []),
    ('SGD', 1e-4, {'momentum': 0.9}, []),
    ('SGD', 1e-4, {}, ['note learning_rate_low']),
    ('SGD', 1e-7, {}, ['likely learning_rate_low']),
    ('Adam', 0.5, {}, ['likely learning_rate_high']),
    ('RMSprop', 0.1, {}, ['note learning_rate_high']),
    ('Nadam', 3e-6, {'epochs': 1000}, ['note learning_rate_low']),
    ('Adam', 5e-8, {'epochs': None}, ['likely learning_rate_low']),
    ('Adam', 1e-5, {}, ['likely learning_rate_low']),  # 640 steps move no weight by more than 0.006
    ('Adam', 1e-5, {'epochs': 200}, []),
    ('Adadelta', 0.001, {}, ['note learning_rate_low']),
    ('Adadelta', 1.0, {}, []),
])
def test_learning_rates(optimizer, rate, facts, expected):
    assert found(optimizer=optimizer, learning_rate=rate,
                 task=Task('binary_crossentropy', 'sigmoid', 1),
                 labels=LabelSummary('binary', 1, 2, 0.0, 1.0), **facts) == expected


@pytest.mark.parametrize('loss, optimizer, rate, lowest, highest, expected', [
    ('mean_squared_error', 'SGD', 0.01, 25, 346, ['likely large_targets']),
    ('mean_squared_error', 'SGD', 0.01, -346, 0, ['likely large_targets']),
    ('mean_squared_error', 'SGD', 0.01, 5, 50, []),
    ('mean_absolute_error', 'SGD', 0.01, 25, 346, []),  # its gradient is as long for all targets
    ('mean_squared_error', 'Adam', 0.001, 25, 346, ['likely large_targets']),
    ('mean_squared_error', 'Adam', 0.05, 25, 346, []),
    ('mean_absolute_error', 'Adam', 0.001, 25, 346, ['likely large_targets']),
    ('mean_squared_logarithmic_error', 'Adam', 0.001, 25, 346, []),
])
def test_large_targets(loss, optimizer, rate, lowest, highest, expected):
    assert found(task=Task(loss, 'linear', 1), optimizer=optimizer, learning_rate=rate,
                 labels=LabelSummary('real', 1, 2, lowest, highest)) == expected


@pytest.mark.parametrize('facts, expected', [
    ({'trainable': False, 'kernels': kernels(3, trainable=False)}, ['certain all_frozen']),
    ({'kernels': kernels(3, trainable=False)}, ['likely kernels_frozen']),
    ({'kernels': kernels(2) + kernels(1, trainable=False)}, ['likely head_frozen']),
    ({'kernels': kernels(2, trainable=False) + kernels(1)}, ['note some_frozen']),
    ({'kernels': kernels(3, constant=True, zero=True, spread=0.0)}, ['certain zero_kernels']),
    ({'kernels': kernels(3, constant=True, zero=True, spread=0.0), 'chain': False},
     ['likely alike_units']),
    ({'kernels': kernels(3, constant=True, zero=True, spread=0.0, activation='sigmoid')},
     ['likely alike_units']),
    ({'kernels': kernels(3, constant=True, spread=0.0)}, ['likely alike_units']),
    ({'kernels': kernels(2) + kernels(1, constant=True, zero=True, spread=0.0)}, []),
    ({'kernels': kernels(1, constant=True, zero=True, spread=0.0)}, []),  # a logistic regression
    ({'kernels': kernels(2, spread=12.0)}, ['likely huge_initial_weights']),
    ({'kernels': kernels(2, spread=12.0), 'normalises': True}, ['note huge_initial_weights']),
    ({'kernels': kernels(9, activation='sigmoid')}, ['likely gradient_fades']),
    ({'kernels': kernels(5, activation='sigmoid')}, []),
    ({'kernels': kernels(9, activation='sigmoid'), 'normalises': True}, []),
    ({'kernels': kernels(9, activation='sigmoid'), 'chain': False}, []),
    ({'kernels': kernels(21)}, []),
    ({'kernels': kernels(40)}, ['likely gradient_fades']),
    ({'kernels': kernels(40, spread=math.sqrt(2))}, []),  # as He draws them, for ReLU
    ({'kernels': kernels(10, activation='tanh', spread=4.0)}, ['likely gradient_grows']),
    ({'kernels': kernels(40, spread=math.nan)}, []),
    ({'dropouts': (Dropout('d', 1.0),)}, ['certain dropout_leaves_nothing']),
    ({'dropouts': (Dropout('d', 1.0),), 'chain': False}, ['likely dropout_leaves_nothing']),
    ({'dropouts': (Dropout('d', 0.2), Dropout('e', 0.95))}, ['likely dropout_leaves_nothing']),
    ({'dropouts': (Dropout('d', 0.85, 500),)}, ['note dropout_leaves_nothing']),
    ({'dropouts': (Dropout('d', 0.7, 6),)}, ['likely dropout_leaves_nothing']),
    ({'dropouts': (Dropout('d', 0.5, 2),)}, []),
    ({'epochs': 6}, ['note few_updates']), ({'epochs': 7}, []),
    ({'epochs': 1, 'batch_size': 64}, ['likely few_updates']),
    ({'epochs': None, 'batch_size': 1000}, []),
    ({'batch_size': 2000, 'epochs': 300}, ['note batch_of_all_rows']),
])
def test_models_and_plans(facts, expected):
    labels = LabelSummary('binary', 1, 2, 0.0, 1.0)
    assert found(task=Task('binary_crossentropy', 'sigmoid', 1), labels=labels, **facts) == expected


def test_the_surest_comes_first():
    assert found(task=Task('mean_squared_error', 'softmax', 1), epochs=5, optimizer='SGD',
                 learning_rate=9.0) == [
        'certain softmax_of_one', 'likely learning_rate_high', 'note few_updates']


def test_findings_say_the_numbers():
    said = examine(SOUND._replace(learning_rate=1e-6, epochs=3, kernels=kernels(10, spread=30.0)),
                   Data())
    assert [finding.sentence for finding in said] == [
        'the initial weights of layer_0 are 30 times as large as Glorot draws them',
        'through 9 layers of relu a gradient grows to about 9e+11 of itself',
        'targets go from -2 to 2, which Adam with the learning rate 1e-06 hardly reaches in the 96 '
        'planned updates',
        'the learning rate of Adam is 1e-06, and less than 1e-05 rarely gets anywhere',
        '3 epochs of 1000 rows in batches of 32 are 96 updates of the weights']


@pytest.mark.parametrize('changes, expected', [
    ({'kernels': (Kernel('a', 'softmax'), Kernel('b', 'softmax'))}, ['likely softmax_inside']),
    ({'kernels': (Kernel('a', 'relu'), Kernel('b', 'softmax'))}, []),
    ({'kernels': (Kernel('a', 'softmax'), Kernel('b', 'linear')), 'chain': False}, []),
])
def test_a_softmax_that_is_no_head(changes, expected):
    assert [one for one in found(**changes) if 'softmax' in one] == expected
