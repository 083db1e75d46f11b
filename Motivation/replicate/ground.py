"""What a replication stands on: the thesis's numbers, and what the recorded runs say."""

import json
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

from .. import figure_data, schedules
from ..analyse import RULES, CaseFindings, analyse_case
from ..histories import OWN_DATA, Case

THESIS = 'thesis_tables.json'
"""The numbers of the thesis, each with the table it stands in."""

MEASURED = OWN_DATA / 'overhead.json'
"""What checks cost, as measured for ``docs/evidence/benchmarks.md``."""


class Ground(NamedTuple):
    """Everything that tables and claims are made from.

    Attributes:
        thesis: the document in :data:`THESIS`.
        cases: the recorded runs.
        findings: what is said of them, in the same order.
        known: the thesis's cases that are there with the thesis's length, by the thesis's name.
        schedules: document of :func:`Motivation.schedules.as_json`.
        costs: measured overheads; empty if there are none.
    """

    thesis: Dict[str, Any]
    cases: List[Case]
    findings: List[CaseFindings]
    known: Dict[str, CaseFindings]
    schedules: Dict[str, Any]
    costs: List[figure_data.Overhead]

    @property
    def rule(self) -> Dict[str, Any]:
        """Schedules under the thesis's rule, constant ones counted as upstream does."""
        return self.schedules['rules']['val_accuracy']

    def of_length(self, epochs: int) -> List[CaseFindings]:
        """Findings of all cases of a length."""
        return [case for case in self.findings if case.epochs == epochs]


def read_thesis() -> Dict[str, Any]:
    """The numbers of the thesis."""
    with open(str(OWN_DATA / THESIS), encoding='utf-8') as file:
        return json.load(file)


def lay(cases: Sequence[Case], costs: Optional[Path]) -> Tuple[Ground, List[str]]:
    """Judge recorded runs.

    Args:
        cases: the runs.
        costs: file with measured overheads; None for those that come with the project.

    Returns:
        (what the replication stands on, one sentence for each case that bears a name of the
        thesis's and is not the thesis's).
    """
    thesis = read_thesis()
    findings = [analyse_case(case, RULES['val_accuracy']) for case in cases]
    known: Dict[str, CaseFindings] = {}
    problems = []
    for case in findings:
        name = case.name.rpartition('/')[2]
        printed = thesis['cases'].get(name)
        if printed is None:
            continue
        if case.epochs != printed['epochs']:
            problems.append('%s has runs of %d epochs where the thesis has %d; it is shown and not '
                            'held against the thesis' % (case.name, case.epochs, printed['epochs']))
        elif name in known:
            problems.append('%s is there a second time, as %s; only the first is held against the '
                            'thesis' % (name, case.name))
        else:
            known[name] = case
    replayed = schedules.as_json(cases, schedules.SCHEDULES, schedules.EPOCH_SECONDS,
                                 schedules.CHECK_SECONDS, seed=0)
    measured = figure_data.overhead(MEASURED if costs is None else costs)
    return Ground(thesis, list(cases), findings, known, replayed, measured), problems
