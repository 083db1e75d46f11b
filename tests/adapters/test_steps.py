"""Windows of steps in place of epochs, in a loop of one's own and in one with hooks."""

import json
import math

import pytest

torch = pytest.importorskip('torch', reason='PyTorch is not installed here')

import numpy as np  # noqa: E402
from torch import nn  # noqa: E402
from torch.utils.data import DataLoader, TensorDataset  # noqa: E402

from AutoTrainer.adapters.pytorch import Watch  # noqa: E402
from AutoTrainer.adapters.torch_windows import Feed, plan_of  # noqa: E402
from AutoTrainer.errors import UserError  # noqa: E402

pytestmark = pytest.mark.torch
ROWS, BATCH = 960, 8


def rows():
    random = np.random.RandomState(1)
    centres = 1.5 * random.randn(3, 6)
    y = random.randint(0, 3, ROWS)
    return (torch.tensor(centres[y] + random.randn(ROWS, 6), dtype=torch.float32),
            torch.tensor(y))


class Loop:
    """One epoch of many small steps."""

    def __init__(self, rate=0.05, bias=0.0, spike=None):
        torch.manual_seed(0)
        self.model = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 3))
        with torch.no_grad():
            self.model[0].bias += bias
        self.optimizer = torch.optim.SGD(self.model.parameters(), rate)
        self.loss_fn = nn.CrossEntropyLoss()
        self.loader = DataLoader(TensorDataset(*rows()), BATCH)
        self.rate, self.spike = rate, spike
        self.losses = []

    def watch(self, **settings):
        return Watch(self.model, self.loss_fn, self.loader, **dict(dict(
            epochs=1, unit='steps', optimizer=self.optimizer), **settings))

    def run(self, watch=None, start=0, until=None):
        for step, (x, y) in enumerate(self.loader):
            if step < start:
                continue
            if step == until:
                break
            if self.spike and step == self.spike:
                for group in self.optimizer.param_groups:
                    group['lr'] = 1e4
            loss = self.loss_fn(self.model(x), y)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            self.losses.append(loss.item())
            if watch is not None and watch.step(loss=loss):
                break


def test_one_epoch_is_judged_over_windows():
    loop = Loop()
    watch = loop.watch()
    loop.run(watch)
    watch.end()
    assert watch.session.plan.window == 10 and watch.session.epochs == 12
    assert watch.session.history['loss'] == pytest.approx(
        [np.mean(loop.losses[i:i + 10]) for i in range(0, 120, 10)], rel=1e-6)
    assert watch.verdict.note.startswith('sound: nothing was found in 12 windows of 10 steps')


@pytest.mark.parametrize('broken, issues', [
    (dict(bias=-50.0), ['relu']), (dict(rate=1e-6), ['not_converge', 'underfit']),
    (dict(spike=60), ['explode'])])
def test_plateaus_and_spikes_are_seen_by_the_same_rules(broken, issues, caplog):
    loop = Loop(**broken)
    watch = loop.watch(window=12)
    loop.run(watch)
    watch.end()
    assert watch.verdict.issues[0] in issues, watch.verdict.reason
    assert len(loop.losses) == 12 * watch.verdict.epoch < 120
    assert 'epoch' not in watch.verdict.reason
    assert ['window %d: ' % watch.verdict.epoch in record.getMessage()
            for record in caplog.records] == [True]


def test_losses_are_the_same_to_the_last_bit():
    watched, alone = Loop(), Loop()
    watched.run(watched.watch(checktype='epoch_1', overhead_budget=None))
    alone.run()
    assert watched.losses == alone.losses


def test_gone_on_with_in_the_middle_of_a_window():
    whole, loop = Loop(), Loop()
    known = whole.watch()
    whole.run(known)
    earlier = loop.watch()
    loop.run(earlier, until=37)
    state = json.loads(json.dumps(earlier.state_dict()))
    later = loop.watch()
    later.load_state_dict(state)
    loop.run(later, start=37)
    assert later.session.history['loss'] == pytest.approx(known.session.history['loss'], rel=1e-9)


