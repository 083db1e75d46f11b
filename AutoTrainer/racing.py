"""One race from the stopped training to what is handed back: who runs, on which rows, who has won.

The data's way: findings and verdict → candidates (:mod:`AutoTrainer.solutions.entrants`) → race
(:mod:`AutoTrainer.solutions.race`) → legs, on record (:mod:`AutoTrainer.record.journal`) → the last
word on rows that chose nothing (:mod:`AutoTrainer.judge.exam`).
"""

import functools
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional, Tuple

import numpy as np

from . import keras_bridge
from .adapters.keras_source import targets
from .checking import check
from .errors import first_line
from .intake.arrays import map_arrays, row_count
from .judge.exam import HELD_OUT, NOTHING, SHARE, Exam, Worth, asked_of, exam_of, goal_of, halves
from .judge.labels import summarise_labels
from .judge.preflight import Finding
from .judge.reference import Reference, Target
from .judge.skill import Skill
from .judge.standing import ASSUMED, Standing
from .record.folder import plain
from .record.journal import Journal, trained_model
from .record.legs import Course, best_weights, logits_of, made, outputs_in_units
from .record.runners import runner_of
from .report.code import change_in_code
from .settings import Repairing
from .solutions import graph as model_graph
from .solutions.candidate import Candidate, NotApplicable, Outcome, Repair, TrainingRecord
from .solutions.edit import Edit
from .solutions.entrants import Diagnosis, Limits, Offers, prepared
from .solutions.head import fitting
from .solutions.race import FUTILE, SPENT, Race, Racer, Standings
from .utils.logger import LOGGER
from .utils.repair import SOLUTIONS

Told = Dict[str, Any]


class Ground(NamedTuple):
    """What a race is held on.

    Attributes:
        base: the candidate from which all others are made.
        steps: solutions that are in it already.
        words: what they changed.
        choice: rows that choose.
        last: rows that have the last word.
        whole: both, all validation rows up to a number.
        rows: of ``whole`` those that choose, and those that have the last word.
        form: in which skill is told.
        yardstick: skill that classical learners reach; None where it is not known.
        held_out: whether the rows were taken from the training rows.
    """

    base: Candidate
    steps: Tuple[Tuple[str, int], ...]
    words: Tuple[str, ...]
    choice: Exam
    last: Exam
    whole: Exam
    rows: Tuple[np.ndarray, np.ndarray]
    form: str
    yardstick: Optional[Skill]
    held_out: bool


def findings_of(candidate: Candidate, seed: int) -> Tuple[Finding, ...]:
    """What is wrong with how a candidate is set up; nothing where that cannot be told."""
    training, data = candidate.training, candidate.training.dataset
    try:
        return tuple(check(
            made(candidate, seed), data['x'], data['y'],
            None if data.get('x_val') is None else (data['x_val'], data['y_val']),
            training.epochs, training.batch_size))
    except Exception as error:  # of a framework, or of data that only fit() understands
        LOGGER.debug('the set-up cannot be looked at: %s', first_line(error))
        return ()


def prepare(candidate: Candidate, diagnosis: Diagnosis, seed: int) -> Ground:
    """The rows of a race, and what is to be reached on them.

    Args:
        candidate: what is to be repaired.
        diagnosis: what is known of it.
        seed: which rows choose.
    """
    base, steps, words = prepared(candidate, diagnosis, SOLUTIONS, seed)
    if base.training.callbacks:  # what they did to the first training is not known
        base = base._replace(training=base.training._replace(callbacks=()))
        words += ('trained without callbacks',)
    held_out = base.training.dataset.get('x_val') is None
    if held_out:
        base = _with_held_out(base, seed)
    data = base.training.dataset
    model = made(base, seed)
    known = _as_classes(base, targets(model, data['y'], data['y_val']))
    rows = row_count(data['x_val'])
    choice, last = halves(rows, seed)
    whole = np.union1d(choice, last)
    reference = Reference(data['x'], known, data['x_val'], keras_bridge.takes_integers(model),
                          keras_bridge.narrowest(model), seed)
    chooses, decides, all_rows = [exam_of(data['x_val'], known, chosen)
                                  for chosen in (choice, last, whole)]
    forms = all_rows.forms
    return Ground(base, steps, words, chooses, decides, all_rows,
                  (np.searchsorted(whole, choice), np.searchsorted(whole, last)),
                  next(filter(None, forms), ''), asked_of(reference.yardsticks(), forms), held_out)


