"""How a PyTorch training is set up, and what is wrong with that, in the words of PyTorch."""

import math
from typing import Any, Iterator, List, Optional, Sequence, Set, Tuple

import numpy as np
from torch import nn

from ..judge.facts import Task
from ..judge.preflight import CERTAIN, LIKELY, Finding, surest_first
from ..judge.setup import Dropout, Kernel, Setup
from .torch_anatomy import EMBEDS, Anatomy
from .torch_losses import LossFacts

_OPTIMIZERS = {'NAdam': 'Nadam', 'RAdam': 'Adam'}
"""PyTorch's names of optimizers where the rules know them, or their like, by another."""
_SHRINKING = ('AdamW', 'Lion')
"""Optimizers whose weight decay is no part of the gradient."""
_FRACTIONAL = (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout)


def setup_of(model: nn.Module, anatomy: Anatomy, optimizer: Any = None) -> Setup:
    """What a module and its optimizer say of their training; what cannot be told has its default.

    Args:
        model: the module, unwrapped.
        anatomy: what it is made of.
        optimizer: of PyTorch; None if it is not known.

    Returns:
        A setup without task, labels, rows and epochs.
    """
    held = held_parameters(optimizer)
    rate, highest, momentum = _steps(optimizer)
    kind = type(optimizer).__name__ if optimizer is not None else ''
    decay, shrinks = _decays(optimizer)
    return Setup(
        optimizer=_OPTIMIZERS.get(kind, kind), learning_rate=rate,
        scheduled=highest is not None,
        highest_rate=math.nan if highest is None else highest, momentum=momentum, decay=decay,
        shrinks=shrinks, kernels=tuple(_kernels(anatomy, held)),
        trainable=any(_is_trained(parameter, held) for parameter in model.parameters()),
        dropouts=tuple(Dropout(call.name, float(call.module.p), call.width)
                       for call in anatomy.calls
                       if isinstance(call.module, _FRACTIONAL) and call.module.p > 0),
        chain=_is_chain(model, anatomy),
        normalises=any('Norm' in type(module).__name__ for module in model.modules()))


def held_parameters(optimizer: Any) -> Optional[Set[int]]:
    """The parameters that an optimizer changes, by id; None without one."""
    if optimizer is None:
        return None
    return {id(parameter) for group in optimizer.param_groups for parameter in group['params']}


def _is_trained(parameter: Any, held: Optional[Set[int]]) -> bool:
    return bool(parameter.requires_grad) and (held is None or id(parameter) in held)


def rate_of(optimizer: Any, names: Tuple[str, ...] = ('lr',)) -> float:
    """The learning rate in force, or the largest by several names; NaN if groups differ."""
    groups = [] if optimizer is None else optimizer.param_groups
    return in_common([max((float(group[name]) for name in names if name in group),
                          default=math.nan) for group in groups])


def in_common(rates: Sequence[float]) -> float:
    """The one rate of several groups; NaN if they differ: of several none stands for all."""
    return float('%.6g' % rates[0]) if len(set(rates)) == 1 else math.nan


def _steps(optimizer: Any) -> Tuple[float, Optional[float], float]:
    """The rate of the next step, the largest known of its schedule if it has one, the momentum."""
    if optimizer is None or not optimizer.param_groups:
        return math.nan, None, 0.0
    first = optimizer.param_groups[0]
    highest = rate_of(optimizer, ('lr', 'initial_lr', 'max_lr')) if 'initial_lr' in first else None
    return rate_of(optimizer), highest, float(first.get('momentum') or 0)


def _decays(optimizer: Any) -> Tuple[float, float]:
    """The weight decay of all groups: as a penalty, and as what each step takes off."""
    groups = [] if optimizer is None else optimizer.param_groups
    least = min((float(group.get('weight_decay') or 0) for group in groups), default=0.0)
    apart = type(optimizer).__name__ in _SHRINKING or any(
        group.get('decoupled_weight_decay') for group in groups)
    return (0.0, least) if apart else (least, 0.0)


def _is_chain(model: nn.Module, anatomy: Anatomy) -> bool:
    return (type(model) is nn.Sequential and len(anatomy.calls) == len(model) and all(
        type(part).__module__.startswith('torch.nn') and part is call.module
        for part, call in zip(model, anatomy.calls)))


