"""Plays a tape to the judge: the same session, fed from the tape instead of from a training."""

from typing import Any, Dict, Mapping, NamedTuple, Optional, Sequence, Tuple

from AutoTrainer.judge import facts
from AutoTrainer.judge.losses import PROVING_LOSSES
from AutoTrainer.judge.preflight import Finding
from AutoTrainer.judge.reference import Constants, Measured
from AutoTrainer.judge.session import Plan, Session, Subject
from AutoTrainer.judge.skill import Skill
from AutoTrainer.judge.yardstick import Yardstick, from_dict
from AutoTrainer.settings import Watching

Tape = Mapping[str, Any]


class Said(NamedTuple):
    """What a judge says of a training.

    Attributes:
        issues: what it blames; empty where it lets the training go on.
        epoch: when, 0 before the first step; None without an issue.
        reason: in words.
    """

    issues: Tuple[str, ...]
    epoch: Optional[int]
    reason: str


class TapedProbe(facts.Probe):
    """Answers from a tape what a model would have answered; ``epoch`` says when."""

    def __init__(self, tape: Tape) -> None:
        self.epoch = 0
        self._tape = tape
        self._subject = tape['subject']

    def gradients(self) -> facts.GradientSummary:
        """As taped after the epoch; ``seconds`` cost nothing here."""
        taped = self._tape['gradients'][self.epoch - 1]
        return facts.GradientSummary(**dict(
            taped, kernels=_pairs(taped['kernels']), seconds=0.0,
            zero_shares=tuple(taped['zero_shares'])))

    def outputs(self) -> facts.OutputSummary:
        """As taped after the epoch."""
        taped = self._tape['outputs'][self.epoch - 1]
        return facts.OutputSummary(**dict(taped, layers=_pairs(taped['layers'])))

    def task(self) -> facts.Task:
        """As taped."""
        return facts.Task(**self._subject['task'])

    def findings(self, thorough: bool) -> Sequence[Finding]:
        """As taped."""
        return [Finding(**finding) for finding in self._subject['findings'][int(thorough)]]

    def skills(self) -> Optional[Measured]:
        """As taped after the epoch."""
        taped = self._tape['measured'][self.epoch - 1]
        return None if taped is None else Measured(
            _skills(taped['training']), _skills(taped['validation']), tuple(taped['spread']),
            tuple(taped.get('forms', ())))  # which the first tapes do not have

    def yardsticks(self) -> Tuple[Yardstick, ...]:
        """As taped."""
        return tuple(from_dict(dict(told)) for told in self._subject['yardsticks'])


def _pairs(taped: Any) -> Tuple[Tuple[str, float], ...]:
    return tuple((name, value) for name, value in taped)


def _skills(taped: Any) -> Tuple[Dict[str, Skill], ...]:
    return tuple({form: Skill(*pair) for form, pair in skills.items()} for skills in taped)


def replay(tape: Tape, **settings: Any) -> Session:
    """The session at the end of a taped training.

    Args:
        tape: of :func:`benchmarks.zoo.tape.train`.
        settings: of :class:`~AutoTrainer.settings.Watching` that differ from those of the live
            verdict (``checktype='adaptive'``, ``rules='skill'``, no budget).
    """
    subject = tape['subject']
    probe = TapedProbe(tape)
    constants = [part and Constants(**part) for part in subject['constants']]
    watching = Watching(**dict(dict(checktype='adaptive', overhead_budget=None,
                                    on_issue='continue'),
                               **settings))
    session = Session(watching, Plan(tape['epochs'], tape['steps']), Subject(
        probe, subject['accuracy_counts'], lambda: subject['constant_loss'],
        (constants[0] or Constants(0), constants[1]), subject['task']['loss'] in PROVING_LOSSES))
    session.begin()
    history = tape['history']
    for epoch in range(len(history['loss'])):
        probe.epoch = epoch + 1
        session.epoch({key: values[epoch] for key, values in history.items()})
    session.end()
    return session


def said(tape: Tape, **settings: Any) -> Said:
    """What the judge says of a taped training, see :func:`replay`."""
    verdict = replay(tape, **settings).verdict
    if not verdict.is_blamed:
        return Said((), None, verdict.reason)
    return Said(tuple(issue for issue in verdict.issues if issue not in verdict.told),
                verdict.epoch, verdict.reason)
