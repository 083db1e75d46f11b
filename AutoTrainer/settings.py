"""Every setting once, and checked once: how a training is watched, and how it is repaired.

The doors with upstream's names (``LossHistory``, ``model_train``, ``reproduce.py``) only pack their
arguments into these; everything behind the doors reads them from here.
"""

from dataclasses import asdict, dataclass, fields
from typing import Any, Dict, Mapping, Optional, Sequence, Tuple

from .errors import UserError, quote
from .intake.config import check_count, check_number, check_seed
from .judge.issues import ISSUES, check_optional_issues
from .judge.schedule import DEFAULT_CHECKTYPE, Schedule, read_checktype
from .utils.monitor import check_params

ON_ISSUE = ('stop', 'continue', 'restore')
"""What to do with a training that has an issue: stop it, let it run on, or put back its best
weights and go on with smaller steps where that may mend it (``judge/recovery.py``)."""

RULES = ('skill', 'paper')
"""What counts as sound: see :mod:`AutoTrainer.judge.by_skill`, :mod:`AutoTrainer.utils.monitor`."""


@dataclass(frozen=True)
class Watching:
    """How a training is watched.

    Attributes:
        checktype: when to look: ``'dynamic'``, ``'adaptive'`` or ``'epoch_N'``, see
            :mod:`AutoTrainer.judge.schedule`.
        satisfied_acc: accuracy from which a run counts as converged (``params['Theta']`` wins).
        satisfied_count: stop, content, after so many epochs in a row at that accuracy; None trains
            to the end.
        determine_threshold: epochs in a row that the overfitting symptoms must last.
        params: thresholds that differ from ``AutoTrainer.utils.monitor.DEFAULT_PARAMS``.
        optional_issues: which of ``AutoTrainer.judge.issues.OPTIONAL_ISSUES`` to judge; None leaves
            it to the schedule.
        overhead_budget: share of the training time that ``'adaptive'`` may spend on probes; None
            for any.
        on_issue: what to do with a training that has an issue, one of ``ON_ISSUE``.
        rules: what counts as sound: ``'skill'`` (what learns what there is to learn) or ``'paper'``
            (Table I of the AUTOTRAINER paper); None leaves it to the schedule.

    Raises:
        UserError: for a wrong value, at once.
    """

    checktype: str = DEFAULT_CHECKTYPE
    satisfied_acc: float = 0.7
    satisfied_count: Optional[int] = None
    determine_threshold: int = 5
    params: Optional[Mapping[str, float]] = None
    optional_issues: Optional[Sequence[str]] = None
    overhead_budget: Optional[float] = 0.01
    on_issue: str = 'stop'
    rules: Optional[str] = None

    def __post_init__(self) -> None:
        read_checktype(self.checktype)
        check_share('satisfied_acc', self.satisfied_acc)
        if self.satisfied_count is not None:
            check_count('satisfied_count', self.satisfied_count)
        check_count('determine_threshold', self.determine_threshold)
        check_params(self.params, self.satisfied_acc)
        check_on_issue(self.on_issue)
        if self.rules is not None and self.rules not in RULES:
            raise UserError('rules is %r; give %s' % (self.rules, ' or '.join(map(repr, RULES))))
        for name in check_optional_issues(self.optional_issues or ()):
            if ISSUES[name].by_skill and not self.by_skill:
                raise UserError("optional_issues has %r, which only rules='skill' knows; leave it "
                                'out or set the rules' % name)
        if self.overhead_budget is not None and not 0 < check_number(
                'overhead_budget', self.overhead_budget) <= 1:
            raise UserError('overhead_budget is %r; give a share of the training time, such as '
                            '0.01, or None' % (self.overhead_budget,))

    @property
    def schedule(self) -> Schedule:
        """The schedule that ``checktype`` names."""
        return read_checktype(self.checktype)

    @property
    def by_skill(self) -> bool:
        """Whether a training is sound that learns enough, whatever its symptoms."""
        return (self.rules or self.schedule.rules) == 'skill'

    @property
    def judged_issues(self) -> Tuple[str, ...]:
        """The optional issues that are judged."""
        if self.optional_issues is None:
            return self.schedule.optional_issues
        asked = self.optional_issues
        return (asked,) if isinstance(asked, str) else tuple(asked)


def check_on_issue(name: Any) -> str:
    """Return a value if it is one of ``ON_ISSUE``.

    Raises:
        UserError: if it is not.
    """
    if name not in ON_ISSUE:
        raise UserError('on_issue is %s; give %s' % (quote(name), ', '.join(map(repr, ON_ISSUE))))
    return str(name)


