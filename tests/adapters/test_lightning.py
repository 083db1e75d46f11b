"""What is Lightning's own: metrics by name, validation in its order, checkpoints, steps."""

import importlib.util
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip('torch', reason='PyTorch is not installed here')
if not any(importlib.util.find_spec(name) for name in ('lightning', 'pytorch_lightning')):
    pytest.skip('Lightning is not installed here', allow_module_level=True)

from lightning_bench import pl, quiet, trainer_of  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402, N812
from torch.utils.data import DataLoader, IterableDataset, TensorDataset  # noqa: E402

from AutoTrainer.adapters.lightning import Watch  # noqa: E402
from AutoTrainer.errors import UserError  # noqa: E402

pytestmark = pytest.mark.torch


def data():
    random = torch.Generator().manual_seed(1)
    centres = 1.5 * torch.randn(3, 6, generator=random)
    y = torch.randint(0, 3, (320,), generator=random)
    return centres[y] + torch.randn(320, 6, generator=random), y


def loaders(batch=32):
    x, y = data()
    return (DataLoader(TensorDataset(x[:240], y[:240]), batch),
            DataLoader(TensorDataset(x[240:], y[240:]), 32))


class Module(pl.LightningModule):
    def __init__(self, rate=0.1, bias=0.0):
        super().__init__()
        torch.manual_seed(0)
        self.net = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 3))
        with torch.no_grad():
            self.net[0].bias += bias
        self.rate = rate
        self.means = []

    def forward(self, x):
        return self.net(x)

    def training_step(self, batch, index):
        x, y = batch
        output = self(x)
        loss = F.cross_entropy(output, y)
        self.means.append(loss.item())
        self.tell(loss, (output.argmax(1) == y).float().mean())
        return loss

    def tell(self, loss, share):
        self.log('train_acc', share, on_step=False, on_epoch=True)

    def validation_step(self, batch, index):
        x, y = batch
        output = self(x)
        self.log('val_loss', F.cross_entropy(output, y))
        self.log('val_acc', (output.argmax(1) == y).float().mean())

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), self.rate)


def fit(module, watch, epochs=4, loader=None, validates=True, callbacks=(), **settings):
    training, validation = loaders()
    trainer = trainer_of(epochs, [watch] + list(callbacks), **settings)
    with quiet():
        trainer.fit(module, training if loader is None else loader,
                    validation if validates else None)
    return watch


def messages(caplog):
    return [record.getMessage() for record in caplog.records if record.name == 'AutoTrainer']


# ---------------------------------------------------------------------------------- metrics by name

def test_the_loss_is_the_mean_of_what_the_training_step_returns():
    module = Module()
    watch = fit(module, Watch(), epochs=3)
    sizes = [32] * 7 + [16]
    expected = sum(loss * size for loss, size in zip(module.means[:8], sizes)) / 240
    assert watch.session.history['loss'][0] == pytest.approx(expected, rel=1e-6)


def test_of_a_named_loss_the_epochs_mean_is_taken():
    class Named(Module):
        def tell(self, loss, share):
            self.log('objective', 10 * loss, on_step=True, on_epoch=True)
    watch, other = fit(Named(), Watch(loss='objective')), fit(Module(), Watch())
    assert watch.session.history['loss'] == pytest.approx(
        [10 * loss for loss in other.session.history['loss']], rel=1e-5)


def test_accumulated_gradients_leave_the_loss_as_it_is():
    watch, other = [fit(Module(rate=1e-9), Watch(stop=False), accumulate_grad_batches=count)
                    for count in (1, 4)]
    assert watch.session.history['loss'] == pytest.approx(other.session.history['loss'], rel=1e-5)


def test_manual_optimization_without_a_returned_loss_needs_the_logged_one():
    class Manual(Module):
        automatic_optimization = False

        def training_step(self, batch, index):
            loss = super().training_step(batch, index)
            self.optimizers().zero_grad()
            self.manual_backward(loss)
            self.optimizers().step()

        def tell(self, loss, share):
            self.log('train_loss', loss, on_step=False, on_epoch=True)
    watch = fit(Manual(), Watch())
    assert watch.session.history['loss'] == pytest.approx(
        fit(Module(), Watch()).session.history['loss'], rel=1e-5)


