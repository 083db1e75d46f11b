"""Watching a loop of PyTorch: what comes in, what stays as it is, what is said."""

import random
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip('torch', reason='PyTorch is not installed here')

from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402, N812
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset  # noqa: E402

from AutoTrainer.adapters.pytorch import StopTraining, Watch, check  # noqa: E402
from AutoTrainer.adapters.torch_losses import loss_facts  # noqa: E402
from AutoTrainer.errors import UserError  # noqa: E402

pytestmark = pytest.mark.torch
ROWS = 200
X = torch.randn(ROWS, 4, generator=torch.Generator().manual_seed(0))
CLASSES = (X[:, 0] > 0).long() + (X[:, 1] > 0.5).long()
AMOUNTS = X @ torch.tensor([[1.0], [-2.0], [0.5], [0.0]])


def mlp(units=3, head=None, hidden=nn.ReLU):
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 16), hidden(), nn.Linear(16, units), *[head] * bool(head))


def run(model, loss_fn, y, watch=None, epochs=5, x=X, rate=0.01, within=None, every=1):
    """A plain loop; the losses of its epochs."""
    optimizer = torch.optim.Adam(model.parameters(), rate)
    torch.manual_seed(1)
    found = []
    for _ in range(epochs):
        model.train()
        losses = []
        for place, (a, b) in enumerate(DataLoader(TensorDataset(x, y), 32, shuffle=True)):
            with within() if within else torch.enable_grad():
                loss = loss_fn(model(a), b)
            (loss / every).backward()
            if (place + 1) % every == 0:
                optimizer.step()
                optimizer.zero_grad()
            losses.append(loss.item())
        found.append(sum(losses) / len(losses))
        if watch is not None and watch.epoch(loss=found[-1]):
            break
    return found


def probe_of(model, loss_fn, x=X, y=CLASSES, **settings):
    return Watch(model, loss_fn, x, y, epochs=5, **settings).session.subject.probe


def names(findings):
    return {finding.name: finding.severity for finding in findings}


# ------------------------------------------------------------------------------ what stays the same

class Noisy(nn.Module):
    """Draws random numbers, and counts, whatever mode it is in."""

    def __init__(self):
        super().__init__()
        self.inside = nn.Linear(4, 3)
        self.norm = nn.BatchNorm1d(4)
        self.register_buffer('calls', torch.zeros(()))

    def forward(self, x):
        self.calls += 1
        noise = random.random() + np.random.rand()
        return self.inside(F.dropout(self.norm(x), 0.5)) * (1 + noise)


def test_probing_leaves_everything_as_it_was():
    model, loss_fn = Noisy(), nn.CrossEntropyLoss()
    model.norm.eval()  # a part that is frozen in another mode than the rest
    model.inside.weight.grad = torch.ones(3, 4)
    heard = []
    model.inside.weight.register_hook(heard.append)
    loss_fn.register_forward_hook(lambda *arguments: heard.append(arguments))
    state = {name: value.clone() for name, value in model.state_dict().items()}
    modes = [module.training for module in model.modules()]
    drawn = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state()
    probe = probe_of(model, loss_fn)
    probe.gradients(), probe.outputs(), probe.task(), probe.skills()
    assert [module.training for module in model.modules()] == modes
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())
    assert torch.equal(model.inside.weight.grad, torch.ones(3, 4)) and heard == []
    assert model.norm.weight.grad is None
    assert random.getstate() == drawn[0] and np.random.get_state()[1].tolist() == drawn[1]
    assert torch.equal(torch.get_rng_state(), drawn[2])
    loss_fn(model(X), CLASSES).backward()
    assert len(heard) == 2  # the hooks are there again


def test_probes_in_the_middle_of_a_computation():
    model = mlp()
    probe = probe_of(model, nn.CrossEntropyLoss())
    alone = probe.gradients().kernels
    with torch.inference_mode():
        assert probe.gradients().kernels == alone
    with torch.autocast('cpu', torch.bfloat16):
        loss = nn.CrossEntropyLoss()(model(X), CLASSES)
        assert probe.gradients().kernels == alone
    loss.backward()  # its graph is still whole


