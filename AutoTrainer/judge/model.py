"""What is wrong with a model before its first step: weights, layers, what it drops or looks up."""

import math
from typing import Iterable, List

import numpy as np

from .preflight import CERTAIN, LIKELY, NOTE, Finding, Found
from .setup import Setup

_ZERO_AT_ZERO = frozenset(('linear', 'relu', 'relu6', 'LeakyReLU', 'leaky_relu', 'elu', 'selu',
                           'gelu', 'tanh', 'softsign', 'swish', 'silu'))
_PASSES = {'sigmoid': 0.25, 'hard_sigmoid': 0.2, 'relu': math.sqrt(0.5), 'relu6': math.sqrt(0.5)}
"""What an activation leaves of a gradient, at the most or (ReLU: half the units) on average."""
_FADED = 1e-4
_HUGE_SPREAD = 10.0


def frozen(setup: Setup) -> Found:
    """Weights that the training does not change."""
    frozen = [kernel.layer for kernel in setup.kernels if not kernel.trainable]
    if not setup.trainable:
        return Finding('all_frozen', CERTAIN, 'no weight of the model is trainable',
                       'set trainable = True on the layers that are to learn, then compile anew',
                       'not_converge')
    if not frozen:
        return None
    if len(frozen) == len(setup.kernels):
        return Finding('kernels_frozen', LIKELY,
                       'none of the %d kernels is trainable, only biases or scales are'
                       % len(frozen), 'set trainable = True on the layers that are to learn, then '
                       'compile anew', 'not_converge')
    if not setup.kernels[-1].trainable:
        return Finding('head_frozen', LIKELY,
                       'the last layer, %s, is not trainable' % setup.kernels[-1].layer,
                       'set trainable = True on the last layer, then compile anew', 'not_converge')
    return Finding('some_frozen', NOTE, '%d of %d kernels are not trainable (%s)'
                   % (len(frozen), len(setup.kernels), _some(frozen)),
                   'set trainable = True on frozen layers that are to learn, then compile anew',
                   'underfit')


def alike(setup: Setup) -> Found:
    """Initial kernels of which all units of a layer are the same.

    Where all is zero and no activation lifts it, nothing but the last bias ever gets a gradient:
    every other gradient has a zero factor, and keeps it. Units that are merely alike stay so too,
    since they get the same gradient; a layer is then worth one unit, which may be enough.
    """
    hidden = setup.kernels[:-1]
    alike = [kernel.layer for kernel in hidden if kernel.constant and kernel.trainable]
    if not alike:
        return None
    sure = setup.chain and all(kernel.zero for kernel in setup.kernels) and (
        {kernel.activation for kernel in hidden} <= _ZERO_AT_ZERO)
    advice = 'draw the initial weights at random, as kernel_initializer="glorot_uniform" does'
    if sure:
        return Finding('zero_kernels', CERTAIN,
                       'all %d kernels are 0, so that nothing but the last bias gets a gradient'
                       % len(setup.kernels), advice, 'vanish')
    return Finding('alike_units', LIKELY,
                   'the numbers of %d initial kernels are all the same (%s): the units of such a '
                   'layer begin alike' % (len(alike), _some(alike)), advice, 'not_converge')


def huge_weights(setup: Setup) -> Found:
    """First weights so large that nothing can be learnt from."""
    huge = [kernel for kernel in setup.kernels if kernel.spread > _HUGE_SPREAD]
    if not huge:
        return None
    largest = max(huge, key=lambda kernel: kernel.spread)
    return Finding('huge_initial_weights', NOTE if setup.normalises else LIKELY,
                   'the initial weights of %s are %.3g times as large as Glorot draws them'
                   % (largest.layer, largest.spread),
                   'use an initializer that knows the size of the layer, such as glorot_uniform',
                   'explode')


