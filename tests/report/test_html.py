"""The page as a file: whole, escaped, small, of any folder."""

import html
import json
import os
import random
import re
import subprocess
import sys
from pathlib import Path

import pytest
from made_runs import FACTS, RESULT, SETTINGS, check, raced, repaired, rows, write

from AutoTrainer import cli
from AutoTrainer.errors import UserError
from AutoTrainer.report.html import FILE, add_page, page, write_page

ROOT = Path(__file__).resolve().parents[2]
EVIL = '<script>alert(1)</script>"\'&}{{7*7}}'


def text_of(markup):
    """What a reader sees, without drawing, style and script."""
    bare = re.sub(r'(?s)<(style|script|svg|head).*?</\1>', ' ', markup)
    return ' '.join(html.unescape(re.sub(r'<[^>]*>', ' ', bare)).split())


def test_what_a_reader_sees_of_a_repaired_run(tmp_path):
    told = text_of(page(repaired(tmp_path)))
    for words in ('Vanishing gradient, found after epoch 8 of 20. Mended by SELU activations: '
                  'skill 0.00 → 0.50.', '✓ Repaired', 'The change to make', '2 layers → selu',
                  'The tries', '! broke down (ValueError: no)', 'learning rate 0.001'):
        assert words in told, words


def test_what_a_reader_sees_of_a_race(tmp_path):
    markup = page(raced(tmp_path))
    told = text_of(markup)
    for words in ('Mended by ReLU activations: skill 0.00 → 0.50, less than classical learners '
                  '(0.70).',
                  'The race: skill over price', 'Price 1.10', 'In all candidates: rows divided',
                  'Left out for this model or these limits: bn.'):
        assert words in told, words
    assert 'import keras\nmodel.compile(&#34;adam&#34;)</code></pre>' in markup


def test_the_page_asks_for_nothing(tmp_path):
    markup = page(raced(tmp_path))
    own = markup.replace('http://www.w3.org/2000/svg', '')
    assert not re.findall(r'https?:|//[a-z]|@import|url\(|<link(?! rel="icon" href="data:,")|'
                          r'<(?:img|iframe|object|embed)|\son\w+=', own.partition('<script>')[0])
    assert "default-src 'none'" in markup and markup.count('<script') == 1
    assert 'prefers-color-scheme: dark' in markup and '@media print' in markup


@pytest.mark.parametrize('folder', ['race', 'tries'])
def test_what_comes_from_files_is_escaped(tmp_path, folder):
    (raced if folder == 'race' else repaired)(tmp_path)
    result = json.loads((tmp_path / 'result.json').read_bytes().decode())
    if folder == 'race':
        for entry in result['race']['candidates']:
            entry.update(name=EVIL, why=EVIL, words=[EVIL], ended=EVIL)
        result['race'].update(code=EVIL, left_out=[EVIL], of_all=[EVIL])
    for attempt in result['attempts']:
        attempt.update(solution=EVIL, description=EVIL, traceback=EVIL)
    result.update(solution=EVIL, reasons={'vanish': EVIL}, versions={EVIL: EVIL}, seed=EVIL)
    write(tmp_path, 'result.json', result)
    write(tmp_path, 'run.json', dict(FACTS, config={'dataset': EVIL}, settings=dict(
        SETTINGS, loss=EVIL, optimizer={'class_name': EVIL})))
    write(tmp_path, 'events.jsonl', [
        check(epoch, ['vanish'] * (epoch > 4), (EVIL, 'two', EVIL)) for epoch in (3, 6)] + [
            dict(json.loads(line), solution=EVIL) for line in (
                tmp_path / 'events.jsonl').read_text(encoding='utf-8').splitlines()
            if '"leg"' in line])
    markup = page(str(tmp_path))
    assert '<script>alert' not in markup and '{{7*7}}' in markup and '49' not in text_of(
        markup).replace('0.49', '')
    assert markup.count('<script') == 1 and markup.count('&lt;script&gt;alert(1)') > 10


# ----------------------------------------------------------------------- folders of every condition