def _with_held_out(candidate: Candidate, seed: int) -> Candidate:
    """A candidate without validation rows, with a part of its training rows for these."""
    data = candidate.training.dataset
    rows = row_count(data['x'])
    order = np.random.RandomState(seed % 2**32).permutation(rows)
    held = max(1, int(HELD_OUT * rows))

    def take(part: Any, chosen: np.ndarray) -> Any:
        return map_arrays(lambda array: np.asarray(array)[np.sort(chosen)], part)

    return candidate._replace(training=candidate.training._replace(dataset={
        'x': take(data['x'], order[held:]), 'y': take(data['y'], order[held:]),
        'x_val': take(data['x'], order[:held]), 'y_val': take(data['y'], order[:held])}))


def _as_classes(base: Candidate, known: List[Target]) -> List[Target]:
    """Outputs whose labels are codes of classes, with as many units as these have."""
    if len(known) != 1 or base.model.config is None:
        return known
    target = known[0]
    labels = summarise_labels(target.y, getattr(base.model.original, 'output_shape', None))
    if labels.kind != 'integer' or target.units > 1:
        return known
    try:
        wanted = fitting(base, target.units)
    except NotApplicable:
        return known
    return [target._replace(units=wanted.units)] if wanted.head == 'softmax' else known


# ---------------------------------------------------------------------------------------- the race

def solve(journal: Journal, candidate: Candidate, first: Outcome, repairing: Repairing,
          tell: Callable[[Standings, Ground], None] = lambda standings, ground: None
          ) -> Tuple[Repair, Told]:
    """Repair a training by a race.

    Args:
        journal: of the run.
        candidate: what is to be repaired, as it is before training.
        first: what its training came to.
        repairing: budget, jobs, seed and limits.
        tell: called with the standings after every leg.

    Returns:
        What is handed back, and what ``result.json`` has of the race.
    """
    seed = repairing.seed
    diagnosis = Diagnosis(first.record.issues, findings_of(candidate, seed))
    ground = prepare(candidate, diagnosis, seed)
    offers = Offers(ground.base, diagnosis, SOLUTIONS, Limits(
        repairing.modification_sufferance, repairing.memory_limit), seed,
        own=repairing.strategy == 'cause')
    spent = first.record.epochs / candidate.training.epochs
    budget = repairing.budget
    if not ground.whole.can_be_told:
        LOGGER.warning('no candidate is trained: what it has learnt cannot be measured on these '
                       'validation rows (all labels alike, or of no known kind); give others')
        budget = spent
    course = Course(ground.choice, seed)
    with runner_of(course, repairing.jobs, repairing.engine,
                   candidate.model.config is not None) as train:
        race = Race(offers, functools.partial(journal.legs, train=train),
                    candidate.training.epochs, spent, budget,
                    goal_of(ground.yardstick),
                    lambda standings: tell(standings, ground))
        winner = race.run()
    if race.is_futile:
        LOGGER.warning('the race is ended: %s', _in_vain(race))
    before = _first_worth(candidate, first, ground, seed)
    found = _Judged(ground, before, race, winner, journal, seed).repair(candidate, first)
    code = '' if found.candidate is candidate else change_in_code(
        candidate, _until_its_best(found.candidate, race.leader))
    told = _told(ground, offers, race, before, found, code)
    changed = [words for (name, _), words in zip(ground.steps, ground.words) if name == 'labels']
    if changed and found.candidate is not candidate:
        told['reason'] = '%s; the model that comes back answers for changed labels: %s' % (
            first.record.reason, ', '.join(changed))
    return found, told


class Measured(NamedTuple):
    """What one model is worth on the rows of a race."""

    choice: Worth
    last: Worth
    whole: Worth


Predict = Callable[[Any], List[np.ndarray]]


def _measure(predict: Predict, candidate: Candidate, ground: Ground) -> Measured:
    outputs = outputs_in_units(predict(ground.whole.x), candidate.targets)
    logits = logits_of(candidate, len(outputs))

    def on(exam: Exam, rows: Any) -> Worth:
        given = [array[rows] for array in outputs]
        if not all(np.isfinite(array).all() for array in given):
            return NOTHING
        return exam.measure(given, logits)
    return Measured(on(ground.choice, ground.rows[0]), on(ground.last, ground.rows[1]),
                    on(ground.whole, slice(None)))


