"""Symptoms and solutions of a program's own, beside those of the project.

What is registered counts in this process, for every training that begins afterwards: under both
rules, in upstream's orders and in a race. See ``docs/guide/extending.md``.
"""

import re
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

from .errors import UserError, quote, way_out
from .intake.config import check_count
from .judge import own
from .judge.issues import ISSUES, Issue
from .judge.own import Rule

_PRIORITIES = (0, 1, 2, 3, 4)
_NAME = re.compile(r'[A-Za-z][A-Za-z0-9_]*')
_TRIES = re.compile(r'(.+)_([0-9]+)')
_IN_FOLDERS = ('race', 'draw')
"""Names that stand for something else where a run folder has the name of a solution."""


def register_symptom(name: str, rule: Rule, words: str, *, mends: Sequence[str] = (),
                     cures: Optional[Sequence[str]] = None, meaning: str = '', advice: str = '',
                     priority: int = 2) -> None:
    """Have every training looked at for a symptom of one's own.

    Where it is found it is an issue like any other: it stands in the verdict, the events and the
    report, ends the training (unless ``stop=False``), and is repaired.

    Args:
        name: as in results, such as ``'plateau'``.
        rule: called at every check with a :class:`~AutoTrainer.judge.own.Seen`; returns the reason
            in words, with its numbers, or None. If it raises, that training is judged without it.
        words: the problem in a few words.
        mends: solutions in the order in which upstream's strategies try them; ``'lr_3'`` is ``lr``
            with up to 3 tries. Solutions of one's own are registered before.
        cures: what a race tries for it, in order, ``+`` between solutions that are applied
            together; default each of ``mends`` that a race knows.
        meaning: what it means, for somebody who meets it for the first time.
        advice: what to change, for somebody who repairs by hand.
        priority: the scheduler repairs the highest first, 0 to 4; vanishing and exploding gradients
            have 2, slow convergence 1.

    Raises:
        UserError: for a name that is taken, a solution that is not known, a wrong value.
    """
    _check_name('symptom', name, tuple(ISSUES))
    _check_callable('rule', rule)
    for part, text in (('words', words), ('meaning', meaning), ('advice', advice)):
        _check_text(part, text, part == 'words')
    if priority not in _PRIORITIES:
        raise UserError('priority is %s; give 0 to 4' % quote(priority))
    entries = [_entry(entry) for entry in _listed('mends', mends)]
    tried = _default_cures(entries) if cures is None else _checked_cures(cures)
    ISSUES[name] = Issue(name, priority, words, meaning, '', '', tuple(entries), advice,
                         cures=tuple(tried))
    own.RULES[name] = rule
    if entries:
        for order in _orders().values():
            order[name] = list(entries)


def register_solution(name: str, function: Callable[..., Tuple[Any, str]], words: str,
                      sufferance: int, *, mends: Sequence[str] = (), tries: int = 1,
                      memory: bool = False) -> None:
    """Have a solution of one's own tried.

    Args:
        name: as in results, such as ``'warm_up'``.
        function: (candidate, issue, attempt, random numbers) → (changed candidate, what was
            changed, in words), as :class:`~AutoTrainer.solutions.candidate.Solution` says. It
            trains nothing, and raises :class:`~AutoTrainer.solutions.candidate.NotApplicable` where
            it would change nothing.
        words: what it does, in one sentence.
        sufferance: how much it changes the model: 0 only how it is trained, 1 starting weights or
            what acts in training only, 2 hidden activations, 3 layers with weights.
        mends: issues for which it is tried, after the solutions that they have already; a symptom
            of one's own names its solutions itself.
        tries: how often upstream's strategies try it for each of ``mends``, ``attempt`` counting
            from 0.
        memory: whether it needs much more memory.

    Raises:
        UserError: for a name that is taken, an issue that is not known, a wrong value.
    """
    from .solutions.candidate import Solution
    from .solutions.entrants import ORDER
    from .utils.repair import SOLUTIONS
    _check_name('solution', name, tuple(SOLUTIONS) + _IN_FOLDERS)
    if _TRIES.fullmatch(name):
        raise UserError('the solution is named %r, which would read as so many tries; give a name '
                        'that does not end in a number' % name)
    _check_callable('function', function)
    _check_text('words', words, True)
    if sufferance not in (0, 1, 2, 3):
        raise UserError('sufferance is %s; give 0 (training settings only) to 3 (layers with '
                        'weights)' % quote(sufferance))
    entry = '%s_%d' % (name, check_count('tries', tries))
    issues = _listed('mends', mends)
    for issue in issues:
        if issue not in ISSUES:
            raise UserError('mends has %s, which is no issue; %s'
                            % (quote(issue), way_out(issue, tuple(ISSUES))))
    SOLUTIONS[name] = Solution(name, words, sufferance, function, memory)
    own.SOLUTIONS[name] = words
    ORDER.insert(ORDER.index('less_batch'), name)
    for issue in issues:
        known = ISSUES[issue]
        ISSUES[issue] = known._replace(mends=known.mends + (entry,), cures=known.cures + (name,))
        for order in _orders().values():
            order[issue] = order.get(issue, []) + [entry]


