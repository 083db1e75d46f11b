"""The solutions in a few words each, for somebody who meets them for the first time."""

from typing import Sequence

from ...solutions.race import (
    BEYOND_HOPE,
    HALVED,
    OUTRUN,
    RAN,
    SATISFIED,
    SPENT,
    STALLED_OUT,
)

SHORT = {
    'selu': 'SELU activations', 'relu': 'ReLU activations', 'tanh': 'tanh activations',
    'leaky': 'leaky ReLU activations', 'bn': 'batch normalisation',
    'initial': 'other starting weights', 'GN': 'noise on the inputs', 'dropout': 'dropout',
    'regular': 'weight decay', 'activation': 'an output activation that fits',
    'data': 'scaled inputs', 'gradient': 'clipped gradients', 'adam': 'Adam',
    'optimizer': 'another optimizer', 'lr': 'another learning rate',
    'restart': 'going on from the best epoch with smaller steps',
    'ReduceLR': 'a learning rate that falls', 'momentum': 'SGD with momentum',
    'batch': 'larger batches', 'estop': 'early stopping', 'loss': 'a loss that fits',
    'head': 'head and loss that fit the labels', 'step': 'a learning rate that fits',
    'less_batch': 'smaller batches', 'longer': 'longer training',
    'weights': 'fresh starting weights', 'unfreeze': 'layers unfrozen',
    'less_dropout': 'less dropout', 'less_decay': 'less weight decay', 'wider': 'wider layers',
    'deeper': 'more layers', 'targets': 'scaled targets', 'labels': 'labels made whole',
    'shuffle': 'shuffled rows', 'split': 'rows divided anew',
}
"""By the name of the solution; a test holds the names to those that there are."""


ENDED = {
    RAN: 'trained to the planned end', SATISFIED: 'at the goal, no better for a while',
    HALVED: 'in the worse half', STALLED_OUT: 'no better for a while',
    SPENT: 'the budget was spent', OUTRUN: 'the race was won',
    BEYOND_HOPE: 'learnt next to nothing',
}
"""Why a candidate ended, where it says too little by itself."""


def ended_in_words(why: str) -> str:
    """Why a candidate ended, for a reader."""
    return ENDED.get(why, why)


def in_words(solution: str) -> str:
    """Solutions joined by ``+``, in words; a name that is not known stands for itself."""
    return listed([SHORT.get(name, name) for name in solution.split('+')])


def listed(words: Sequence[str]) -> str:
    """Several things in one sentence: a, b and c."""
    if len(words) < 2:
        return ''.join(words)
    return '%s and %s' % (', '.join(words[:-1]), words[-1])
