"""Who runs in a race: what the findings and the verdict speak for, in the order of likelihood.

First what contradicts itself is mended, all in one candidate, with the first solution of the named
cause; then the same at a step that fits; then everything that can be mended at once; then the
other solutions of the cause, those of the other issues, general ones, and draws by lot.
"""

import json
import math
import random
from typing import (
    Any,
    Dict,
    Iterable,
    Iterator,
    List,
    Mapping,
    NamedTuple,
    Optional,
    Sequence,
    Tuple,
)

from .. import keras_bridge
from ..judge.issues import ISSUES
from ..judge.losses import loss_name
from ..judge.preflight import NOTE, Finding
from . import graph as model_graph
from .candidate import Candidate, NotApplicable, Solution
from .pace import LEAST_BATCH
from .race import Entrant

Steps = Tuple[Tuple[str, int], ...]

MENDS: Dict[str, str] = {
    'labels_not_zero_one': 'labels+head', 'scaled_class_numbers': 'labels+head',
    'head_out_of_reach': 'head+targets', 'crossentropy_on_measured': 'head+targets',
    'negative_amounts': 'head+targets', 'share_of_zero': 'head+targets',
    **dict.fromkeys((
        'softmax_of_one', 'one_output_of_classes', 'several_hot_softmax', 'logits_twice',
        'logits_limited', 'head_is_no_share', 'sigmoid_of_many', 'hinge_head',
        'one_hot_not_class_numbers', 'class_beyond_outputs', 'labels_and_outputs_differ',
        'class_numbers_not_one_hot', 'classes_under_binary_loss', 'distance_of_classes',
        'hinge_of_zero_one', 'class_numbers_as_amounts'), 'head'),
    **dict.fromkeys(('no_learning_rate', 'learning_rate_high', 'learning_rate_low',
                     'learning_rate_fell'), 'step'),
    'large_targets': 'targets',
    'few_updates': 'less_batch+step', 'batch_of_all_rows': 'less_batch+step',
    **dict.fromkeys(('all_frozen', 'kernels_frozen', 'head_frozen', 'some_frozen'), 'unfreeze'),
    **dict.fromkeys(('zero_kernels', 'alike_units', 'huge_initial_weights', 'gradient_fades',
                     'gradient_grows'), 'weights'),
    'dropout_leaves_nothing': 'less_dropout', 'strong_decay': 'less_decay',
    **dict.fromkeys(('column_scale', 'large_inputs', 'tiny_inputs'), 'data'),
    'sorted_by_label': 'shuffle', 'softmax_inside': 'relu',
    'validation_of_another_kind': 'split', 'class_never_trained': 'split'}
"""By the name of a finding (docs/guide/check.md) the solutions that mend it."""

ORDER: List[str] = [
    'split', 'labels', 'shuffle', 'head', 'targets', 'data', 'unfreeze', 'less_dropout',
    'less_decay', 'wider', 'deeper', 'selu', 'relu', 'tanh', 'leaky', 'weights', 'bn', 'regular',
    'dropout', 'less_batch', 'longer', 'step']
"""In which order solutions are applied together: rows and head before what depends on them, the
step last, which depends on the number of steps. Registered ones come before what depends on the
number of rows and epochs."""

OF_THE_ROWS = ('split', 'labels')
"""Solutions that change what a candidate is measured on: all candidates have them, or none."""

_EVERYTHING = ('shuffle', 'head', 'targets', 'data', 'unfreeze', 'less_dropout', 'less_decay',
               'wider', 'weights', 'less_batch', 'step')
_SATURATING = ('sigmoid', 'tanh', 'hard_sigmoid', 'softsign', 'linear', 'exponential', 'softmax')
_DEEP = 4
"""Hidden activations from which a model gets batch normalisation where everything is mended."""
_DRAWS = 30
"""Draws by lot at the most."""
_RATES = {'Adam': (3e-4, 3e-2), 'RMSprop': (3e-4, 1e-2), 'SGD': (3e-3, 0.3)}


class Limits(NamedTuple):
    """What candidates may be.

    Attributes:
        sufferance: how much a solution may change the model, see
            :class:`~AutoTrainer.settings.Repairing`.
        memory: whether solutions that need much memory are left out.
    """

    sufferance: int = 3
    memory: bool = False


class Diagnosis(NamedTuple):
    """What is known of the training that is to be repaired.

    Attributes:
        issues: those found, the cause that is named first in front.
        findings: what is wrong with how it is set up.
    """

    issues: Tuple[str, ...]
    findings: Tuple[Finding, ...] = ()

    def mends(self, least: bool) -> List[str]:
        """The solutions that the findings name.

        Args:
            least: whether to leave out those of mere notes.
        """
        return [name for finding in self.findings
                if finding.name in MENDS and not (least and finding.severity == NOTE)
                for name in MENDS[finding.name].split('+')]


