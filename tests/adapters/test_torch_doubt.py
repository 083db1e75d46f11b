"""Batches with a gradient in inference mode: of a training, or of a validation."""

import pytest

torch = pytest.importorskip('torch', reason='PyTorch is not installed here')

from torch import nn  # noqa: E402
from torch.utils.data import DataLoader, TensorDataset  # noqa: E402

from AutoTrainer.adapters.pytorch import Watch  # noqa: E402

pytestmark = pytest.mark.torch
X = torch.randn(200, 4, generator=torch.Generator().manual_seed(0))
Y = (X[:, 0] > 0).long() + (X[:, 1] > 0.5).long()


def train(watches=lambda *given: Watch(*given, epochs=3), trains=True, left=True, steps=True,
          validates=True, looks=torch.no_grad, every=1):
    """A loop in three epochs: the losses and inputs of each, and its watch.

    Args:
        watches: makes the watch, of the model, its loss and the loader.
        trains: whether the model is in training mode at first.
        left: whether it stays as it is after a validation.
        steps: whether weights are changed.
        validates: whether there is a validation after each epoch, in inference mode.
        looks: what it is made under.
        every: batches of a step.
    """
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3))
    optimizer, loss_fn = torch.optim.Adam(model.parameters(), 0.01), nn.CrossEntropyLoss()
    loader, told, inputs = DataLoader(TensorDataset(X, Y), 20, shuffle=True), [], []
    model.train(trains)
    with watches(model, loss_fn, loader) as watch:
        for _ in range(3):
            if not left:
                model.train(trains)
            losses = []
            for place, (x, y) in enumerate(loader):
                loss = loss_fn(model(x), y)
                loss.backward()
                if steps and place % every == every - 1:
                    optimizer.step()
                    optimizer.zero_grad()
                losses.append(loss.item())
                inputs.append(x)
            told.append(sum(losses) / len(losses))
            if validates:
                model.eval()
                with looks():
                    for part in (slice(0, 20), slice(20, 40), slice(40, 60), slice(60, 80)):
                        loss_fn(model(X[part]), Y[part])
    return told, torch.cat(inputs), watch


def said(caplog):
    return [record.getMessage() for record in caplog.records
            if 'model.train()' in record.getMessage()]


@pytest.mark.parametrize('settings', [
    dict(trains=False), dict(trains=True), dict(trains=False, validates=False),
    dict(trains=False, every=2)])
def test_a_training_in_inference_mode_is_heard_and_said_once(settings, caplog):
    told, _, watch = train(**settings)
    assert len(said(caplog)) == 1
    assert watch.session.history['loss'] == pytest.approx(told, rel=1e-6)


def test_rows_of_a_training_in_inference_mode_are_paired_with_their_labels():
    watches = lambda model, loss_fn, loader: Watch(model, loss_fn, epochs=3)  # noqa: E731
    _, inputs, watch = train(watches, trains=False)
    rows = watch.session.subject.probe.reference
    assert watch.session.epochs == 3
    assert (rows._x == inputs[:200].numpy()).all()
    assert rows._x_val.shape == (80, 4)


@pytest.mark.parametrize('looks', [torch.no_grad, torch.enable_grad])
def test_a_validation_with_gradients_is_none_of_the_training(looks, caplog):
    told, _, watch = train(left=False, looks=looks)
    assert not said(caplog)
    assert watch.session.history['loss'] == pytest.approx(told, rel=1e-6)
    assert None not in watch.session.history['val_loss']


def test_a_validation_in_training_mode_is_suspected_where_epochs_are_too_many(caplog):
    watches = lambda *given: Watch(*given, epochs=2)  # noqa: E731
    _, _, watch = train(watches)
    assert watch.session.epochs == 3
    assert [record.getMessage()[:50] for record in caplog.records].count(
        'more epochs were heard than the 2 that are planned') == 1


def test_why_no_epoch_was_seen_may_be_the_mode(caplog):
    train(trains=False, steps=False, validates=False)
    sentence, = said(caplog)
    assert sentence.startswith('no epoch was seen: the loss had a gradient only where '
                               'model.training was False')
