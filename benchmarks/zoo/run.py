"""Trains the zoo in several processes; what has been taped is not trained again."""

import json
import multiprocessing
import os
import sys
import time
import traceback
import warnings
from pathlib import Path
from typing import Any, Callable, Dict, Iterable, List, NamedTuple, Optional, Sequence

import numpy as np

from . import tables
from .trainings import RECIPES

TASKS_PER_PROCESS = 150
"""Trainings after which a process makes way for a new one: compiled graphs pile up."""

WELL_SET, SPOILT = 8, 16
"""Recipes that each table gets with each seed, where none are named."""


class Job(NamedTuple):
    """One training that is to be taped."""

    table: str
    recipe: str
    seed: int

    def path(self, folder: str) -> Path:
        """Where its tape lies."""
        return Path(folder) / ('%s-%s-%d.json' % self)


def jobs(names: Sequence[str], recipes: Optional[Sequence[str]], seeds: Sequence[int]
         ) -> List[Job]:
    """The trainings to make, seed by seed; within one in an order that mixes all tables.

    Args:
        names: of the tables.
        recipes: for every table; None for some drawn by lot, others for each table and seed.
        seeds: of the trainings.
    """
    found = []
    for seed in seeds:
        every = [Job(table, recipe, seed) for table in names
                 for recipe in (_drawn(table, seed) if recipes is None else recipes)]
        found += [every[i] for i in np.random.RandomState(seed).permutation(len(every))]
    return found


def _drawn(table: str, seed: int) -> List[str]:
    """The recipes that a table gets by lot with a seed: a third of them well set."""
    draw = np.random.RandomState([seed, *table.encode()])
    well = [name for name, recipe in RECIPES.items() if not recipe.spoilt]
    spoilt = [name for name, recipe in RECIPES.items() if recipe.spoilt]
    return [*draw.permutation(well)[:WELL_SET], *draw.permutation(spoilt)[:SPOILT]]


def run(wanted: Iterable[Job], folder: str, processes: int = 1, anew: bool = False,
        taped: bool = True) -> List[Job]:
    """Tape what is not taped yet.

    Args:
        wanted: the trainings.
        folder: gets one file for each.
        processes: how many train at once.
        anew: whether to train also what has been taped.
        taped: see :func:`benchmarks.zoo.tape.train`.

    Returns:
        The trainings that failed; the errors were printed.
    """
    Path(folder).mkdir(parents=True, exist_ok=True)
    left = [job for job in wanted if anew or not job.path(folder).exists()]
    failed: List[Job] = []
    began = time.time()
    results = in_processes(_one, [(job, folder, taped) for job in left], processes, folder)
    for done, (job, error) in enumerate(results, 1):
        if error:
            failed.append(job)
            print('%s: %s' % ('/'.join(map(str, job)), error), file=sys.stderr)
        if done % 50 == 0 or done == len(left):
            print('%d of %d trainings in %.0f s' % (done, len(left), time.time() - began),
                  file=sys.stderr, flush=True)
    return failed


def in_processes(one: Callable[[Any], Any], left: Sequence[Any], processes: int,
                 folder: str) -> Iterable[Any]:
    """What a function returns for each of several trainings, in the order in which they end.

    Args:
        one: a function of a module, which raises nothing.
        left: what it is called with.
        processes: how many train at once.
        folder: where compiled functions are kept for all of them.
    """
    if processes == 1 or len(left) < 2:
        from AutoTrainer.utils.logger import LOGGER
        level = LOGGER.level
        try:
            with warnings.catch_warnings():
                _prepare()
                yield from map(one, left)
        finally:
            LOGGER.setLevel(level)  # this process may have more to do
        return
    _one_thread(folder)  # inherited by the processes
    context = multiprocessing.get_context('spawn')
    with context.Pool(processes, _prepare, maxtasksperchild=TASKS_PER_PROCESS) as pool:
        yield from pool.imap_unordered(one, left)


def _one_thread(folder: str) -> None:
    for name in ('OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'MKL_NUM_THREADS',
                 'TF_NUM_INTRAOP_THREADS', 'TF_NUM_INTEROP_THREADS'):
        os.environ[name] = '1'
    os.environ.setdefault('XLA_FLAGS', '--xla_cpu_multi_thread_eigen=false')
    # JAX compiles much the same functions for every training of a table; so only once
    os.environ.setdefault('JAX_COMPILATION_CACHE_DIR', str(Path(folder).resolve() / 'compiled'))
    os.environ.setdefault('JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS', '0')


def _prepare() -> None:
    """Load Keras, quietly."""
    import logging
    warnings.filterwarnings('ignore')
    from AutoTrainer.cli import choose_backend
    choose_backend(None)
    from AutoTrainer.utils.logger import LOGGER
    LOGGER.setLevel(logging.ERROR)


_loaded: Dict[str, tables.Table] = {}


def _one(work: Any) -> Any:
    """Train and tape one; returns the job and, if it failed, the error in one line."""
    job, folder, taped = work
    from .tape import train
    try:
        if job.table not in _loaded:
            _loaded[job.table] = tables.load(job.table)
        tape = train(_loaded[job.table], job.recipe, job.seed, taped)
        write(tape, job.path(folder))
    except Exception as error:  # one training must not end all the others
        return job, in_one_line(error)
    return job, None


def in_one_line(error: BaseException) -> str:
    """An error, and where it was raised."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return '%s: %s (%s:%d)' % (type(error).__name__, ' '.join(str(error).split())[:300],
                               last.filename, last.lineno or 0)


def write(tape: Dict[str, Any], path: Path) -> None:
    """Write a tape, whole or not at all."""
    partial = path.with_suffix('.partial')
    partial.write_text(json.dumps(tape, default=_plain))
    os.replace(str(partial), str(path))


def _plain(value: Any) -> Any:
    if isinstance(value, (np.floating, np.integer, np.bool_)):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    raise TypeError('%r is no plain value' % (value,))


def read(folder: str, names: Sequence[str]) -> List[Dict[str, Any]]:
    """The tapes of some tables that lie in a folder, in order of their names."""
    paths = [path for path in sorted(Path(folder).glob('*-*-*.json'))
             if path.name.split('-')[0] in names]
    return [json.loads(path.read_text()) for path in paths]
