"""What two programs have in common by name, and how they differ: facts, and their comparison."""

from typing import Dict, Iterable, List, NamedTuple, Optional, Sequence, Tuple

KINDS = ('file', 'class', 'function', 'argument', 'result', 'constant', 'threshold', 'issue',
         'feature', 'solution', 'strategy', 'flag', 'config key', 'answer')
"""What is compared, in the order in which it is shown."""

REQUIRED = 'required'
"""The value of an argument without a default."""


OF_A_FUNCTION = ('argument', 'result')
"""Kinds that stand in a function."""


class Fact(NamedTuple):
    """One thing that a program has.

    Attributes:
        kind: one of ``KINDS``.
        where: file, ``file:Class`` or ``file:function`` that it stands in.
        name: its name there.
        value: what it is worth, as text: a default, a number, a list; '' where being there is all.
            Of a function its whole signature, of a result how many values it has.
        place: of an argument its number, from 0.
    """

    kind: str
    where: str
    name: str
    value: str = ''
    place: int = 0

    @property
    def key(self) -> Tuple[str, str, str]:
        """What it is found again by on the other side."""
        return self.kind, self.where, self.name


class Known(NamedTuple):
    """A difference that is meant, with its reason.

    Attributes:
        kind: as of a fact.
        where: likewise; ``*`` for any place.
        names: the names that it is about.
        what: ``gone``, ``renamed``, ``changed`` (another value) or ``otherwise`` (a function that
            takes or gives something else).
        why: the reason, in words.
        use: what to use instead; '' where nothing has to be done.
        upstream: values there that the reason is about; any other is a difference without a
            reason. Empty where the value does not matter.
        here: the name or the value here; '' where it does not matter.
        row: the row of ``docs/evidence/upstream-differences.md`` that says more, or ''.
    """

    kind: str
    where: str
    names: Tuple[str, ...]
    what: str
    why: str
    use: str = ''
    upstream: Tuple[str, ...] = ()
    here: str = ''
    row: str = ''

    def explains(self, what: str, fact: Fact, here: str = '') -> bool:
        """Whether it is about this difference.

        Args:
            what: of ``what``, the kind of difference.
            fact: upstream's.
            here: the value or name here.
        """
        return (self.what == what and self.kind == fact.kind and self.where in ('*', fact.where)
                and fact.name in self.names
                and (not self.upstream or fact.value in self.upstream)
                and (not self.here or not here or self.here == here))


class Found(NamedTuple):
    """One line of a comparison.

    Attributes:
        status: ``same``, ``renamed``, ``changed``, ``missing`` (here) or ``more`` (here).
        kind: as of a fact.
        where: likewise, as upstream has it.
        name: likewise.
        upstream: the value there.
        here: the value here; of what is renamed the name.
        reason: why it is different; '' where no reason is on record.
        use: what to use instead, see :class:`Known`.
        row: likewise.
    """

    status: str
    kind: str
    where: str
    name: str
    upstream: str = ''
    here: str = ''
    reason: str = ''
    use: str = ''
    row: str = ''

    @property
    def is_undocumented(self) -> bool:
        """Whether this is a difference that nobody has given a reason for."""
        return self.status != 'same' and not self.reason


OWN = "this project's own; no call of upstream's is touched by it"
"""The reason for whatever is only here."""


