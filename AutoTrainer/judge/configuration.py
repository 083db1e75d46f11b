"""Contradictions in how a training is set up: head, loss, labels, scale of the data.

Each rule is a function of the facts of a :class:`~AutoTrainer.judge.facts.Task` and, where it says
so, of measured outputs; the paper's later revision judges these from one probe.
"""

import math
from typing import Mapping, Optional

from .facts import OutputSummary, Task
from .losses import (
    CATEGORICAL_LOSSES,
    CLASS_LOSSES,
    KNOWN_LOSSES,
    NON_NEGATIVE_LOSSES,
    fitting_losses,
)

Symptom = Optional[str]
"""The reason in words if a symptom is there, else None."""


def accuracy_counts(task: Task) -> bool:
    """Whether the accuracy that Keras measures says anything about a training.

    Keras measures one wherever it is asked to, also against measured numbers, where it is a share
    of exact hits and about 0 however well the training goes. A verdict must not rest on that.

    Args:
        task: loss, output size and kind of labels.

    Returns:
        False for a regression: real labels, or whole numbers for a single output, under a loss
        that is not made for classes.
    """
    measured = task.labels == 'real' or (task.labels == 'integer' and task.units == 1)
    return not measured or task.loss in CLASS_LOSSES


def loss_function_issue(task: Task, lowest_loss: float = math.inf) -> Symptom:
    """Whether the compiled loss does not fit the output (``loss_issue``).

    Only contradictions count; a choice that can train is left alone (two softmax outputs with
    a categorical loss, several sigmoids with a binary one, any loss of a regression).

    Args:
        task: loss, output size and kind of labels.
        lowest_loss: smallest training loss so far.

    Returns:
        The reason in words, or None.
    """
    if lowest_loss < 0 and task.loss in NON_NEGATIVE_LOSSES:
        return 'loss %s went below zero (%.3g): labels or outputs do not fit it' % (
            task.loss_in_words, lowest_loss)
    if task.loss in CATEGORICAL_LOSSES and task.units == 1:
        return 'loss %s needs two or more outputs, the model has 1' % task.loss_in_words
    better, fine = fitting_losses(task.labels, task.units)
    one_of_classes = task.labels in ('one_hot', 'binary')
    if one_of_classes and task.units and task.loss in KNOWN_LOSSES and task.loss not in fine:
        return 'loss %s does not fit %s labels and %d outputs%s' % (
            task.loss_in_words, task.labels.replace('_', '-'), task.units,
            '' if task.called else '; %s would' % better)
    return None


def layer_issue(task: Task, outputs: OutputSummary, params: Mapping[str, float]) -> Symptom:
    """Whether the model ends in an activation that does not fit its loss (``activation_issue``).

    Args:
        task: loss, head and output size.
        outputs: measured outputs on the probe batch.
        params: thresholds; ``omega_2`` is read.

    Returns:
        The reason in words, or None.
    """
    if task.logits:
        return None
    head = task.head or 'an unknown activation'
    if 'categorical_crossentropy' in task.loss and task.units > 1:
        limit = params['omega_2'] + 0.1
        if outputs.largest_sum > limit or outputs.lowest < 0:
            return ('the model ends in %s: its %d outputs sum to %.3g (limit ω2 + 0.1 = %g) and '
                    'go down to %.3g, but loss %s needs shares of 1'
                    % (head, task.units, outputs.largest_sum, limit, outputs.lowest,
                       task.loss_in_words))
        if outputs.largest_sum < params['omega_2'] - 0.1:
            return ('the model ends in %s: the outputs of a row sum to %.3g at most, but loss %s '
                    'needs shares of 1' % (head, outputs.largest_sum, task.loss_in_words))
    if 'binary' in task.loss:
        if outputs.lowest < 0 or outputs.highest > 1:
            return ('the model ends in %s: outputs from %.3g to %.3g, but loss %s needs 0…1'
                    % (head, outputs.lowest, outputs.highest, task.loss_in_words))
        if task.head == 'softmax' and task.units == 1:
            return 'the model ends in a softmax of 1 output, which is always 1'
    return None


_LOGARITHMIC = ('categorical_crossentropy', 'sparse_categorical_crossentropy',
                'binary_crossentropy')
NO_SHARES = frozenset(('linear', 'relu', 'relu6', 'LeakyReLU', 'elu', 'selu', 'gelu', 'tanh',
                       'softplus', 'softsign', 'swish', 'silu'))
"""Activations whose outputs can leave 0…1, so that the logarithm of a cross-entropy fails."""


def head_issue(task: Task) -> Symptom:
    """Whether the output activation explains a loss that is no number, without any measurement.

    A cross-entropy takes the logarithm of the outputs. Once it has come out as NaN there are no
    outputs left to look at, but a head that can leave 0…1 is the likely cause.

    Args:
        task: loss, head and output size.

    Returns:
        The reason in words, or None.
    """
    if task.head in NO_SHARES and not task.logits and task.loss in _LOGARITHMIC:
        return ('the model ends in %s, whose outputs can leave 0…1, but loss %s takes their '
                'logarithm' % (task.head, task.loss_in_words))
    return None


def data_issue(task: Task, params: Mapping[str, float]) -> Symptom:
    """Whether the data comes in at a scale that no layer is made for (``abnormal_data``)."""
    if task.input_scale >= params['omega_1']:
        return ('mean |input| = %.3g ≥ ω1 = %g' % (task.input_scale, params['omega_1']))
    return None
