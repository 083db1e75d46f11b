"""The gradients of the first training, layer by layer."""

from typing import List, NamedTuple, Optional, Tuple

from ...record.events import CheckRecord
from .curves import moments
from .run import Run
from .scale import drawable, number_text, times_text
from .svg import Figure, Line


class Ends(NamedTuple):
    """The gradient norms of the first and the last layer at one check."""

    epoch: int
    first: Tuple[str, float]
    last: Tuple[str, float]

    @property
    def sentence(self) -> str:
        """How they compare."""
        (name, low), (other, high) = self.first, self.last
        said = 'At epoch %d the gradient of the first layer (%s) had a norm of %s, that of the ' \
            'last (%s) %s' % (self.epoch, name, number_text(low), other, number_text(high))
        if low and high and high >= 2 * low:
            return '%s: %s times as much.' % (said, times_text(high / low))
        if low and high and low >= 2 * high:
            return '%s: %s times less.' % (said, times_text(low / high))
        return said + '.'


def measured(run: Run) -> List[CheckRecord]:
    """The checks that measured gradients in the layers of the last of them."""
    found = [check for check in run.checks if check.layers]
    return [check for check in found if check.layers == found[-1].layers]


def ends(check: CheckRecord) -> Optional[Ends]:
    """First and last layer of a check; None where their norms are no numbers."""
    low, high = drawable(check.norms[0]), drawable(check.norms[-1])
    if low is None or high is None or len(check.layers) < 2:
        return None
    return Ends(check.epoch, (check.layers[0], low), (check.layers[-1], high))


def kind_of(place: int, count: int) -> str:
    """How the line of a layer looks."""
    return 'first' if place == 0 else 'last' if place == count - 1 else 'depth'


def gradients_figure(run: Run) -> Optional[Figure]:
    """Norm of each layer's gradient over the epochs; None without two checks that measured it."""
    checks = measured(run)
    if len(checks) < 2 or not any(norm for check in checks for norm in check.norms):
        return None
    names = checks[-1].layers
    count = len(names)
    lines = []
    for place, name in enumerate(names):
        is_end = place in (0, count - 1)
        lines.append(Line(
            ('first layer' if place == 0 else 'last layer') if is_end and count > 1
            else 'layers between' if place == 1 else '',
            [(float(check.epoch), check.norms[place]) for check in checks],
            kind_of(place, count), _short(name) if is_end else ''))
    told, span = ends(checks[-1]), (float(checks[0].epoch), float(checks[-1].epoch))
    marks = tuple(mark for mark in moments(run) if span[0] <= mark.at <= span[1])
    return Figure('Gradients over the epochs', told.sentence if told else
                  'A gradient that is not finite has no place here.', 'epoch',
                  'norm of the gradient (logarithmic)', tuple(lines), marks=marks, x_range=span,
                  log=True)


def no_gradient(run: Run) -> str:
    """What is said instead of a figure where every gradient is 0; '' where one is not."""
    checks = measured(run)
    if not checks or any(checks[-1].norms):
        return ''
    return ('At epoch %d the gradient of every kernel was 0: on these rows none of them learns.'
            % checks[-1].epoch)


def profile_figure(run: Run) -> Optional[Figure]:
    """Norm of the gradient layer by layer at the last check that measured it.

    None below three layers, or where all are 0.
    """
    checks = measured(run)
    if not checks or len(checks[-1].layers) < 3 or not any(checks[-1].norms):
        return None
    check = checks[-1]
    count = len(check.layers)
    told = ends(check)
    numbers = [(value, name) for value, name in zip(map(drawable, check.norms), check.layers)
               if value is not None]
    said = 'A gradient that is not finite has no place here.'
    if told:
        (low, small), (high, large) = min(numbers), max(numbers)
        said = 'It is smallest in %s (%s) and largest in %s (%s).' % (
            _short(small), number_text(low), _short(large), number_text(high))
    return Figure(
        'Gradients from layer to layer, at epoch %d' % check.epoch,
        said, 'layer, from the first (1) to the last (%d)' % count,
        'norm of the gradient (logarithmic)',
        (Line('', [(float(place), norm) for place, norm in enumerate(check.norms, 1)],
              'first dotted'),), x_range=(1.0, float(count)), log=True)


def _short(name: str) -> str:
    """A kernel by the name of its layer."""
    return name.partition('/')[0] or name
