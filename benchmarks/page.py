"""What the page of a run costs: seconds and bytes, for runs of up to 1,000 epochs and 20 tries."""

import json
import math
import os
import random
import tempfile
from typing import Any, Dict, List

from ._common import finish, seconds_of, spread, start

LAYERS = 64
"""Layers on record, as many as there can be."""


def _history(path: str, epochs: int, top: float, draw: random.Random) -> None:
    """Write a noisy curve that rises to ``top``."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, 'w', encoding='utf-8') as file:
        file.write('epoch,loss,accuracy,val_loss,val_accuracy\n')
        for epoch in range(1, epochs + 1):
            accuracy = top * (1 - math.exp(-5 * epoch / epochs)) + draw.gauss(0, 0.02)
            loss = 2 * math.exp(-3 * epoch / epochs) + abs(draw.gauss(0, 0.1))
            file.write('%d,%r,%r,%r,%r\n' % (epoch, loss, accuracy, 1.1 * loss, accuracy - 0.02))


def _check(epoch: int, epochs: int, draw: random.Random) -> Dict[str, Any]:
    """A check that measured everything."""
    found = ['underfit'] if epoch == epochs else []
    return {'event': 'check', 'time': 1.7e9 + epoch, 'epoch': epoch, 'issues': found,
            'reasons': {issue: 'skill is below 0.7 of the yardstick' for issue in found},
            'retrain': False, 'solution': None, 'yardstick': 0.9,
            'skill': 0.5 * (1 - math.exp(-5 * epoch / epochs)) + draw.gauss(0, 0.01),
            'layers': {'names': ['layer_%d/kernel' % i for i in range(LAYERS)],
                       'norms': [10 ** (-5 + 3 * i / LAYERS + draw.gauss(0, 0.15))
                                 for i in range(LAYERS)]}}


def _legs(epochs: int, tries: int) -> List[Dict[str, Any]]:
    """A race of which the last candidate wins."""
    found = []
    for number in range(1, tries + 1):
        looks: List[List[float]] = []
        for until in [epochs // 10, epochs // 5] + [epochs] * (number == tries):
            looks.append([until, 0.2 + 0.6 * until / epochs * number / tries, 0.0, 0.1])
            found.append({'event': 'leg', 'time': 1.8e9, 'number': number, 'solution': 'selu+step',
                          'until': until, 'epochs': until, 'looks': list(looks), 'ended': ''})
    return found


def long_run(folder: str, epochs: int, tries: int, race: bool) -> None:
    """Write a made-up run folder.

    Args:
        folder: created.
        epochs: of the first training, with a check at each, and of every try.
        tries: solutions that were tried, or candidates of a race.
        race: which of the two.
    """
    draw = random.Random(0)
    _history(os.path.join(folder, 'history.csv'), epochs, 0.77, draw)
    attempts = [] if race else [
        {'repairs': 'underfit', 'solution': 'lr', 'try': number, 'number': number,
         'issue': None if number == tries else 'underfit', 'val_accuracy': 0.5 + 0.02 * number,
         'epochs': epochs, 'seconds': 12.5, 'description': 'learning rate 0.01 → 0.001',
         'status': 'solved' if number == tries else 'failed'} for number in range(1, tries + 1)]
    for number in range(1, 1 + len(attempts)):
        _history(os.path.join(folder, 'attempts', '%03d_lr_%d' % (number, number), 'history.csv'),
                 epochs, 0.5 + 0.02 * number, draw)
    events = [_check(epoch, epochs, draw) for epoch in range(1, epochs + 1)]
    events += [{'event': 'training', 'number': 0, 'outcome': {
        'epochs': epochs, 'skill': 0.5, 'val_accuracy': 0.75, 'skill_form': 'accuracy'}}]
    result: Dict[str, Any] = {
        'schema_version': 1, 'status': 'repaired', 'initial_issue': 'underfit',
        'reason': 'underfit', 'issues': ['underfit'], 'detected_epoch': epochs,
        'total_epochs': epochs, 'checks': epochs, 'solution': 'selu+step' if race else 'lr',
        'attempts': attempts, 'yardstick': 0.9,
        'accuracy': {'before': 0.75, 'after': 0.9}, 'issues_left': [],
        'skill': {'before': 0.5, 'after': 0.8, 'form': 'accuracy'}}
    if race:
        events += _legs(epochs, tries)
        result.update(price=6.2, race={
            'goal': 0.9, 'winner': tries, 'rows': {}, 'of_all': [], 'left_out': [],
            'code': '    keras.layers.Dense(64, activation="selu"),\n' * 40, 'candidates': [
                {'number': number, 'name': 'selu+step', 'why': 'likely', 'words': ['a → b'] * 4,
                 'epochs': epochs // 5, 'planned': epochs, 'skill': 0.5, 'ended': 'worse half'}
                for number in range(1, tries + 1)]})
    with open(os.path.join(folder, 'events.jsonl'), 'w', encoding='utf-8') as file:
        file.write(''.join(json.dumps(event) + '\n' for event in events))
    for name, content in (('result.json', result), ('run.json', {
            'schema_version': 1, 'versions': {}, 'config': None,
            'dirs': {'log_dir': None, 'new_issue_dir': None},
            'settings': {'epochs': epochs, 'checktype': 'adaptive', 'rules': 'skill'}})):
        with open(os.path.join(folder, name), 'w', encoding='utf-8') as file:
            json.dump(content, file)


def cost(epochs: int, tries: int, race: bool, times: int) -> Dict[str, Any]:
    """Seconds to make the page of such a run, and its size."""
    from AutoTrainer.report.html import page
    with tempfile.TemporaryDirectory() as folder:
        long_run(folder, epochs, tries, race)
        return {'epochs': epochs, 'race' if race else 'tries': tries, 'layers': LAYERS,
                'first_s': round(seconds_of(lambda: page(folder), 1)[0], 3),
                'page_s': spread(seconds_of(lambda: page(folder), times)),
                'kilobytes': round(len(page(folder).encode('utf-8')) / 1000)}


def main() -> None:
    """Measure and print."""
    arguments, bridge = start(__doc__)
    sizes = [(50, 3)] if arguments.quick else [(50, 3), (300, 10), (1000, 20)]
    times = 1 if arguments.quick else 7
    finish('page', {'pages': [cost(epochs, tries, race, times) for epochs, tries in sizes
                              for race in (False, True)]}, bridge)


if __name__ == '__main__':
    main()
