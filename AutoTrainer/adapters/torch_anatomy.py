"""What a module is made of, in the order in which a batch goes through it.

A module says in its attributes what it holds, not what its ``forward`` does with it. So one small
batch is sent through, and the calls and the graph of gradients that they leave are read.
"""

from typing import Any, Dict, List, NamedTuple, Optional, Set, Tuple

import numpy as np
import torch
from torch import nn

_ACTIVATIONS = {
    'Relu': 'relu', 'Threshold': 'relu', 'Hardtanh': 'relu6', 'Sigmoid': 'sigmoid',
    'Tanh': 'tanh', 'Softmax': 'softmax', 'LogSoftmax': 'log_softmax', 'Elu': 'elu',
    'LeakyRelu': 'leaky_relu', 'Gelu': 'gelu', 'Silu': 'silu', 'Softplus': 'softplus',
    'Hardsigmoid': 'hard_sigmoid', 'Hardswish': 'hard_swish', 'Mish': 'mish'}
_LINEAR = ('Addmm', 'Mm', 'Bmm', 'Baddbmm', 'Convolution', 'Linear', 'MkldnnConvolution', 'Mv')
_SHAPES = ('View', 'UnsafeView', 'ReshapeAlias', 'Squeeze', 'Unsqueeze', 'Permute', 'Transpose',
           'T', 'ToCopy', 'Clone', 'Alias', 'Slice', 'Select', 'Index', 'Expand', 'Mean',
           'MaxPool2DWithIndices', 'MaxPool3DWithIndices', 'AvgPool2D', 'AvgPool3D',
           'AdaptiveMaxPool2D', 'MkldnnMaxPool2D', 'AdaptiveAvgPool2D')
"""Steps that leave open which activation the numbers have gone through."""
_RECTIFIERS = ('Relu', 'Threshold', 'Hardtanh', 'ClampMin', 'Clamp', 'Maximum')
_MOST_STEPS = 20000

EMBEDS = (nn.Embedding, nn.EmbeddingBag)


class Call(NamedTuple):
    """One call of a module that holds no others.

    Attributes:
        name: of the module.
        module: it.
        before: the activation that its inputs have gone through; '' if that cannot be told.
        shape: of its output, without the rows; None if that is not one tensor.
        width: size of the last axis of its input; 0 if unknown.
    """

    name: str
    module: nn.Module
    before: str = ''
    shape: Optional[Tuple[int, ...]] = None
    width: int = 0


class Anatomy(NamedTuple):
    """What one batch has shown.

    Attributes:
        names: the modules in the order in which they are first called, with their names; modules
            that are never called at the end.
        calls: the calls of modules that hold no others, in order.
        head: activation that the model ends in, '' if it cannot be told.
        output_shape: (None, …), the outputs of a class along the last axis.
        rectifies: whether there are units whose gradient can be zero for good.
        arriving: what reaches the first module with weights; None where that says nothing.
        tokens: whether the model takes whole numbers as such.
    """

    names: Tuple[Tuple[str, nn.Module], ...]
    calls: Tuple[Call, ...]
    head: str
    output_shape: Any
    rectifies: bool
    arriving: Optional[Tuple[np.ndarray, ...]]
    tokens: bool

    @property
    def narrowest(self) -> int:
        """Fewest values that a module passes on; 0 where that cannot be told."""
        return min((int(np.prod(call.shape)) for call in self.calls if call.shape), default=0)

    def variables(self) -> List[Tuple[str, nn.Parameter, Tuple[int, ...], bool]]:
        """Name, parameter, shape and whether it is an Embedding's, of all that is trained.

        The shape of a Linear is turned: inputs first, as other frameworks have it.
        """
        found, seen = [], set()
        for prefix, module in self.names:
            for name, parameter in module.named_parameters(recurse=False):
                if id(parameter) in seen or not parameter.requires_grad or not parameter.numel():
                    continue
                seen.add(id(parameter))
                shape = tuple(parameter.shape)
                turned = isinstance(module, nn.Linear) and len(shape) == 2
                found.append((prefix + '.' + name if prefix else name, parameter,
                              shape[::-1] if turned else shape, isinstance(module, EMBEDS)))
        return found


