"""``autotrainer compare``: a checkout of upstream AUTOTRAINER held against this project."""

import argparse
import json
import sys
from typing import Any, Dict, List, Optional

from .facts import KINDS, Found, compare
from .known import NAMES
from .upstream import Checkout, read_checkout

NAME = 'compare'
"""The word on the command line."""


def build_parser() -> argparse.ArgumentParser:
    """The arguments behind the word."""
    parser = argparse.ArgumentParser(
        prog='autotrainer compare', description='Hold a checkout of AUTOTRAINER against this '
        'project: what is the same, what is not and why. Its files are read, and none is '
        'imported. Exit code 1 where a difference is found that nobody has given a reason for.')
    parser.add_argument('upstream', metavar='UPSTREAM_DIR',
                        help="a checkout, of its branch Test-Master or ICSE'21")
    parser.add_argument('--run', action='store_true', help="also run upstream's pure functions, in "
                        "a process of their own, on some thousand questions beside this project's")
    parser.add_argument('--python', default=sys.executable, metavar='FILE',
                        help='the Python of that process, that of the pinned stack for example; it '
                        'needs NumPy (default: this one)')
    parser.add_argument('--seed', type=int, default=0, metavar='N',
                        help='of the questions; default %(default)s')
    parser.add_argument('--all', action='store_true',
                        help='show what is the same, or only here, too')
    parser.add_argument('--json', action='store_true', help='all of it as JSON')
    parser.add_argument('--debug', action='store_true', help='show the traceback of an error')
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Do what the arguments say.

    Returns:
        The exit code: 1 if there is a difference without a reason, else 0.

    Raises:
        UserError: for a folder that is no checkout, or a Python that does not run.
    """
    checkout = read_checkout(arguments.upstream)
    from .here import facts_here
    found = compare(checkout.facts, facts_here(), NAMES)
    answers = None
    if arguments.run:
        from . import answers as both
        answers = both.run(checkout, arguments.python, arguments.seed)
    open_ends = sum(one.is_undocumented for one in found) + (
        sum(one.number for one in answers.differing if one.group is None) if answers else 0)
    if arguments.json:
        print(json.dumps(as_dict(checkout, found, answers, open_ends), indent=1,
                         ensure_ascii=False))
    else:
        print(as_text(checkout, found, answers, open_ends, arguments.all))
    return 1 if open_ends else 0


def as_dict(checkout: Checkout, found: List[Found], answers: Optional[Any],
            open_ends: int) -> Dict[str, Any]:
    """All of it in plain values."""
    document: Dict[str, Any] = {
        'layout': checkout.layout, 'undocumented': open_ends, 'notes': list(checkout.notes),
        'names': [one._asdict() for one in found]}
    if answers is not None:
        document['answers'] = {'asked': answers.asked, 'differing': [
            {'question': one.question, 'number': one.number,
             'reason': one.group.why if one.group else '',
             'row': one.group.row if one.group else '',
             'example': repr(one.example), 'upstream': repr(one.upstream), 'here': repr(one.here)}
            for one in answers.differing]}
    return document


def as_text(checkout: Checkout, found: List[Found], answers: Optional[Any], open_ends: int,
            everything: bool = False) -> str:
    """The table for people: counts, differences with their reasons, and what has none."""
    lines = ['AUTOTRAINER, layout of %s' % checkout.layout]
    lines += ['not read: %s' % note for note in checkout.notes]
    lines += ['', '%-11s %6s %8s %8s %8s %10s' % (
        '', 'same', 'renamed', 'changed', 'missing', 'only here')]
    for kind in KINDS[:-1]:
        counts = [sum(one.kind == kind and one.status == status for one in found)
                  for status in ('same', 'renamed', 'changed', 'missing', 'more')]
        lines.append('%-11s %6s %8s %8s %8s %10s' % (kind, *counts))
    shown = found if everything else [one for one in found if one.status not in ('same', 'more')]
    with_reason = [one for one in shown if not one.is_undocumented]
    if with_reason:
        lines += ['', 'Different, with the reason:']
        lines += _by_reason(with_reason)
    if answers is not None:
        lines += ['', 'Answers to %d questions (%s):' % (
            sum(answers.asked.values()), ', '.join(answers.asked))]
        lines += ['  %4d of %d  %s: %s%s' % (
            one.number, answers.asked[one.question], one.question, one.group.why,
            _page(one.group.row)) for one in answers.differing if one.group] or ['  all the same']
    lines += ['', 'Without a reason: %s' % (open_ends or 'nothing')]
    lines += ['  %s' % line(one) for one in found if one.is_undocumented]
    if answers is not None:
        lines += ['  answer %s: %d of %d differ, for example upstream %r, here %r to %r' % (
            one.question, one.number, answers.asked[one.question], one.upstream, one.here,
            one.example) for one in answers.differing if one.group is None]
    return '\n'.join(lines)


def line(one: Found) -> str:
    """One difference in one line."""
    where = ' in %s' % one.where if one.where else ''
    same_call = one.kind == 'function' and one.upstream == one.here
    values = {'renamed': ': here %s' % one.here,
              'changed': ': called alike, gives something else' if same_call else
              ': upstream %s, here %s' % (one.upstream or 'nothing', one.here or 'nothing'),
              'missing': ': not here',
              'more': ': only here', 'same': ''}[one.status]
    return '%-8s %s %s%s%s' % (one.status, one.kind, one.name, where, values)


def _by_reason(found: List[Found]) -> List[str]:
    """Lines under the reason that they share."""
    reasons: Dict[Any, List[Found]] = {}
    for one in found:
        reasons.setdefault((one.reason, one.use, one.row), []).append(one)
    lines = []
    for (reason, use, row), those in reasons.items():
        lines += ['  %s' % line(one) for one in those]
        lines += ['      %s%s%s' % (reason, '; use %s' % use if use else '', _page(row))]
    return lines


def _page(row: str) -> str:
    return ' [%s]' % row if row else ''