@pytest.mark.parametrize('watched', ['compiled', 'autocast', 'accumulated'])
def test_watches_loops_of_every_kind(watched):
    # 'eager' compiles without a compiler of C++
    inner, loss_fn = mlp(), nn.CrossEntropyLoss()
    model = torch.compile(inner, backend='eager') if watched == 'compiled' else inner
    options = {'within': lambda: torch.autocast('cpu', torch.bfloat16)} if (
        watched == 'autocast') else {'every': 2} if watched == 'accumulated' else {}
    with Watch(model, loss_fn, DataLoader(TensorDataset(X, CLASSES), 32), epochs=5) as watch:
        losses = run(model, loss_fn, CLASSES, **options)
    assert watch.session.epochs == 5 and watch.session.subject.probe is not None
    names = [name for name, _ in watch.session.subject.probe.gradients().kernels]
    assert names == ['0.weight', '2.weight']
    again = mlp()
    model = torch.compile(again, backend='eager') if watched == 'compiled' else again
    assert run(model, nn.CrossEntropyLoss(), CLASSES, **options) == losses


class Made(Dataset):
    """Rows that are made, with random numbers, when they are asked for."""

    asked = 0

    def __len__(self):
        return ROWS

    def __getitem__(self, place):
        Made.asked += 1
        return X[place] + 0 * torch.rand(4), int(CLASSES[place]) + 0 * random.random()


@pytest.mark.parametrize('data', [Made(), TensorDataset(X, CLASSES)])
def test_takes_rows_from_a_loader_without_disturbing_it(data):
    loader, model = DataLoader(data, 32, shuffle=True), mlp()
    torch.manual_seed(3)
    random.seed(3)
    order = [batch for batch, _ in loader]
    torch.manual_seed(3)
    random.seed(3)
    watch = Watch(model, nn.CrossEntropyLoss(), loader, epochs=5)
    assert all(map(torch.equal, order, [batch for batch, _ in loader]))
    reference = watch.session.subject.probe.reference
    assert reference.training.rows == ROWS and watch.session.plan.steps == 7


# --------------------------------------------------------------------------------- order and names

class Backwards(nn.Module):
    """Holds its parts in another order than it calls them."""

    def __init__(self):
        super().__init__()
        self.last = nn.Linear(8, 3)
        self.unused = nn.Linear(2, 2)
        self.first = nn.Linear(4, 8)

    def forward(self, x):
        return F.log_softmax(self.last(torch.relu(self.first(x))), dim=1)


def test_kernels_come_in_the_order_of_the_forward_pass():
    probe = probe_of(Backwards(), nn.NLLLoss())
    assert [name for name, _ in probe.gradients().kernels] == [
        'first.weight', 'last.weight', 'unused.weight']
    assert probe.gradients().rectified and probe.anatomy.head == 'log_softmax'


@pytest.mark.parametrize('loss_fn, name, logits', [
    (nn.CrossEntropyLoss(), 'sparse_categorical_crossentropy', True),
    (F.cross_entropy, 'sparse_categorical_crossentropy', True),
    (nn.NLLLoss(), 'sparse_categorical_crossentropy', True),
    (nn.BCEWithLogitsLoss(), 'binary_crossentropy', True),
    (nn.BCELoss(), 'binary_crossentropy', False),
    (nn.MSELoss(), 'mean_squared_error', False), (F.l1_loss, 'mean_absolute_error', False),
    (nn.SmoothL1Loss(), 'huber', False), (nn.HuberLoss(), 'huber', False),
    (lambda a, b: a.sum(), '', False)])
def test_losses_by_the_names_of_the_project(loss_fn, name, logits):
    facts = loss_facts(loss_fn)
    assert (facts.name, facts.logits) == (name, logits)


def test_a_loss_of_ones_own_is_not_taken_for_another():
    class CrossEntropyLoss(nn.CrossEntropyLoss):
        def forward(self, output, target):
            return super().forward(output, target) ** 2

    assert loss_facts(CrossEntropyLoss()).kind == ''
    assert loss_facts(nn.CrossEntropyLoss(), torch.rand(8, 3)).name == 'categorical_crossentropy'


# ------------------------------------------------------------------------------------------- check

