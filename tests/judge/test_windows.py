import pytest

from AutoTrainer.judge.windows import in_windows, windows_of


@pytest.mark.parametrize('total, asked, steps, planned', [
    (10000, None, 200, 50),  # a fiftieth
    (500, None, 10, 50),
    (300, None, 10, 30),  # no fewer than ten steps
    (4, None, 4, 1),
    (1000, 300, 300, 3),
    (100, 1000, 100, 1),  # no more than there are
])
def test_a_training_is_divided(total, asked, steps, planned):
    windows = windows_of(total, asked)
    assert (windows.steps, windows.planned) == (steps, planned)


@pytest.mark.parametrize('total, steps, ends', [
    (9, 3, [3, 6, 9]), (11, 3, [3, 6, 11]), (2, 3, [2])])
def test_the_last_window_has_what_is_left_over(total, steps, ends):
    windows = windows_of(total, steps)
    assert [step for step in range(1, total + 1) if windows.ended_by(step)] == ends
    assert len(ends) == windows.planned


def test_steps_beyond_the_plan_are_judged_in_windows_too():
    assert [step for step in range(11, 20) if windows_of(10, 4).ended_by(step)] == [14, 18]


@pytest.mark.parametrize('said, found', [
    ('5 times in 15 epochs: 0.3 per epoch', '5 times in 15 windows of 20 steps: 0.3 per window'),
    ('loss = nan at epoch 3', 'loss = nan at window 3 (steps 41 to 60)'),
    ('1 epochs of 240 rows in batches of 32 are 8 updates',
     '1 epochs of 240 rows in batches of 32 are 8 updates'),
    ('one update in each epoch', 'one update in each epoch'),
    ('swings by 0.1 from epoch to epoch', 'swings by 0.1 from one window of 20 steps to the next'),
    ('nothing of that kind', 'nothing of that kind')])
def test_words_are_of_windows(said, found):
    assert in_windows(said, 20) == found
    assert in_windows(said, 0) == said