class Before(NamedTuple):
    """The first training: its model at its best, and what that is worth.

    Attributes:
        model: compiled.
        worth: on the rows of the race.
        weights: of a subclassed model, which is the one object that candidates were trained in.
    """

    model: Any
    worth: Measured
    weights: Optional[List[np.ndarray]] = None


def _first_worth(candidate: Candidate, first: Outcome, ground: Ground, seed: int) -> Before:
    """What the first training had reached, at its end or at its best epoch."""
    end = trained_model(first, candidate, seed)
    predict = keras_bridge.predictor(end)
    found = Before(end, _measure(predict, candidate, ground))
    if candidate.model.config is None:
        found = found._replace(weights=keras_bridge.all_weights(end))
        if first.best_weights is None:
            return found
        end.set_weights(first.best_weights[''])
        best = Before(end, _measure(predict, candidate, ground), keras_bridge.all_weights(end))
        return best if best.worth.whole.score > found.worth.whole.score else found
    if first.best_weights is None:
        return found
    model = made(candidate._replace(model=candidate.model._replace(weights=first.best_weights)),
                 seed)
    best = Before(model, _measure(keras_bridge.predictor(model), candidate, ground))
    return best if best.worth.whole.score > found.worth.whole.score else found


class _Judged:
    """The last word on a race."""

    def __init__(self, ground: Ground, before: Before, race: Race, winner: Optional[Racer],
                 journal: Journal, seed: int) -> None:
        self._ground, self._before, self._race = ground, before, race
        self._winner, self._journal, self._seed = winner, journal, seed

    def repair(self, candidate: Candidate, first: Outcome) -> Repair:
        """What is handed back: the winner if it is worth more, else the first at its best."""
        winner = self._winner
        if winner is not None:
            entered = winner.entrant.candidate
            model = made(entered, self._seed)
            model.set_weights(best_weights(self._journal.candidate_folder(winner.entrant.number)))
            predict = keras_bridge.predictor(model)
            worth = _measure(predict, entered, self._ground)
            if self.is_worth_more(worth):
                return Repair(self.status(worth), entered, _outcome(
                    _in_units(model, entered, self._seed), predict, worth, winner, self._ground),
                    winner.entrant.name)
        model, weights = self._before.model, self._before.weights
        if weights is not None:
            model.set_weights(weights)
        keras_bridge.compile_model(model, candidate.training.optimizer, candidate.training.loss,
                                   candidate.training.metrics, candidate.training.loss_weights)
        record = first.record._replace(
            skill=self._before.worth.last.skill.value,
            skill_form=self._before.worth.last.form or self._ground.form,
            skill_error=self._before.worth.last.skill.error)
        return Repair('failed', candidate, Outcome(record, model, weights=weights))

    def is_worth_more(self, worth: Measured) -> bool:
        """Whether a winner is handed back: nowhere worse than the first training, and better."""
        before = self._before.worth
        return (worth.last.skill.value >= before.last.skill.value
                and worth.whole.skill.value >= before.whole.skill.value
                and worth.whole.score > before.whole.score)

    def status(self, worth: Measured) -> str:
        """What a winner is worth, see :class:`~AutoTrainer.solutions.candidate.Repair`."""
        before, after = self._before.worth, worth
        seen = max((look.skill for racer in self._race.racers for look in racer.leg.looks),
                   default=0.0)
        yardstick = self._ground.yardstick
        asked = seen if yardstick is None else min(seen, yardstick.value)
        standing = Standing(self._ground.form, after.whole.skill,
                            ASSUMED if yardstick is None else yardstick)
        if after.last.skill.value >= SHARE * asked and not standing.is_short() and (
                after.whole.skill.value > 0):
            return 'repaired'
        gained = after.last.skill.value - before.last.skill.value
        return 'improved' if gained > after.last.skill.error else 'failed'