@pytest.mark.parametrize('model, loss_fn, y, name, severity', [
    (lambda: mlp(3, nn.Softmax(1)), nn.CrossEntropyLoss(), CLASSES, 'logits_twice', 'likely'),
    (lambda: mlp(3, nn.Softmax(1)), nn.NLLLoss(), CLASSES, 'no_log_shares', 'likely'),
    (lambda: mlp(2), nn.CrossEntropyLoss(), CLASSES, 'class_beyond_outputs', 'certain'),
    (lambda: mlp(1, nn.Softmax(1)), nn.BCELoss(), (CLASSES[:, None] > 0).float(),
     'softmax_of_one', 'certain'),
    (lambda: mlp(1, nn.Sigmoid()), nn.MSELoss(), 5 * AMOUNTS, 'head_out_of_reach', 'certain'),
    (lambda: mlp(1), nn.MSELoss(), AMOUNTS[:, 0], 'labels_broadcast', 'likely'),
    (lambda: mlp(3, nn.Dropout(0.99)), nn.CrossEntropyLoss(), CLASSES, 'dropout_leaves_nothing',
     'likely')])
def test_check_finds(model, loss_fn, y, name, severity):
    assert names(check(model(), loss_fn, X, y))[name] == severity


def test_check_finds_nothing_in_a_sound_training_and_changes_nothing():
    model = mlp()
    state = {name: value.clone() for name, value in model.state_dict().items()}
    optimizer = torch.optim.Adam(model.parameters())
    assert check(model, nn.CrossEntropyLoss(), X, CLASSES, optimizer, epochs=50) == []
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())


def test_check_looks_at_optimizer_and_weights():
    model = mlp()
    found = check(model, nn.CrossEntropyLoss(), X, CLASSES,
                  torch.optim.SGD(mlp().parameters(), 0.1))
    assert names(found) == {'optimizer_of_others': 'certain'}
    found = check(model, nn.CrossEntropyLoss(), X, CLASSES,
                  torch.optim.SGD(model.parameters(), 20.0))
    assert names(found) == {'learning_rate_high': 'likely'}
    for parameter in model.parameters():
        nn.init.zeros_(parameter)
    said = check(model, nn.CrossEntropyLoss(), X, CLASSES)[0]
    assert said.name == 'zero_kernels' and 'torch.nn.init' in said.advice
    deep = nn.Sequential(*[part for _ in range(12) for part in (nn.Linear(4, 4), nn.Sigmoid())],
                         nn.Linear(4, 3))
    assert names(check(deep, nn.CrossEntropyLoss(), X, CLASSES)) == {'gradient_fades': 'likely'}


# --------------------------------------------------------------------------------------- bad input

class Stream(IterableDataset):
    def __iter__(self):
        return zip(X, AMOUNTS)


@pytest.mark.parametrize('arguments, settings, said', [
    (('no model', nn.MSELoss(), X, AMOUNTS), {}, 'give a torch.nn.Module'),
    ((mlp(), nn.MSELoss, X, AMOUNTS), {}, 'loss_fn is <class .*MSELoss.>; give a loss that'),
    ((mlp(), torch.optim.Adam(mlp().parameters()), X, AMOUNTS), {}, 'loss_fn is a Adam; give a'),
    ((nn.MSELoss(), mlp(), X, AMOUNTS), {}, 'model is a MSELoss, which is a loss; give the model'),
    ((mlp(), nn.MSELoss(), X), {}, 'y is missing'),
    ((mlp(), nn.MSELoss(), [(X, AMOUNTS)]), {}, 'x is a list of .input, label.; give a DataLoader'),
    ((mlp(), nn.MSELoss(), zip(X, AMOUNTS)), {}, 'x is a zip, whose rows can be had only once'),
    ((mlp(), nn.MSELoss(), Stream()), {}, 'leave x out where the loop is left as it is'),
    ((mlp(), nn.MSELoss(), DataLoader(Stream())), {}, 'or give some rows as x and y where'),
    ((mlp(), nn.MSELoss(), X, AMOUNTS), {'validation_data': Stream()}, 'some of its rows as .x, y'),
    ((mlp(), nn.MSELoss(), X, AMOUNTS[:9]), {}, '200 and 9 rows'),
    ((mlp(), nn.MSELoss(), X * float('nan'), AMOUNTS), {}, 'NaN'),
    ((mlp(), nn.MSELoss(), DataLoader([1, 2, 3])), {}, 'give a data set of'),
    ((mlp(), nn.MSELoss(), X, AMOUNTS), {'epochs': 0}, 'epochs'),
    ((mlp(), nn.MSELoss(), X, AMOUNTS), {'validation_data': X}, 'give .x, y.'),
    ((mlp(), nn.MSELoss(), X, AMOUNTS), {'checktyp': 'adaptive'}, 'checktype'),
    ((mlp(), nn.MSELoss(), X, AMOUNTS), {'other': 1}, 'known are .*raise_on_issue, .*rules')])