@pytest.mark.parametrize('name, said', [
    ('trian_acc', "accuracy='trian_acc' is not logged; did you mean train_acc? known are"),
    ('elsewhere', "accuracy='elsewhere' is not logged; known are")])
def test_a_metric_under_another_name_is_said_once(name, said, caplog):
    watch = fit(Module(), Watch(accuracy=name), epochs=12)
    assert [message.startswith(said) for message in messages(caplog)] == [True]
    assert watch.verdict.note.startswith('sound') and len(watch.session.history['loss']) == 12


def test_metrics_that_are_never_logged_leave_the_loss(caplog):
    class Silent(Module):
        def tell(self, loss, share):
            pass

        def validation_step(self, batch, index):
            pass
    watch = fit(Silent(), Watch(val_loss='validation'), epochs=12)
    assert messages(caplog) == ["val_loss='validation' is not logged; the module logs nothing by "
                                'then']
    assert watch.session.history['val_loss'] == [None] * 12
    assert watch.verdict.note.startswith('sound')


def test_an_accuracy_of_the_last_batch_alone_is_not_judged(caplog):
    class LastBatch(Module):
        def tell(self, loss, share):
            self.log('train_acc', share)
    watch = fit(LastBatch(), Watch(), validates=False, epochs=12)
    assert "'train_acc' is logged of single steps; log it with on_epoch=True" in messages(caplog)[0]
    assert len(messages(caplog)) == 1 and watch.verdict.note.startswith('sound')


def test_an_accuracy_that_is_logged_too_late_is_not_taken_for_the_next_epochs():
    class Late(Module):
        def tell(self, loss, share):
            pass

        def on_train_epoch_end(self):
            self.log('train_acc', 0.123)
    watch = fit(Late(), Watch(), validates=False)
    assert all(share != pytest.approx(0.123) for share in watch.session.history['acc'])


def test_a_loss_that_is_no_number_ends_it():
    class Broken(Module):
        def training_step(self, batch, index):
            loss = super().training_step(batch, index)
            return loss * float('nan') if self.current_epoch == 1 else loss
    watch = fit(Broken(), Watch(), epochs=12)
    assert watch.verdict.issues[0] == 'explode' and watch.verdict.epoch == 2
    assert watch.session.ended == 'verdict'


# --------------------------------------------------------------------------------------- validation

def test_the_sanity_check_is_no_validation_and_each_counts_for_its_epoch():
    watch = fit(Module(), Watch(), check_val_every_n_epoch=3, num_sanity_val_steps=2, epochs=6)
    assert [loss is not None for loss in watch.session.history['val_loss']] == [
        False, False, True, False, False, True]


def test_of_several_validations_of_an_epoch_the_last_counts():
    seen = []

    class Sees(pl.Callback):
        def on_validation_end(self, trainer, module):
            if not trainer.sanity_checking:
                seen.append(float(trainer.callback_metrics['val_loss']))
    watch = fit(Module(), Watch(), epochs=3, val_check_interval=0.5, callbacks=[Sees()])
    assert len(seen) == 6 and watch.session.history['val_loss'] == seen[1::2]


# -------------------------------------------------------------------------------- what is looked at

def test_a_contradiction_ends_it_before_the_first_step():
    class Frozen(Module):
        def __init__(self):
            super().__init__()
            self.loss_fn = nn.MSELoss()

        def training_step(self, batch, index):
            x, y = batch
            return self.loss_fn(self(x).sigmoid(), y.float())

    class Sigmoid(Frozen):
        def forward(self, x):
            return self.net(x).sigmoid()
    module = Sigmoid()
    x, _ = data()
    watch = Watch()
    with quiet():
        trainer = trainer_of(4, [watch])
        trainer.fit(module, DataLoader(TensorDataset(x, 100 + 10 * x[:, :3]), 32))
    assert trainer.global_step == 0 and watch.verdict.epoch == 0, watch.verdict.reason