def _kernels(anatomy: Anatomy, held: Optional[Set[int]]) -> Iterator[Kernel]:
    """The kernels of all modules but embeddings, in the order of the forward pass."""
    # what a module's outputs go through is seen where the next one with weights takes them in
    weighted = [call for call in anatomy.calls
                if any(True for _ in call.module.parameters(recurse=False))]
    behind = {id(call.module): after.before for call, after in zip(weighted, weighted[1:])}
    if weighted:
        behind[id(weighted[-1].module)] = anatomy.head
    for name, module in anatomy.names:
        own = list(module.named_parameters(recurse=False))
        weights = [(key, one) for key, one in own if one.ndim >= 2 and one.numel()]
        if isinstance(module, EMBEDS):
            continue
        biases_zero = not any(bool(one.detach().any()) for key, one in own if one.ndim < 2)
        for key, weight in weights:
            values = weight.detach().float().cpu().numpy()
            named = key == 'weight' and isinstance(
                module, (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d))
            yield Kernel(name, behind.get(id(module), '') if named else '',
                         _spread(values) if named else math.nan,
                         constant=values.size > 1 and bool(np.all(values == values.flat[0])),
                         zero=biases_zero and not np.any(values),
                         trainable=_is_trained(weight, held))


def _spread(values: np.ndarray) -> float:
    """Standard deviation in units of Glorot's; PyTorch has outputs, inputs, then the window."""
    window = int(np.prod(values.shape[2:]))
    fans = values.shape[0] * window, values.shape[1] * window
    return float(np.std(values) * math.sqrt(np.mean(fans)))


# --------------------------------------------------------------------------- findings of PyTorch's

def own_findings(task: Task, loss: LossFacts, setup: Setup, optimizer: Any,
                 shapes: Tuple[Any, Any] = (None, None), seen: bool = False,
                 frozen: bool = False) -> List[Finding]:
    """What only PyTorch can get wrong.

    Args:
        task: head and loss.
        loss: what is known of the loss.
        setup: how the training is set up.
        optimizer: of PyTorch, or None.
        shapes: of labels and outputs as the loss gets them, rows left out; None if unknown.
        seen: whether that was seen in the training; else a loop may well turn one of them.
        frozen: whether no parameter of the module asks for a gradient.
    """
    found = [_nll_without_logarithm(task, loss), _others_held(setup, optimizer, frozen),
             _compared_with_all(loss, shapes, seen)]
    return [finding for finding in found if finding is not None]


def _nll_without_logarithm(task: Task, loss: LossFacts) -> Optional[Finding]:
    if loss.kind != 'NLLLoss' or task.head in ('log_softmax', ''):
        return None
    return Finding('no_log_shares', LIKELY,
                   'the model ends in %s, but NLLLoss takes the logarithms of shares' % task.head,
                   'end in LogSoftmax, or use CrossEntropyLoss on outputs without an activation',
                   'activation_issue')


def _others_held(setup: Setup, optimizer: Any, frozen: bool) -> Optional[Finding]:
    if optimizer is None or setup.trainable or frozen or not held_parameters(optimizer):
        return None
    return Finding('optimizer_of_others', CERTAIN,
                   'the optimizer changes %d parameters, and none of the model that can be trained'
                   % len(held_parameters(optimizer) or ()),
                   'make the optimizer from model.parameters(), after the model is complete and '
                   'nothing is frozen that is to learn', 'not_converge')


def _compared_with_all(loss: LossFacts, shapes: Tuple[Any, Any],
                       seen: bool) -> Optional[Finding]:
    """Labels of shape (rows,) against outputs of shape (rows, 1), or the other way round."""
    labels, outputs = shapes
    if loss.kind not in ('MSELoss', 'L1Loss', 'SmoothL1Loss', 'HuberLoss') or labels is None or (
            outputs is None or {labels, outputs} != {(), (1,)}):
        return None
    return Finding('labels_broadcast', CERTAIN if seen else LIKELY,
                   'labels have the shape (rows%s) and outputs (rows%s): %s compares each output '
                   'with every label, so that the mean of the labels is the best answer'
                   % (', 1' if labels else ',', ', 1' if outputs else ',', loss.kind),
                   'give both the same shape: y.unsqueeze(1), or output.squeeze(1)', 'loss_issue')


