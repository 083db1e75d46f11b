"""What is kept of the batches of a loop of PyTorch that is left as it is."""

import weakref

import pytest

torch = pytest.importorskip('torch', reason='PyTorch is not installed here')

from torch import nn  # noqa: E402
from torch.utils.data import DataLoader, TensorDataset  # noqa: E402

from AutoTrainer.adapters import torch_heard  # noqa: E402
from AutoTrainer.adapters.pytorch import Watch  # noqa: E402

pytestmark = pytest.mark.torch
ROWS, BATCH, HELD = 200, 3, 40  # 67 batches, the last one of two rows
X = torch.randn(ROWS, 4, generator=torch.Generator().manual_seed(0))
Y = (X[:, 0] > 0).long() + (X[:, 1] > 0.5).long()


class Trained:
    """A loop that is left as it is: what it saw itself, and what was heard of it.

    Args:
        validates: whether it has validation rows.
        reduction: of its loss.
        looks: whether it asks for the loss of its rows in the middle of an epoch.
        names: the names by which it calls the loss; () by place.
        mixes: whether it calls the loss twice with an output, as mixed labels ask for.
    """

    def __init__(self, validates=True, reduction='mean', looks=False, names=(), mixes=False):
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))
        self.loss_fn = loss_fn = nn.CrossEntropyLoss(reduction=reduction)
        optimizer = torch.optim.SGD(model.parameters(), 0.05)
        loader = DataLoader(TensorDataset(X, Y), BATCH, shuffle=True)
        self.losses, self.val_losses, self.answers = [], [], []
        with Watch(model, loss_fn, loader, epochs=4, optimizer=optimizer,
                   validation_data=(X[:HELD], Y[:HELD]) if validates else None) as watch:
            for _ in range(4):
                model.train()
                total = 0.0
                answers = []
                for place, (x, y) in enumerate(loader):
                    if looks and place == BATCH:
                        with torch.no_grad():
                            loss_fn(model(x), y)
                    optimizer.zero_grad()
                    output = model(x)
                    given = dict(zip(names, (output, y)))
                    loss = (loss_fn(**given) if names else loss_fn(output, y)).mean()
                    again = 0.5 * loss_fn(output, y.flip(0)).mean() if mixes else 0
                    (loss + again).backward()
                    optimizer.step()
                    total += loss.item() * len(y)
                    answers.append((output.argmax(1) == y).tolist())
                self.losses.append(total / ROWS)
                self.answers.append(answers)
                if validates:
                    model.eval()
                    with torch.no_grad():
                        self.val_losses.append(loss_fn(model(X[:HELD]), Y[:HELD]).mean().item())
        self.session = watch.session
        self.history = watch.session.history


@pytest.mark.parametrize('reduction', ['mean', 'none'])
def test_losses_are_those_of_all_rows(reduction):
    trained = Trained(reduction=reduction)
    assert trained.session.epochs == 4
    assert trained.history['loss'] == pytest.approx(trained.losses, rel=1e-6)
    assert trained.history['val_loss'] == pytest.approx(trained.val_losses, rel=1e-6)
    assert not trained.loss_fn._forward_hooks


def test_a_loss_may_be_called_by_name():
    by_name, by_place = Trained(names=('input', 'target')), Trained()
    assert by_name.losses == by_place.losses
    assert by_name.history['loss'] == pytest.approx(by_place.history['loss'], rel=1e-6)
    assert by_name.history['val_acc'] == by_place.history['val_acc']


def test_a_loss_of_one_value_is_not_heard_and_said_so(caplog):
    class OfAll(nn.Module):
        def forward(self, output):
            return (output ** 2).mean()

    model, loss_fn = nn.Linear(4, 3), OfAll()
    with Watch(model, loss_fn, DataLoader(TensorDataset(X, Y), 50), epochs=2) as watch:
        for _ in range(8):
            loss_fn(model(X[:50])).backward()
    said = [record.getMessage() for record in caplog.records if 'is called with' in
            record.getMessage()]
    assert len(said) == 1 and 'called with 1 value, not with (output, target)' in said[0]
    assert not watch.verdict.issues


def test_answers_are_those_of_batches_spread_over_the_epoch():
    trained = Trained(validates=False)
    for heard, answers in zip(trained.history['acc'], trained.answers):
        seen = [right for batch in answers[::4] for right in batch]  # 17 batches
        assert heard == pytest.approx(sum(seen) / len(seen))
    assert trained.history['loss'] == pytest.approx(trained.losses, rel=1e-6)


