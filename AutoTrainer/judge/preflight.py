"""What is wrong with a training before its first step: head, loss and labels against each other.

Every rule is a function of plain facts. A finding is *certain* only where what the labels hold
cannot be learnt, by arithmetic; *likely* where trainings that are set up like this mostly fail; a
*note* where they mostly do not, so that it explains a failure and predicts none.
"""

import math
from typing import Any, List, NamedTuple, Optional, Tuple

from .configuration import NO_SHARES
from .facts import Task
from .labels import HEAD_RANGES, LabelSummary, Reach
from .losses import BINARY_LOSSES, CATEGORICAL_LOSSES, KNOWN_LOSSES, REGRESSION_LOSSES

CERTAIN, LIKELY, NOTE = 'certain', 'likely', 'note'
SEVERITIES = (CERTAIN, LIKELY, NOTE)
"""How sure a finding is, the surest in front."""


class Finding(NamedTuple):
    """One thing that is wrong with how a training is set up.

    Attributes:
        name: in snake case, such as ``'softmax_of_one'``; docs/guide/check.md lists them.
        severity: one of :data:`SEVERITIES`.
        sentence: what is there, with the numbers.
        advice: what to change.
        issue: which of :data:`AutoTrainer.judge.issues.ISSUES` it explains where it comes up.
    """

    name: str
    severity: str
    sentence: str
    advice: str
    issue: str


Found = Optional[Finding]

SQUASHED = ('softmax', 'sigmoid', 'hard_sigmoid')
"""Activations whose outputs are shares already."""
_LOGARITHMIC = BINARY_LOSSES | CATEGORICAL_LOSSES - {'categorical_hinge'} | {
    'sparse_categorical_crossentropy'}
"""Losses that take the logarithm of shares."""
_DISTANCES = REGRESSION_LOSSES - {'cosine_similarity', 'hinge', 'squared_hinge'}
"""Losses that measure how far outputs are from labels."""
_HINGES = ('hinge', 'squared_hinge')
_OUT_OF_REACH, _HARDLY_IN_REACH = 0.5, 0.9
"""Shares of the labels' spread that the head must be able to give back: with less than half of it
no training can be a good one; with less than nine tenths it shows."""
_SEVERAL = 1.5
"""Labels of a row, on average, from which one label per row is not what is meant."""


def contradictions(task: Task, labels: LabelSummary) -> List[Finding]:
    """What contradicts itself among head, loss, labels and number of outputs.

    Looked for under every loss that is known; of a loss of one's own nothing is known, but that a
    softmax of one output is always 1.

    Args:
        task: loss, head and output size; ``labels`` and ``input_scale`` are not read.
        labels: see :func:`~AutoTrainer.judge.labels.summarise_labels`.

    Returns:
        At the most one finding about the head and one about the labels, the surest in front.
    """
    groups: Tuple[Any, ...] = (_HEAD_RULES, _LABEL_RULES) if task.loss in KNOWN_LOSSES else (
        (_softmax_of_one,),)
    found = [next(filter(None, (rule(task, labels) for rule in rules)), None) for rules in groups]
    return surest_first([finding for finding in found if finding is not None])


def surest_first(findings: List[Finding]) -> List[Finding]:
    """Findings in order of severity; among equals the order stays."""
    return sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity))


def _head(name: str, severity: str, sentence: str, advice: str) -> Finding:
    return Finding(name, severity, sentence, advice, 'activation_issue')


def _loss(name: str, severity: str, sentence: str, advice: str) -> Finding:
    return Finding(name, severity, sentence, advice, 'loss_issue')


# -------------------------------------------------------------------------------------- the head

def _softmax_of_one(task: Task, labels: LabelSummary) -> Found:
    if task.head != 'softmax' or task.units != 1:
        return None
    return _head('softmax_of_one', _unless_further_axes(labels),
                 'the model ends in a softmax of 1 output, which is always 1',
                 'end in sigmoid for two classes, in one softmax output for each of several '
                 'classes, without an activation for a regression')


def _unless_further_axes(labels: LabelSummary) -> str:
    """The shares of an output with more axes may be over one of those: over time, for example."""
    return CERTAIN if labels.axes <= 2 else LIKELY


