"""``report.html``: one run as a page, in one file, for whoever rather looks than reads.

The page asks for nothing from outside and is whole without JavaScript. It is made from what
:class:`~AutoTrainer.record.reader.RunReader` reads, so also of a run that still goes on, was
interrupted, or whose folder is damaged; nothing here imports Keras.
"""

import base64
import hashlib
import os
import time
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from ..errors import first_line
from ..record.events import span
from ..record.folder import written_whole
from ..utils.logger import LOGGER
from .page import attempts, curves, gradients, race, story
from .page.run import Run, read_run
from .page.svg import Figure, drawn

FILE = 'report.html'
"""Its name in the run folder."""

_FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'page')


class Shown(NamedTuple):
    """One figure on the page: its words, and the drawing as markup."""

    title: str
    takeaway: str
    drawing: Any


def write_page(path: str) -> str:
    """Write the page of a run into its folder.

    Args:
        path: the run folder; also one that ``Watch(save_dir=…)`` wrote.

    Returns:
        Path of the page.

    Raises:
        UserError: if the folder holds no run.
        RecordError: if the disk refuses.
    """
    text, target = page(path), os.path.join(path, FILE)
    with written_whole(target) as part, open(part, 'w', encoding='utf-8') as file:
        file.write(text)
    return target


def add_page(path: str) -> None:
    """Write the page at the end of a run, which no fault of the page may spoil."""
    try:
        write_page(path)
    except Exception as error:
        LOGGER.warning('%s could not be written (%s); the run itself is whole', FILE,
                       first_line(error))


def page(path: str) -> str:
    """The page of a run, as HTML.

    Args:
        path: see :func:`write_page`.

    Raises:
        UserError: if the folder holds no run.
    """
    import jinja2
    from markupsafe import Markup
    run = read_run(path)
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FOLDER), autoescape=True, trim_blocks=True,
        lstrip_blocks=True, undefined=jinja2.StrictUndefined)
    script = _own('copy.js')
    return environment.get_template('page.html').render(
        style=Markup(_own('page.css')), script=Markup(script), script_hash=_hash_of(script),
        figures={name: _shown(figure, name) for name, figure in figures(run).items()},
        **parts(run))


def figures(run: Run) -> Dict[str, Optional[Figure]]:
    """Every figure of a page, by its name there; None for what a run has no numbers for."""
    raced = race.race_of(run)
    return {'accuracy': curves.accuracy_figure(run), 'loss': curves.loss_figure(run),
            'skill': curves.skill_figure(run), 'gradients': gradients.gradients_figure(run),
            'profile': gradients.profile_figure(run),
            'race': raced and race.race_figure(run, raced),
            'attempts': attempts.attempts_figure(run)}


def parts(run: Run) -> Dict[str, Any]:
    """What the template is filled with, apart from figures."""
    from .. import __version__
    return {'name': run.name, 'story': story.story_of(run), 'changes': story.changes(run),
            'notes': run.notes, 'race': race.race_of(run), 'of_all': run.race.get('of_all', ()),
            'left_out': run.race.get('left_out', ()), 'stopped': run.race.get('stopped', ''),
            'code': run.race.get('code', ''),
            'rows': attempts.rows_of(run), 'environment': story.environment(run),
            'skill': bool(run.skills[0] is not None or run.yardstick is not None or run.legs),
            'yardstick': run.yardstick is not None, 'no_gradient': gradients.no_gradient(run),
            'when': _when(span(run.events)), 'version': __version__, 'mended': _mended(run),
            'unfinished': run.begun and (run.result or {}).get('status') in (None, 'interrupted')}


def _mended(run: Run) -> Tuple[str, ...]:
    """What the training that is handed back changed, in words."""
    if not run.result or run.result['status'] not in ('repaired', 'improved'):
        return ()
    if run.race:
        return tuple(words for entry in run.race.get('candidates', ())
                     if entry['number'] == run.race.get('winner') for words in entry['words'])
    steps: List[str] = []
    for name in (run.result['solution'] or '').split('+'):
        told = [attempt.record['description'] for attempt in run.attempts if attempt.record
                and attempt.solution == name and attempt.record['status'] in (
                    'solved', 'potential')]
        steps += told[-1:]
    return tuple(steps)


def _shown(figure: Optional[Figure], name: str) -> Optional[Shown]:
    from markupsafe import Markup
    return figure and Shown(figure.title, figure.takeaway, Markup(drawn(figure, name)))


def _when(times: Optional[Tuple[float, float]]) -> str:
    if times is None:
        return ''
    return time.strftime('%d %B %Y, %H:%M UTC', time.gmtime(times[1]))


def _own(name: str) -> str:
    """A file of the page's own, which is markup as it stands."""
    with open(os.path.join(_FOLDER, name), encoding='utf-8') as file:
        return file.read()


def _hash_of(script: str) -> str:
    """By which the page's own policy knows its only script."""
    return base64.b64encode(hashlib.sha256(script.encode('utf-8')).digest()).decode('ascii')