def test_runs_that_have_not_ended(tmp_path):
    running = raced(tmp_path / 'running', ended=False)
    assert '… Not ended' in text_of(page(running)) and 'Vanishing gradient' in page(running)
    first = tmp_path / 'first'
    write(first, 'run.json', FACTS)
    told = text_of(page(str(first)))
    assert 'No epoch has ended yet.' in told and 'No epoch is on record.' in told
    write(first, 'history.csv', rows(3) + '4,0.5')
    assert 'Nothing was found in 3 of 20 epochs so far.' in text_of(page(str(first)))
    stopped = repaired(tmp_path / 'stopped', status='interrupted', attempts=[],
                       accuracy={'before': 0.5, 'after': None})
    told = text_of(page(stopped))
    assert 'Interrupted' in told and 'SELU activations … was training when this' in told


def test_a_folder_of_the_bare_callback(tmp_path):
    write(tmp_path, 'history.csv', rows(8))
    write(tmp_path, 'events.jsonl', [check(4), check(8, ['vanish'])])
    told = text_of(page(str(tmp_path)))
    assert 'Vanishing gradient, found after epoch 8.' in told and '! Found' in told


WATCH = {'event': 'watch', 'time': 1.7e9, 'accuracy_counts': True, 'versions': {'PyTorch': '2.13'},
         'settings': {'epochs': 8, 'loss': 'MSELoss', 'optimizer': {'class_name': 'AdamW'}}}
WATCHED = {'event': 'watched', 'time': 1.7e9 + 9, 'epochs': 8, 'issues': [], 'told': [],
           'reason': 'sound: nothing was found', 'note': 'sound: nothing was found',
           'skill': 0.31, 'yardstick': 0.36, 'by_loss': True}


@pytest.mark.parametrize('ended, expected', [
    ({}, ['✓ Sound', 'Nothing is wrong with this training.', 'Skill 0.31', 'learners get 0.36',
          'Share of the loss that is gone', 'PyTorch 2.13', 'AdamW', 'MSELoss']),
    ({'note': 'not judged: 2 epochs', 'reason': 'not judged: 2 epochs'},
     ['Watched', 'Nothing was found, which proves little.', 'Not judged: 2 epochs.']),
    ({'issues': ['overfit'], 'told': ['overfit'], 'note': '', 'reason': 'overfit: apart'},
     ['Watched', 'Overfitting: only told, no reason to stop.', 'Overfit: apart.']),
    ({'told': 7, 'note': 3, 'reason': [], 'skill': 'x'}, ['Nothing was found, which proves']),
])
def test_a_watched_training_says_what_it_came_to(tmp_path, ended, expected):
    write(tmp_path, 'history.csv', rows(8))
    write(tmp_path, 'events.jsonl', [WATCH, dict(WATCHED, **ended)])
    told = text_of(page(str(tmp_path)))
    assert [words for words in expected if words not in told] == []
    assert 'so far' not in told.replace('found so far', '') and 'training accuracy' not in told
    write(tmp_path, 'events.jsonl', [WATCHED, WATCH])  # it is gone on with
    assert 'Nothing was found in 8 of 8 epochs so far.' in text_of(page(str(tmp_path)))


def test_the_advice_of_the_verdict_stands_before_the_general_one(tmp_path):
    write(tmp_path, 'history.csv', rows(8))
    write(tmp_path, 'events.jsonl', [
        check(8, ['vanish', 'relu'], advice={'vanish': 'do this', 'relu': 3})])
    told = text_of(page(str(tmp_path)))
    assert 'What often helps: do this.' in told and 'smaller steps, SELU or leaky ReLU' in told


@pytest.mark.parametrize('name, content, shown', [
    ('result.json', '{"status": 3}', 'Vanishing gradient, found after epoch 8 of 20.'),
    ('run.json', '[', 'Mended by SELU activations'),
    ('history.csv', 'nothing', 'Mended by SELU activations'),
    ('events.jsonl', '{}\n', 'Mended by SELU activations'),
    ('attempts/002_selu_1/history.csv', 'x\n', '✓ solved')])
def test_of_a_damaged_folder_the_rest_is_shown(tmp_path, name, content, shown):
    write(Path(repaired(tmp_path)), name, content)
    told = text_of(page(str(tmp_path)))
    assert shown in told and told.count('Not all can be shown:') == 1 and 'cannot be read' in told


def test_a_folder_of_a_newer_version(tmp_path):
    told = text_of(page(repaired(tmp_path, schema_version=9, unheard_of={'a': 1})))
    assert 'written by a newer version (format 9, this one knows 1)' in told
    assert 'Mended by SELU activations' in told


