"""The probe of a module of PyTorch: one batch in, a few numbers per layer out, nothing changed."""

import contextlib
import operator
import random
import sys
import time
from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple

import numpy as np
import torch
from torch import nn

from ..errors import UserError, first_line
from ..intake.arrays import Batch, map_arrays, row_count
from ..judge import facts
from ..judge.facts import GradientSummary, OutputSummary, Task
from ..judge.gradients import silent_inputs, summarise_gradients, tensor_numbers
from ..judge.reference import Measured, Reference
from ..judge.yardstick import Yardstick
from .torch_anatomy import Anatomy, anatomy_of, tensors_of, to_numpy
from .torch_losses import LossFacts, loss_facts

PREDICTED_ROWS = 256
"""Rows that are predicted at once."""
_LOOKED_THROUGH = 8  # rows that are sent through to see what a model is made of


def unwrapped(model: Any) -> Any:
    """The module inside what ``torch.compile`` and data parallelism put around it."""
    while True:
        if isinstance(getattr(model, '_orig_mod', None), nn.Module):
            model = model._orig_mod
        elif isinstance(model, (nn.parallel.DistributedDataParallel, nn.DataParallel)):
            model = model.module
        else:
            return model


@contextlib.contextmanager
def undisturbed(model: nn.Module) -> Iterator[None]:
    """Run a module in inference mode, and leave it as it was.

    Put back are the mode of every submodule, buffers, and the random states of Python, numpy and
    PyTorch on every device; hooks on the gradients of parameters do not hear of what is computed
    here. Compiled modules run as they are written.
    """
    modes = [(module, module.training) for module in model.modules()]
    buffers = [(module, name, buffer, buffer.detach().clone()) for module in model.modules()
               for name, buffer in module._buffers.items() if buffer is not None]
    hooks = [(parameter, parameter._backward_hooks) for parameter in model.parameters()
             if parameter._backward_hooks]
    states = random.getstate(), np.random.get_state()
    device = device_of(model)
    devices = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else ()
    # nothing is compiled where the compiler has not even been loaded
    stance = getattr(torch.compiler, 'set_stance', None) if 'torch._dynamo' in sys.modules else None
    with contextlib.ExitStack() as stack:
        stack.enter_context(torch.random.fork_rng(devices))
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.enable_grad())
        stack.enter_context(torch.autocast(device.type, enabled=False))
        if stance is not None:
            stack.enter_context(stance('force_eager'))
        if device.type == 'cuda' and any(isinstance(m, nn.RNNBase) for m in model.modules()):
            # cuDNN has no gradients of recurrent layers in inference mode
            stack.enter_context(torch.backends.cudnn.flags(enabled=False))
        try:
            for parameter, _ in hooks:
                parameter._backward_hooks = None
            for module, _ in modes:
                module.training = False
            yield
        finally:
            for parameter, kept in hooks:
                parameter._backward_hooks = kept
            for module, mode in modes:
                module.training = mode
            for module, name, buffer, value in buffers:
                if module._buffers.get(name) is not buffer:
                    module._buffers[name] = buffer
                if not torch.equal(buffer, value):
                    with torch.no_grad():
                        buffer.copy_(value)
            random.setstate(states[0])
            np.random.set_state(states[1])


def device_of(model: nn.Module) -> torch.device:
    """Where a module computes: where its first parameter lies."""
    first = next(iter(model.parameters()), None)
    return torch.device('cpu') if first is None else first.device


