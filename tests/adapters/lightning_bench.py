"""The problems of the contract, trained by Lightning."""

import contextlib
import logging
import tempfile
import warnings

from contract import BATCH, Bench, Trained
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from torch_bench import module, optimizer_of, tensors

try:
    import lightning.pytorch as pl
except ImportError:
    import pytorch_lightning as pl

from AutoTrainer.adapters.lightning import Watch

logging.getLogger('lightning.pytorch').setLevel(logging.ERROR)


class Module(pl.LightningModule):
    """A problem as Lightning has it; keeps the loss of each epoch."""

    def __init__(self, problem):
        super().__init__()
        self.problem = problem
        self.net = module(problem)
        self.loss_fn = nn.MSELoss() if problem.regression else nn.CrossEntropyLoss()
        self.losses = []
        self._of_epoch = []

    def forward(self, x):
        return self.net(x)

    def on_train_epoch_start(self):
        for group in self.trainer.optimizers[0].param_groups:
            group['lr'] = self.problem.rate_of(self.current_epoch)

    def training_step(self, batch, index):
        loss = self._loss(batch, 'train')
        self._of_epoch.append((loss.item(), len(batch[0])))
        return loss

    def validation_step(self, batch, index):
        self._loss(batch, 'val')

    def _loss(self, batch, part):
        x, y = batch
        output = self(x)
        loss = self.loss_fn(output, y)
        self.log(part + '_loss', loss, on_step=False, on_epoch=True)
        if not self.problem.regression:
            right = (output.argmax(1) == y).float().mean()
            self.log(part + '_acc', right, on_step=False, on_epoch=True)
        return loss

    def on_train_epoch_end(self):
        rows = sum(count for _, count in self._of_epoch)
        self.losses.append(sum(loss * count for loss, count in self._of_epoch) / rows)
        self._of_epoch = []

    def configure_optimizers(self):
        return optimizer_of(self.problem, self)


def trainer_of(epochs, callbacks=(), **settings):
    """A Trainer that writes nothing and says nothing."""
    return pl.Trainer(**dict(dict(
        max_epochs=epochs, callbacks=list(callbacks), logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False, accelerator='cpu', devices=1),
        **settings))


@contextlib.contextmanager
def quiet():
    """Lightning's advice on workers and small batches left out."""
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        yield


class LightningBench(Bench):
    """A Trainer of Lightning with the watch among its callbacks."""

    def train(self, problem, watched=True, **settings):
        watch = Watch(**settings) if watched else None
        return self.fitted(problem, watch, trainer_of(problem.epochs, [watch] if watched else []))

    def fitted(self, problem, watch, trainer, **more):
        model = Module(problem)
        x, y, x_val, y_val = tensors(problem)
        with quiet():
            trainer.fit(model, DataLoader(TensorDataset(x, y), BATCH),
                        DataLoader(TensorDataset(x_val, y_val), BATCH), **more)
        return Trained(model.losses, watch and watch.session, watch and watch.verdict)

    def interrupted(self, problem, epoch):
        with tempfile.TemporaryDirectory() as folder:
            path = folder + '/checkpoint.ckpt'

            class Saves(pl.Callback):  # noqa: D106
                def on_train_epoch_end(self, trainer, module):
                    if trainer.current_epoch == epoch - 1:
                        trainer.save_checkpoint(path)
                        trainer.should_stop = True
            earlier = self.fitted(problem, None, trainer_of(
                problem.epochs, [Watch(overhead_budget=None), Saves()]))
            watch = Watch(overhead_budget=None)
            later = self.fitted(problem, watch, trainer_of(problem.epochs, [watch]),
                                ckpt_path=path)
        return later._replace(losses=earlier.losses + later.losses)

    def gradients(self, problem):
        watch = Watch(overhead_budget=None)
        x, y = [part[:BATCH] for part in tensors(problem)[:2]]
        begun = []

        class Looks(pl.Callback):  # noqa: D106
            def on_train_start(self, trainer, module):
                begun.append(watch.session.subject.probe.gradients())
                trainer.should_stop = True
        with quiet():
            trainer_of(2, [watch, Looks()]).fit(Module(problem),
                                                DataLoader(TensorDataset(x, y), BATCH))
        return begun[0]
