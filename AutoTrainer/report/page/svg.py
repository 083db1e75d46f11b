"""Draws a figure as SVG: lines, levels and marks over two axes. Knows nothing of trainings.

A figure is drawn twice, for a wide page and for a narrow one, so that its text keeps its size. Its
colours are the page's, by class: one drawing serves the light and the dark page.
"""

import math
from typing import Callable, List, NamedTuple, Optional, Sequence, Tuple
from xml.sax.saxutils import escape

from .scale import (
    Point,
    drawable,
    epoch_ticks,
    linear_ticks,
    log_ticks,
    pieces,
    thinned,
    tick_texts,
)

WIDE, NARROW = (760, 300), (340, 270)
"""Width and height of the two drawings, in pixels."""

_LETTER = 6.6
"""Width of a letter of the small text, in pixels, on the generous side."""
_BOLD = 7.1
"""Likewise, where it is bold."""
_MOST_DOTS = 40
_FEWEST_POINTS = 60


class Line(NamedTuple):
    """One line.

    Attributes:
        name: as the legend says it; '' for none there.
        points: places and values; a value of None is a gap.
        kind: how it looks, a class of the style sheet.
        label: what stands at its end.
    """

    name: str
    points: Sequence[Point]
    kind: str
    label: str = ''


class Level(NamedTuple):
    """A value that lines are held against: a horizontal line."""

    at: float
    label: str
    kind: str = 'level'
    at_left: bool = False


class Mark(NamedTuple):
    """A moment: a vertical line."""

    at: float
    label: str
    kind: str = 'mark'


class Span(NamedTuple):
    """A part of the x axis in which something is otherwise, shaded."""

    low: float
    high: float
    label: str


class Figure(NamedTuple):
    """The numbers behind a figure, and its words.

    Attributes:
        title: what is seen.
        takeaway: what is to be learnt from it, in one sentence.
        x_name: name and unit of the x axis.
        y_name: likewise.
        lines: drawn in this order.
        levels: horizontal lines.
        marks: vertical lines.
        spans: shaded parts.
        rug: places on the x axis with a tick each.
        rug_name: what the ticks are.
        x_range: of the x axis.
        log: whether the y axis is logarithmic; a value of 0 is then drawn on its foot.
        clip: (low, high) beyond which values are drawn at the edge; None for no such bound.
        whole_x: whether only whole numbers stand at the x axis.
    """

    title: str
    takeaway: str
    x_name: str
    y_name: str
    lines: Tuple[Line, ...]
    levels: Tuple[Level, ...] = ()
    marks: Tuple[Mark, ...] = ()
    spans: Tuple[Span, ...] = ()
    rug: Tuple[float, ...] = ()
    rug_name: str = ''
    x_range: Tuple[float, float] = (0.0, 1.0)
    log: bool = False
    clip: Tuple[Optional[float], Optional[float]] = (None, None)
    whole_x: bool = True

    @property
    def foot(self) -> Optional[float]:
        """Where zeros are drawn on a logarithmic axis; None where there are none."""
        values = self._values()
        positive = [value for value in values if value > 0]
        if not self.log or min(values, default=1.0) > 0:
            return None
        return min(positive, default=1.0) / 10

    @property
    def y_range(self) -> Tuple[float, float]:
        """The values that the y axis reaches from and to."""
        values = self._values() + [level.at for level in self.levels]
        if self.log:
            foot = self.foot
            values = [value for value in values if value > 0] + ([] if foot is None else [foot])
            low, high = min(values, default=0.1), max(values, default=1.0)
            if high / low < 10:
                low, high = low / 3, high * 3
            return low / 1.3, high * 1.3
        low, high = min(values, default=0.0), max(values, default=1.0)
        if self.clip[0] is not None:
            low = max(low, self.clip[0])
        if self.clip[1] is not None:
            high = min(high, self.clip[1])
        room = 0.06 * (high - low) or 0.1 * abs(high) or 0.1
        on_top = any(level.at >= high for level in self.levels)  # its words stand above it
        return low - room, high + (2.5 * room if on_top else room)

    def _values(self) -> List[float]:
        found = [drawable(value) for line in self.lines for _, value in line.points]
        return [value for value in found if value is not None]