def _one_output_of_classes(task: Task, labels: LabelSummary) -> Found:
    if task.units != 1 or task.loss not in _LOGARITHMIC & CATEGORICAL_LOSSES:
        return None
    return _head('one_output_of_classes', _unless_further_axes(labels),
                 'loss %s compares the outputs of a row with each other, and the model has 1'
                 % task.loss,
                 'use binary_crossentropy with sigmoid for two classes, or give the model one '
                 'softmax output for each class')


def _several_hot(task: Task, labels: LabelSummary) -> Found:
    shares = task.head == 'softmax' or task.loss in _LOGARITHMIC & CATEGORICAL_LOSSES
    if labels.kind != 'multi_hot' or not shares or labels.row_sum <= 1:
        return None
    sure = labels.row_sum >= _SEVERAL and (task.head == 'softmax' or task.logits)
    why = ('the outputs of a softmax sum to 1' if task.head == 'softmax'
           else 'loss %s takes the outputs of a row for shares of 1' % task.loss)
    return _head('several_hot_softmax', CERTAIN if sure else LIKELY,
                 'a row has %.3g labels on average, but %s' % (labels.row_sum, why),
                 'end in sigmoid and use binary_crossentropy')


def _head_out_of_reach(task: Task, labels: LabelSummary) -> Found:
    reach = labels.reach.get(task.head, Reach())
    if task.loss not in _DISTANCES or labels.width != task.units:
        return None
    best = reach.squared if task.loss == 'mean_squared_error' else max(reach)
    if best >= _HARDLY_IN_REACH:
        return None
    lowest, highest = HEAD_RANGES[task.head]
    return _head('head_out_of_reach', CERTAIN if best < _OUT_OF_REACH else LIKELY,
                 'the model ends in %s, whose outputs %s, but labels go from %.3g to %.3g: at best '
                 '%s %.2f' % (task.head, 'are never below 0' if highest == math.inf else
                              'lie in %d…%d' % (lowest, highest) + (
                                  ' and sum to 1' if task.head == 'softmax' else ''),
                              labels.lowest, labels.highest,
                              'R² is' if best == reach.squared else
                              'the share of the absolute error that goes is', best),
                 'end without an activation, or scale the labels into the range of %s' % task.head)


def _logits_twice(task: Task, labels: LabelSummary) -> Found:
    if not task.logits or task.head not in SQUASHED:
        return None
    return _head('logits_twice', LIKELY,
                 'the model ends in %s, and loss %s with from_logits=True applies %s once more'
                 % (task.head, task.loss,
                    'sigmoid' if task.loss in BINARY_LOSSES else 'softmax'),
                 'leave out one of the two: the activation or from_logits=True')


def _logits_limited(task: Task, labels: LabelSummary) -> Found:
    if not task.logits or task.head not in HEAD_RANGES:
        return None
    never_negative = HEAD_RANGES[task.head][0] == 0
    return _head('logits_limited', LIKELY if never_negative else NOTE,
                 'loss %s takes logits, numbers of any size and sign, but the model ends in %s, '
                 'whose outputs %s' % (task.loss, task.head, 'are never below 0' if never_negative
                                       else 'lie in -1…1'),
                 'end without an activation')


def _no_shares(task: Task, labels: LabelSummary) -> Found:
    binary = task.loss in BINARY_LOSSES
    if task.logits or task.loss not in _LOGARITHMIC or task.head not in NO_SHARES or (
            task.head == 'softplus' and not binary):  # Keras divides by the sum of a row
        return None
    return _head('head_is_no_share', LIKELY,
                 'the model ends in %s, whose outputs can leave 0…1, but loss %s takes their '
                 'logarithm' % (task.head, task.loss),
                 'end in %s, or give the loss from_logits=True'
                 % ('sigmoid' if binary else 'softmax'))


def _sigmoid_of_many(task: Task, labels: LabelSummary) -> Found:
    if task.head not in ('sigmoid', 'hard_sigmoid') or task.units < 2 or (
            task.loss not in _LOGARITHMIC - BINARY_LOSSES):
        return None
    return _head('sigmoid_of_many', NOTE,
                 'the model ends in %d outputs of %s, but loss %s takes them for shares of 1'
                 % (task.units, task.head, task.loss), 'end in softmax')