def test_without_a_known_loss_the_history_is_judged(caplog):
    class Own(Module):
        def training_step(self, batch, index):
            x, y = batch
            return -self(x).log_softmax(1)[torch.arange(len(y)), y].mean()

    class Twice(Own):
        def forward(self, x):
            return torch.cat([self.net(x)] * 2, 1)
    watch = fit(Twice(), Watch(), epochs=12)
    assert messages(caplog)[0] == ('the loss is not to be found in the module; give '
                                   'Watch(loss_fn=...) to have gradients and skill looked at')
    assert len(watch.session.history['loss']) == 12 and watch.session.probes == 0
    assert watch.verdict.note.endswith('but what is learnt was not measured (the loss is not '
                                       'known; give Watch(loss_fn=...))')
    caplog.clear()
    watch = fit(Own(), Watch(), epochs=12)
    assert watch.verdict.note.startswith('sound') and watch.session.probes == 0
    assert messages(caplog) == ['the loss is not to be found in the module; give Watch(loss_fn='
                                '...) to have its gradients looked at: until then they are those '
                                'of a plain cross-entropy']
    stuck = fit(Own(bias=-50.0), Watch(), epochs=12)  # a model that answers all rows alike
    assert stuck.verdict.issues and stuck.verdict.skill < 0.1
    caplog.clear()
    assert fit(Own(bias=-50.0), Watch(loss_fn=nn.CrossEntropyLoss()),
               epochs=12).verdict.issues == ('relu',)
    assert len(messages(caplog)) == 1


def test_a_loss_of_more_than_two_parts_leaves_the_history(caplog):
    watch = fit(Module(), Watch(loss_fn=lambda output, y, weight: output.mean()), epochs=3)
    assert 'the loss cannot be called with (output, target)' in messages(caplog)[0]
    assert len(watch.session.history['loss']) == 3


def test_a_module_without_parameters_is_said(caplog):
    class Empty(Module):
        automatic_optimization = False

        def __init__(self):
            super().__init__()
            self.net = nn.Identity()

        def configure_optimizers(self):
            return None
    watch = fit(Empty(), Watch(loss_fn=nn.MSELoss()), epochs=3)
    assert messages(caplog)[0] == ('the model cannot be looked at (the module has no parameters); '
                                   'only the history is judged')
    assert len(watch.session.history['loss']) == 3


class Stream(IterableDataset):
    def __iter__(self):
        return iter(list(zip(*data())))


def test_rows_that_come_one_by_one_are_left_alone(caplog):
    watch = fit(Module(), Watch(), epochs=3, loader=DataLoader(Stream(), 32), validates=False)
    assert 'the training rows cannot be looked at (the loader gives its rows one after' in (
        messages(caplog)[0])
    assert len(watch.session.history['loss']) == 3


def test_a_training_without_an_end_is_not_judged(caplog):
    watch = Watch()
    fit(Module(), watch, epochs=-1, max_time={'seconds': 1}, loader=DataLoader(Stream(), 32))
    assert 'is not known, so that nothing can be judged; plan its end' in messages(caplog)[0]
    assert watch.session is None and watch.verdict.note.startswith('not judged')


# -------------------------------------------------------------------------------------------- steps

def test_one_epoch_is_judged_by_windows_of_steps(caplog):
    training, _ = loaders(batch=4)
    watch = fit(Module(bias=-50.0), Watch(), epochs=1, loader=training)
    assert watch.verdict.issues == ('relu',) and watch.session.plan.window == 10
    assert watch.session.epochs == watch.verdict.epoch < 6
    assert messages(caplog)[0].startswith('window %d: ' % watch.verdict.epoch)


def test_the_validation_at_the_end_belongs_to_the_last_window():
    training, _ = loaders(batch=4)
    watch = fit(Module(), Watch(window=20), epochs=1, loader=training)
    assert [loss is not None for loss in watch.session.history['val_loss']] == [False, False, True]
    assert watch.session.ended == 'planned'


# -------------------------------------------------------------------------------------- checkpoints

@pytest.mark.parametrize('monitored', [None, 'val_loss'])
def test_gone_on_with_from_a_checkpoint(tmp_path, monitored):
    whole = fit(Module(), Watch(), epochs=5)
    saves = pl.callbacks.ModelCheckpoint(tmp_path, filename='{epoch}', monitor=monitored,
                                         save_top_k=-1 if monitored else 1)
    earlier = Watch()
    fit(Module(), earlier, epochs=3, callbacks=[saves], enable_checkpointing=True)
    path = sorted(tmp_path.iterdir())[-1]
    later = Watch()
    trainer = trainer_of(5, [later])
    with quiet():
        trainer.fit(Module(), *loaders(), ckpt_path=str(path))
    history = later.session.history
    assert history['loss'] == pytest.approx(whole.session.history['loss'], rel=1e-6)
    assert history['val_loss'] == pytest.approx(whole.session.history['val_loss'], rel=1e-6)


