import json

import pytest

from AutoTrainer.errors import UserError
from Motivation.analyse import CaseFindings, RunFindings
from Motivation.figure_data import curves, delays, detection, erratum, overhead, shares, times
from Motivation.histories import Case, Run

SWING = [0.9, 0.8] * 6
RISE = [i / 20 for i in range(12)]


def make_run(number, accuracy):
    return Run(number, None, {'loss': [2.0] * len(accuracy), 'accuracy': accuracy,
                              'val_loss': [3.0] * len(accuracy), 'val_accuracy': accuracy})


CASES = [Case('a', 12, [make_run(1, SWING), make_run(7, RISE)]),
         Case('b', 24, [make_run(0, SWING * 2)])]

FINDINGS = CaseFindings('c', 50, [RunFindings(0, True, 14, 5, 15, 40, None),
                                  RunFindings(1, False, 13, None, None, None, None),
                                  RunFindings(2, True, 15, 20, 20, 45, 40),
                                  RunFindings(3, False, 47, 9, None, None, 1)])


def test_curves():
    found = curves(CASES, 'a', 7)
    assert found.title == 'a, run 7'
    assert found.losses == {'loss': [2.0] * 12, 'val_loss': [3.0] * 12}
    assert found.accuracies == {'accuracy': RISE, 'val_accuracy': RISE}
    with pytest.raises(UserError, match="--run is 'a/2', which is not there; cases are a, b"):
        curves(CASES, 'a', 2)


def test_shares():
    assert shares([FINDINGS]) == [('c', 2, 1, 1)]


def test_times():
    assert times(FINDINGS) == ('c', 50, [14, 15], [5, 20, 9], [15, 20])


def test_erratum():
    assert erratum([FINDINGS]) == [(0.1, 0.28, True, False), (None, 0.26, False, False),
                                   (0.4, 0.3, True, True), (0.18, 0.94, False, True)]
    short = RunFindings(0, False, None, None, None, None, None)
    assert erratum([CaseFindings('d', 6, [short])]) == [(None, None, False, False)]


def test_overhead(tmp_path, costs):
    path = tmp_path / 'overhead.json'
    path.write_text(json.dumps(costs))
    (ring,) = overhead(path)
    assert (ring.name, ring.t1, ring.intervals) == ('ring', 0.02, [1, 3])
    assert ring.t2 == pytest.approx(0.001)       # 10 % of 2 s in 100 checks, 6.7 % in 34
    assert ring.once == pytest.approx(0.1)
    assert ring.measured == [(4, 5, 6), (1, 2, 3)]
    assert ring.predicted == pytest.approx([5, 5 / 3])


def test_overhead_of_a_single_schedule(tmp_path, costs):
    path = tmp_path / 'overhead.json'
    del costs['figures']['ring']['epoch_3']
    path.write_text(json.dumps(costs))
    (ring,) = overhead(path)
    assert (ring.t2, ring.once, ring.predicted) == (0.002, 0, [10])


@pytest.mark.parametrize('content', [
    'no json', '{}', '[]', '{"figures": {"ring": {"epochs": 3}}}', '{"figures": {"ring": 1}}',
    json.dumps({'figures': {'ring': {'epochs': 9, 'none_s': {'median': 1}, 'dynamic': {}}}})])
def test_overheads_that_cannot_be_read_are_named(tmp_path, content):
    path = tmp_path / 'overhead.json'
    path.write_text(content)
    with pytest.raises(UserError, match='overhead.json'):
        overhead(path)


def test_detection():
    found = detection(CASES + [Case('dull', 30, [make_run(0, RISE + RISE + RISE[:6])])])
    assert found.lengths == [12, 24] and found.runs == [1, 1] and found.nothing == [30]
    assert found.best == [4, 8]                                 # the judgment points
    assert found.upstream['epoch_5'] == [6, 11]
    assert found.project['epoch_5'] == [5, 10]
    assert found.upstream['dynamic'] == found.project['dynamic']


def test_delays_grow_with_the_interval_and_need_runs_that_are_found():
    long = [Case('long', 60, [make_run(0, SWING * 5)])]
    found = delays(long)
    assert found.intervals == list(range(1, 16))
    assert found.upstream[0] == found.project[0] == 0  # a check at every epoch
    assert found.project[4] == 2                       # first found at 18, checked at 20
    assert delays([Case('flat', 60, [make_run(0, [0.5] * 60)])]) is None
