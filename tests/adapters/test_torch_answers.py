"""What outputs of PyTorch are held against: programs of every day that were blamed, or believed."""

import pytest

torch = pytest.importorskip('torch', reason='PyTorch is not installed here')

from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402, N812

from AutoTrainer.adapters.pytorch import Watch, check  # noqa: E402

pytestmark = pytest.mark.torch
X = torch.randn(240, 4, generator=torch.Generator().manual_seed(0))
AMOUNTS = X @ torch.tensor([1.0, -2.0, 0.5, 0.0]) + 0.1
TWO = (AMOUNTS > 0).float()
KINDS = (X[:, 0] > 0).long() + (X[:, 1] > 0.5).long()


class Last(nn.Module):
    """Ends as its author likes."""

    def __init__(self, end, units=1):
        super().__init__()
        torch.manual_seed(0)
        self.inner = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, units))
        self.end = end

    def forward(self, x):
        return self.end(self.inner(x))


def watched(model, loss_fn, y, epochs=20, rate=0.02, tell=float, accuracies=None, labels=None):
    """The verdict on a loop that tells of its loss, and of its accuracies where these are given."""
    optimizer = torch.optim.Adam(model.parameters(), rate)
    watch = Watch(model, loss_fn, X, y, epochs=epochs, optimizer=optimizer, batch_size=30,
                  overhead_budget=None, validation_data=accuracies and (X[:80], y[:80]))
    labels = y if labels is None else labels
    for _ in range(epochs):
        model.train()
        total = 0.0
        for rows in torch.arange(240).split(30):
            loss = loss_fn(model(X[rows]), labels[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() / 8
        if watch.epoch(loss=tell(total), **(accuracies() if accuracies else {})):
            break
    watch.end()
    return watch.verdict


@pytest.mark.parametrize('loss_fn, y', [
    (nn.MSELoss(), AMOUNTS), (nn.L1Loss(), AMOUNTS), (nn.BCEWithLogitsLoss(), TWO)])
@pytest.mark.parametrize('end', [lambda o: o.squeeze(-1), lambda o: o[:, 0]])
def test_outputs_of_one_axis(end, loss_fn, y):
    model = Last(end)
    assert check(model, loss_fn, X, y, optimizer=torch.optim.Adam(model.parameters(), 0.02)) == []
    verdict = watched(model, loss_fn, y)
    assert verdict.issues == () and verdict.note.startswith('sound: '), verdict.reason


def pinball(output, target):
    off = target - output
    return torch.maximum(0.9 * off, -0.1 * off).mean()


def triplets(output, target):
    apart = torch.cdist(output, output)
    same = target[:, None] == target[None]
    return F.relu((apart * same).amax(1) - (apart + 1e3 * same).amin(1) + 1).mean()


@pytest.mark.parametrize('loss_fn, y, units', [
    (pinball, AMOUNTS[:, None], 1), (triplets, KINDS, 3),
    (nn.PoissonNLLLoss(), AMOUNTS.exp().round()[:, None], 1),
    (lambda o, t: F.mse_loss(o, torch.log(t)), (AMOUNTS + 11).exp()[:, None], 1)],
    ids=['quantile', 'triplets', 'log-rates', 'logarithm'])
def test_a_loss_that_asks_for_something_else(loss_fn, y, units):
    verdict = watched(Last(nn.Identity(), units), loss_fn, y, epochs=8)
    assert verdict.issues == ()
    assert verdict.note.startswith('not judged: the loss compares outputs and labels in a way of')


@pytest.mark.parametrize('loss_fn, y', [
    (lambda o, t: ((o - t) ** 2).mean(), AMOUNTS[:, None]),
    (lambda o, t: F.binary_cross_entropy_with_logits(o, t, pos_weight=torch.tensor([5.0])),
     TWO[:, None])])
def test_a_loss_of_ones_own_that_asks_for_the_labels_is_judged(loss_fn, y):
    verdict = watched(Last(nn.Identity()), loss_fn, y, rate=1e-7)
    assert verdict.issues and verdict.skill is not None


@pytest.mark.parametrize('end, loss_fn, y', [
    (lambda o: F.log_softmax(o, 1), nn.KLDivLoss(reduction='batchmean'), 0),
    (nn.Identity(), nn.CrossEntropyLoss(), 0), (nn.Identity(), nn.BCEWithLogitsLoss(), 1)])
def test_logits_for_labels_that_are_shares(end, loss_fn, y):
    shares = [torch.softmax(3 * X[:, :3], 1), torch.sigmoid(3 * X[:, :3])][y]
    verdict = watched(Last(end, 3), loss_fn, shares)
    assert verdict.issues == () and verdict.note.startswith('sound: ')
    assert verdict.skill is None or verdict.skill > 0.7


@pytest.mark.parametrize('told', ['a loss for all rows', 'labels that are scaled on the way'])
@pytest.mark.parametrize('rate', [1e-7, 0.02])
def test_a_loss_that_is_not_that_of_the_model(told, rate):
    raw = 80 * AMOUNTS[:, None] + 150
    scaled = (raw - raw.mean()) / raw.std()
    if told == 'a loss for all rows':
        verdict = watched(Last(nn.Identity(), 3), nn.CrossEntropyLoss(), KINDS, rate=rate,
                          tell=lambda loss: loss / 240)
        expected = 'not judged: the losses that were told' if rate < 1e-3 else 'sound: '
    else:
        verdict = watched(Last(nn.Identity()), nn.MSELoss(), raw, rate=rate, labels=scaled)
        expected = 'not judged: the losses that were told'
    assert verdict.issues == () and verdict.note.startswith(expected), verdict.reason


@pytest.mark.parametrize('end', [lambda o: (o, o), lambda o: {'rates': o}])
def test_several_outputs_are_not_called_sound(end):
    def loss_fn(output, target):
        return F.mse_loss(output[0] if isinstance(output, tuple) else output['rates'], target)
    verdict = watched(Last(end), loss_fn, AMOUNTS[:, None], rate=1e-7)
    assert verdict.issues == () and verdict.note.startswith('not judged: what the model gives')


def test_rows_that_are_mixed_are_the_cause():
    class Recurrent(nn.Module):
        """Takes the rows for the steps of a sequence."""

        def __init__(self):
            super().__init__()
            torch.manual_seed(0)
            self.inner, self.head = nn.GRU(4, 8), nn.Linear(8, 3)

        def forward(self, x):
            return self.head(self.inner(x)[0][:, -1])

    steps = X.reshape(240, 1, 4).repeat(1, 5, 1)
    model = Recurrent()
    told = {one.name: one.severity for one in check(
        model, nn.CrossEntropyLoss(), steps, KINDS, optimizer=torch.optim.Adam(model.parameters()))}
    assert told['rows_mixed'] == 'likely'


def test_training_steps_that_show_what_inference_mode_has_not():
    model = nn.Sequential(nn.Linear(4, 16), nn.BatchNorm1d(16, momentum=1e-5), nn.ReLU(),
                          nn.Linear(16, 3))
    torch.manual_seed(0)
    with torch.no_grad():
        model[0].bias += 30  # averages that begin far away

    def accuracies():
        right = (model(X).argmax(1) == KINDS).float()
        model.eval()
        held = (model(X[:80]).argmax(1) == KINDS[:80]).float()
        return {'accuracy': float(right.mean()), 'val_accuracy': float(held.mean())}
    verdict = watched(model, nn.CrossEntropyLoss(), KINDS, accuracies=accuracies)
    assert 'in inference mode it has' in verdict.reason and 'momentum' in verdict.advice