class Offers:
    """The candidates of a race, one by one.

    Args:
        base: the model and how it was trained, with the rows as all candidates have them.
        diagnosis: what is known of that training.
        solutions: every solution by its name.
        limits: what candidates may be.
        seed: for weights drawn anew, and draws by lot.
        own: whether only what is said of the first cause is offered.
    """

    def __init__(self, base: Candidate, diagnosis: Diagnosis, solutions: Mapping[str, Solution],
                 limits: Limits = Limits(), seed: int = 0,  # noqa: B008
                 own: bool = False) -> None:
        self._base, self._diagnosis, self._solutions = base, diagnosis, solutions
        self._limits, self._seed, self._own = limits, seed, own
        self._seen = {_signature(base)}
        self._listed = self._in_order()
        self._lot = random.Random(seed * 7919 + 1)
        self._draws = 0
        self._count = 0
        self.left_out: List[str] = []

    def __call__(self, leading: Sequence[Tuple[str, int]] = ()) -> Optional[Entrant]:
        """The next candidate; None where there is none left.

        Args:
            leading: the steps of the leader so far, on which draws by lot are made.
        """
        for steps, why in self._listed:
            found = self._made(steps, why)
            if found is not None:
                return found
        while not self._own and self._draws < _DRAWS:
            self._draws += 1
            found = self._drawn(tuple(leading))
            if found is not None:
                return found
        return None

    # ----------------------------------------------------------------------------------- the list

    def _in_order(self) -> Iterator[Tuple[List[Tuple[str, int]], str]]:
        issues = [issue for issue in self._diagnosis.issues if ISSUES[issue].cures]
        mended = self._diagnosis.mends(least=True)
        cause = issues[0] if issues else ''
        cures = [cure.split('+') for cure in ISSUES[cause].cures] if cause else [[]]
        named = 'mends %s' % ' and '.join(filter(None, [
            'what contradicts itself (%s)' % ', '.join(
                finding.name for finding in self._diagnosis.findings
                if finding.name in MENDS and finding.severity != NOTE) if mended else '',
            'the named cause, %s' % ISSUES[cause].words if cause else '']))
        first = mended + cures[0]
        listed = [(first, named)] + [(mended + cure, 'another solution of %s' % ISSUES[cause].words)
                                     for cure in cures[1:]]
        if 'step' not in first and not self._own:
            listed.insert(1, (first + ['less_batch', 'step'],
                              named + ', at a step that fits the planned number of steps'))
        everything = self._everything()
        if not self._own:
            listed.insert(2, (everything, 'mends everything at once that could be in the way'))
        for names, why in listed:
            yield _steps(names), why
        if self._own:
            return
        yield (_steps(everything, step=1), 'the same as what mends everything, with larger steps')
        yield (_steps(everything + ['bn']), 'the same with batch normalisation')
        yield (_steps(everything + ['regular', 'dropout']),
               'the same with weight decay and dropout, should it know its rows by heart')
        yield (_steps(everything + ['deeper']), 'the same with more layers')
        for issue in issues[1:]:
            for other in ISSUES[issue].cures:
                yield (_steps(mended + other.split('+')), 'a solution of %s, which was seen too'
                       % ISSUES[issue].words)
        yield (_steps(everything, step=2), 'the same as what mends everything, with smaller steps')
        yield (_steps([name for name in everything if name not in ('relu', 'bn')] + ['selu']),
               'the same with another activation')
        yield (_steps(everything + ['longer']), 'the same, trained twice as long')

    def _everything(self) -> List[str]:
        names = list(_EVERYTHING) + self._diagnosis.mends(least=False)
        if self._base.model.config is not None:
            spots = model_graph.hidden_activations(model_graph.read(self._base.model.config))
            if any(spot.activation in _SATURATING for spot in spots):
                names.append('relu')
            if len(spots) >= _DEEP:
                names.append('bn')
        return names

    # ------------------------------------------------------------------------------------ the lot

    def _drawn(self, leading: Steps) -> Optional[Entrant]:
        """A draw of optimizer, step and batch on top of what has helped."""
        lot = self._lot
        kind = lot.choice(sorted(_RATES))
        low, high = _RATES[kind]
        rate = float('%.2g' % math.exp(lot.uniform(math.log(low), math.log(high))))
        size = lot.choice([LEAST_BATCH, 16, 32, 64])
        activation = lot.choice(['', '', 'relu', 'selu', 'tanh'])
        loss = lot.choice(['mean_squared_error', 'mean_absolute_error'])
        steps = [step for step in leading if step[0] not in ('step', 'less_batch')]
        steps = steps or [(name, 0) for name in self._everything() if name != 'step']
        if activation:
            steps = [step for step in steps if step[0] not in ('relu', 'selu', 'tanh')]
            steps.append((activation, 0))
        made = self._applied(_sorted(steps))
        if made is None:
            return None
        candidate, applied, words = made
        optimizer = keras_bridge.optimizer_config(kind, dict(
            {'learning_rate': rate}, **({'momentum': 0.9} if kind == 'SGD' else {})))
        training = candidate.training
        present = loss_name(training.loss)
        if present not in ('mean_squared_error', 'mean_absolute_error'):
            loss = training.loss
        changed = candidate._replace(training=training._replace(
            optimizer=optimizer, batch_size=size, loss=loss))
        drawn = '%s (step %g), batches of %d%s, drawn by lot' % (
            kind, rate, size, '' if loss is training.loss or loss == present else ', ' + str(loss))
        return self._entered(changed, applied, words + (drawn,), 'drawn by lot on top of what has '
                             'helped so far', 'draw')

    # -------------------------------------------------------------------------------------- making

    def _made(self, steps: Sequence[Tuple[str, int]], why: str) -> Optional[Entrant]:
        made = self._applied(steps)
        if made is None:
            return None
        candidate, applied, words = made
        return self._entered(candidate, applied, words, why)

    def _entered(self, candidate: Candidate, steps: Steps, words: Tuple[str, ...], why: str,
                 last: str = '') -> Optional[Entrant]:
        signature = _signature(candidate)
        if signature in self._seen:
            return None
        self._seen.add(signature)
        self._count += 1
        names = [name for name, _ in steps] + [last] * bool(last)
        return Entrant(self._count, '+'.join(names), words, why, candidate, steps)

    def _applied(self, steps: Iterable[Tuple[str, int]]
                 ) -> Optional[Tuple[Candidate, Steps, Tuple[str, ...]]]:
        """A candidate with some solutions applied; those that would change nothing are left out."""
        candidate, applied, words = self._base, [], []
        for name, attempt in steps:
            solution = self._solutions[name]
            if solution.sufferance > self._limits.sufferance or (
                    self._limits.memory and solution.memory):
                self._leave_out(name)
                continue
            try:
                candidate, said = solution.apply(candidate, '', attempt,
                                                 random.Random(self._seed * 1009 + 1))
            except NotApplicable:
                if candidate.model.config is None:
                    self._leave_out(name)
                continue
            applied.append((name, attempt))
            words.append(said)
        return (candidate, tuple(applied), tuple(words)) if applied else None

    def _leave_out(self, name: str) -> None:
        if name not in self.left_out:
            self.left_out.append(name)