def test_a_loop_with_hooks_has_windows_too():
    loop = Loop(rate=1e-6)
    with loop.watch() as watch:
        for x, y in loop.loader:
            if watch.should_stop:
                break
            loop.optimizer.zero_grad()
            loop.loss_fn(loop.model(x), y).backward()
            loop.optimizer.step()
    assert watch.verdict.issues and watch.verdict.epoch < 12


def test_hooks_and_planned_steps_are_enough():
    loop = Loop()
    with Watch(loop.model, loop.loss_fn, unit='steps', steps=120,
               optimizer=loop.optimizer) as watch:
        loop.run()
    assert watch.session.epochs == 12 and watch.verdict.skill > 0.5


def test_a_validation_belongs_to_its_window():
    loop = Loop()
    watch = loop.watch(window=40)
    for step in range(120):
        watch.step(loss=1.0, val_loss=0.5 if step == 70 else None)
        if step == 100:
            watch.epoch(val_accuracy=0.25)
    history = watch.session.history
    assert history['val_loss'] == [None, 0.5, None]
    assert history['val_acc'] == [None, pytest.approx(history['val_acc'][1]), 0.25]


def test_under_epochs_steps_make_the_mean_of_the_epoch():
    loop = Loop()
    watch = loop.watch(unit='epochs', epochs=4)
    watch.step(loss=torch.tensor(1.0), rows=30)
    watch.step(loss=torch.tensor(4.0), rows=10)
    watch.epoch(val_loss=0.5)
    assert watch.session.history['loss'] == [1.75]


@pytest.mark.parametrize('settings, said', [
    (dict(unit='step'), "unit is 'step'; give 'epochs' or 'steps'"),
    (dict(window=5, unit='epochs'), "window is 5, but unit is 'epochs'"),
    (dict(epochs=None, unit='epochs'), 'epochs is missing'),
    (dict(window=0), 'window is 0'),
    (dict(epochs=None), 'how many steps the training is to have is not known')])
def test_wrong_units_are_told_at_once(settings, said):
    with pytest.raises(UserError, match=said):
        Loop().watch(**settings)


@pytest.mark.parametrize('given, plan', [
    ((None, None, 10, 100), (10, 100, 0)),  # epochs enough
    ((None, None, 1, 1000), (50, 20, 20)),  # too few for a verdict
    ((None, 50, 10, 100), (20, 50, 50)),  # asked for
    (('epochs', None, 1, 1000), (1, 1000, 0)),
    ((None, None, 100, 100, 1000), (10, 100, 0)),  # a limit ends it before
    ((None, None, None, None, 1000), (50, 20, 20)),  # no length, but a limit
    ((None, None, 2, None), (2, None, 0))])
def test_what_is_judged(given, plan):
    found, windows = plan_of(*given)
    assert (found.epochs, found.steps, found.window) == plan
    assert (windows is None) == (plan[2] == 0)


def test_a_feed_goes_on_where_it_stood():
    feed = Feed()
    feed.step(torch.tensor([1.0, 2.0]), 0.5, rows=2)
    feed.hold({'val_loss': torch.tensor(3.0), 'val_acc': None})
    again = Feed()
    again.restore(json.loads(json.dumps(feed.state())))
    again.step(3.0, rows=1)
    assert again.steps == 2 and again.pending
    assert again.values() == {'loss': pytest.approx(2.0), 'acc': 0.5, 'val_loss': 3.0}
    assert not again.pending and again.values() == {'loss': None, 'acc': None}


def test_a_loss_that_is_no_number_is_seen():
    watch = Loop().watch()
    stopped = [watch.step(loss=math.nan if step == 3 else 1.0) for step in range(10)]
    assert stopped == [False] * 9 + [True]
    assert watch.verdict.issues[0] == 'explode' and '(steps 1 to 10)' in watch.verdict.reason
