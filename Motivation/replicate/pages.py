"""The two pages of a replication: one HTML file that needs no other, and Markdown."""

import base64
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Sequence

from ..output import markdown_table
from .claims import FAILS, HOLDS, PARTLY, UNKNOWN, Claim
from .sections import OTHER, SAME, Section

TEMPLATE = Path(__file__).with_name('page.html')


class Replication(NamedTuple):
    """What both pages show.

    Attributes:
        source: folder that was read, as the user gave it.
        cases: how many were read.
        runs: likewise.
        agrees: whether what must agree does.
        compared: whether there was anything of the thesis's to compare.
        claims: decided.
        sections: tables and figures.
        left_out: one sentence each for what could not be read or drawn.
    """

    source: str
    cases: int
    runs: int
    agrees: bool
    compared: bool
    claims: List[Claim]
    sections: List[Section]
    left_out: List[str]

    @property
    def headline(self) -> str:
        """Whether the numbers that must agree do."""
        if not self.compared:
            return ('None of the thesis\'s nine cases is among these runs, so that Tables 3-1 and '
                    '3-2 are not held against them; the claims are decided by what is there.')
        if self.agrees:
            return 'Tables 3-1 and 3-2 reproduce to the last number.'
        return 'Tables 3-1 and 3-2 do not reproduce from these runs: see the first two claims.'

    @property
    def summary(self) -> str:
        """How many claims hold."""
        counts = ['%d %s' % (sum(claim.verdict == verdict for claim in self.claims), words)
                  for verdict, words in ((HOLDS, 'hold'), (PARTLY, 'hold in part'),
                                         (FAILS, 'do not hold'), (UNKNOWN, 'cannot be told'))]
        return 'Of %d claims %s.' % (len(self.claims), ', '.join(counts))


def as_markdown(found: Replication) -> str:
    """The page as Markdown; figures are linked from beside it."""
    parts = ['# The thesis, replicated\n\n%d runs in %d cases of %s. %s %s\n' % (
        found.runs, found.cases, found.source, found.headline, found.summary)]
    if found.left_out:
        parts.append('Left out:\n\n%s\n' % '\n'.join('* %s' % why for why in found.left_out))
    for section in found.sections:
        parts.append('## %s\n' % section.title)
        if section.note:
            parts.append(section.note + '\n')
        parts += [markdown_table(grid.header, [[cell.replace('|', '\\|') for cell in row]
                                               for row in grid.rows])
                  for grid in section.grids if grid.rows]
        parts += ['![%s](%s.png)\n' % (section.title, name) for name in section.figures]
    return '\n'.join(parts)


def as_html(found: Replication, images: Dict[str, bytes]) -> str:
    """The page as HTML.

    Args:
        found: what it shows.
        images: the figures' SVG files, by name.
    """
    import jinja2  # only this command needs it
    template = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined).from_string(
        TEMPLATE.read_text(encoding='utf-8'))
    values: Dict[str, Any] = dict(found._asdict())
    good: Sequence[str] = (SAME, HOLDS)
    return template.render(
        values, headline=found.headline, summary=found.summary, good=good, bad=(OTHER, FAILS),
        images={name: base64.b64encode(content).decode('ascii')
                for name, content in images.items()}) + '\n'
