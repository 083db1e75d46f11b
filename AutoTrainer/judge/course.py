"""What the epochs so far say of how a training is set up: the rates in force, weights at rest.

Asked only where a training is to be blamed, or its numbers are none any more.
"""

import math
from typing import List, NamedTuple, Optional, Sequence, Tuple

from .preflight import CERTAIN, NOTE, Finding, Found
from .setup import Setup
from .steps import RATES

LATE = 0.7
"""Share of the planned epochs from which a small learning rate is how most schedules end."""


class Course(NamedTuple):
    """What a training has gone through.

    Attributes:
        watched: the last epochs, in which no change of its weights can have been missed.
        done: epochs in all.
        planned: epochs; None if unknown.
        rates: the learning rate at the end of each of the last epochs; NaN where none stands for
            all.
        layers: those whose weights are trained.
        at_rest: those of them of which no weight has changed since.
    """

    watched: int = 0
    done: int = 0
    planned: Optional[int] = None
    rates: Tuple[float, ...] = ()
    layers: Tuple[str, ...] = ()
    at_rest: Tuple[str, ...] = ()


def in_force(setup: Setup, course: Course) -> Setup:
    """A set-up with the largest learning rate that there was, in place of the first.

    What a schedule begins or ends with explains neither numbers that overflowed nor weights that
    hardly moved.
    """
    rates = (setup.learning_rate,) + course.rates
    if not course.rates or not all(map(math.isfinite, rates)):
        return setup
    return setup._replace(learning_rate=max(rates), scheduled=False)


def of_later_rates(findings: Sequence[Finding]) -> List[Finding]:
    """Findings of a set-up whose rate was changed on the way.

    Nobody saw that coming: what became of the training is its cause, and the rate explains that.
    """
    return [finding._replace(severity=NOTE) if finding.name == 'learning_rate_high' else finding
            for finding in findings]


def examine_course(setup: Setup, course: Course) -> List[Finding]:
    """What is wrong with a training as far as its epochs have shown it.

    Args:
        setup: how it was set up.
        course: what it has gone through.
    """
    found = [_weights_at_rest(setup, course), _rate_fell(setup, course)]
    return [finding for finding in found if finding is not None]


def _weights_at_rest(setup: Setup, course: Course) -> Found:
    if course.watched < 1 or not course.at_rest or not setup.trainable:
        return None
    rates = RATES.get(setup.optimizer)
    if rates is not None and in_force(setup, course).learning_rate < rates.least:
        return None  # steps too small to be seen, which is said of the rate
    lately = 'the last %s' % ('epoch' if course.watched == 1 else '%d epochs' % course.watched)
    if len(course.at_rest) == len(course.layers):
        return Finding('weights_at_rest', CERTAIN, 'no weight has changed in %s: no step '
                       'reaches the model' % lately,
                       'see that the optimizer makes its steps, that it was given the weights of '
                       'this very model, and that nothing cuts its outputs off from the loss',
                       'not_converge')
    return Finding('layers_at_rest', NOTE, 'no weight of %s has changed in %s' % (
        ', '.join(course.at_rest[:3]) + ', …' * (len(course.at_rest) > 3), lately),
                   'see that gradients reach every layer that is to learn, and that the optimizer '
                   'was given its weights', 'underfit')


def _rate_fell(setup: Setup, course: Course) -> Found:
    """A learning rate that went down to where nothing moves long before the planned end."""
    rates = RATES.get(setup.optimizer)
    seen = (setup.learning_rate,) + course.rates
    if rates is None or not course.rates or not all(map(math.isfinite, seen)):
        return None
    share = 1 - setup.momentum if 0 < setup.momentum < 1 else 1.0
    low = [rate / share < rates.low for rate in seen]
    since = next((epoch for epoch in range(len(seen)) if all(low[epoch:])), None)
    if not since or course.planned is None:
        return None
    since += course.done - len(course.rates)
    if since > LATE * course.planned:
        return None
    return Finding('learning_rate_fell', NOTE,
                   'the learning rate of %s has fallen from %.3g to %.3g, and has been below %g '
                   'since epoch %d of %d' % (setup.optimizer, max(seen), seen[-1],
                                             rates.low * share, since, course.planned),
                   'let the learning rate fall more slowly; what was meant in epochs may have been '
                   'counted in batches', 'not_converge')
