"""The one table of issues: everything that is known of an issue apart from how it is found.

The rules themselves are functions in :mod:`AutoTrainer.utils.monitor` and
:mod:`AutoTrainer.judge.collapse`; ``rule`` says in words what they compute. Issue names are
upstream's; ``collapse`` is this project's own.
"""

from typing import Dict, Iterable, NamedTuple, Sequence, Tuple

from ..errors import UserError


class Issue(NamedTuple):
    """One problem that a training can have.

    Attributes:
        name: as in results, records and strategies.
        priority: the scheduler repairs the highest number first (paper, Section III-C).
        words: the problem in the field's words.
        meaning: what it means, for somebody who meets it for the first time.
        rule: when it is diagnosed; ``{beta_1}`` and the like stand for the thresholds of
            :func:`AutoTrainer.utils.monitor.thresholds`.
        looks: what somebody sees of it in curves and numbers.
        mends: solutions in the order in which the strategy ``balance`` tries them; ``'lr_3'`` is
            ``lr`` with up to 3 tries.
        advice: what to change, for somebody who repairs by hand.
        optional: whether it is judged only where it is asked for, under the paper's rules.
        told: whether it is no reason to stop a training under ``rules='skill'``, unless asked for.
        by_skill: whether it is known under ``rules='skill'`` alone.
        cures: what a race tries for it, in order; each entry is made of solutions that are applied
            together, joined by ``+``.
    """

    name: str
    priority: int
    words: str
    meaning: str
    rule: str
    looks: str
    mends: Tuple[str, ...]
    advice: str
    optional: bool = False
    told: bool = False
    by_skill: bool = False
    cures: Tuple[str, ...] = ()


def table(*issues: Issue) -> Dict[str, Issue]:
    """The issues by name, in order of diagnosis; among equal priorities the first goes first.

    Raises:
        ValueError: for an issue without words for one of its parts, or a name given twice.
    """
    for issue in issues:
        for part, value in issue._asdict().items():
            if value == '' or value == () and not issue.told:
                raise ValueError('the issue %r has no %s' % (issue.name, part))
    found = {issue.name: issue for issue in issues}
    if len(found) < len(issues):
        raise ValueError('two issues have one name: %s' % ', '.join(i.name for i in issues))
    return found


_UNCONVERGED = 'max(Acc) < Θ = {Theta}, from the judgment point on'

