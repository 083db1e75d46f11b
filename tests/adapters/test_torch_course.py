"""What trainings of PyTorch go through: steps that reach nothing, rates, layers nobody knows."""

import contextlib
import json

import pytest

torch = pytest.importorskip('torch', reason='PyTorch is not installed here')

from torch import nn  # noqa: E402
from torch.utils.data import DataLoader, TensorDataset  # noqa: E402

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


class Cut(nn.Module):
    """A trunk whose features go through something on their way to the head.

    Args:
        way: what they go through, called with the module and with them.
    """

    def __init__(self, way):
        super().__init__()
        torch.manual_seed(0)
        self.trunk = nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 16))
        self.head, self.way = nn.Linear(16, 3), way
        self.aux = nn.Linear(16, 3)
        self.spare = nn.Parameter(torch.zeros(4))

    def forward(self, x):
        features = self.trunk(x)
        self.aux(features)
        return self.head(self.way(self, features))


def cut_off(model, optimizer=None):
    """What is found of its layers before the first step; the model stays as it was."""
    before = [(value, value._version) for value in model.parameters()]
    optimizer = optimizer or torch.optim.Adam(model.parameters())
    found = check(model, nn.CrossEntropyLoss(), X, Y, optimizer)
    for value, (same, version) in zip(model.parameters(), before):
        assert value is same and value.grad is None and value._version == version
    return [(one.severity, one.sentence) for one in found if one.name == 'layers_cut_off']


WAYS = {
    'detach': lambda model, h: h.detach(),
    'data': lambda model, h: h.data,
    'numpy': lambda model, h: torch.from_numpy(h.detach().numpy()),
    'argmax': lambda model, h: nn.functional.one_hot(h.argmax(1), 16).float()}


@pytest.mark.parametrize('way', WAYS)
def test_layers_cut_off_are_told_before_the_first_step(way):
    (severity, sentence), = cut_off(Cut(WAYS[way]))
    assert severity == 'likely'
    assert sentence.startswith('no gradient of the loss arrives at trunk.0, trunk.2, though')


@pytest.mark.parametrize('way', [
    lambda model, h: h, lambda model, h: 0 * h, lambda model, h: nn.functional.relu(h - 1000),
    lambda model, h: h if model.training else h.detach(),
    lambda model, h: h + (h.round() - h).detach()],
    ids=['whole', 'zero', 'dead', 'trained', 'straight through'])
def test_a_gradient_of_zero_is_none_that_is_cut_off(way):
    """Neither is an auxiliary head that the loss leaves out, nor a weight that nobody reads."""
    assert cut_off(Cut(way)) == []


def test_features_of_a_trunk_that_nobody_trains_are_no_mistake():
    model = Cut(lambda model, h: h.detach())
    assert cut_off(model, torch.optim.Adam(model.head.parameters())) == []
    assert cut_off(model)
    model.trunk.requires_grad_(False)
    assert cut_off(model) == []


class Coded(nn.Module):
    """Features are replaced by the nearest of a codebook; their gradient goes past it."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.trunk, self.head = nn.Linear(8, 4), nn.Linear(4, 3)
        self.codes = nn.Embedding(16, 4)

    def forward(self, x):
        features = self.trunk(x)
        nearest = self.codes(torch.cdist(features, self.codes.weight).argmin(1))
        return self.head(features + (nearest - features).detach())


def test_a_codebook_is_cut_off_only_where_it_has_been_seen_not_to_learn():
    assert cut_off(Coded()) == []
    model = Coded()
    verdict = trained(model, torch.optim.Adam(model.parameters(), 1e-4))
    assert 'no gradient of the loss arrives at codes, though the loss depends on it' in (
        verdict.reason)


def test_of_many_layers_those_next_to_the_cut_are_named():
    model = Cut(WAYS['detach'])
    model.trunk = nn.Sequential(*(nn.Linear(width, 16) for width in (8, 16, 16, 16, 16)))
    (_, sentence), = cut_off(model)
    assert 'arrives at trunk.2, trunk.3, trunk.4 and layers in front of them, though' in sentence


def test_recurrent_layers_can_be_cut_off_too():
    class Recurrent(nn.Module):
        def __init__(self):
            super().__init__()
            self.recurrent, self.head = nn.LSTM(8, 6, batch_first=True), nn.Linear(6, 3)

        def forward(self, x):
            output, _ = self.recurrent(x[:, None])
            return self.head(output[:, -1].detach())

    model = Recurrent()
    held = list(model.recurrent._flat_weights)
    (_, sentence), = cut_off(model)
    assert sentence.startswith('no gradient of the loss arrives at recurrent, though the loss')
    assert all(a is b for a, b in zip(held, model.recurrent._flat_weights))


def test_a_loss_that_has_no_gradient_at_all_fails_for_certain():
    model = Cut(WAYS['detach'])
    model.head.register_forward_hook(lambda module, args, output: output.detach())
    (severity, sentence), = cut_off(model)
    assert severity == 'certain' and 'loss.backward() fails' in sentence


def test_the_verdict_names_what_cuts_layers_off_and_no_faded_gradient():
    model = Cut(WAYS['argmax'])
    verdict = trained(model, torch.optim.Adam(model.parameters(), 1e-4))
    assert verdict.issues[0] == 'vanish' and 'relu' not in verdict.issues
    assert verdict.reasons['vanish'].startswith('no gradient of the loss arrives at trunk.0, ')
    assert verdict.advice.startswith('see what cuts the outputs of these layers off from the loss')


def test_looking_for_what_is_cut_off_changes_no_step_that_is_under_way():
    """Heard by hooks, where a batch has gone through and its gradients are still to come."""
    def losses(watched):
        model, loss_fn = Cut(WAYS['detach']), nn.CrossEntropyLoss()
        model.trunk.append(nn.BatchNorm1d(16))
        model.head = nn.Sequential(nn.BatchNorm1d(16), nn.Dropout(), nn.Linear(16, 3))
        optimizer = torch.optim.SGD(model.parameters(), 1e-3)
        watch = Watch(model, loss_fn, DataLoader(TensorDataset(X, Y), 32), epochs=8,
                      optimizer=optimizer, overhead_budget=None)
        seen = []
        with watch if watched else contextlib.nullcontext():
            for x, y in 8 * list(zip(X.split(32), Y.split(32))):
                optimizer.zero_grad()
                loss = loss_fn(model(x), y)
                loss.backward()
                optimizer.step()
                seen.append(loss.item())
        buffers = [value.tolist() for value in model.buffers()]
        return seen, buffers, watch.verdict.reason if watched else ''

    seen, buffers, reason = losses(True)
    assert 'no gradient of the loss arrives at trunk.0' in reason
    assert (seen, buffers) == losses(False)[:2]


def test_layers_that_learn_from_another_loss_are_not_cut_off():
    """A head on the features of a trunk that a loss of its own trains, here badly."""
    model = Cut(WAYS['detach'])
    by_itself = torch.optim.SGD(model.trunk.parameters(), 1e-3)

    def after_batch():
        model.trunk(X[:8]).square().mean().backward()
        by_itself.step()

    optimizer = torch.optim.Adam([*model.head.parameters(), *model.trunk.parameters()], 1e-4)
    verdict = trained(model, optimizer, after_batch=after_batch)
    assert verdict.issues and 'no gradient of the loss' not in verdict.reason


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