class Learner:
    """A module with its loss, fed with arrays.

    Args:
        model: the module, unwrapped.
        loss_fn: called with ``(output, target)``.
        forward: how a batch goes through: called with tensors of the inputs, as a list or
            dictionary where there are several; default the module itself.
        labels: some of them, by which losses that take several kinds are told apart.

    Attributes:
        loss: what is known of the loss.
    """

    def __init__(self, model: nn.Module, loss_fn: Any,
                 forward: Optional[Callable[[Any], Any]] = None, labels: Any = None) -> None:
        self.model = model
        self.loss_fn = loss_fn
        self.loss: LossFacts = loss_facts(loss_fn, labels)
        self._forward = forward
        floats = [p.dtype for p in model.parameters() if p.is_floating_point()]
        self._precision = floats[0] if floats else torch.float32

    def tensors(self, x: Any) -> Any:
        """Inputs as the module takes them: on its device, fractions in its precision."""
        return map_arrays(lambda array: self._tensor(np.asarray(array)), x)

    def _tensor(self, array: np.ndarray) -> torch.Tensor:
        tensor = torch.as_tensor(np.ascontiguousarray(array))
        if tensor.is_floating_point():
            tensor = tensor.to(self._precision)
        return tensor.to(device_of(self.model))

    def call(self, x: Any) -> Any:
        """What the module makes of tensors."""
        if self._forward is not None:
            return self._forward(x)
        if isinstance(x, dict):
            return self.model(**x)
        return self.model(*x) if isinstance(x, (list, tuple)) else self.model(x)

    def classes_last(self, output: torch.Tensor) -> torch.Tensor:
        """Outputs with the classes along the last axis, where PyTorch has them along the second."""
        return output.movedim(1, -1) if self.loss.of_classes and output.ndim > 2 else output

    def loss_of(self, output: Any, y: Any) -> torch.Tensor:
        """The loss of outputs; the mean where it comes row by row.

        Args:
            output: of the module.
            y: labels, arrays.
        """
        target = map_arrays(lambda array: self._target(output, np.asarray(array)), y)
        # past the hooks of a loss module, which would take this for a batch of the training
        compute = self.loss_fn.forward if isinstance(self.loss_fn, nn.Module) else self.loss_fn
        found = compute(output, target)
        return found if found.ndim == 0 else found.mean()

    def _target(self, output: Any, array: np.ndarray) -> torch.Tensor:
        target = self._tensor(array)
        if not self.loss.kind:
            return target.long() if array.dtype.kind in 'iu' else target
        if self.loss.name.startswith('sparse'):
            target = target.long()
            if target.ndim == output.ndim and target.shape[-1] == 1:
                target = target[..., 0]
            return target
        target = target.to(self._precision)
        if isinstance(output, torch.Tensor) and target.ndim == output.ndim - 1 and (
                output.shape[-1] == 1):  # else each output is compared with every label
            target = target[..., None]
        return target

    def predict(self, x: Any) -> List[np.ndarray]:
        """What the module predicts for rows, output by output, classes along the last axis."""
        count = row_count(x)
        found: List[np.ndarray] = []
        with undisturbed(self.model), torch.no_grad():
            for start in range(0, count, PREDICTED_ROWS):
                chunk = slice(start, start + PREDICTED_ROWS)
                output = self.call(self.tensors(map_arrays(operator.itemgetter(chunk), x)))
                if not isinstance(output, torch.Tensor):
                    return []
                found.append(to_numpy(self.classes_last(output)))
        return [np.concatenate(found)]