def _in_units(model: Any, candidate: Candidate, seed: int) -> Any:
    """A trained model that gives its outputs in the units of the labels, compiled."""
    scale, training = candidate.targets, candidate.training
    if scale is not None:
        edit = Edit(candidate)

        def number(values: Tuple[float, ...]) -> Any:
            return list(values) if len(values) > 1 else values[0]

        layers = [edit.new_layer('Rescaling', 'in_units', scale=number(scale.scale),
                                 offset=number(scale.offset))]
        if scale.logarithm:
            layers = [
                edit.new_layer('Rescaling', 'in_decades', scale=number(scale.scale),
                               offset=number(scale.offset)),
                edit.new_layer('Activation', 'exponential', activation='exponential'),
                edit.new_layer('Rescaling', 'in_units', scale=1.0, offset=-1.0)]
        model_graph.insert_after(edit.config, edit.graph.outputs[0], layers)
        whole = edit.done()
        model = keras_bridge.build_model(whole.model._replace(
            weights=keras_bridge.layer_weights(model)), seed)
    keras_bridge.compile_model(model, training.optimizer, training.loss, training.metrics,
                               training.loss_weights)
    return model


def _accuracy(model: Any, predict: Predict, candidate: Candidate) -> Optional[float]:
    """The accuracy on all validation rows; where Keras's own, without what it would compile."""
    metrics, held = candidate.training.metrics, candidate.training.dataset
    if candidate.targets is not None or not metrics:
        return None
    if tuple(metrics) == ('accuracy',) and isinstance(held['y_val'], np.ndarray):
        outputs = predict(map_arrays(np.asarray, held['x_val']))
        if len(outputs) == 1:
            return keras_bridge.accuracy(held['y_val'], outputs[0])
    measured = model.evaluate(held['x_val'], held['y_val'], verbose=0, return_dict=True,
                              batch_size=candidate.training.batch_size)
    return keras_bridge.epoch_values(measured).get('acc')


def _outcome(model: Any, predict: Predict, worth: Measured, winner: Racer,
             ground: Ground) -> Outcome:
    candidate = winner.entrant.candidate
    accuracy = _accuracy(model, predict, candidate)
    record = TrainingRecord(
        (), {}, None, winner.leg.epochs, accuracy, worth.last.score, 0, 0, winner.leg.seconds, 0.0,
        skill=worth.last.skill.value, skill_error=worth.last.skill.error,
        skill_form=worth.last.form or ground.form)
    is_shared = candidate.model.config is None
    return Outcome(record, model,
                   weights=keras_bridge.all_weights(model) if is_shared else None)


def _told(ground: Ground, offers: Offers, race: Race, before: Before, found: Repair,
          code: str) -> Told:
    """What ``result.json`` has of a race."""
    record, winner = found.outcome.record, race.leader
    return dict(plain({
        'skill': {'before': before.worth.last.skill.value, 'after': record.skill,
                  'error': record.skill_error, 'form': record.skill_form},
        'yardstick': None if ground.yardstick is None else ground.yardstick.value,
        'price': race.price,
        'race': {
            'goal': race.goal, 'winner': winner and winner.entrant.number,
            'rows': {'choice': ground.choice.rows, 'last_word': ground.last.rows,
                     'apart': ground.whole.rows > ground.choice.rows,
                     'held_out': ground.held_out},
            'of_all': list(ground.words), 'code': code, 'left_out': list(offers.left_out),
            'candidates': [_candidate(racer) for racer in race.racers
                           if racer.leg.epochs or racer.ended not in (SPENT, FUTILE)],
            'stopped': _in_vain(race) if race.is_futile else ''}}))


def _until_its_best(candidate: Candidate, winner: Optional[Racer]) -> Candidate:
    """The winner trained to the epoch whose weights are handed back, as its lines should say."""
    best = None if winner is None else winner.best
    return candidate if best is None else candidate.trained(epochs=best.epoch)


def _in_vain(race: Race) -> str:
    return ('all %d candidates failed before they could be measured, so that what they have in '
            'common is the cause: the data, or a part of the model that no solution changes'
            % sum(1 for racer in race.racers if racer.ended and racer.ended != FUTILE))


def _candidate(racer: Racer) -> Mapping[str, Any]:
    entrant, leg, best = racer.entrant, racer.leg, racer.best
    return {'number': entrant.number, 'name': entrant.name, 'why': entrant.why,
            'words': list(entrant.words), 'epochs': leg.epochs, 'planned': racer.planned,
            'rung': leg.epochs / racer.planned, 'skill': best and best.skill,
            'best_epoch': best and best.epoch, 'ended': racer.ended, 'seconds': leg.seconds,
            **({'traceback': leg.said} if leg.said else {})}
