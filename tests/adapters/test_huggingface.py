"""What is the Trainer's own: what it logs and when, its models and losses, checkpoints, steps."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip('torch', reason='PyTorch is not installed here')
transformers = pytest.importorskip('transformers', reason='transformers is not installed here')
pytest.importorskip('accelerate', reason='accelerate is not installed here')

from huggingface_bench import Rows, arguments, quiet, shares  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402, N812

from AutoTrainer.adapters import huggingface_model  # noqa: E402
from AutoTrainer.adapters.huggingface import STATE_FILE, Watch  # noqa: E402
from AutoTrainer.adapters.huggingface_model import seen_of  # noqa: E402
from AutoTrainer.adapters.torch_rows import rows_of  # noqa: E402
from AutoTrainer.errors import UserError  # noqa: E402

pytestmark = pytest.mark.torch

SMALL = dict(vocab_size=20, hidden_size=16, num_hidden_layers=2, num_attention_heads=2,
             intermediate_size=32, max_position_embeddings=16)


def data():
    random = torch.Generator().manual_seed(1)
    centres = 1.5 * torch.randn(3, 6, generator=random)
    y = torch.randint(0, 3, (320,), generator=random)
    return centres[y] + torch.randn(320, 6, generator=random), y


class Model(nn.Module):
    """A plain module that returns loss and logits."""

    def __init__(self, bias=0.0):
        super().__init__()
        torch.manual_seed(0)
        self.net = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 3))
        with torch.no_grad():
            self.net[0].bias += bias

    def loss(self, logits, labels):
        return F.cross_entropy(logits, labels)

    def forward(self, x, labels=None):
        logits = self.net(x)
        return {'logits': logits} if labels is None else {
            'loss': self.loss(logits, labels), 'logits': logits}


def train(folder, model, watch, rows=None, rate=0.1, validates=True, epochs=4, resume=None,
          callbacks=(), **settings):
    x, y = data() if rows is None else rows
    parts = [Rows(x[part], y[part]) for part in (slice(240), slice(240, None))]
    trainer = transformers.Trainer(
        model, arguments(str(folder), **dict(dict(
            num_train_epochs=epochs, learning_rate=rate, optim='sgd', max_grad_norm=0,
            eval_strategy='epoch' if validates else 'no'), **settings)),
        train_dataset=parts[0], eval_dataset=parts[1], callbacks=[watch] + list(callbacks),
        compute_metrics=shares if validates and y.dtype == torch.int64 else None)
    with quiet():
        trainer.train(resume_from_checkpoint=resume)
    return trainer


def messages(caplog):
    return [record.getMessage() for record in caplog.records if record.name == 'AutoTrainer']


# ------------------------------------------------------------------------- what is logged, and when

@pytest.mark.parametrize('settings', [
    dict(), dict(logging_steps=3), dict(logging_strategy='epoch'), dict(logging_steps=8),
    dict(eval_strategy='steps', eval_steps=8), dict(logging_strategy='no')])
def test_an_epoch_has_its_mean_loss_and_its_evaluation(tmp_path, settings):
    losses = []

    class Keeps(Model):
        def loss(self, logits, labels):
            loss = super().loss(logits, labels)
            if self.training:
                losses.append(loss.item())
            return loss
    watch = Watch()
    trainer = train(tmp_path, Keeps(), watch, **settings)
    history = watch.session.history
    assert history['loss'] == pytest.approx(
        [sum(losses[i:i + 8]) / 8 for i in range(0, 32, 8)], abs=1e-4)
    told = [log['eval_loss'] for log in trainer.state.log_history if 'eval_loss' in log]
    assert history['val_loss'] == told and len(told) == 4
    assert history['val_acc'] == [log['eval_accuracy'] for log in trainer.state.log_history
                                  if 'eval_accuracy' in log]


def test_epochs_without_an_evaluation_are_judged_too(tmp_path):
    watch = Watch()
    train(tmp_path, Model(), watch, validates=False, epochs=12)
    assert watch.verdict.note.startswith('sound') and watch.session.epochs == 12
    assert watch.session.history['val_loss'] == [None] * 12


def test_a_training_that_does_not_learn_is_stopped(tmp_path, caplog):
    watch = Watch(save_dir=str(tmp_path / 'run'))
    trainer = train(tmp_path, Model(bias=-50.0), watch, epochs=12)
    assert watch.verdict.issues == ('relu',) and watch.should_stop
    assert trainer.state.global_step == 8 * watch.verdict.epoch < 96
    assert watch.session.ended == 'verdict' and len(messages(caplog)) == 1
    assert 'relu' in (tmp_path / 'run' / 'events.jsonl').read_text()


@pytest.mark.parametrize('norm', [0, 1.0])
def test_a_loss_that_is_no_number_is_seen_though_the_trainer_hides_it(tmp_path, norm):
    class Breaks(Model):
        def loss(self, logits, labels):
            self.calls = getattr(self, 'calls', 0) + self.training
            return super().loss(logits, labels) * (float('nan') if self.calls > 12 else 1.0)
    watch = Watch()
    train(tmp_path, Breaks(), watch, epochs=12, max_grad_norm=norm, validates=False)
    assert watch.verdict.issues[0] == 'explode' and watch.verdict.epoch <= 3


@pytest.mark.parametrize('name, said', [
    ('acuracy', "accuracy='eval_acuracy' is not among the metrics; did you mean eval_accuracy?"),
    ('bleu', "accuracy='eval_bleu' is not among the metrics; ")])
def test_a_metric_under_another_name_is_said_once(tmp_path, caplog, name, said):
    watch = Watch(accuracy=name)
    train(tmp_path, Model(), watch, epochs=3)
    assert [message.startswith(said) for message in messages(caplog)] == [True]
    assert watch.session.epochs == 3


# -------------------------------------------------------------------------------- models and losses

def tokens():
    random = torch.Generator().manual_seed(2)
    return torch.randint(0, 20, (320, 8), generator=random)


def seen(model, x, y):
    class Named(Rows):
        def __getitem__(self, index):
            return {'input_ids': self.x[index], 'labels': self.y[index]}
    return seen_of(model, rows_of(Named(x[:64], y[:64])), None)


@pytest.mark.parametrize('labels, settings, expected', [
    (lambda x: (x[:, 0] > 9).long(), {}, nn.CrossEntropyLoss),
    (lambda x: x[:, 0].float(), dict(num_labels=1), nn.MSELoss),
    (lambda x: (x[:, :3] > 9).float(), dict(num_labels=3, problem_type=(
        'multi_label_classification')), nn.BCEWithLogitsLoss)])
def test_the_models_own_loss_is_recognized(labels, settings, expected):
    model = transformers.BertForSequenceClassification(
        transformers.BertConfig(**dict(SMALL, **settings)))
    x = tokens()
    assert type(seen(model, x, labels(x)).loss_fn) is expected


def test_one_number_for_each_row_is_held_against_one_output_only(tmp_path):
    class OfNumbers(Model):
        def forward(self, x, labels=None):
            output = self.net(x)[:, :1]
            return {'logits': output} if labels is None else {
                'loss': F.mse_loss(output.squeeze(), labels.squeeze()), 'logits': output}
    x, _ = data()
    watch = Watch()
    train(tmp_path, OfNumbers(), watch, (x, x[:, 0] - x[:, 1]), epochs=4, rate=0.02)
    probe = watch.session.subject.probe
    assert 'labels_broadcast' not in [finding.name for finding in probe.findings(True)]
    assert watch.verdict.issues != ('loss_issue',), watch.verdict.reason


def test_a_label_for_each_token():
    model = transformers.BertForTokenClassification(transformers.BertConfig(**SMALL))
    x = tokens()
    found = seen(model, x, (x > 9).long())
    assert type(found.loss_fn) is nn.CrossEntropyLoss
    assert tuple(found.forward({'input_ids': x[:2]}).shape) == (2, 2, 8)


def gpt():
    torch.manual_seed(0)
    return transformers.GPT2LMHeadModel(transformers.GPT2Config(
        vocab_size=20, n_embd=16, n_layer=2, n_head=2, n_positions=16, bos_token_id=0,
        eos_token_id=0))


def test_the_next_token():
    x = tokens()
    found = seen(gpt(), x, x)
    assert type(found.loss_fn) is nn.CrossEntropyLoss and found.rows.y.shape == (64, 7)
    assert tuple(found.forward({'input_ids': x[:2]}).shape) == (2, 20, 7)


@pytest.mark.parametrize('most, some_left_out', [(20 * 500 * 3, False), (10 ** 7, True)])
def test_of_a_large_vocabulary_or_labels_left_out_some_places_are_looked_at(
        monkeypatch, most, some_left_out):
    monkeypatch.setattr(huggingface_model, 'MOST_OUTPUTS', most)
    x, y, model = tokens(), tokens(), gpt()
    if some_left_out:
        y[:, :4] = y[5] = -100
    found = seen(model, x, y)
    places = [4, 5, 6, 7] if some_left_out else [1, 4, 7]
    rows = [row for row in range(64) if not (some_left_out and row == 5)]
    assert (found.rows.y == y[rows][:, places].numpy()).all()
    with torch.no_grad():
        known = model.eval()(input_ids=x[:3]).logits[:, [place - 1 for place in places]]
        assert torch.allclose(found.forward({'input_ids': x[:3]}), known.movedim(-1, 1))


def test_of_texts_without_two_common_places_nothing_is_looked_at():
    y = tokens()
    y[:, :-1] = -100
    with pytest.raises(UserError, match='no two places'):
        seen(gpt(), tokens(), y)


@pytest.mark.parametrize('broken, said', [
    (dict(loss=lambda logits, labels: logits.square().mean()), 'its loss is none that is known'),
    (dict(loss=lambda logits, labels: None), 'it computes no loss from labels'),
    (dict(net=nn.Identity()), 'the module has no parameters'),
    (dict(net=nn.Linear(6, 10 ** 5)), 'it answers each row with 100000 numbers, too many')])
def test_what_cannot_be_looked_at_is_said_in_a_sentence(broken, said):
    model = Model()
    for name, value in broken.items():
        setattr(model, name, value)
    x, y = data()
    with pytest.raises(UserError, match=said):
        seen_of(model, rows_of(Rows(x, y)), None)


def test_with_an_unknown_loss_the_history_is_judged(tmp_path, caplog):
    class Own(Model):
        def loss(self, logits, labels):
            return 0.5 * F.cross_entropy(logits, labels) + 0.1
    watch = Watch()
    train(tmp_path, Own(), watch, epochs=3)
    assert messages(caplog)[0] == ('the model cannot be looked at (its loss is none that is known; '
                                   'give Watch(loss_fn=...)); only the history is judged')
    assert watch.session.epochs == 3 and watch.session.subject.probe is None
    known = Watch(loss_fn=nn.CrossEntropyLoss())
    train(tmp_path, Own(bias=-50.0), known, epochs=12)
    assert known.verdict.issues == ('relu',)


def test_a_loss_of_more_than_two_parts_leaves_the_history(tmp_path, caplog):
    watch = Watch(loss_fn=lambda logits, labels, weight: logits.mean())
    train(tmp_path, Model(), watch, epochs=3)
    assert 'the loss cannot be called with (output, target)' in messages(caplog)[0]
    assert watch.session.epochs == 3


def test_a_small_bert_is_watched_with_a_warm_up(tmp_path, caplog):
    torch.manual_seed(0)
    x = tokens()

    class Named(Rows):
        def __getitem__(self, index):
            return {'input_ids': self.x[index], 'attention_mask': torch.ones_like(self.x[index]),
                    'labels': self.y[index]}
    watch = Watch()
    trainer = transformers.Trainer(
        transformers.BertForSequenceClassification(transformers.BertConfig(**SMALL)),
        arguments(str(tmp_path), num_train_epochs=6, learning_rate=5e-3, warmup_steps=10,
                  lr_scheduler_type='linear'),
        train_dataset=Named(x, (x[:, 0] > 9).long()), callbacks=[watch])
    with quiet():
        trainer.train()
    assert watch.verdict.note.startswith('sound'), watch.verdict.reason
    assert not messages(caplog) and watch.verdict.skill > 0.5


# -------------------------------------------------------------------------------------------- steps

def test_a_language_model_of_one_epoch_is_judged_over_windows(tmp_path):
    x = (torch.randint(0, 20, (480, 1), generator=torch.Generator().manual_seed(0))
         + torch.arange(8)) % 20

    class Named(Rows):
        def __getitem__(self, index):
            return {'input_ids': self.x[index], 'labels': self.x[index]}

    def trained(rate):
        watch = Watch()
        trainer = transformers.Trainer(gpt(), arguments(
            str(tmp_path), num_train_epochs=1, learning_rate=rate, max_grad_norm=1.0,
            per_device_train_batch_size=4), train_dataset=Named(x, x), callbacks=[watch])
        with quiet():
            trainer.train()
        return watch, trainer.state.global_step
    sound, steps = trained(3e-3)
    assert sound.session.plan.window == 10 and sound.session.epochs == 12 and steps == 120
    assert sound.verdict.note.startswith('sound'), sound.verdict.reason
    plateau, steps = trained(1e-7)
    assert plateau.verdict.issues and steps == 10 * plateau.verdict.epoch < 120
    assert 'epoch' not in plateau.verdict.reason


# -------------------------------------------------------------------------------------- checkpoints

class Stops(transformers.TrainerCallback):
    def on_save(self, args, state, control, **others):
        control.should_training_stop = True


@pytest.mark.parametrize('settings', [
    dict(save_strategy='epoch'), dict(save_strategy='steps', save_steps=11),
    dict(save_strategy='steps', save_steps=11, unit='steps', window=4)])
def test_gone_on_with_from_a_checkpoint(tmp_path, settings):
    watching = {name: settings[name] for name in ('unit', 'window') if name in settings}
    saving = {name: value for name, value in settings.items() if name not in watching}
    whole = Watch(**watching)
    train(tmp_path / 'whole', Model(), whole)
    train(tmp_path / 'parts', Model(), Watch(**watching), callbacks=[Stops()], **saving)
    path, = (tmp_path / 'parts').iterdir()
    assert (path / STATE_FILE).exists()
    later = Watch(**watching)
    train(tmp_path / 'parts', Model(), later, resume=str(path))
    for key in ('loss', 'val_loss'):
        found, known = [[value for value in watch.session.history[key] if value is not None]
                        for watch in (later, whole)]
        assert found == pytest.approx(known, rel=1e-5)


def test_a_verdict_is_not_forgotten(tmp_path, caplog):
    train(tmp_path, Model(bias=-50.0), Watch(stop=False), epochs=6, save_strategy='epoch')
    path = tmp_path / 'checkpoint-40'
    later = Watch(stop=False)
    train(tmp_path, Model(bias=-50.0), later, epochs=6, resume=str(path))
    assert later.verdict.issues == ('relu',) and later.session.epochs == 6
    assert len(messages(caplog)) == 1  # it was said before the checkpoint


@pytest.mark.parametrize('damage', [None, '{"core": 3}', 'no json'])
def test_without_what_was_seen_it_is_judged_from_there_on(tmp_path, caplog, damage):
    train(tmp_path, Model(), Watch(), callbacks=[Stops()], save_strategy='epoch')
    path, = tmp_path.iterdir()
    (path / STATE_FILE).unlink()
    if damage is not None:
        (path / STATE_FILE).write_text(damage)
    watch = Watch()
    train(tmp_path, Model(), watch, resume=str(path))
    assert 'what was seen before step 8 is not known' in messages(caplog)[-1]
    assert watch.session.epochs == 3 == watch.session.plan.epochs


# --------------------------------------------------------------------------- going back, looking on

class Jumps(transformers.TrainerCallback):
    """The weights are no numbers any more in the fifth epoch."""

    def __init__(self):
        self.rates = []

    def on_epoch_begin(self, args, state, control, model=None, optimizer=None, **others):
        self.rates.append(optimizer.param_groups[0]['lr'])
        if len(self.rates) == 5:
            nn.init.constant_(model.net[0].weight, float('nan'))


@pytest.mark.parametrize('kind', ['constant', 'cosine'])
def test_the_best_weights_are_put_back_and_the_schedule_goes_on(tmp_path, kind):
    watch, jumps = Watch(on_issue='restore'), Jumps()
    train(tmp_path, Model(), watch, epochs=8, callbacks=[jumps], lr_scheduler_type=kind)
    restored, = watch.session.restorations
    assert (restored.epoch, restored.issue) == (5, 'explode') and restored.back_to <= 4
    assert watch.session.epochs == 8 and watch.verdict.restored in watch.verdict.reason
    assert all(loss < 1 for loss in watch.session.history['loss'][5:])
    assert jumps.rates[5] <= 0.1 * jumps.rates[4] * (1 + 1e-9) and jumps.rates[7] > 0


def test_a_line_speaks_of_windows(tmp_path, capsys):
    watch = Watch(progress=True)
    train(tmp_path, Model(), watch, epochs=1, per_device_train_batch_size=8)
    assert 'window 3/3: loss ' in capsys.readouterr().err


# ---------------------------------------------------------------------------------------- arguments

@pytest.mark.parametrize('settings, said', [
    (dict(accuracy=3), 'accuracy is a int'), (dict(loss_fn='mse'), "loss_fn is 'mse'"),
    (dict(unit='batches'), "unit is 'batches'"), (dict(window=0), 'window is 0'),
    (dict(checktyp='adaptive'), "no setting 'checktyp'.* window, "),
    (dict(seed='x'), "seed is 'x'")])
def test_wrong_arguments_are_told_at_once(settings, said):
    with pytest.raises(UserError, match=said):
        Watch(**settings)


# ---------------------------------------------------------------------------------- other processes

TWO_PROCESSES = """
import sys
import torch
from torch.nn import functional as F
from huggingface_bench import Rows, arguments, quiet
from transformers import Trainer
from AutoTrainer.adapters.huggingface import Watch