def prepared(candidate: Candidate, diagnosis: Diagnosis, solutions: Mapping[str, Solution],
             seed: int) -> Tuple[Candidate, Steps, Tuple[str, ...]]:
    """What all candidates of a race begin with: the rows as they are measured.

    Returns:
        The candidate, the solutions that were applied, and what they changed, in words.
    """
    applied, words = [], []
    named = set(diagnosis.mends(least=True)) & set(OF_THE_ROWS)
    for name in OF_THE_ROWS:
        if name in named:
            try:
                candidate, said = solutions[name].apply(candidate, '', 0,
                                                        random.Random(seed * 1009 + 1))
            except NotApplicable:
                continue
            applied.append((name, 0))
            words.append(said)
    return candidate, tuple(applied), tuple(words)


def _steps(names: Iterable[str], step: int = 0) -> List[Tuple[str, int]]:
    """Solutions in the order in which they are applied, each once; ``step`` is the try of that."""
    return _sorted((name, step if name == 'step' else 0) for name in names)


def _sorted(steps: Iterable[Tuple[str, int]]) -> List[Tuple[str, int]]:
    return sorted(set(steps), key=lambda step: ORDER.index(step[0]))


def _signature(candidate: Candidate) -> str:
    """A text that two candidates share which would train the same."""
    training, targets = candidate.training, candidate.targets
    optimizer: Dict[str, Any] = dict(training.optimizer, config={
        key: value for key, value in training.optimizer['config'].items() if key != 'name'})
    return json.dumps([
        candidate.model.config, optimizer, loss_name(training.loss), training.batch_size,
        training.epochs, training.shuffle, [str(callback) for callback in training.callbacks],
        targets and list(targets), candidate.labels, candidate.split,
        sorted(candidate.model.weights)], sort_keys=True, default=str)