def test_a_folder_of_an_older_version(tmp_path):
    """Without reasons, skill, times, numbers of attempts, layers."""
    old = {key: value for key, value in RESULT.items() if key not in (
        'reasons', 'skill', 'yardstick', 'ended', 'issues_left', 'seconds', 'versions')}
    repaired(tmp_path)
    write(tmp_path, 'result.json', old)
    write(tmp_path, 'events.jsonl', [
        {'event': 'check', 'epoch': 8, 'issues': ['vanish'], 'reason': 'vanish: small'}])
    told = text_of(page(str(tmp_path)))
    assert 'Mended by SELU activations: accuracy 50.0 % → 75.0 %.' in told
    assert 'Not all can be shown' not in told


def test_damaged_folders_by_the_hundred(tmp_path, monkeypatch):
    """Whatever stands in its files, a folder is shown or refused in one sentence."""
    monkeypatch.syspath_prepend(str(ROOT / 'tests' / 'reliability'))
    import fuzz
    raced(tmp_path / 'race')
    repaired(tmp_path / 'tries')
    for seed in range(60):
        draw = random.Random(seed)
        folder = tmp_path / draw.choice(['race', 'tries'])
        path = folder / draw.choice(['result.json', 'run.json', 'events.jsonl', 'history.csv'])
        whole = path.read_bytes()
        if path.suffix == '.json':
            content = fuzz.dumps(fuzz.other_value(json.loads(whole.decode()), draw))
        elif path.suffix == '.jsonl':
            content = b''.join(fuzz.dumps(fuzz.other_value(json.loads(line), draw)) + b'\n'
                               for line in whole.decode().splitlines())
        else:
            content = fuzz.damage(whole, draw)
        path.write_bytes(content)
        try:
            assert page(str(folder)).rstrip().endswith('</html>'), seed
        except Exception as error:
            raise AssertionError('seed %d: %s' % (seed, path.name)) from error
        path.write_bytes(whole)


# ------------------------------------------------------------------------------------ the two doors

def test_the_command(tmp_path, capsys):
    folder = repaired(tmp_path / 'run')
    assert cli.main(['report', folder]) == 0
    assert capsys.readouterr().out == os.path.join(folder, FILE) + '\n'
    assert (tmp_path / 'run' / FILE).read_text(encoding='utf-8') == page(folder)


@pytest.mark.parametrize('name', ['nowhere', 'empty', 'file'])
def test_a_folder_that_is_none(tmp_path, capsys, name):
    (tmp_path / 'empty').mkdir()
    (tmp_path / 'file').write_text('')
    assert cli.main(['report', str(tmp_path / name)]) == 2
    error, = capsys.readouterr().err.splitlines()
    assert error.startswith('autotrainer report: ') and 'holds no run' in error
    with pytest.raises(UserError, match='holds no run'):
        write_page(str(tmp_path / name))


def test_no_fault_of_the_page_spoils_a_run(tmp_path, caplog):
    add_page(str(tmp_path / 'nowhere'))
    assert 'report.html could not be written' in caplog.text and not os.listdir(str(tmp_path))


WITHOUT_KERAS = '''
import sys
for name in ('keras', 'tensorflow', 'jax', 'torch', 'AutoTrainer.keras_bridge'):
    sys.modules[name] = None  # to import it is an error
from AutoTrainer.cli import main
sys.exit(main(['report', sys.argv[1]]))
'''


def test_a_page_needs_no_keras(tmp_path):
    done = subprocess.run([sys.executable, '-c', WITHOUT_KERAS, repaired(tmp_path)],
                          cwd=str(ROOT), capture_output=True)
    assert done.returncode == 0, done.stderr.decode('utf-8')


def test_a_long_run_makes_a_small_page(tmp_path):
    """1,000 epochs, 64 layers, 20 tries: under a megabyte. Seconds: benchmarks/page.py."""
    sys.path.insert(0, str(ROOT))
    try:
        from benchmarks.page import long_run
    finally:
        sys.path.remove(str(ROOT))
    for race in (False, True):
        folder = str(tmp_path / str(race))
        long_run(folder, 1000, 20, race)
        assert len(page(folder).encode('utf-8')) <= 10 ** 6