def depth(setup: Setup) -> Found:
    """What is left of a gradient on its way to the first layer (Glorot and Bengio, 2010)."""
    if not setup.chain or setup.normalises or len(setup.kernels) < 3:
        return None
    left = float(np.prod([_PASSES.get(before.activation, 1.0) * kernel.spread for before, kernel
                          in zip(setup.kernels, setup.kernels[1:])]))
    if not left > 0 or _FADED < left < 1 / _FADED:
        return None
    fades = left <= _FADED
    return Finding('gradient_fades' if fades else 'gradient_grows', LIKELY,
                   'through %d layers of %s a gradient %s to about %.1g of itself'
                   % (len(setup.kernels) - 1, _most_common(k.activation for k in setup.kernels),
                      'fades' if fades else 'grows', left),
                   'use ReLU with he_uniform, batch normalisation, or fewer layers',
                   'vanish' if fades else 'explode')


def softmax_inside(setup: Setup) -> Found:
    """A softmax that is no head, in a chain of layers: its units share out 1 among them."""
    inside = [kernel.layer for kernel in setup.kernels[:-1] if kernel.activation == 'softmax']
    if not inside or not setup.chain:
        return None
    return Finding('softmax_inside', LIKELY,
                   'the hidden layer%s %s end%s in softmax: all units of a layer share out 1, so '
                   'that hardly anything goes through'
                   % ('s' * (len(inside) > 1), _some(inside), 's' * (len(inside) == 1)),
                   'use ReLU in hidden layers, and softmax at the end alone', 'activation_issue')


_NOTHING_LEFT, _LITTLE_LEFT = 0.95, 0.8


def dropout(setup: Setup) -> Found:
    """Dropout that leaves too little."""
    if not setup.dropouts:
        return None
    worst = max(setup.dropouts, key=lambda dropout: dropout.rate)
    few = [dropout for dropout in setup.dropouts if dropout.rate >= 0.5
           and 2 < dropout.units and (1 - dropout.rate) * dropout.units < 2]
    if worst.rate < _LITTLE_LEFT and few:
        worst = few[0]
    elif worst.rate < _LITTLE_LEFT:
        return None
    severity = (CERTAIN if worst.rate >= 1 and setup.chain
                else LIKELY if worst.rate >= _NOTHING_LEFT or worst in few else NOTE)
    of_units = ' of %d numbers' % worst.units if worst.units else ''
    return Finding('dropout_leaves_nothing', severity,
                   'the layer %s leaves out %.3g%%%s in training'
                   % (worst.layer, 100 * worst.rate, of_units),
                   'take a dropout rate of 0.2 to 0.5', 'underfit')


def vocabulary(setup: Setup) -> Found:
    """Numbers that an Embedding has no row for."""
    beyond = [lookup for lookup in setup.lookups if lookup.highest >= lookup.size]
    if not beyond:
        return None
    worst = max(beyond, key=lambda lookup: lookup.highest - lookup.size)
    return Finding('beyond_vocabulary', LIKELY if worst.lenient else CERTAIN,
                   'the inputs hold numbers up to %d, but the Embedding %s knows 0 to %d '
                   '(input_dim=%d)' % (worst.highest, worst.layer, worst.size - 1, worst.size),
                   'give it input_dim=%d, or see how the numbers are made' % (worst.highest + 1),
                   'abnormal_data')


def company(setup: Setup) -> Found:
    """Rows that are not answered one by one."""
    if not setup.mixes_rows:
        return None
    return Finding('rows_mixed', LIKELY,
                   'what the model answers for a row changes with the other rows of its batch',
                   'see along which axis a softmax, a reshape, an attention or a recurrent layer '
                   'goes: the first one holds the rows', 'underfit')


def broadcast(setup: Setup) -> Found:
    """A loss of one's own that compares each output with every label."""
    if not setup.unpaired:
        return None
    return Finding('labels_broadcast', LIKELY,
                   'the loss is the same however the outputs are shared out among the labels: it '
                   'seems to compare each output with every label, as labels of shape (rows,) and '
                   'outputs of shape (rows, 1) are', 'give both the same shape within the loss, as '
                   'by keras.ops.reshape(y, (-1, 1))', 'loss_issue')


def _some(names: List[str]) -> str:
    return ', '.join(names[:3]) + (', …' if len(names) > 3 else '')


def _most_common(activations: Iterable[str]) -> str:
    names = [name for name in activations if name not in ('', 'linear')]
    return max(sorted(set(names)), key=names.count) if names else 'any activation'
