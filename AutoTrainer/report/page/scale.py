"""Axes and lines as numbers: ranges, ticks, their words, and lines of few points."""

import math
from typing import List, Optional, Sequence, Tuple

Point = Tuple[float, Optional[float]]
"""A place on the x axis and a value; None, NaN or infinity where there is none."""

_SUPERSCRIPTS = str.maketrans('-0123456789', '⁻⁰¹²³⁴⁵⁶⁷⁸⁹')


_HUGE = 1e200


def drawable(value: Optional[float]) -> Optional[float]:
    """A number that axes can be made for: not NaN, not at the ends of what a float can be."""
    if value is None or not abs(value) < _HUGE:
        return None
    return 0.0 if abs(value) < 1 / _HUGE else float(value)


def pieces(points: Sequence[Point]) -> List[List[Tuple[float, float]]]:
    """A line without its gaps: one list of points for each stretch between them."""
    found: List[List[Tuple[float, float]]] = [[]]
    for x, value in points:
        y = drawable(value)
        if y is not None:
            found[-1].append((x, y))
        elif found[-1]:
            found.append([])
    return [piece for piece in found if piece]


def thinned(points: Sequence[Tuple[float, float]], most: int
            ) -> List[Tuple[float, float]]:
    """A line of at most so many points that looks the same: no peak and no dip is lost.

    Of each of equal stretches the lowest and the highest point are kept, and the two ends.

    Args:
        points: in the order of x.
        most: at least 4.
    """
    if len(points) <= most:
        return list(points)
    stretches = (most - 2) // 2
    inner = points[1:-1]
    kept = [points[0]]
    for number in range(stretches):
        part = inner[len(inner) * number // stretches:len(inner) * (number + 1) // stretches]
        if part:
            low, high = (choose(part, key=lambda point: point[1]) for choose in (min, max))
            kept += [low] if low == high else sorted([low, high])
    return kept + [points[-1]]


def linear_ticks(low: float, high: float, most: int = 5) -> List[float]:
    """Round numbers from ``low`` to ``high``, at most so many and an end."""
    if not high > low:
        return [low]
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10, 20) if power * factor >= rough)
    first = math.ceil(low / step - 1e-9)
    return [0.0 if number == 0 else number * step
            for number in range(first, math.floor(high / step + 1e-9) + 1)]


def log_ticks(low: float, high: float, most: int = 5) -> List[float]:
    """Powers of ten from ``low`` to ``high``; at least one."""
    first, last = math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9)
    if first > last:
        return [low]
    step = max(1, math.ceil((last - first) / most))
    return [10.0 ** power for power in range(first, last + 1, step)]


def epoch_ticks(low: float, high: float, most: int = 6) -> List[float]:
    """Round whole numbers."""
    return sorted({tick for tick in linear_ticks(low, high, most) if tick == int(tick)}) or [low]


def number_text(value: float, digits: int = 3) -> str:
    """A number for an axis or a sentence, in as few characters as it needs.

    Args:
        value: finite.
        digits: that count, of a number below 1000; of a larger one three less stand behind the
            point.
    """
    if value == 0:
        return '0'
    if 1e-3 <= abs(value) < 1e5:
        return ('%.*g' % (digits, value) if abs(value) < 1000
                else '%.*f' % (digits - 3, value)).replace('-', '−')
    return power_text(value, digits - 1)


def tick_texts(ticks: Sequence[float], log: bool = False, most: int = 16) -> List[str]:
    """The numbers of an axis, in as many digits as keep any two of them apart.

    Args:
        ticks: finite.
        log: whether as powers of ten.
        most: digits, at least 3.
    """
    texts: List[str] = []
    for digits in range(3, most + 1):
        texts = [power_text(tick, digits - 1) if log else number_text(tick, digits)
                 for tick in ticks]
        if len(set(texts)) == len(set(ticks)):
            break
    return texts


def skill_text(skill: Optional[float]) -> str:
    """A skill in two decimals; '–' where there is none."""
    if skill is None:
        return '–'
    return '0.00' if abs(skill) < 0.005 else ('%.2f' % skill).replace('-', '−')


def power_text(value: float, digits: int = 2) -> str:
    """A number as a multiple of a power of ten, of which so many digits count."""
    if value == 0:
        return '0'
    mantissa, power = ('%.*e' % (digits - 1, value)).split('e')
    mantissa = mantissa.rstrip('0').rstrip('.')
    tens = '10' + str(int(power)).translate(_SUPERSCRIPTS)
    return (mantissa[:-1] + tens if mantissa in ('1', '-1')
            else '%s·%s' % (mantissa, tens)).replace('-', '−')


def times_text(factor: float) -> str:
    """By how much one number is larger than another, in two digits."""
    rounded = float('%.2g' % factor)
    return f'{rounded:,.0f}' if 10 <= rounded < 1e7 else number_text(rounded)
