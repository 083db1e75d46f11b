"""The problems of the contract, trained by loops of PyTorch."""

import io

import torch
from contract import BATCH, Bench, Trained
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from AutoTrainer.adapters.pytorch import Watch

ACTIVATIONS = {'relu': nn.ReLU, 'sigmoid': nn.Sigmoid, 'tanh': nn.Tanh, 'linear': nn.Identity}


def module(problem):
    """The module of a problem, with its first weights."""
    torch.manual_seed(0)
    parts = []
    last = len(problem.kernels) - 1
    for place, (kernel, bias) in enumerate(zip(problem.kernels, problem.biases)):
        linear = nn.Linear(*kernel.shape)
        with torch.no_grad():
            linear.weight.copy_(torch.tensor(kernel.T))
            linear.bias.copy_(torch.tensor(bias))
        parts += [linear, ACTIVATIONS[problem.head if place == last else problem.hidden]()]
        if problem.noisy and place == 0:
            parts += [nn.BatchNorm1d(kernel.shape[1]), nn.Dropout(0.2)]
    return nn.Sequential(*parts)


def optimizer_of(problem, model):
    """Its optimizer, with Keras's epsilon."""
    more = {'eps': 1e-7} if problem.optimizer == 'Adam' else {}
    return getattr(torch.optim, problem.optimizer)(model.parameters(), problem.rate, **more)


def tensors(problem):
    """x, y, x_val, y_val as tensors."""
    return [torch.tensor(part) for part in problem.rows]


class Loop:
    """One training of a problem."""

    def __init__(self, problem):
        self.problem = problem
        self.x, self.y, self.x_val, self.y_val = tensors(problem)
        self.model = module(problem)
        self.loss_fn = nn.MSELoss() if problem.regression else nn.CrossEntropyLoss()
        self.optimizer = optimizer_of(problem, self.model)
        self.loader = DataLoader(TensorDataset(self.x, self.y), BATCH)

    def watch(self, **settings):
        return Watch(self.model, self.loss_fn, self.loader, epochs=self.problem.epochs,
                     validation_data=(self.x_val, self.y_val), optimizer=self.optimizer,
                     **settings)

    def epoch(self, number):
        """One epoch: training loss and accuracy, validation loss and accuracy."""
        for group in self.optimizer.param_groups:
            group['lr'] = self.problem.rate_of(number)
        self.model.train()
        losses, right = 0.0, 0
        for x, y in self.loader:
            self.optimizer.zero_grad()
            output = self.model(x)
            loss = self.loss_fn(output, y)
            loss.backward()
            self.optimizer.step()
            losses += loss.item() * len(x)
            right += self.right(output, y)
        self.model.eval()
        with torch.no_grad():
            output = self.model(self.x_val)
            val_loss = self.loss_fn(output, self.y_val).item()
        return (losses / len(self.x), right / len(self.x), val_loss,
                self.right(output, self.y_val) / len(self.x_val))

    def right(self, output, y):
        return 0 if self.problem.regression else int((output.argmax(1) == y).sum())


class TorchBench(Bench):
    """A loop that tells its watch of every epoch."""

    def train(self, problem, watched=True, **settings):
        loop = Loop(problem)
        watch = loop.watch(**settings) if watched else None
        return self.go_on(loop, watch, range(problem.epochs))

    def go_on(self, loop, watch, epochs):
        losses = []
        for number in epochs:
            if watch is not None and watch.should_stop:
                break
            loss, accuracy, val_loss, val_accuracy = loop.epoch(number)
            losses.append(loss)
            if watch is not None:
                if loop.problem.regression:
                    accuracy = val_accuracy = None
                watch.epoch(loss=loss, accuracy=accuracy, val_loss=val_loss,
                            val_accuracy=val_accuracy)
        if watch is None:
            return Trained(losses)
        if len(losses) and epochs[-1] + 1 >= loop.problem.epochs or watch.should_stop:
            watch.end()
        return Trained(losses, watch.session, watch.verdict)

    def interrupted(self, problem, epoch):
        loop = Loop(problem)
        losses, saved = self.begun(loop, epoch)
        saved.seek(0)
        state = torch.load(saved, weights_only=True)
        loop = Loop(problem)
        loop.model.load_state_dict(state['model'])
        loop.optimizer.load_state_dict(state['optimizer'])
        watch = loop.watch()
        watch.load_state_dict(state['watch'])
        later = self.go_on(loop, watch, range(epoch, problem.epochs))
        return later._replace(losses=losses + later.losses)

    def begun(self, loop, epoch):
        """Losses of the first epochs, and what was saved then."""
        watch = loop.watch()
        losses = self.go_on(loop, watch, range(epoch)).losses
        return losses, self.saved(loop, watch)

    def saved(self, loop, watch):
        file = io.BytesIO()
        torch.save({'model': loop.model.state_dict(), 'optimizer': loop.optimizer.state_dict(),
                    'watch': watch.state_dict()}, file)
        return file

    def gradients(self, problem):
        loop = Loop(problem)
        loop.loader = DataLoader(TensorDataset(loop.x[:BATCH], loop.y[:BATCH]), BATCH)
        return loop.watch().session.subject.probe.gradients()


class HooksBench(TorchBench):
    """A loop that is left as it is, but for the look at ``should_stop``."""

    def go_on(self, loop, watch, epochs):
        if watch is None:
            return super().go_on(loop, watch, epochs)
        losses = []
        with watch:
            for number in epochs:
                if watch.should_stop:
                    break
                losses.append(loop.epoch(number)[0])
        return Trained(losses, watch.session, watch.verdict)

    def begun(self, loop, epoch):
        losses = []
        with loop.watch() as watch:
            for number in range(epoch):
                losses.append(loop.epoch(number)[0])
            assert not watch.should_stop
            return losses, self.saved(loop, watch)