def test_refuses_at_once(arguments, settings, said):
    with pytest.raises(UserError, match=said):
        Watch(*arguments, **dict({'epochs': 5}, **settings))


@pytest.mark.parametrize('model, loss_fn, said', [
    (nn.ReLU(), nn.MSELoss(), 'no parameters'),
    (mlp(1), lambda output, target, weight: 0, 'cannot be called with .output, target.'),
    (nn.Linear(7, 1), nn.MSELoss(), 'cannot be looked at')])
def test_judges_the_history_alone_where_the_model_cannot_be_looked_at(
        model, loss_fn, said, caplog):
    watch = Watch(model, loss_fn, X, AMOUNTS, epochs=6)
    sentence, = [record.getMessage() for record in caplog.records]
    assert re.search(said, sentence) and 'only the history is judged' in sentence
    assert watch.epoch(loss=1.0) is False
    assert watch.epoch(loss=float('nan'))
    assert watch.verdict.issues == ('explode',)


def test_rows_with_one_label_are_said(caplog):
    watch = Watch(mlp(), nn.CrossEntropyLoss(), X, CLASSES * 0, epochs=4)
    for _ in range(4):
        watch.epoch(loss=0.1, accuracy=1.0)
    watch.end()
    sentence = 'all training rows have the same label: there is nothing to learn'
    assert watch.verdict.reason == 'not judged: ' + sentence
    assert [record.getMessage().startswith(sentence) for record in caplog.records] == [True]


def test_an_accuracy_by_its_other_name_and_an_unknown_one(caplog):
    watch = Watch(mlp(), nn.CrossEntropyLoss(), X, CLASSES, epochs=4)
    for _ in range(2):
        watch.epoch(loss=1.0, acc=0.5, f1=0.5)
    assert watch.session.history['acc'] == [0.5, 0.5]
    sentence, = [record.getMessage() for record in caplog.records]
    assert sentence.startswith('watch.epoch: f1=0.5 is passed over; known are loss')


def test_metrics_that_are_none_are_left_out_and_said_once(caplog):
    watch = Watch(mlp(), nn.CrossEntropyLoss(), X, CLASSES, epochs=5)
    for number in range(2):
        watch.epoch(loss='low', accuracy=93.5 + number, f1=0.9)
    assert watch.session.history == {key: [None, None] for key in (
        'loss', 'acc', 'val_loss', 'val_acc')}
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == len(set(said)) == 4
    assert 'give 0.935 for 93.5 %' in caplog.text and 'f1' in said[0]


@pytest.mark.parametrize('kind, rate', [(torch.optim.Adam, 0.1), (torch.optim.SGD, 2.0)])
def test_puts_back_what_broke_and_goes_on_with_smaller_steps(kind, rate, caplog):
    model, loss_fn = mlp(), nn.CrossEntropyLoss()
    optimizer = kind(model.parameters(), rate)
    watch = Watch(model, loss_fn, X, CLASSES, epochs=8, optimizer=optimizer, on_issue='restore')
    for epoch in range(8):
        if epoch == 4:
            nn.init.constant_(model[0].weight, float('nan'))
        optimizer.zero_grad()
        loss = loss_fn(model(X), CLASSES)
        loss.backward()
        optimizer.step()
        assert watch.epoch(loss=loss) is False
        if epoch == 3:
            best = model[0].weight.detach().clone()
        if epoch == 4:
            assert torch.equal(model[0].weight, best)
    assert optimizer.param_groups[0]['lr'] == pytest.approx(rate / 10)
    assert [restored.back_to for restored in watch.session.restorations] == [4]
    assert np.isfinite(watch.session.history['loss'][5:]).all() and 'epoch 5' in caplog.text


def test_an_optimizer_that_computes_the_loss_by_itself_has_to_be_told_of():
    model, loss_fn = mlp(), nn.CrossEntropyLoss()
    optimizer = torch.optim.LBFGS(model.parameters())
    torch.optim.lr_scheduler.StepLR(optimizer, 5)  # which wraps optimizer.step
    watch = Watch(model, loss_fn, X, CLASSES, epochs=5, optimizer=optimizer)
    with pytest.raises(UserError, match=r'LBFGS computes .* call watch.epoch\(loss=\.\.\.\)'):
        with watch:
            pytest.fail('it cannot be heard')
    assert not loss_fn._forward_hooks
    for _ in range(5):
        def closure():
            optimizer.zero_grad()
            loss = loss_fn(model(X), CLASSES)
            loss.backward()
            return loss
        watch.epoch(loss=optimizer.step(closure))
    assert watch.session.epochs == 5