ISSUES: Dict[str, Issue] = table(
    Issue('abnormal_data', 4, 'data at an unusable scale',
          'the inputs are so large that the first layer saturates or overflows',
          'mean |input| ≥ ω1 = {omega_1} where it reaches the first layer with weights, and '
          + _UNCONVERGED + '; or NaN',
          'accuracy of guessing from the first epoch on, or a huge first loss',
          ('data_1',),
          'scale the inputs, to mean 0 and standard deviation 1 for example',
          cures=('data+targets', 'data+targets+less_batch+step',
                 'data+targets+weights+bn+step')),
    Issue('activation_issue', 3, 'output activation that does not fit',
          'the last layer puts out numbers that the loss is not made for',
          'a cross-entropy over classes, and the outputs of a row sum to more than ω2 + 0.1 '
          '(ω2 = {omega_2}) or less than ω2 − 0.1, or go below zero; a binary one, and outputs '
          'leave 0…1; a softmax of one output; and ' + _UNCONVERGED,
          'a loss that is high, stuck, negative or NaN; accuracy of guessing',
          ('activation_1',),
          'give the last layer the activation that the loss is made for',
          cures=('labels+head', 'labels+head+targets+data+less_batch+step')),
    Issue('loss_issue', 3, 'loss that does not fit',
          'the loss is made for another kind of labels or outputs',
          'the loss contradicts labels or number of outputs, or a loss that cannot be negative '
          'is; and ' + _UNCONVERGED,
          'a loss of zero or below from the start while nothing is learnt',
          ('loss_1',),
          'use the loss that fits labels and outputs',
          cures=('labels+head', 'labels+head+targets+data+less_batch+step')),
    Issue('relu', 2, 'dying ReLU',
          'most ReLU units put out zero for every input, so no gradient passes them',
          'share of exact zeros among all gradient entries ≥ γ = {gamma}, and ' + _UNCONVERGED,
          'the accuracy falls to that of guessing or never leaves it; the loss stands still',
          ('selu_1', 'bn_1', 'initial_3', 'leaky_3'),
          'smaller steps, SELU or leaky ReLU, batch normalisation, other starting weights',
          cures=('weights+data+step', 'leaky+weights+data+step', 'bn+weights+data+step')),
    Issue('explode', 2, 'exploding gradient',
          'the gradient grows from layer to layer, or numbers have overflowed already',
          '‖G1‖/‖Gn‖ ≥ β3 = {beta_3}, or a loss ≥ {large_loss} of a classification, and '
          + _UNCONVERGED + '; or NaN or infinity in loss, gradient or weights, at any epoch',
          'loss that jumps by orders of magnitude, NaN',
          ('selu_1', 'relu_1', 'gradient_2', 'tanh_1', 'bn_1'),
          'smaller steps, clipped gradients, batch normalisation, scaled inputs and targets',
          cures=('data+targets+weights+step', 'selu+data+targets+weights+step',
                 'data+targets+weights+bn+step')),
    Issue('vanish', 2, 'vanishing gradient',
          'the gradient fades on its way to the first layers, so they do not learn',
          '‖G1‖/‖Gn‖ ≤ β1 = {beta_1} and ‖G1‖ ≤ β2 = {beta_2}, and ' + _UNCONVERGED,
          'a flat curve at the accuracy of guessing, from the first epoch on',
          ('selu_1', 'relu_1', 'bn_1'),
          'ReLU or SELU in the hidden layers, batch normalisation, fewer layers',
          cures=('selu+weights+step', 'relu+bn+weights+less_batch+step',
                 'relu+data+weights+step')),
    Issue('collapse', 2, 'collapsed training',
          'the model puts out the same whatever it is shown, and does not recover',
          'fallen: for {patience} epochs in a row the training accuracy is ≤ {fallen} of its best '
          'and the loss more than the share {lost} above its best, and the loss moves by at most '
          'the share {flat}; or dead from the start: best accuracy ≤ {start_acc}, spread of the '
          'accuracy ≤ {start_gain}, and the same predicted for {patience} epochs or more that '
          'have {start_steps} steps together',
          'the accuracy falls to that of guessing for good',
          ('restart_2', 'lr_2', 'selu_1', 'bn_1', 'leaky_2'),
          'smaller steps, other starting weights, SELU or batch normalisation', optional=True,
          cures=('weights+step', 'unfreeze+less_dropout+less_decay+weights+step',
                 'relu+bn+weights+data+step', 'wider+weights+less_batch+step')),
    Issue('not_converge', 1, 'slow convergence',
          'the accuracy hardly moves from epoch to epoch and is still low',
          'the largest accuracy gain of an epoch ≤ δ = {delta}, and ' + _UNCONVERGED,
          'curves that creep',
          ('optimizer_3', 'lr_3', 'initial_3'),
          'larger steps, Adam, more epochs',
          cures=('less_batch+step', 'data+targets+less_batch+step',
                 'less_dropout+less_decay+weights+less_batch+step')),
    Issue('unstable', 1, 'oscillating loss',
          'the accuracy jumps up and down instead of settling: steps are too large or noisy',
          'pairs of a local maximum and minimum of the accuracy that are ≥ ζ = {zeta} apart: '
          '≥ η = {eta} of them per epoch, from the judgment point on',
          'saw teeth in accuracy and loss',
          ('adam_1', 'lr_3', 'ReduceLR_1', 'batch_4', 'momentum_3', 'GN_1', 'initial_3'),
          'smaller steps, Adam, larger batches',
          cures=('shuffle+step', 'shuffle+less_dropout+less_decay+step',
                 'data+targets+weights+step')),
    Issue('overfit', 0, 'overfitting',
          'the training accuracy leaves the validation accuracy behind',
          'training accuracy ≥ {overfit_gap} above validation accuracy for `determine_threshold` '
          'epochs in a row, and no lower validation loss for as long',
          'the two accuracies part, the validation loss rises',
          ('regular_1', 'estop_1', 'dropout_1', 'GN_1'),
          'more rows, a smaller model, weight decay, dropout, fewer epochs', optional=True,
          told=True,
          cures=('less_batch+regular+step', 'regular+dropout')),
    Issue('underfit', 1, 'learns too little, no cause found',
          'the model learns less than classical learners do from the same rows, and nothing that '
          'was looked at says why',
          "under `rules='skill'`: skill surely below {enough} of the yardstick, no rise that would "
          'make up for it by the planned end, and no symptom of another issue',
          'a curve that settles, or stands, at a level that a linear model passes',
          ('adam_1', 'lr_3', 'bn_1', 'selu_1', 'initial_3', 'batch_4'),
          'Adam with its default step, larger or smaller steps, scaled inputs, more units',
          by_skill=True,
          cures=('unfreeze+less_dropout+less_decay+less_batch+step',
                 'wider+weights+less_batch+step', 'data+targets+relu+weights+less_batch+step',
                 'deeper+data+weights+less_batch+step')),
    Issue('no_signal', 0, 'nothing to learn in these rows',
          'neither this model nor a classical learner foretells rows that it has not seen',
          "under `rules='skill'`: the yardstick is not above the best constant answer, and the "
          'skill on validation rows is not either',
          'validation accuracy of guessing, whatever the training accuracy does',
          (), 'check that rows and labels belong together; other inputs, more rows',
          optional=True, told=True, by_skill=True),
)
"""Every issue by name, in order of diagnosis."""

OPTIONAL_ISSUES = tuple(name for name, issue in ISSUES.items() if issue.optional)
"""Issues that are judged only where they are asked for."""


def check_optional_issues(names: Iterable[str]) -> Sequence[str]:
    """Return names of issues if each is one of ``OPTIONAL_ISSUES``.

    Raises:
        UserError: if one is not.
    """
    names = (names,) if isinstance(names, str) else tuple(names)
    for name in names:
        if name not in OPTIONAL_ISSUES:
            raise UserError('optional_issues has %r; known are %s'
                            % (name, ', '.join(OPTIONAL_ISSUES)))
    return names
