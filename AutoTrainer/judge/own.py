"""Symptoms that a program has registered: how a training is asked for them, what is on record.

``AutoTrainer/extending.py`` fills the tables; an issue of a program's own stands among
:data:`~AutoTrainer.judge.issues.ISSUES` like any other.
"""

from typing import Any, Callable, Dict, Mapping, NamedTuple, Optional, Tuple

from ..errors import first_line, quote
from ..utils.logger import LOGGER
from .facts import GradientSummary, Judgment, OutputSummary
from .issues import ISSUES, Issue


class Seen(NamedTuple):
    """What a registered symptom is judged by, at a check.

    Attributes:
        epoch: epochs trained so far, as in the history.
        planned: epochs that are planned.
        history: ``loss``, ``acc``, ``val_loss``, ``val_acc``: one number per epoch, None where it
            was not measured.
        gradients: norms and shares of zeros, where this check looked at gradients; else None.
        outputs: likewise of the layer outputs.
        skill: what is learnt of what there is (0 to 1), under ``rules='skill'`` and where it is
            known; else None.
        yardstick: what a classical learner gets from the same rows, where somebody had to ask.
    """

    epoch: int
    planned: int
    history: Mapping[str, Tuple[Optional[float], ...]]
    gradients: Optional[GradientSummary] = None
    outputs: Optional[OutputSummary] = None
    skill: Optional[float] = None
    yardstick: Optional[float] = None


Rule = Callable[[Seen], Optional[str]]

RULES: Dict[str, Rule] = {}
"""By the name of its issue, what finds a registered symptom: a reason in words, or None."""

SOLUTIONS: Dict[str, str] = {}
"""Registered solutions by name, in words; what they do is known where a training is repaired."""


class OwnSymptoms:
    """The registered symptoms, as one training is asked for them.

    A rule that fails is not asked again: no fault of it may end a training.
    """

    def __init__(self) -> None:
        self._rules = dict(RULES)

    def __bool__(self) -> bool:
        return bool(self._rules)

    def added(self, judgment: Judgment, seen: Seen) -> Judgment:
        """A judgment with what the registered symptoms add to it.

        Those that are to be repaired before all others stand in front, the others behind.
        """
        found: Dict[str, str] = {}
        for name, rule in list(self._rules.items()):
            try:
                reason = rule(seen)
                if reason and not isinstance(reason, str):
                    raise TypeError('it answers %s, which is no text and not None' % quote(reason))
            except Exception as error:  # whatever a program's own code raises
                LOGGER.warning('epoch %d: the symptom %s cannot be told (%s: %s); it is not looked '
                               'for any more', seen.epoch, name, type(error).__name__,
                               first_line(error))
                del self._rules[name]
                continue
            if reason:
                found[name] = ' '.join(reason.split())
        highest = max((ISSUES[name].priority for name in judgment.reasons), default=-1)
        first = {name: why for name, why in found.items() if ISSUES[name].priority > highest}
        return judgment._replace(reasons=dict(first, **dict(judgment.reasons, **found)))


# ------------------------------------------------------------------------------------- on record

_WORDS = ('words', 'meaning', 'advice')


def on_record() -> Dict[str, Any]:
    """What is registered now, in plain values; empty where nothing is."""
    if not RULES and not SOLUTIONS:
        return {}
    return {'issues': {name: {part: getattr(ISSUES[name], part) for part in _WORDS}
                       for name in RULES}, 'solutions': dict(SOLUTIONS)}


def known_issues(record: Any = None) -> Dict[str, Issue]:
    """Every issue by name, with those of the process that wrote a record.

    Args:
        record: what :func:`on_record` gave there, through JSON and perhaps damaged; None for none.
    """
    told = record.get('issues') if isinstance(record, dict) else None
    found = {}
    for name, words in (told.items() if isinstance(told, dict) else ()):
        texts: Dict[str, Any] = {part: words.get(part) if isinstance(words, dict) else ''
                                 for part in _WORDS}
        if all(isinstance(text, str) for text in texts.values()):
            found[name] = _stand_in(name, **texts)
    return dict(found, **ISSUES)


def issue_named(name: str, record: Any = None) -> Issue:
    """An issue by its name; one that is known neither here nor on record is its name alone."""
    return known_issues(record).get(name) or _stand_in(name)


def _stand_in(name: str, words: str = '', meaning: str = '', advice: str = '') -> Issue:
    return Issue(name, 0, words or name, meaning, '', '', (), advice)


def missing(record: Any) -> str:
    """What a run was begun with that is not registered now, or the other way round, in words.

    Args:
        record: see :func:`known_issues`.

    Returns:
        The first of it and what to do; '' where there is no difference.
    """
    then = record if isinstance(record, dict) else {}
    for key, kind, now in (('issues', 'symptom', RULES), ('solutions', 'solution', SOLUTIONS)):
        told = then.get(key)
        before = told if isinstance(told, dict) else {}
        for name in before:
            if name not in now:
                return ('the %s %r was registered when the run was begun and is not now; call '
                        'register_%s(%r, ...) first' % (kind, name, kind, name))
        for name in now:
            if name not in before:
                return ('the %s %r is registered now and was not when the run was begun; call '
                        'unregister(%r) first' % (kind, name, name))
    return ''