def test_puts_nothing_back_in_the_middle_of_a_batch():
    model, loss_fn = mlp(), nn.CrossEntropyLoss()
    with Watch(model, loss_fn, X, CLASSES, epochs=5, on_issue='restore'):
        with pytest.raises(UserError, match='call watch.epoch'):
            loss_fn(model(X), CLASSES)


# ---------------------------------------------------------------------- the loop that is left alone

@pytest.mark.parametrize('given', [True, False])
def test_hears_what_a_loop_tells(given):
    told = run(mlp(), nn.CrossEntropyLoss(), CLASSES)
    model, loss_fn = mlp(), nn.CrossEntropyLoss()
    x = DataLoader(TensorDataset(X, CLASSES), 32) if given else None

    optimizer = torch.optim.Adam(model.parameters(), 0.01)
    torch.manual_seed(1)
    with Watch(model, loss_fn, x, epochs=5, optimizer=optimizer) as watch:
        for _ in range(5):
            model.train()
            for a, b in DataLoader(TensorDataset(X, CLASSES), 32, shuffle=True):
                optimizer.zero_grad()
                loss_fn(model(a), b).backward()
                optimizer.step()
            model.eval()
            with torch.no_grad():
                loss_fn(model(X[:50]), CLASSES[:50])
    history = watch.session.history
    assert watch.session.epochs == 5 and history['loss'] == pytest.approx(told, rel=0.05)
    right = (model(X[:50]).argmax(1) == CLASSES[:50]).float().mean()
    assert history['val_acc'][-1] == pytest.approx(float(right))
    assert watch.session.plan.steps == 7
    assert watch.session.subject.probe.reference.training.rows == ROWS
    assert not loss_fn._forward_hooks and not model._forward_pre_hooks


def test_leaves_the_block_where_it_is_asked_to():
    model, loss_fn = mlp(1), nn.MSELoss()
    with pytest.warns(UserWarning, match='target size'):
        with Watch(model, loss_fn, X, AMOUNTS, epochs=5, raise_on_issue=True) as watch:
            run(model, loss_fn, AMOUNTS[:, 0])
            pytest.fail('the training went on')
    assert watch.should_stop and watch.verdict.issues == ('loss_issue',)
    assert 'y.unsqueeze(1)' in watch.verdict.advice


def test_the_errors_of_others_go_through():
    with pytest.raises(StopTraining):
        with Watch(mlp(1), nn.MSELoss(), X, AMOUNTS, epochs=5):
            raise StopTraining('of another watch')


def test_of_a_training_that_is_interrupted_nothing_more_is_judged(caplog):
    model, loss_fn = mlp(), nn.CrossEntropyLoss()
    with pytest.raises(KeyboardInterrupt):
        with Watch(model, loss_fn, X, CLASSES, epochs=50) as watch:
            run(model, loss_fn, CLASSES, epochs=4, rate=1e-6)
            raise KeyboardInterrupt
    assert watch.session.epochs == 4 and not watch.verdict.issues and not caplog.records
    assert watch.verdict.reason.startswith(
        'not judged: the training was interrupted after 4 of 50 planned epochs')
    with Watch(model, loss_fn, X, CLASSES, epochs=50) as watch:  # and one that only ends early is
        run(model, loss_fn, CLASSES, epochs=4, rate=1e-6)
    assert watch.verdict.issues == ('underfit',)


@pytest.mark.parametrize('loss_fn, said', [
    (F.cross_entropy, 'has no hooks'), (nn.CrossEntropyLoss(), 'give x, the DataLoader')])
def test_says_why_no_epoch_was_loss_fn(loss_fn, said, caplog):
    model = mlp()
    with Watch(model, loss_fn, epochs=2):
        run(model, loss_fn, CLASSES, epochs=2)
    assert said in caplog.text and len(caplog.records) == 1