def number(value: object) -> str:
    """A value as text, the same for 70, 70.0 and 7e1."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return '%.12g' % value
    return repr(value)


def results(numbers: Iterable[int]) -> str:
    """How many values a function returns: 'nothing', 'one value', '2 or 3 values'."""
    found = sorted(set(numbers) - {0}) or [0]
    if len(found) == 1 and found[0] < 2:
        return ('nothing', 'one value')[found[0]]
    return '%s values' % ' or '.join(map(str, found))


def signature(arguments: Sequence[Fact]) -> str:
    """Arguments in order in one line: ``a, b=0.5``."""
    return ', '.join(one.name if one.value == REQUIRED else '%s=%s' % (one.name, one.value)
                     for one in sorted(arguments, key=lambda one: one.place))


def compare(upstream: Iterable[Fact], here: Iterable[Fact],
            known: Sequence[Known]) -> List[Found]:
    """Hold the facts of one side against those of the other.

    Args:
        upstream: what the checkout has.
        here: what this project has.
        known: differences with their reasons.

    Returns:
        A line for each fact of either side, in the order of ``KINDS``. Arguments and results are
        compared where both sides have the function.
    """
    theirs, ours = _by_key(upstream), _by_key(here)
    found: List[Found] = []
    shared = set()  # functions whose arguments are to be compared one by one
    for key, fact in theirs.items():
        if fact.kind in OF_A_FUNCTION:
            continue
        counterpart = ours.get(key)
        if counterpart is None:
            if not _stands_in_what_is_missing(fact, theirs, ours):
                found.append(_absent(fact, known))
        elif fact.kind == 'function':
            # its arguments have nothing to do with each other, whatever they are
            rewritten = _reason(known, 'otherwise', fact, any_value=True)
            if rewritten is None:
                shared.add('%s:%s' % (fact.where, fact.name))
                found.append(Found('same', *fact.key))
            else:
                found.append(_found('changed', fact, counterpart.value,
                                    _reason(known, 'otherwise', fact, counterpart.value)))
        else:
            found.append(_valued(fact, counterpart, known))
    for where in sorted(shared):
        found += _arguments(_of(theirs, where), _of(ours, where), known)
        place, _, name = where.rpartition(':')
        key = 'result', place, name
        if key in theirs and key in ours:
            found.append(_valued(theirs[key], ours[key], known))
    for key, fact in ours.items():
        if key not in theirs and fact.kind not in OF_A_FUNCTION:
            found.append(Found('more', *fact.key, here=fact.value, reason=OWN))
    return sorted(found, key=lambda one: (KINDS.index(one.kind), one.where))


def _by_key(facts: Iterable[Fact]) -> Dict[Tuple[str, str, str], Fact]:
    return {fact.key: fact for fact in facts}


def _of(facts: Dict[Tuple[str, str, str], Fact], where: str) -> List[Fact]:
    """The arguments of a function in their order."""
    return sorted((fact for fact in facts.values()
                   if fact.kind == 'argument' and fact.where == where),
                  key=lambda fact: fact.place)


def _stands_in_what_is_missing(fact: Fact, theirs: Dict[Tuple[str, str, str], Fact],
                               ours: Dict[Tuple[str, str, str], Fact]) -> bool:
    """Whether the class or file that holds it is missing, so that one line says it for all."""
    path, _, holder = fact.where.partition(':')
    outer = ('class', path, holder) if holder else ('file', '', path)
    return fact.kind in ('function', 'class', 'constant') and (
        outer in theirs and outer not in ours)


def _reason(known: Sequence[Known], what: str, fact: Fact, here: str = '',
            any_value: bool = False) -> Optional[Known]:
    """The first that explains a difference; with ``any_value`` whatever upstream's value is."""
    return next((one for one in known if (one._replace(upstream=()) if any_value else one)
                 .explains(what, fact, here)), None)


def _absent(fact: Fact, known: Sequence[Known]) -> Found:
    renamed = _reason(known, 'renamed', fact)
    if renamed is not None:
        return _found('renamed', fact, renamed.here, renamed)
    return _found('missing', fact, '', _reason(known, 'gone', fact))


def _valued(fact: Fact, counterpart: Fact, known: Sequence[Known]) -> Found:
    """What both sides have under one name: of the same value, or not."""
    if fact.value == counterpart.value:
        return Found('same', *fact.key, upstream=fact.value, here=fact.value)
    return _found('changed', fact, counterpart.value,
                  _reason(known, 'changed', fact, counterpart.value))


def _found(status: str, fact: Fact, here: str, known: Optional[Known]) -> Found:
    """A difference, with its reason if there is one."""
    found = Found(status, *fact.key, upstream=fact.value, here=here)
    return found if known is None else found._replace(reason=known.why, use=known.use,
                                                      row=known.row)


def _arguments(theirs: Sequence[Fact], ours: Sequence[Fact],
               known: Sequence[Known]) -> List[Found]:
    """The arguments of a function that both sides have.

    A default that is new here, and further arguments that have one, break no call.
    """
    found = []
    mine = {fact.name: fact for fact in ours}
    their_names = {fact.name for fact in theirs}
    replaced = set()
    for fact in theirs:
        counterpart = mine.get(fact.name)
        at_its_place = ours[fact.place] if fact.place < len(ours) else None
        if counterpart is None and at_its_place and at_its_place.name not in their_names:
            replaced.add(at_its_place.name)
            found.append(_found('renamed', fact, at_its_place.name,
                                _reason(known, 'renamed', fact, at_its_place.name)))
        elif counterpart is None:
            found.append(_absent(fact, known))
        elif counterpart.place != fact.place:
            found.append(Found('changed', *fact.key, upstream='argument %d' % (fact.place + 1),
                               here='argument %d' % (counterpart.place + 1)))
        elif fact.value == REQUIRED:
            found.append(Found('same', *fact.key, upstream=fact.value, here=counterpart.value))
        else:
            found.append(_valued(fact, counterpart, known))
    for fact in ours:
        if fact.name not in their_names and fact.name not in replaced:
            found.append(Found('more', *fact.key, here=fact.value,
                               reason='' if fact.value == REQUIRED else OWN))
    return found
