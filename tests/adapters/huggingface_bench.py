"""The problems of the contract, trained by the Trainer of Hugging Face."""

import contextlib
import io
import os
import tempfile
import warnings

import torch
import transformers
from contract import BATCH, Bench, Trained
from torch import nn
from torch.utils.data import SequentialSampler
from torch_bench import module, optimizer_of, tensors

from AutoTrainer.adapters.huggingface import Watch

transformers.logging.set_verbosity_error()


class Model(nn.Module):
    """A problem as the Trainer has it; keeps the losses of its batches."""

    def __init__(self, problem):
        super().__init__()
        self.net = module(problem)
        self.loss_fn = nn.MSELoss() if problem.regression else nn.CrossEntropyLoss()
        self.losses = []

    def forward(self, x, labels=None):
        logits = self.net(x)
        if labels is None:
            return {'logits': logits}
        loss = self.loss_fn(logits, labels)
        if self.training:
            self.losses.append(loss.item())
        return {'loss': loss, 'logits': logits}


class Trainer(transformers.Trainer):
    """Takes the rows in their order."""

    def _get_train_sampler(self, *arguments):
        return SequentialSampler(self.train_dataset)


class Rows(torch.utils.data.Dataset):
    """Rows as dictionaries."""

    def __init__(self, x, y):
        self.x, self.y = x, y

    def __len__(self):
        return len(self.x)

    def __getitem__(self, index):
        return {'x': self.x[index], 'labels': self.y[index]}


def arguments(folder, **settings):
    """Arguments that report to nobody."""
    return transformers.TrainingArguments(folder, **dict(dict(
        report_to=[], save_strategy='no', use_cpu=True, disable_tqdm=True,
        per_device_train_batch_size=BATCH, lr_scheduler_type='constant'), **settings))


def shares(predicted):
    """The share of right answers, for ``compute_metrics``."""
    return {'accuracy': float((predicted.predictions.argmax(-1) == predicted.label_ids).mean())}


@contextlib.contextmanager
def quiet():
    """What the Trainer prints of its progress left out."""
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter('ignore')
        yield


class HuggingFaceBench(Bench):
    """A Trainer with the watch among its callbacks."""

    def train(self, problem, watched=True, **settings):
        watch = Watch(**settings) if watched else None
        with tempfile.TemporaryDirectory() as folder:
            return self.fitted(problem, watch, folder)

    def trainer(self, problem, folder, callbacks, rows=None, **settings):
        model = Model(problem)
        x, y, x_val, y_val = tensors(problem)
        optimizer = optimizer_of(problem, model)
        steps = -(-len(x) // BATCH)
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda step: problem.rate_of(step // steps) / problem.rate)
        return Trainer(
            model, arguments(folder, num_train_epochs=problem.epochs, eval_strategy='epoch',
                             max_grad_norm=0, **settings),
            train_dataset=Rows(x[:rows], y[:rows]), eval_dataset=Rows(x_val, y_val),
            callbacks=callbacks, optimizers=(optimizer, schedule),
            compute_metrics=None if problem.regression else shares)

    def fitted(self, problem, watch, folder, resume=None, callbacks=(), **settings):
        trainer = self.trainer(problem, folder, ([watch] if watch else []) + list(callbacks),
                               **settings)
        with quiet():
            trainer.train(resume_from_checkpoint=resume)
        model, steps = trainer.model, -(-len(trainer.train_dataset) // BATCH)
        losses = [sum(model.losses[i:i + steps]) / steps
                  for i in range(0, len(model.losses) - steps + 1, steps)]
        return Trained(losses, watch and watch.session, watch and watch.verdict)

    def interrupted(self, problem, epoch):
        class Stops(transformers.TrainerCallback):
            def on_save(self, args, state, control, **others):
                control.should_training_stop = True
        with tempfile.TemporaryDirectory() as folder:
            earlier = self.fitted(problem, Watch(overhead_budget=None), folder, None, [Stops()],
                                  save_strategy='epoch')
            path = os.path.join(folder, min(os.listdir(folder)))
            later = self.fitted(problem, Watch(overhead_budget=None), folder, path)
        return later._replace(losses=earlier.losses + later.losses)

    def gradients(self, problem):
        watch, begun = Watch(overhead_budget=None), []

        class Looks(transformers.TrainerCallback):
            def on_train_begin(self, args, state, control, **others):
                begun.append(watch.session.subject.probe.gradients())
                control.should_training_stop = True
        with tempfile.TemporaryDirectory() as folder, quiet():
            self.trainer(problem, folder, [watch, Looks()], BATCH).train()
        return begun[0]