@pytest.mark.parametrize('validates', [True, False])
def test_a_loss_that_has_to_be_waited_for_comes_to_the_same(validates, monkeypatch):
    read = Trained(validates).history
    monkeypatch.setattr(torch_heard, '_is_there', lambda loss: False)
    monkeypatch.setattr(torch_heard, '_FOLDED', 50)
    waited = Trained(validates)
    assert waited.session.epochs == 4
    for name in ('loss', 'val_loss', 'val_acc') if validates else ('loss', 'acc'):
        assert waited.history[name] == pytest.approx(read[name], rel=1e-9)


def test_a_loss_without_a_gradient_is_no_training_step():
    trained = Trained(validates=False, looks=True)
    assert trained.session.epochs == 4
    assert trained.history['loss'] == pytest.approx(trained.losses, rel=1e-6)


@pytest.mark.parametrize('validates, reduction', [(True, 'mean'), (False, 'mean'), (True, 'none')])
def test_a_loss_called_twice_with_one_output_is_one_batch(validates, reduction, caplog):
    trained = Trained(validates, reduction, mixes=True)
    assert trained.session.epochs == 4
    assert trained.history['loss'] == pytest.approx(trained.losses, rel=1e-6)
    if validates:
        assert trained.history['val_loss'] == pytest.approx(trained.val_losses, rel=1e-6)
    assert not any('more epochs were heard' in record.getMessage() for record in caplog.records)


def test_a_validation_that_calls_its_loss_twice_is_one_validation():
    torch.manual_seed(0)
    model, loss_fn = nn.Linear(4, 3), nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), 0.05)
    with Watch(model, loss_fn, DataLoader(TensorDataset(X, Y), 50), epochs=3,
               optimizer=optimizer, validation_data=(X[:HELD], Y[:HELD])) as watch:
        expected = []
        for _ in range(3):
            model.train()
            for x, y in zip(X.split(50), Y.split(50)):
                optimizer.zero_grad()
                loss_fn(model(x), y).backward()
                optimizer.step()
            model.eval()
            with torch.no_grad():
                losses = []
                for x, y in zip(X[:HELD].split(HELD // 2), Y[:HELD].split(HELD // 2)):
                    output = model(x)
                    losses.append(loss_fn(output, y).item())
                    loss_fn(output, 2 - y)
                expected.append(sum(losses) / 2)
    assert watch.session.epochs == 3
    assert watch.session.history['val_loss'] == pytest.approx(expected, rel=1e-6)


def test_a_look_at_a_loss_does_not_take_the_place_of_its_batch():
    model, loss_fn = nn.Linear(4, 3), nn.CrossEntropyLoss()
    with Watch(model, loss_fn, DataLoader(TensorDataset(X, Y), 50), epochs=3) as watch:
        for _ in range(3):
            for x, y in zip(X.split(50), Y.split(50)):
                output = model(x)
                with torch.no_grad():
                    loss_fn(output, y)
                loss_fn(output, y).backward()
    assert watch.session.epochs == 3


def test_outputs_go_when_the_loop_lets_them_go():
    held = []

    class Loss(nn.Module):
        def forward(self, output, target):
            held.append(weakref.ref(output))
            return nn.functional.cross_entropy(output, target)

    model, loss_fn = nn.Linear(4, 3), Loss()
    with Watch(model, loss_fn, DataLoader(TensorDataset(X, Y), 50), epochs=2,
               validation_data=(X[:HELD], Y[:HELD])):
        for x, y in zip(X.split(50), Y.split(50)):
            loss_fn(model(x), y).backward()
            assert held[-1]() is None


def test_weights_given_out_as_they_are_are_a_batch_each_time():
    class Image(nn.Module):
        def __init__(self):
            super().__init__()
            self.image = nn.Parameter(torch.zeros(50, 3))

        def forward(self, x):
            return self.image

    model, loss_fn = Image(), nn.CrossEntropyLoss()
    with Watch(model, loss_fn, DataLoader(TensorDataset(X, Y), 50), epochs=3) as watch:
        for _ in range(3):
            for x, y in zip(X.split(50), Y.split(50)):
                loss_fn(model(x), y).backward()
    assert watch.session.epochs == 3