def _hinge_head(task: Task, labels: LabelSummary) -> Found:
    if task.loss not in _HINGES or HEAD_RANGES.get(task.head, (-1, 1))[0] != 0:
        return None
    return _head('hinge_head', LIKELY,
                 'the model ends in %s, whose outputs are never below 0, but loss %s wants -1 for '
                 'one class and 1 for the other' % (task.head, task.loss),
                 'end in tanh or without an activation, or use binary_crossentropy with sigmoid')


_HEAD_RULES = (_softmax_of_one, _one_output_of_classes, _several_hot, _head_out_of_reach,
               _logits_twice, _logits_limited, _no_shares, _sigmoid_of_many, _hinge_head)


# ------------------------------------------------------------------------------------ the labels

def _not_finite(task: Task, labels: LabelSummary) -> Found:
    if labels.finite:
        return None
    return Finding('nan_in_labels', CERTAIN, 'the labels hold NaN or infinite numbers',
                   'remove or fill rows whose labels are not finite', 'abnormal_data')


def _class_numbers(task: Task, labels: LabelSummary) -> Found:
    """Losses over class numbers, one for each row."""
    if not task.loss.startswith('sparse_') or not labels.width:
        return None
    if labels.width > 1:
        return _loss('one_hot_not_class_numbers', CERTAIN,
                     'loss %s takes one class number for each row, but a label has %d numbers'
                     % (task.loss, labels.width),
                     'use categorical_crossentropy, or labels.argmax(axis=-1)')
    if labels.divisor:
        return _scaled(CERTAIN, task, labels)
    if labels.kind == 'real':
        return _measured(CERTAIN if labels.highest < 1 else LIKELY, task, labels,
                         'takes whole class numbers and cuts fractions off')
    if task.units and (labels.lowest < 0 or labels.highest >= task.units):
        return _loss('class_beyond_outputs', CERTAIN,
                     'the labels are class numbers from %d to %d, but the model has %s' % (
                         labels.lowest, labels.highest, 'outputs for 0 to %d' % (task.units - 1)
                         if task.units > 1 else '1 output, for class 0'),
                     'number the classes from 0' if labels.highest - labels.lowest < task.units
                     else 'end in at least %d outputs, or number the classes from 0 without gaps'
                     % (labels.highest - min(labels.lowest, 0) + 1))
    return None


def _shapes(task: Task, labels: LabelSummary) -> Found:
    """All but class numbers: as many outputs as numbers in a label."""
    if task.loss.startswith('sparse_') or labels.width in (0, task.units) or not task.units:
        return None
    if labels.width > 1 or labels.kind == 'real':
        return _loss('labels_and_outputs_differ', CERTAIN if labels.width > 1 else LIKELY,
                     'a label has %s, but the model has %s' % (
                         _counted(labels.width, 'number'), _counted(task.units, 'output')),
                     'end in ' + _counted(labels.width, 'output'))
    # as many outputs as classes, all of which would have to give the same class number
    return _loss('class_numbers_not_one_hot',
                 CERTAIN if task.loss in CATEGORICAL_LOSSES else LIKELY,
                 'the labels are class numbers from %d to %d, but loss %s compares %d outputs '
                 'with %d labels in each row'
                 % (labels.lowest, labels.highest, task.loss, task.units, task.units),
                 'use sparse_categorical_crossentropy, or make the labels one-hot rows')