def test_gone_on_with_in_the_middle_of_a_window(tmp_path):
    training, _ = loaders(batch=4)
    whole = fit(Module(), Watch(window=8), epochs=1, loader=training)
    saves = pl.callbacks.ModelCheckpoint(tmp_path, every_n_train_steps=21)

    class Ends(pl.Callback):
        def on_train_batch_end(self, trainer, module, *others):
            trainer.should_stop = trainer.global_step == 23
    fit(Module(), Watch(window=8), epochs=1, loader=training, callbacks=[saves, Ends()],
        enable_checkpointing=True, validates=False)
    path, = tmp_path.iterdir()
    later = Watch(window=8)
    trainer = trainer_of(1, [later])
    with quiet():
        trainer.fit(Module(), training, loaders()[1], ckpt_path=str(path))
    assert later.session.epochs == whole.session.epochs == 7
    assert later.session.history['loss'][:2] == whole.session.history['loss'][:2]
    assert later._feed.steps == 60


def test_a_training_that_was_not_watched_before_is_judged_from_there_on(tmp_path):
    trainer = trainer_of(2)
    with quiet():
        trainer.fit(Module(), loaders()[0])
    trainer.save_checkpoint(tmp_path / 'one.ckpt')
    watch = Watch()
    with quiet():
        trainer_of(8, [watch]).fit(Module(), loaders()[0], ckpt_path=tmp_path / 'one.ckpt')
    assert watch.session.epochs == 6 == watch.session.plan.epochs


# ---------------------------------------------------------------------------------------- arguments

@pytest.mark.parametrize('settings, said', [
    (dict(loss=nn.MSELoss()), 'loss is a MSELoss; give the name under which it is logged'),
    (dict(loss_fn='mse'), "loss_fn is 'mse'"), (dict(unit='batches'), "unit is 'batches'"),
    (dict(checktyp='adaptive'), "no setting 'checktyp'.* window, "),
    (dict(seed='x'), "seed is 'x'")])
def test_wrong_arguments_are_told_at_once(settings, said):
    with pytest.raises(UserError, match=said):
        Watch(**settings)


def test_what_goes_wrong_is_written_where_it_was_asked_for(tmp_path):
    fit(Module(bias=-50.0), Watch(save_dir=str(tmp_path / 'run')), epochs=12)
    assert (tmp_path / 'run' / 'history.csv').exists()
    assert 'relu' in (tmp_path / 'run' / 'events.jsonl').read_text()


def test_of_a_training_that_breaks_down_nothing_more_is_judged(caplog):
    caplog.set_level(logging.WARNING)

    class Breaks(Module):
        def on_train_epoch_start(self):
            if self.current_epoch == 3:
                raise RuntimeError('of its own')
    watch = Watch()
    with pytest.raises(RuntimeError, match='of its own'):
        fit(Breaks(), watch, epochs=12)
    assert watch.session.ended == 'callback' and watch.session.epochs == 3
    assert watch.verdict.reason == ('not judged: the training was interrupted after 3 of 12 '
                                    'planned epochs; nothing had been found until then')


def test_a_trial_run_is_not_judged(caplog):
    watch = Watch()
    fit(Module(), watch, epochs=12, fast_dev_run=True)
    assert watch.verdict.reason.startswith('not judged: fast_dev_run') and not messages(caplog)