def anatomy_of(learner: Any, x: Any) -> Anatomy:
    """Send a few rows through a module, and see what happens.

    Args:
        learner: see :class:`AutoTrainer.adapters.torch_probe.Learner`; to be called where it is
            kept undisturbed.
        x: tensors, see ``Learner.tensors``.
    """
    model = learner.model
    names = dict((module, name) for name, module in model.named_modules())
    order: Dict[nn.Module, None] = {}
    calls: List[Call] = []
    arriving: List[Optional[Tuple[np.ndarray, ...]]] = []

    def before(module: nn.Module, args: Tuple[Any, ...]) -> None:
        order[module] = None
        weighted = any(True for _ in module.parameters(recurse=False))
        if weighted and not arriving and not _has_children(module):
            given = [value for value in args if isinstance(value, torch.Tensor)]
            says = given and not isinstance(module, EMBEDS) and 'Norm' not in type(module).__name__
            arriving.append(tuple(to_numpy(value) for value in given) if says else None)

    def after(module: nn.Module, args: Tuple[Any, ...], output: Any) -> None:
        if _has_children(module):
            return
        given = args[0] if args and isinstance(args[0], torch.Tensor) else None
        single = isinstance(output, torch.Tensor)
        calls.append(Call(names[module], module, '' if given is None else step_before(given),
                          tuple(output.shape[1:]) if single else None,
                          int(given.shape[-1]) if given is not None and given.ndim > 1 else 0))

    hooks = [hook for module in names for hook in (module.register_forward_pre_hook(before),
                                                   module.register_forward_hook(after))]
    try:
        output = learner.call(_traced(x))
    finally:
        for hook in hooks:
            hook.remove()
    for module in names:
        order.setdefault(module, None)
    single = isinstance(output, torch.Tensor)
    return Anatomy(
        names=tuple((names[module], module) for module in order), calls=tuple(calls),
        head=step_before(output) if single else '',
        output_shape=(None,) + tuple(learner.classes_last(output).shape[1:]) if single else None,
        rectifies=not single or rectifies(output),
        arriving=arriving[0] if arriving else None,
        tokens=any(isinstance(call.module, EMBEDS) for call in calls) or any(
            tensor.dtype in (torch.int32, torch.int64) for tensor in tensors_of(x)))


def _has_children(module: nn.Module) -> bool:
    return any(True for _ in module.children())


def _traced(x: Any) -> Any:
    """Inputs that leave a graph behind even where every parameter is frozen."""
    if isinstance(x, torch.Tensor):
        return x.detach().requires_grad_() if x.is_floating_point() else x
    if isinstance(x, dict):
        return {key: _traced(value) for key, value in x.items()}
    return [_traced(value) for value in x]


def tensors_of(x: Any) -> List[torch.Tensor]:
    """The tensors of an input: one, or those of a list or dictionary."""
    if isinstance(x, torch.Tensor):
        return [x]
    return list(x.values() if isinstance(x, dict) else x)


def to_numpy(tensor: torch.Tensor) -> np.ndarray:
    """A tensor as an array; numbers of half precision in single precision."""
    tensor = tensor.detach()
    if tensor.dtype in (torch.bfloat16, torch.float16):
        tensor = tensor.float()
    return np.asarray(tensor.cpu().numpy())


def _step(node: Any) -> str:
    """The name of a step in the graph of gradients: ``'Relu'``."""
    return str(node.name()).split('Backward')[0]


def step_before(tensor: torch.Tensor) -> str:
    """The activation that a tensor has gone through last: ``'relu'``, ``'linear'``, or ''."""
    node = tensor.grad_fn
    for _ in range(50):
        if node is None:
            return ''
        step = _step(node)
        if step in _ACTIVATIONS:
            return _ACTIVATIONS[step]
        if step in _LINEAR:
            return 'linear'
        inputs = [one for one, _ in node.next_functions if one is not None]
        if step == 'Add':  # of a bias
            return 'linear' if any(_step(one) in _LINEAR + ('UnsafeView', 'View')
                                   for one in inputs) else ''
        if step == 'Log':
            return 'log_softmax' if inputs and _step(inputs[0]) == 'Softmax' else ''
        if step not in _SHAPES or not inputs:
            return ''
        node = inputs[0]
    return ''


def rectifies(output: torch.Tensor) -> bool:
    """Whether some step on the way to an output gives exact zeros for good."""
    seen: Set[Any] = set()
    waiting = [output.grad_fn]
    while waiting and len(seen) < _MOST_STEPS:
        node = waiting.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        if _step(node) in _RECTIFIERS:
            return True
        waiting.extend(one for one, _ in node.next_functions)
    return False