# ------------------------------------------------------------------------------- words of PyTorch

_SCALED = ('scale each column to mean 0 and deviation 1, or put a torch.nn.BatchNorm1d (2d for '
           'images) in front')
_ADVICE = {
    'logits_twice': 'leave out the activation: {loss} takes outputs without one',
    'logits_limited': 'leave out the activation: {loss} takes outputs without one',
    'head_is_no_share': 'use BCEWithLogitsLoss on outputs without an activation',
    'softmax_of_one': 'end in one output and use BCEWithLogitsLoss for two classes; in one output '
                      'for each of several classes and use CrossEntropyLoss',
    'one_output_of_classes': 'use BCEWithLogitsLoss for two classes, or give the model one output '
                             'for each class',
    'several_hot_softmax': 'use BCEWithLogitsLoss on outputs without an activation',
    'sigmoid_of_many': 'use CrossEntropyLoss on outputs without an activation',
    'one_hot_not_class_numbers': 'use labels.argmax(dim=-1), or labels of shares as floats',
    'class_numbers_not_one_hot': 'use CrossEntropyLoss, which takes class numbers',
    'classes_under_binary_loss': 'use CrossEntropyLoss with one output for each class, or MSELoss '
                                 'if they are amounts',
    'class_numbers_as_amounts': 'end in one output for each class and use CrossEntropyLoss',
    'crossentropy_on_measured': 'use MSELoss and end without an activation',
    'negative_amounts': 'use MSELoss',
    'distance_of_classes': 'use CrossEntropyLoss on outputs without an activation',
    'all_frozen': 'set requires_grad = True on the parameters that are to learn, and give them to '
                  'the optimizer',
    'kernels_frozen': 'set requires_grad = True on the parameters that are to learn, and give them '
                      'to the optimizer',
    'head_frozen': 'set requires_grad = True on the parameters of the last layer, and give them '
                   'to the optimizer',
    'some_frozen': 'set requires_grad = True on frozen parameters that are to learn, and give them '
                   'to the optimizer',
    'zero_kernels': 'draw the initial weights at random, as torch.nn.init.xavier_uniform_ does',
    'alike_units': 'draw the initial weights at random, as torch.nn.init.xavier_uniform_ does',
    'huge_initial_weights': 'draw the initial weights by the size of the layer, as '
                            'torch.nn.init.xavier_uniform_ does',
    'gradient_fades': 'use ReLU with torch.nn.init.kaiming_uniform_, batch normalisation, or fewer '
                      'layers',
    'column_scale': _SCALED, 'large_inputs': _SCALED, 'tiny_inputs': _SCALED,
    'sorted_by_label': 'do not train without shuffling: DataLoader(..., shuffle=True)',
    'weights_at_rest': 'see that optimizer.step() is called after loss.backward(), that the '
                       'optimizer was made from the parameters of this very model, and that '
                       'nothing detaches its outputs from the loss',
    'gradient_grows': 'use ReLU with torch.nn.init.kaiming_uniform_, batch normalisation, or fewer '
                      'layers',
}
"""What to change, where the project's words are Keras's."""


def in_pytorchs_words(findings: List[Finding], loss: LossFacts) -> List[Finding]:
    """Findings with PyTorch's names of losses and its ways out, the surest in front."""
    said = [finding for finding in findings if loss.kind != 'NLLLoss'
            or finding.name not in ('logits_twice', 'logits_limited')]  # it squashes nothing
    return surest_first([_in_its_words(finding, loss) for finding in said])


def _in_its_words(finding: Finding, loss: LossFacts) -> Finding:
    sentence, advice = finding.sentence, _ADVICE.get(finding.name, finding.advice)
    if loss.kind:
        sentence = sentence.replace('%s with from_logits=True' % loss.name, loss.kind).replace(
            loss.name, loss.kind)
    return finding._replace(sentence=sentence, advice=advice.format(loss=loss.kind or 'the loss'))