class _Canvas:
    """One drawing of a figure."""

    def __init__(self, figure: Figure, size: Tuple[int, int], name: str) -> None:
        self.figure, self.name = figure, name
        self.width, self.height = size
        self.is_narrow = size[0] < 500
        self.out: List[str] = []
        low, high = figure.y_range
        foot = figure.foot  # both asked for once: they look at every value
        self.foot = None if foot is None else math.log10(foot)
        self.low, self.high = (math.log10(low), math.log10(high)) if figure.log else (low, high)
        longest = max([len(text) for _, text in self.y_ticks()], default=1)
        labelled = [len(line.label) for line in figure.lines if line.label]
        self.left = 14 + int(_LETTER * longest)
        self.right = self.width - max(20, 12 + min(
            int(_LETTER * max(labelled, default=0)), self.width // 4))
        self.legend = self._legend_rows()
        rows = len(self._mark_rows()[1])
        self.top = 24 + 18 * len(self.legend) + 16 * rows
        self.bottom = self.height - 40

    # ------------------------------------------------------------------------------------- places

    def x(self, value: float) -> float:
        """Pixels from the left."""
        low, high = self.figure.x_range
        share = (value - low) / ((high - low) or 1.0)
        return self.left + min(max(share, 0.0), 1.0) * (self.right - self.left)

    def y(self, value: float) -> float:
        """Pixels from the top; what lies beyond the axis is at its edge."""
        if self.figure.log:
            value = math.log10(value) if value > 0 else (
                self.low if self.foot is None else self.foot)
        share = (value - self.low) / ((self.high - self.low) or 1.0)
        return self.bottom - min(max(share, 0.0), 1.0) * (self.bottom - self.top)

    def y_ticks(self) -> List[Tuple[float, str]]:
        """Where numbers stand on the y axis, and how they are written."""
        if not self.figure.log:
            ticks = linear_ticks(self.low, self.high, 5)
        else:
            ticks = log_ticks(10 ** self.low, 10 ** self.high)
            if self.foot is not None:
                ticks = [0.0] + [tick for tick in ticks if math.log10(tick) > self.foot + 0.3]
        return list(zip(ticks, tick_texts(ticks, self.figure.log)))

    # -------------------------------------------------------------------------------------- parts

    def text(self, x: float, y: float, words: str, kind: str = '', anchor: str = 'start') -> None:
        """Some words."""
        self.out.append('<text x="%.1f" y="%.1f"%s%s>%s</text>' % (
            x, y, ' class="%s"' % kind if kind else '',
            '' if anchor == 'start' else ' text-anchor="%s"' % anchor, escape(words)))

    def stroke(self, kind: str, *points: Tuple[float, float]) -> None:
        """A line through some places."""
        self.out.append('<path class="%s" d="M%s"/>' % (
            kind, 'L'.join('%.1f %.1f' % point for point in points)))

    def axes(self) -> None:
        """Ticks, their numbers, the names of the axes."""
        for tick, text in self.y_ticks():
            place = self.y(tick)
            self.stroke('grid', (self.left, place), (self.right, place))
            self.text(self.left - 6, place + 4, text, 'tick', 'end')
        low, high = self.figure.x_range
        most = 4 if self.is_narrow else 8
        ticks = (epoch_ticks if self.figure.whole_x else linear_ticks)(low, high, most)
        for tick, text in zip(ticks, tick_texts(ticks)):
            self.stroke('axis', (self.x(tick), self.bottom), (self.x(tick), self.bottom + 4))
            self.text(self.x(tick), self.bottom + 17, text, 'tick', 'middle')
        self.stroke('axis', (self.left, self.bottom), (self.right, self.bottom))
        self.text((self.left + self.right) / 2, self.height - 6, self.figure.x_name, 'name',
                  'middle')
        self.text(4, 12, self.figure.y_name, 'name')

    def spans(self) -> None:
        """Shaded parts of the x axis."""
        for span in self.figure.spans:
            left, right = self.x(span.low), self.x(span.high)
            self.out.append('<rect class="span" x="%.1f" y="%d" width="%.1f" height="%d"/>' % (
                left, self.top, max(right - left, 0.0), self.bottom - self.top))
            if right - left > _LETTER * len(span.label):
                self.text((left + right) / 2, (self.top + self.bottom) / 2, span.label,
                          'span-text', 'middle')

    def rug(self) -> None:
        """A tick at the foot for each of many moments."""
        places = sorted({round(self.x(at), 1) for at in self.figure.rug})
        if places:
            self.out.append('<path class="rug" d="%s"/>' % ''.join(
                'M%.1f %dv-5' % (place, self.bottom) for place in places))

    def levels(self) -> None:
        """Horizontal lines with their words above them, where there is room below where not."""
        for level in self.figure.levels:
            place = self.y(level.at)
            self.stroke(level.kind, (self.left, place), (self.right, place))
            above = place - 5 if place - 18 > self.top else place + 14
            self.text(self.left + 4 if level.at_left else self.right - 4, above, level.label,
                      level.kind + '-text halo', 'start' if level.at_left else 'end')

    def marks(self) -> None:
        """Vertical lines, their words in rows above."""
        rows, _ = self._mark_rows()
        first = 32 + 18 * len(self.legend)
        for (mark, row, left) in rows:
            place, line = self.x(mark.at), first + 16 * row
            self.stroke(mark.kind, (place, line - 9), (place, self.bottom))
            self.text(left, line, mark.label, mark.kind + '-text halo')

    def _mark_rows(self) -> Tuple[List[Tuple[Mark, int, float]], List[List[Tuple[float, float]]]]:
        """In which row the words of each mark stand, and where they begin: right of it if they fit.

        Beside where each stands, the rows are told, with what is taken in them.
        """
        taken: List[List[Tuple[float, float]]] = []
        placed = []
        for mark in self.figure.marks:
            place, size = self.x(mark.at), _BOLD * len(mark.label) + 8
            low = place + 4
            if low + size > self.width:
                low = max(place - size, 2.0) if place > self.width / 2 else self.width - size
            high = low + size
            row = next((i for i, others in enumerate(taken) if all(
                high < left or low > right for left, right in others)), len(taken))
            if row == len(taken):
                taken.append([])
            taken[row].append((low, high))
            placed.append((mark, row, max(low, 2.0)))
        return placed, taken

    def lines(self) -> None:
        """The lines, a dot for a single point, and what stands at their ends."""
        ends = []
        most = _most_points(len(self.figure.lines), self.width)
        for line in sorted(self.figure.lines, key=lambda line: bool(line.label)):
            found = [[(self.x(x), self.y(y)) for x, y in thinned(piece, most)]
                     for piece in pieces(line.points)]
            long = [piece for piece in found if len(piece) > 1]
            if long:
                self.out.append('<path class="line %s" d="%s"/>' % (line.kind, ''.join(
                    'M' + 'L'.join('%.1f %.1f' % point for point in piece) for piece in long)))
            dots = [piece[0] for piece in found if len(piece) == 1]
            if sum(map(len, found)) <= _MOST_DOTS and 'dotted' in line.kind:
                dots = [point for piece in found for point in piece]
            for x, y in dots[:_MOST_DOTS]:
                self.out.append('<circle class="dot %s" cx="%.1f" cy="%.1f" r="2.5"/>' % (
                    line.kind, x, y))
            if found and line.label:
                ends.append((found[-1][-1], line))
        self._labels(ends)

    def _labels(self, ends: Sequence[Tuple[Tuple[float, float], Line]]) -> None:
        """Words at the ends of lines, moved apart where they would cover each other."""
        taken: List[Tuple[float, float, float]] = []
        for (x, y), line in sorted(ends, key=lambda end: end[0][1]):
            words = _cut(line.label, int((self.width - x - 8) / _LETTER))
            low, high = x, x + _LETTER * len(words) + 6
            place = y + 4
            for left, right, other in taken:
                if left < high and right > low and place - other < 12:
                    place = max(place, other + 12)
            taken.append((low, high, place))
            self.text(x + 5, min(place, self.bottom + 2), words, 'label halo ' + line.kind)

    def _legend_rows(self) -> List[List[Tuple[float, str, str]]]:
        """The legend: in each row places, kinds and names."""
        entries = [(line.kind, line.name) for line in self.figure.lines if line.name]
        if self.figure.rug:
            entries.append(('rug', self.figure.rug_name))
        rows: List[List[Tuple[float, str, str]]] = []
        x = math.inf
        for kind, name in dict.fromkeys(entries):
            size = 36 + _LETTER * len(name)
            if x + size > self.width:
                rows.append([])
                x = 4
            rows[-1].append((x, kind, name))
            x += size + 10
        return rows

    def legends(self) -> None:
        """What the lines are."""
        for number, row in enumerate(self.legend):
            y = 32 + 18 * number
            for x, kind, name in row:
                if kind == 'rug':
                    self.out.append('<path class="rug" d="%s"/>' % ''.join(
                        'M%.1f %dv-6' % (x + step, y - 1) for step in (4, 9, 14, 19)))
                else:
                    self.stroke('line ' + kind, (x, y - 4), (x + 24, y - 4))
                self.text(x + 30, y, name, 'name')


def _most_points(lines: int, width: int) -> int:
    """Points of each of so many lines: as many as can be told apart, fewer of many lines."""
    return max(_FEWEST_POINTS, min(width * 2 // 3, 6 * width // max(lines, 1)))


def _cut(words: str, most: int) -> str:
    return words if len(words) <= most else words[:max(most - 1, 1)] + '…'


def _drawn(figure: Figure, size: Tuple[int, int], name: str, kind: str) -> str:
    canvas = _Canvas(figure, size, name)
    parts: Sequence[Callable[[], None]] = (
        canvas.spans, canvas.axes, canvas.rug, canvas.levels, canvas.marks, canvas.lines,
        canvas.legends)
    for part in parts:
        part()
    return (
        '<svg class="%s" viewBox="0 0 %d %d" width="%d" height="%d" role="img" '
        'aria-labelledby="%s-t %s-d" xmlns="http://www.w3.org/2000/svg">'
        '<title id="%s-t">%s</title><desc id="%s-d">%s</desc>%s</svg>' % (
            (kind,) + size + size + (name, name, name, escape(figure.title), name,
                                     escape(figure.takeaway), '\n'.join(canvas.out))))


def drawn(figure: Figure, name: str) -> str:
    """Draw a figure.

    Args:
        figure: its numbers and words; whatever text is in it is escaped.
        name: of the figure on its page, for references within it: letters alone.

    Returns:
        Two ``svg`` elements, of the classes ``wide`` and ``narrow``.
    """
    return (_drawn(figure, WIDE, name + 'w', 'wide')
            + _drawn(figure, NARROW, name + 'n', 'narrow'))
