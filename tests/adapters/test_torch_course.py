"""What trainings of PyTorch go through: steps that reach nothing, rates, layers nobody knows."""

import json

import pytest

torch = pytest.importorskip('torch', reason='PyTorch is not installed here')

from torch import nn  # noqa: E402

from AutoTrainer.adapters.pytorch import Watch, check  # noqa: E402
from AutoTrainer.judge.configuration import loss_function_issue  # noqa: E402

pytestmark = pytest.mark.torch
X = torch.randn(256, 8, generator=torch.Generator().manual_seed(0))
Y = (X[:, 0] > 0).long() + (X[:, 1] > 0).long()


def trained(model, optimizer, step=True, after_batch=lambda: None, epochs=12):
    """The verdict on a plain loop."""
    loss_fn = nn.CrossEntropyLoss()
    watch = Watch(model, loss_fn, X, Y, epochs=epochs, optimizer=optimizer, batch_size=32,
                  overhead_budget=None)
    for _ in range(epochs):
        for x, y in zip(X.split(32), Y.split(32)):
            optimizer.zero_grad()
            loss = loss_fn(model(x), y)
            loss.backward()
            if step:
                optimizer.step()
            after_batch()
        if watch.epoch(loss=loss.item()):
            break
    watch.end()
    return watch.verdict


def mlp():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 3))


def test_says_that_no_step_reaches_the_model():
    model = mlp()
    verdict = trained(model, torch.optim.Adam(model.parameters()), step=False)
    assert verdict.issues[0] == 'not_converge'
    assert verdict.reasons['not_converge'].startswith('no weight has changed in the last ')
    assert verdict.advice.startswith('see that optimizer.step() is called')


def test_says_that_the_rate_has_fallen_or_was_always_low():
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    falls = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.5)
    verdict = trained(model, optimizer, after_batch=falls.step)
    assert 'has fallen from 0.01 to' in verdict.reasons['not_converge']
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), 1e-5)
    torch.optim.lr_scheduler.StepLR(optimizer, 1000)
    assert 'the learning rate of SGD is 1e-05' in trained(model, optimizer).reasons['not_converge']


def test_the_optimizer_of_another_model_is_all_that_is_said():
    found = check(mlp(), nn.CrossEntropyLoss(), X, Y, torch.optim.Adam(mlp().parameters()))
    assert [one.name for one in found] == ['optimizer_of_others']
    model = mlp().requires_grad_(False)
    found = check(model, nn.CrossEntropyLoss(), X, Y, torch.optim.Adam(model.parameters()))
    assert [one.name for one in found] == ['all_frozen']


class Listed(nn.Module):
    """Layers in a list, which nobody sees; with or without gradients."""

    def __init__(self, graded=True):
        super().__init__()
        self.layers = [nn.Linear(8, 8), nn.Linear(8, 8)]
        self.unused = [nn.Linear(8, 8)]
        self.head = nn.Linear(8, 3)
        self.graded = graded

    def forward(self, x):
        with torch.set_grad_enabled(self.graded and torch.is_grad_enabled()):
            for layer in self.layers:
                x = torch.relu(layer(x))
        return self.head(x)


@pytest.mark.parametrize('graded, expected', [(True, ['layers_in_a_list']), (False, [])])
def test_layers_in_a_plain_list(graded, expected):
    model = Listed(graded)
    found = check(model, nn.CrossEntropyLoss(), X, Y, torch.optim.Adam(model.parameters()))
    assert [one.name for one in found] == expected
    assert not found or '2 layers' in found[0].sentence and '(layers)' in found[0].sentence
    every = torch.optim.Adam([*model.parameters(), *nn.ModuleList(model.layers).parameters()])
    assert check(model, nn.CrossEntropyLoss(), X, Y, every) == []


@pytest.mark.parametrize('optimizer, severity', [
    (lambda p: torch.optim.Adam(p, weight_decay=1.5), ['likely']),
    (lambda p: torch.optim.AdamW(p, weight_decay=1.5), [])])
def test_a_weight_decay_that_leaves_nothing(optimizer, severity):
    model = mlp()
    found = check(model, nn.CrossEntropyLoss(), X, Y, optimizer(model.parameters()))
    assert [one.severity for one in found if one.name == 'strong_decay'] == severity


def test_reasons_are_in_the_words_of_pytorch():
    """Log-shares forgotten: the loss goes below zero, and is called what it is called here."""
    model, loss_fn = mlp(), nn.NLLLoss()
    probe = Watch(model, loss_fn, X, Y, epochs=5).session.subject.probe
    assert loss_function_issue(probe.task(), -1.0).startswith('loss NLLLoss went below zero (-1)')
    found = check(model, nn.CrossEntropyLoss(), 1000 * X, Y)
    assert 'torch.nn.BatchNorm1d' in {one.name: one.advice for one in found}['large_inputs']


def test_puts_on_record_what_it_watches_and_what_that_came_to(tmp_path):
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    watch = Watch(model, nn.CrossEntropyLoss(), X, Y, epochs=2, optimizer=optimizer,
                  save_dir=str(tmp_path))
    watch.epoch(loss=1.0)
    watch.epoch(loss=0.9)
    watch.end()
    events = [json.loads(line) for line in (tmp_path / 'events.jsonl').read_text().splitlines()]
    assert events[0]['event'] == 'watch' and events[0]['settings']['loss'] == 'CrossEntropyLoss'
    assert events[-1]['event'] == 'watched' and events[-1]['epochs'] == 2
    assert events[-1]['by_loss'] and events[-1]['reason'] == watch.verdict.reason