def unregister(name: str) -> None:
    """Forget a symptom or a solution that was registered.

    Raises:
        UserError: if none has that name.
    """
    if name not in own.RULES and name not in own.SOLUTIONS:
        raise UserError('%s is not registered; %s' % (
            quote(name), way_out(name, tuple(own.RULES) + tuple(own.SOLUTIONS)) if
            own.RULES or own.SOLUTIONS else 'nothing is'))
    if own.RULES.pop(name, None) is not None and ISSUES.pop(name).mends:
        for order in _orders().values():
            del order[name]
    if own.SOLUTIONS.pop(name, None) is not None:
        _forget_solution(name)


def _forget_solution(name: str) -> None:
    from .solutions.entrants import ORDER
    from .utils.repair import SOLUTIONS
    del SOLUTIONS[name]
    ORDER.remove(name)
    for issue, known in list(ISSUES.items()):
        ISSUES[issue] = known._replace(
            mends=tuple(entry for entry in known.mends if not _is_of(entry, name)),
            cures=tuple(cure for cure in known.cures if name not in cure.split('+')))
    for order in _orders().values():
        for issue, entries in order.items():
            order[issue] = [entry for entry in entries if not _is_of(entry, name)]


def _is_of(entry: str, solution: str) -> bool:
    return entry.rpartition('_')[0] == solution


def _orders() -> Dict[str, Dict[str, List[str]]]:
    """The strategies; they are Keras's part, which a symptom without ``mends`` does not load."""
    from .utils.repair import STRATEGIES
    return STRATEGIES


# ---------------------------------------------------------------------------------------- checks

def _check_name(kind: str, name: Any, taken: Sequence[str]) -> None:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise UserError('the name of a %s is %s; give letters, digits and underscores, such as '
                        "'plateau'" % (kind, quote(name)))
    if name in taken or name in own.RULES or name in own.SOLUTIONS:
        raise UserError('the name %r is taken; give the %s another%s' % (
            name, kind, ', or call unregister(%r) before' % name
            if name in own.RULES or name in own.SOLUTIONS else ''))


def _check_callable(part: str, given: Any) -> None:
    if not callable(given):
        raise UserError('%s is %s, which cannot be called; give a function' % (part, quote(given)))


def _check_text(part: str, text: Any, wanted: bool) -> None:
    if not isinstance(text, str) or wanted and not text.strip() or '\n' in text:
        raise UserError('%s is %s; give a few words on one line' % (part, quote(text)))


def _listed(part: str, names: Any) -> List[str]:
    found = None if isinstance(names, str) or not hasattr(names, '__iter__') else list(names)
    if found is None or not all(isinstance(name, str) for name in found):
        raise UserError('%s is %s; give a list of names' % (part, quote(names)))
    return list(dict.fromkeys(found))


def _entry(given: str) -> str:
    """An entry of ``mends`` in the form of a strategy: ``'lr'`` and ``'lr_1'`` → ``'lr_1'``."""
    from .utils.repair import SOLUTIONS
    split = _TRIES.fullmatch(given)
    name, tries = (given, 1) if split is None else (split.group(1), int(split.group(2)))
    if name not in SOLUTIONS or tries < 1:
        raise UserError('mends has %s, which is no solution; %s'
                        % (quote(given), way_out(name, sorted(SOLUTIONS))))
    return '%s_%d' % (name, tries)


def _default_cures(entries: Sequence[str]) -> List[str]:
    if not entries:
        return []
    from .solutions.entrants import ORDER
    names = [entry.rpartition('_')[0] for entry in entries]
    return [name for name in names if name in ORDER]


def _checked_cures(cures: Any) -> List[str]:
    from .solutions.entrants import ORDER
    found = _listed('cures', cures)
    for cure in found:
        for name in cure.split('+'):
            if name not in ORDER:
                raise UserError('cures has %s, which no race applies; %s'
                                % (quote(name), way_out(name, sorted(ORDER))))
    return found