def on_issue_of(on_issue: str, stop: Optional[bool]) -> str:
    """What to do on an issue, from the two ways to say it.

    Args:
        on_issue: one of ``ON_ISSUE``; the default, ``'stop'``, gives way.
        stop: True for ``'stop'``, False for ``'continue'``; None if it was not given.

    Raises:
        UserError: for an unknown value, or two that contradict each other.
    """
    if stop is None:
        return check_on_issue(on_issue)
    meant = 'stop' if stop else 'continue'
    if check_on_issue(on_issue) not in (Watching.on_issue, meant):
        raise UserError('on_issue is %r, but stop=%r says %r; leave stop out'
                        % (on_issue, stop, meant))
    return meant


def check_share(name: str, value: Any) -> float:
    """Return a value if it is a number above 0 and at most 1.

    Raises:
        UserError: if it is not; a percentage is recognised.
    """
    if not 0 < check_number(name, value) <= 1:
        raise UserError('%s is %r; give a share from 0 to 1%s' % (
            name, value, ', %g for %g %%' % (value / 100, value) if 1 < value <= 100 else ''))
    return value


STRATEGY_NAMES = ('balance', 'structure', 'efficiency')
"""Upstream's orders of the solutions."""

RACES = ('race', 'cause')
"""Repairs that try many solutions at once: all that speak for themselves, or those of the cause
that is named first alone, by which the benchmark measures how often that cause is the right one."""

STRATEGY_ALIASES = {'efficient': 'efficiency'}
"""Other spellings of them: upstream's documentation has this one."""


def check_strategy(name: Any) -> str:
    """The name of a strategy in its one spelling.

    Raises:
        UserError: for any other.
    """
    known = STRATEGY_ALIASES.get(name, name) if isinstance(name, str) else None
    if known not in STRATEGY_NAMES + RACES:
        raise UserError('strategy is %r; give %s' % (name, ', '.join(STRATEGY_NAMES + RACES[:1])))
    return str(known)


@dataclass(frozen=True)
class Repairing:
    """How a training is repaired.

    Attributes:
        autorepair: whether to repair; otherwise only the diagnosis and the solutions.
        strategy: ``'race'``, or an order of the solutions: ``'balance'``, ``'structure'`` or
            ``'efficiency'``.
        modification_sufferance: how much a solution may change the model: 0 (training settings
            only) to 3 (any change).
        memory_limit: whether to leave out solutions that need much memory.
        seed: for everything random.
        budget: what a race may cost, in planned trainings, the first one included.
        jobs: processes that train the candidates of a race; not part of what a run is begun with,
            as the result does not depend on it.
        engine: ``'dask'`` to train them on the Dask cluster that this process is a client of.

    Raises:
        UserError: for a wrong value, at once.
    """

    autorepair: bool = True
    strategy: str = 'balance'
    modification_sufferance: int = 3
    memory_limit: bool = False
    seed: int = 0
    budget: float = 3.0
    jobs: int = 1
    engine: Optional[str] = None

    def __post_init__(self) -> None:
        check_strategy(self.strategy)
        if not check_number('budget', self.budget, 0):
            raise UserError('budget is %r; give a price in planned trainings, the first one '
                            'included, such as 3' % (self.budget,))
        check_count('jobs', self.jobs)
        if self.engine not in (None, 'dask'):
            raise UserError("engine is %r; give 'dask', or None for processes of this machine"
                            % (self.engine,))
        if self.modification_sufferance not in (0, 1, 2, 3):
            raise UserError('modification_sufferance is %r; give 0 (training settings only) to 3 '
                            '(any change)' % (self.modification_sufferance,))
        # a number of numpy's becomes a plain one
        object.__setattr__(self, 'seed', check_seed(self.seed))

    @property
    def races(self) -> bool:
        """Whether a race repairs."""
        return self.strategy in RACES


_NOT_OF_A_RUN = ('satisfied_count', 'on_issue', 'jobs', 'engine')
"""A run under repair stops at an issue, and never because it is content; who trains the candidates
of a race changes nothing in it."""

RUN_SETTINGS: Tuple[str, ...] = tuple(
    entry.name for kind in (Watching, Repairing) for entry in fields(kind)
    if entry.name not in _NOT_OF_A_RUN)
"""The settings that ``model_train`` takes, a run is begun with and must be gone on with."""


def of_a_run(watching: Watching, repairing: Repairing) -> Dict[str, Any]:
    """The values of ``RUN_SETTINGS``, in plain values."""
    every = dict(asdict(watching), **asdict(repairing))
    return {name: every[name] for name in RUN_SETTINGS}


EARLIER: Dict[str, Any] = {'rules': 'paper', 'budget': Repairing.budget, 'shuffle': True,
                           'class_weight': None, 'loss_weights': None}
"""Settings that the runs of earlier versions had not yet, and what they did."""
