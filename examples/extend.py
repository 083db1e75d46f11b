"""A symptom and a solution of your own (docs/guide/extending.md).

    python examples/extend.py

The symptom: a loss that creeps, by a measure of one's own. The solution: a step ten times as large,
at the second try a hundred times. From the moment they are registered every training is looked at
for the symptom, and a repair tries the solution.
"""

import os

os.environ.setdefault('KERAS_BACKEND', 'jax')

import random
from typing import Optional, Tuple

import keras
import numpy as np

from AutoTrainer import NotApplicable, model_train, register_solution, register_symptom
from AutoTrainer.judge.own import Seen
from AutoTrainer.report.text import summary
from AutoTrainer.solutions.candidate import Candidate


def creeps(seen: Seen) -> Optional[str]:
    """The reason in words where three epochs have taken less than three hundredths off."""
    losses = [loss for loss in seen.history['loss'] if loss is not None]
    if len(losses) < 4 or losses[-1] < 0.3:
        return None
    gained = 1 - losses[-1] / losses[-4]
    if gained >= 0.03:
        return None
    return 'the loss is at %.3f, %.2g %% below that of three epochs ago' % (
        losses[-1], 100 * gained)


def ten_times(candidate: Candidate, issue: str, attempt: int,
              lot: random.Random) -> Tuple[Candidate, str]:
    """The same training with larger steps; ``attempt`` counts the tries from 0."""
    optimizer = candidate.training.optimizer
    before = optimizer['config']['learning_rate']
    after = before * 10 ** (attempt + 1)
    if after > 1:
        raise NotApplicable('a learning rate of %g is more than anybody wants' % after)
    changed = dict(optimizer, config=dict(optimizer['config'], learning_rate=after))
    return candidate.trained(optimizer=changed), 'learning rate %g → %g' % (before, after)


register_solution('ten_times', ten_times, 'takes larger steps', sufferance=0)
register_symptom('creeping', creeps, 'a loss that creeps', mends=['ten_times_2', 'lr_1'],
                 meaning='the steps are so small that the planned epochs will not do',
                 advice='steps ten times as large', priority=3)

lots = np.random.default_rng(0)
x = lots.normal(size=(500, 2)).astype('float32')
y = ((x ** 2).sum(axis=1) > 1.4).astype('float32')  # outside of a circle

keras.utils.set_random_seed(0)
model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(16, 'relu'),
                          keras.layers.Dense(1, 'sigmoid')])
trained = model_train(model, optimizer=keras.optimizers.SGD(1e-4, momentum=0.9),
                      loss='binary_crossentropy', iters=30, batch_size=32, checktype='epoch_1',
                      dataset={'x': x[:400], 'y': y[:400], 'x_val': x[400:], 'y_val': y[400:]},
                      save_dir='extended')
print(summary(trained.result))