def _binary(task: Task, labels: LabelSummary) -> Found:
    """Losses that take each label for 0 or 1, or a share between."""
    if task.loss not in BINARY_LOSSES or not labels.kind:
        return None
    if labels.lowest >= 0 and labels.highest <= 1:
        few = labels.divisor and labels.highest < 0.5 and (labels.two_valued
                                                           or labels.divisor in (255, 256))
        return _scaled(LIKELY, task, labels) if few else None
    one_sided = labels.lowest >= 1 or labels.highest <= 0
    if labels.two_valued:
        return _loss('labels_not_zero_one', CERTAIN if one_sided else LIKELY,
                     'the labels are %g and %g, but loss %s is made for 0 and 1%s'
                     % (labels.lowest, labels.highest, task.loss,
                        ': both push the output the same way' if one_sided else ''),
                     'make the labels 0 and 1')
    if labels.kind == 'integer':
        rare = max(labels.reach.get('sigmoid', Reach())) >= _HARDLY_IN_REACH
        return _loss('classes_under_binary_loss', LIKELY if rare else CERTAIN,
                     'loss %s tells 0 from 1, but the labels are class numbers from %d to %d: all '
                     'from 1 on push the output the same way'
                     % (task.loss, labels.lowest, labels.highest),
                     'use sparse_categorical_crossentropy with %d softmax outputs, or '
                     'mean_squared_error if they are amounts'
                     % (labels.highest - min(labels.lowest, 0) + 1))
    sure = max(labels.reach.get('sigmoid', Reach())) < _OUT_OF_REACH
    return _measured(CERTAIN if sure else LIKELY, task, labels, 'takes shares from 0 to 1')


def _shares(task: Task, labels: LabelSummary) -> Found:
    """Losses that take a row of labels for shares of 1."""
    if task.loss not in _LOGARITHMIC & CATEGORICAL_LOSSES or labels.kind != 'real' or (
            labels.lowest >= 0 and labels.highest <= 1 and labels.row_sum > 0.5):
        return None
    if labels.two_valued:
        return _loss('labels_not_zero_one', LIKELY,
                     'the labels are %g and %g, but loss %s is made for rows of 0 with a single 1'
                     % (labels.lowest, labels.highest, task.loss), 'make the labels 0 and 1')
    sure = labels.lowest < 0 and max(labels.reach.get('softmax', Reach())) < _OUT_OF_REACH
    return _measured(CERTAIN if sure else LIKELY, task, labels, 'takes shares of 1')


def _no_logarithm(task: Task, labels: LabelSummary) -> Found:
    """Losses of amounts that are not negative, or not zero."""
    if task.loss in ('mean_squared_logarithmic_error', 'poisson') and labels.lowest < 0:
        return _loss('negative_amounts', CERTAIN if labels.highest <= 0 else LIKELY,
                     'loss %s is made for amounts from 0 on, but labels go down to %.3g'
                     % (task.loss, labels.lowest), 'use mean_squared_error')
    if task.loss == 'mean_absolute_percentage_error' and labels.zeros:
        return _loss('share_of_zero', LIKELY,
                     'loss %s divides by the labels, and some are 0' % task.loss,
                     'use mean_absolute_error or mean_squared_error')
    return None


def _classes_under_distance(task: Task, labels: LabelSummary) -> Found:
    if labels.kind != 'one_hot' or task.loss not in REGRESSION_LOSSES:
        return None
    return _loss('distance_of_classes', NOTE,
                 'the labels are one-hot rows, but loss %s measures distances' % task.loss,
                 'use categorical_crossentropy with softmax')


def _hinge_labels(task: Task, labels: LabelSummary) -> Found:
    if task.loss not in _HINGES or labels.kind != 'binary':
        return None
    return _loss('hinge_of_zero_one', NOTE,
                 'loss %s is made for labels -1 and 1, and takes the labels 0 and 1 for these'
                 % task.loss, 'make the labels -1 and 1, so that the accuracy counts them too')


_LABEL_RULES = (_not_finite, _class_numbers, _shapes, _binary, _shares, _no_logarithm,
                _classes_under_distance, _hinge_labels)


def _counted(count: int, noun: str) -> str:
    return '%d %s%s' % (count, noun, 's' * (count != 1))


def _scaled(severity: str, task: Task, labels: LabelSummary) -> Finding:
    return _loss('scaled_class_numbers', severity,
                 'the labels look like class numbers divided by %d (%.3g to %.3g), but loss %s '
                 'takes class numbers'
                 % (labels.divisor, labels.lowest, labels.highest, task.loss),
                 'scale the inputs only, and leave the labels as they are')


def _measured(severity: str, task: Task, labels: LabelSummary, takes: str) -> Finding:
    return _loss('crossentropy_on_measured', severity,
                 'the labels are measured numbers from %.3g to %.3g, but loss %s %s'
                 % (labels.lowest, labels.highest, task.loss, takes),
                 'use mean_squared_error and end without an activation')