class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.net = torch.nn.Linear(6, 3)

    def forward(self, x, labels=None):
        logits = self.net(x)
        return {'logits': logits} if labels is None else {
            'logits': logits, 'loss': F.cross_entropy(logits, labels)}

torch.manual_seed(1)
y = torch.randint(0, 3, (320,))
watch = Watch()
trainer = Trainer(Model(), arguments(
    sys.argv[1], num_train_epochs=9, learning_rate=1e-7, optim='sgd', ddp_backend='gloo'),
    train_dataset=Rows(torch.randn(3, 6)[y] + torch.randn(320, 6), y), callbacks=[watch])
with quiet():
    trainer.train()
print(trainer.args.world_size, trainer.state.global_step, watch.verdict.issues[0])
assert not {'keras', 'jax', 'tensorflow'} & set(sys.modules)
"""


@pytest.mark.slow
def test_two_processes_stop_together(tmp_path):
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = free.getsockname()[1]
    environment = dict(
        os.environ, OMP_NUM_THREADS='1', MASTER_ADDR='127.0.0.1', MASTER_PORT=str(port),
        WORLD_SIZE='2', PYTHONPATH=os.pathsep.join(
            [str(Path(__file__).parent), str(Path(__file__).parents[2])]))
    running = [subprocess.Popen(
        [sys.executable, '-c', TWO_PROCESSES, str(tmp_path)], stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, env=dict(environment, RANK=str(rank), LOCAL_RANK=str(rank)))
        for rank in (0, 1)]
    said = [process.communicate(timeout=300) for process in running]
    assert [out.decode().split() for out, _ in said] == [['2', '15', 'not_converge']] * 2, said