TWO_PROCESSES = """
import sys
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from lightning_bench import pl, trainer_of
from AutoTrainer.adapters.lightning import Watch

class Module(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.net = nn.Linear(3, 1)
        self.loss_fn = nn.MSELoss()

    def forward(self, x):
        return self.net(x)

    def training_step(self, batch, index):
        loss = self.loss_fn(self(batch[0]), batch[1])
        if self.global_rank == 0:
            self.log('train_acc', 0.5, on_epoch=True, on_step=False, rank_zero_only=True)
        if self.global_rank == 0 and self.current_epoch == 3:
            loss = loss * float('nan')
        return loss

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), 0.01)

if __name__ == '__main__':
    torch.manual_seed(0)
    x = torch.randn(128, 3)
    watch = Watch()
    trainer = trainer_of(9, [watch], devices=2, strategy='ddp')
    trainer.fit(Module(), DataLoader(TensorDataset(x, x[:, :1]), 16))
    with open(sys.argv[1] + str(trainer.global_rank), 'w') as stream:
        stream.write('%d %s' % (trainer.current_epoch, ' '.join(watch.verdict.issues)))
    assert not {'keras', 'jax', 'tensorflow'} & set(sys.modules)
"""


@pytest.mark.slow
def test_two_processes_stop_together_by_what_the_first_one_sees(tmp_path):
    (tmp_path / 'script.py').write_text(TWO_PROCESSES)
    done = subprocess.run(
        [sys.executable, str(tmp_path / 'script.py'), str(tmp_path / 'rank')], timeout=300,
        cwd=str(tmp_path), capture_output=True,
        env=dict(os.environ, OMP_NUM_THREADS='1', PYTHONPATH=os.pathsep.join(
            [str(Path(__file__).parent), str(Path(__file__).parents[2])])))
    assert done.returncode == 0, done.stderr.decode()
    assert [(tmp_path / ('rank%d' % rank)).read_text() for rank in (0, 1)] == ['4 explode'] * 2


def test_the_older_package_has_the_same_hooks():
    older = pytest.importorskip('pytorch_lightning', reason='pytorch_lightning is not installed')

    class Older(older.LightningModule):
        forward = Module.forward
        configure_optimizers = Module.configure_optimizers

        def training_step(self, batch, index):
            return F.cross_entropy(self(batch[0]), batch[1])
    module, watch = Older(), Watch()
    module.net, module.rate = Module(bias=-50.0).net, 0.1
    with quiet():
        older.Trainer(max_epochs=12, callbacks=[watch], logger=False, accelerator='cpu',
                      enable_checkpointing=False, enable_progress_bar=False,
                      enable_model_summary=False).fit(module, loaders()[0])
    assert watch.verdict.issues == ('relu',) and watch.session.ended == 'verdict'


# --------------------------------------------------------------------------- going back, looking on

class Jumps(Module):
    """Its weights are no numbers any more in the fifth epoch."""

    def on_train_epoch_start(self):
        if self.current_epoch == 4:
            nn.init.constant_(self.net[0].weight, float('nan'))

    def configure_optimizers(self):
        optimizer = torch.optim.SGD(self.parameters(), self.rate)
        return [optimizer], [torch.optim.lr_scheduler.LambdaLR(optimizer, lambda epoch: 0.5)]


def test_the_best_weights_are_put_back_and_the_schedule_goes_on_with_smaller_steps(caplog):
    class Rates(pl.Callback):
        def on_train_epoch_end(self, trainer, module):
            rates.append(trainer.optimizers[0].param_groups[0]['lr'])
    rates = []
    watch = fit(Jumps(), Watch(on_issue='restore'), epochs=8, callbacks=[Rates()])
    restored, = watch.session.restorations
    assert (restored.epoch, restored.issue) == (5, 'explode') and restored.back_to <= 4
    assert watch.session.epochs == 8 and watch.verdict.restored in watch.verdict.reason
    assert all(loss < 1 for loss in watch.session.history['loss'][5:])
    assert rates[3] == pytest.approx(0.05) and rates[-1] == pytest.approx(0.005)
    assert any('were put back' in message for message in messages(caplog))


def test_a_line_and_tensorboard(tmp_path, capsys):
    pytest.importorskip('tensorboardX', reason='tensorboardX is not installed here')
    training, _ = loaders(batch=8)
    fit(Module(), Watch(progress=True, tensorboard=str(tmp_path / 'board')), loader=training)
    fit(Module(), Watch(progress=True), epochs=1, loader=training)
    said = capsys.readouterr().err
    assert 'epoch 1/4: loss ' in said and 'window 3/3: loss ' in said
    assert len(list((tmp_path / 'board').iterdir())) == 1