class Probe(facts.Probe):
    """Measures gradients, layer outputs and skill of a module in training.

    Args:
        learner: the module with its loss; always measured with its present weights.
        batch: see :func:`~AutoTrainer.intake.arrays.draw_batch`.
        source: see :class:`AutoTrainer.adapters.torch_source.Source`.
    """

    def __init__(self, learner: Learner, batch: Batch, source: Any) -> None:
        self.learner = learner
        self.batch = batch
        self._source = source
        self._silent = silent_inputs(batch.x)
        self._anatomy: Optional[Anatomy] = None

    @property
    def anatomy(self) -> Anatomy:
        """What the module is made of; looked at once."""
        if self._anatomy is None:
            with undisturbed(self.learner.model):
                self._anatomy = anatomy_of(self.learner, self.learner.tensors(self.few))
        return self._anatomy

    @property
    def few(self) -> Any:
        """Inputs of a few rows, to see what the module does with them."""
        return map_arrays(lambda array: array[:_LOOKED_THROUGH], self.batch.x)

    def try_loss(self) -> None:
        """See that the loss can be computed from outputs and labels alone.

        Raises:
            UserError: if it cannot.
        """
        learner = self.learner
        x, y = [map_arrays(lambda array: array[:_LOOKED_THROUGH], part) for part in self.batch]
        with undisturbed(learner.model), torch.no_grad():
            output = learner.call(learner.tensors(x))
            try:
                learner.loss_of(output, y)
            except Exception as error:  # of a loss that nobody foresaw
                raise UserError('the loss cannot be called with (output, target): %s'
                                % first_line(error)) from error

    def gradients(self) -> GradientSummary:
        """Gradient norms per kernel and the share of zeros, as the weights stand now."""
        anatomy = self.anatomy
        started = time.perf_counter()
        variables = anatomy.variables()
        weights = [parameter for _, parameter, _, _ in variables]
        learner = self.learner
        with undisturbed(learner.model):
            loss = learner.loss_of(learner.call(learner.tensors(self.batch.x)), self.batch.y)
            gradients = torch.autograd.grad(loss, weights, allow_unused=True)
            rows = [torch.stack(tensor_numbers(torch.zeros_like(w) if g is None
                                               else g.to_dense() if g.is_sparse else g, w))
                    for g, w in zip(gradients, weights)]
            found = torch.stack(rows).cpu().numpy()
        return summarise_gradients([(name, shape, embedded) for name, _, shape, embedded
                                    in variables], found, anatomy.rectifies,
                                   time.perf_counter() - started, self._silent)

    def outputs(self) -> OutputSummary:
        """Mean absolute output per module and the range of the model's output."""
        learner, names = self.learner, dict((m, name) for name, m in self.anatomy.names)
        means: Dict[str, Optional[torch.Tensor]] = {}

        def after(module: nn.Module, args: Tuple[Any, ...], output: Any) -> None:
            name = names[module]
            # of a module that is called more than once nothing is said
            means[name] = None if name in means or not isinstance(output, torch.Tensor) else (
                output.detach().abs().float().mean())

        hooks = [call.module.register_forward_hook(after)
                 for call in {id(call.module): call for call in self.anatomy.calls}.values()]
        try:
            with undisturbed(learner.model), torch.no_grad():
                output = learner.call(learner.tensors(self.batch.x))
                head = (learner.classes_last(output) if isinstance(output, torch.Tensor)
                        else tensors_of(output)[0]).float()
                ends = [float(v) for v in (head.min(), head.max(), head.sum(dim=-1).max())]
        finally:
            for hook in hooks:
                hook.remove()
        return OutputSummary(tuple((name, float(mean)) for name, mean in means.items()
                                   if mean is not None), *ends)

    def task(self) -> Task:
        """What the training is set to do."""
        with undisturbed(self.learner.model):
            arriving = anatomy_of(self.learner, self.learner.tensors(self.batch.x)).arriving
        scale = float('nan') if arriving is None else float(
            np.mean(np.abs(np.concatenate([np.ravel(array) for array in arriving]))))
        return self._source.task(self.learner, self.anatomy)._replace(input_scale=scale)

    def arriving(self, x: Any) -> Tuple[np.ndarray, ...]:
        """What reaches the first module with weights of some rows; () where that says nothing."""
        with undisturbed(self.learner.model):
            return anatomy_of(self.learner, self.learner.tensors(x)).arriving or ()

    def findings(self, thorough: bool) -> List[Any]:
        """What is wrong with how the training is set up."""
        return list(self._source.findings(self, thorough))

    @property
    def reference(self) -> Reference:
        """What the training is held against."""
        return self._source.reference(self.learner, self.anatomy)

    def skills(self) -> Optional[Measured]:
        """What the module's predictions are worth now, in inference mode."""
        predicted = [self.learner.predict(x) for x in self.reference.measured_rows()]
        return self.reference.measured(predicted) if all(predicted) else None

    def yardsticks(self) -> Tuple[Yardstick, ...]:
        """What classical learners reach on the same rows."""
        return self.reference.yardsticks()
