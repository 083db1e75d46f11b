"""Run folders made by hand, for the tests of the page."""

import json

HEADER = 'epoch,loss,accuracy,val_loss,val_accuracy\n'
REASON = '‖G1‖/‖Gn‖ = 6e-4 ≤ β1 = 0.001'
SETTINGS = {'seed': 0, 'epochs': 20, 'checktype': 'dynamic', 'rules': None, 'satisfied_acc': 0.7,
            'params': None, 'loss': 'binary_crossentropy', 'batch_size': 32, 'strategy': 'balance',
            'optimizer': {'class_name': 'Adam', 'config': {'learning_rate': 0.001}}}
FACTS = {'schema_version': 1, 'settings': SETTINGS, 'config': {'dataset': 'simplednn_circle'},
         'dirs': {'log_dir': None, 'new_issue_dir': None}, 'model': '7893', 'data': '1916',
         'versions': {'python': '3.11', 'keras': '3.15.1', 'backend': 'jax'}}
SKIPPED = {'repairs': 'vanish', 'solution': 'bn', 'try': 1, 'issue': None, 'val_accuracy': None,
           'epochs': 0, 'seconds': 0.0, 'description': 'there is one already',
           'status': 'skipped'}
BROKEN = {'repairs': 'vanish', 'solution': 'relu', 'try': 1, 'issue': None, 'val_accuracy': None,
          'epochs': 0, 'seconds': 0.5, 'description': '2 layers → relu', 'number': 1,
          'status': 'error', 'traceback': 'Traceback\nValueError: no\n'}
SOLVED = {'repairs': 'vanish', 'solution': 'selu', 'try': 1, 'issue': None, 'val_accuracy': 0.75,
          'epochs': 20, 'seconds': 1.5, 'description': '2 layers → selu', 'number': 2,
          'status': 'solved'}
RESULT = {
    'schema_version': 1, 'status': 'repaired', 'initial_issue': 'vanish', 'issues': ['vanish'],
    'reason': 'vanish: ' + REASON, 'reasons': {'vanish': REASON}, 'detected_epoch': 8,
    'total_epochs': 20, 'checktype': 'dynamic', 'checks': 4, 'probes': 4, 'solution': 'selu',
    'attempts': [SKIPPED, BROKEN, SOLVED], 'issues_left': [],
    'accuracy': {'before': 0.5, 'after': 0.75}, 'ended': 'verdict',
    'skill': {'before': 0.0, 'after': 0.5, 'form': 'accuracy'}, 'yardstick': None,
    'model_path': '/elsewhere/model.h5', 'seed': 0,
    'seconds': {'train': 1.0, 'check': 0.25, 'repair': 61.5},
    'versions': {'python': '3.11', 'keras': '3.15.1', 'backend': 'jax'}}
OUTCOME = {'epochs': 8, 'skill': 0.0, 'val_accuracy': 0.5, 'skill_form': 'accuracy',
           'yardstick': None}
LAYERS = ('one/kernel', 'two/kernel', 'head/kernel')


def check(epoch, issues=(), layers=LAYERS, **more):
    found = {'event': 'check', 'time': 1.7e9 + epoch, 'epoch': epoch, 'issues': list(issues),
             'reasons': {issue: REASON for issue in issues}, 'retrain': False, 'solution': None,
             'layers': {'names': list(layers),
                        'norms': [1e-6 * 10 ** (2 * i) for i in range(len(layers))]}}
    return dict(found, **more)


def leg(number, solution, epochs, looks):
    return {'event': 'leg', 'time': 1.7e9 + 100, 'number': number, 'solution': solution,
            'until': epochs, 'epochs': epochs, 'ended': '', 'seconds': 1.0, 'said': '',
            'looks': [[epoch, skill, skill, 0.1] for epoch, skill in looks]}


def rows(epochs, start=0.5):
    return HEADER + ''.join('%d,%r,%r,%r,%r\n' % (
        epoch, 0.7 - epoch / 100, start, 0.71 - epoch / 100, start) for epoch in range(
            1, epochs + 1))


def candidate(number, name, **more):
    return dict({'number': number, 'name': name, 'why': 'likely', 'words': ['a → b'], 'epochs': 5,
                 'planned': 20, 'rung': 0.25, 'skill': 0.3, 'best_epoch': 5,
                 'ended': 'worse half', 'seconds': 1.0}, **more)


LEGS = [leg(1, 'selu+weights', 4, [(2, 0.1), (4, 0.2)]),
        leg(2, 'relu', 4, [(2, 0.1), (4, 0.3)]),
        leg(2, 'relu', 10, [(2, 0.1), (4, 0.3), (10, 0.6)])]
RACE = {'goal': 0.7, 'winner': 2, 'rows': {}, 'of_all': ['rows divided anew'], 'left_out': ['bn'],
        'code': 'import keras\nmodel.compile("adam")',
        'candidates': [candidate(1, 'selu+weights', epochs=4, skill=0.2),
                       candidate(2, 'relu', epochs=10, skill=0.6, ended='planned')]}
CHECKS = [check(2), check(6), check(8, ['vanish'])]
TRAINED = {'event': 'training', 'number': 0, 'time': 1.7e9 + 9, 'outcome': OUTCOME}


def write(folder, name, content):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, (list, tuple)):
        content = ''.join(json.dumps(event, ensure_ascii=False) + '\n' for event in content)
    elif not isinstance(content, str):
        content = json.dumps(content, ensure_ascii=False)
    path.write_bytes(content.encode('utf-8'))


def repaired(folder, **changes):
    """A run repaired by upstream's order."""
    write(folder, 'run.json', FACTS)
    write(folder, 'result.json', dict(RESULT, **changes))
    write(folder, 'history.csv', rows(8))
    write(folder, 'events.jsonl', CHECKS + [TRAINED])
    write(folder, 'attempts/002_selu_1/history.csv', rows(20, 0.75))
    return str(folder)


def raced(folder, ended=True):
    """A run repaired by a race."""
    write(folder, 'run.json', FACTS)
    write(folder, 'history.csv', rows(8))
    write(folder, 'events.jsonl', CHECKS + [TRAINED] + LEGS)
    (folder / 'attempts' / '001_race_1').mkdir(parents=True)
    if ended:
        write(folder, 'result.json', dict(
            RESULT, attempts=[], solution='relu', yardstick=0.7, price=1.1, race=RACE))
    return str(folder)