def test_an_epoch_that_is_left_in_its_middle_is_not_counted():
    model, loss_fn = mlp(), nn.CrossEntropyLoss()
    loader = DataLoader(TensorDataset(X, CLASSES), 32)
    with Watch(model, loss_fn, loader, epochs=9) as watch:
        for number in range(3):
            for place, (a, b) in enumerate(loader):
                if (number, place) == (2, 4):
                    break
                loss_fn(model(a), b).backward()
    assert watch.session.epochs == 2 and watch.session.ended == 'callback'


def test_says_that_rows_are_still_to_come():
    with Watch(mlp(), nn.CrossEntropyLoss(), epochs=5) as watch:
        assert watch.state_dict() == {} and watch.verdict.note.startswith('not judged')
        with pytest.raises(UserError, match='first epoch'):
            watch.session  # noqa: B018


# ---------------------------------------------------------------------------------- other processes

WITHOUT_KERAS = """
import sys
from pathlib import Path
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split('.')[0] in ('keras', 'jax'):
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Blocked())
import torch
from AutoTrainer.adapters.pytorch import Watch, check
x = torch.randn(64, 3)
model = torch.nn.Linear(3, 1)
check(model, torch.nn.MSELoss(), x, x[:, :1], torch.optim.Adam(model.parameters()), epochs=9)
watch = Watch(model, torch.nn.MSELoss(), x, x[:, :1], epochs=3)
for loss in (3.0, 2.0, 1.0):
    watch.epoch(loss=loss)
assert watch.verdict.skill is not None
assert not {'keras', 'jax', 'tensorflow'} & set(sys.modules)
"""

TWO_PROCESSES = """
import sys
from pathlib import Path
import torch
from torch import distributed, nn
from AutoTrainer.adapters.pytorch import Watch
rank = int(sys.argv[1])
distributed.init_process_group('gloo', init_method='file://' + sys.argv[2], rank=rank,
                               world_size=2)
torch.manual_seed(0)
x = torch.randn(128, 3)
model = nn.parallel.DistributedDataParallel(nn.Linear(3, 1))
watch = Watch(model, nn.MSELoss(), x, x[:, :1], epochs=9)
for epoch in range(9):
    nn.MSELoss()(model(x[rank::2]), x[rank::2, :1]).backward()
    loss = float('nan') if rank == 0 and epoch == 3 else 1.0 / (epoch + 1)
    if watch.epoch(loss=loss):
        break
watch.end()
print(epoch, *watch.verdict.issues)
distributed.destroy_process_group()
"""


@pytest.mark.slow
def test_works_without_keras():
    done = subprocess.run([sys.executable, '-c', WITHOUT_KERAS], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_two_processes_stop_together(tmp_path):
    started = [subprocess.Popen([sys.executable, '-c', TWO_PROCESSES, str(rank),
                                 str(tmp_path / 'meeting')], stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True) for rank in range(2)]
    said = [process.communicate(timeout=300) for process in started]
    assert [out.split() for out, _ in said] == [['3', 'not_converge', 'explode']] * 2, said


# ---------------------------------------------------------------------------------------- the guide

def test_the_guide_does_what_it_says(tmp_path):
    guide = Path(__file__).resolve().parents[2] / 'docs' / 'guide' / 'pytorch.md'
    code = re.findall('```python\n(.*?)```', guide.read_text(encoding='utf-8'), re.DOTALL)
    assert len(code) == 4
    model, loss_fn = mlp(), nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), 0.01)

    def evaluate(*rows):
        model.eval()
        with torch.no_grad():
            output = model(X[:50])
            return loss_fn(output, CLASSES[:50]), (output.argmax(1) == CLASSES[:50]).float().mean()

    def train_one_epoch(*given):
        return run(model, loss_fn, CLASSES, epochs=1)[0], 0.5

    def train(*given):
        for _ in range(50):
            train_one_epoch()
            evaluate()
            assert not given[-1].should_stop

    names = dict(
        model=model, loss_fn=loss_fn, optimizer=optimizer, torch=torch, x_val=X[:50],
        y_val=CLASSES[:50], train=train, train_one_epoch=train_one_epoch, evaluate=evaluate,
        path=str(tmp_path / 'checkpoint'),
        train_loader=DataLoader(TensorDataset(X, CLASSES), 32),
        val_loader=DataLoader(TensorDataset(X[:50], CLASSES[:50]), 50))
    for lines in code:
        exec(lines, names)
    assert names['watch'].session.epochs == 50 and names['watch'].verdict.issues == ()
