"""The command line: ``python reproduce.py``, which is ``autotrainer run``, and ``autotrainer``.

Results go to standard output, everything else to standard error. An error that the user can mend
is one sentence and exit code 2; ``--debug`` shows its traceback. What was trained until Ctrl-C or
SIGTERM (:mod:`AutoTrainer.__main__`) can be gone on with by ``--resume``.
"""

import argparse
import json
import os
import shlex
import sys
from dataclasses import fields
from typing import Any, Dict, List, Mapping, Optional, Tuple

from . import check_command, interrupts, report_command
from .compare import command as compare_command
from .errors import UserError, quote, way_out
from .intake.config import BACKENDS, check_config, check_count, read_config
from .judge import schedule
from .judge.issues import OPTIONAL_ISSUES
from .record.reader import RunReader
from .report.progress import progress_line
from .report.text import cases_table, summary
from .settings import EARLIER, RACES, RULES, RUN_SETTINGS, Repairing, Watching

DEFAULT_CASE = 'Gradient_Vanish_Case'
RUN = 'run'
"""The word for what ``reproduce.py`` does; it may be left out."""
_UPSTREAMS, _INSTALLED = 'reproduce.py', 'autotrainer %s' % RUN
COMMANDS: Dict[str, Any] = {command.NAME: command for command in (
    check_command, report_command, compare_command)}
"""What has a word of its own in front: modules with ``NAME``, ``build_parser``, and ``run``, which
returns the exit code or None."""
WITH_RESUME = ('resume', 'json', 'debug', 'trust_model', 'checkpoint_epochs', 'checkpoint_seconds',
               'jobs', 'go_on')
"""Arguments that a resumed run takes from the command line; all others stand in its folder."""


def build_parser(program: str = _UPSTREAMS) -> argparse.ArgumentParser:
    """The command line's arguments, for whom it is called by."""
    parser = argparse.ArgumentParser(
        prog=program, description='Train a model, say which problem the training has, and '
        'repair it. Without arguments: the demo case %s. With "check" in front: only say what is '
        'wrong before the first step (check --help). With "report": a run as a page '
        '(report --help). With "compare": hold a checkout of upstream AUTOTRAINER against this '
        'project (compare --help).' % DEFAULT_CASE)
    what = parser.add_argument_group('what to train')
    what.add_argument('--case', metavar='NAME', help='a demo case (default %s)' % DEFAULT_CASE)
    what.add_argument('--all-cases', action='store_true', help='every demo case, one after another')
    what.add_argument('-mp', '--model_path', metavar='FILE', help='untrained .keras or .h5 model')
    what.add_argument('-cp', '--config_path', metavar='FILE',
                      help='its training configuration, .json or .pkl')
    what.add_argument('--epochs', type=int, metavar='N', help='instead of the configured epochs')
    what.add_argument('--seed', type=int, default=Repairing.seed, metavar='N',
                      help='for everything random; default %(default)s')
    what.add_argument('--backend', choices=BACKENDS,
                      help='Keras 3 only (default: $KERAS_BACKEND, else jax)')
    what.add_argument('--trust-model', action='store_true',
                      help='load models whose Lambda layers carry code')
    _add_settings(parser.add_argument_group('how to watch and repair'))
    where = parser.add_argument_group('where results go')
    where.add_argument('-rtd', '--root_dir', default='', metavar='DIR',
                       help='folder that the folders below count from')
    where.add_argument('-rd', '--result_dir', metavar='DIR', help='default result/NAME_seedN')
    where.add_argument('-ld', '--log_dir', metavar='DIR', help='also write a log there')
    where.add_argument('-nd', '--new_issue_dir', metavar='DIR',
                       help='also write new issues that a solution brought up there')
    where.add_argument('--resume', metavar='DIR', help='go on with the interrupted run in DIR; '
                       'what it is to do stands there')
    where.add_argument('--checkpoint-epochs', type=int, default=1, metavar='N',
                       help='save the training in mid-run every N epochs at the most (default 1)')
    where.add_argument('--checkpoint-seconds', type=float, default=30.0, metavar='S',
                       help='and every S seconds at the most (default 30)')
    where.add_argument('--json', action='store_true', help='result.json to standard output')
    where.add_argument('--debug', action='store_true', help='show the traceback of an error')
    parser.set_defaults(go_on='python %s' % program if program == _UPSTREAMS else program)
    return parser


def _add_settings(how: Any) -> None:
    """The settings of a run that have no argument elsewhere; defaults are those of ``settings``."""
    when = how.add_mutually_exclusive_group()
    when.add_argument('--checktype', default=Watching.checktype, metavar='WHEN',
                      help='epoch_N, dynamic (default) or adaptive')
    when.add_argument('-ci', '--check_interval', metavar='N',
                      help='a check every N epochs; N or epoch_N')
    how.add_argument('--rules', choices=RULES, help='what counts as sound: skill (what learns what '
                     'there is to learn; default under adaptive) or paper')
    how.add_argument('--satisfied-acc', type=float, default=Watching.satisfied_acc,
                     metavar='SHARE', help='accuracy from which a training counts as converged; '
                     'default %(default)s')
    how.add_argument('--params', type=_threshold, nargs='+', metavar='NAME=VALUE',
                     help='thresholds, such as eta=0.3')
    how.add_argument('--optional-issues', nargs='*', metavar='NAME',
                     help='which of %s to judge' % ' and '.join(OPTIONAL_ISSUES))
    how.add_argument('--determine-threshold', type=int, default=Watching.determine_threshold,
                     metavar='N', help='epochs in a row that overfitting must last; default '
                     '%(default)s')
    how.add_argument('--overhead-budget', type=float, default=Watching.overhead_budget,
                     metavar='SHARE', help='of the training time, for probes under adaptive; '
                     'default %(default)s')
    how.add_argument('--no-repair', action='store_true', help='only diagnose')
    how.add_argument('--strategy', default=Repairing.strategy, help='%s (many solutions at once, '
                     "the best goes on), or one of upstream's orders: balance (default), "
                     'structure or efficiency' % RACES[0])
    how.add_argument('--budget', type=float, default=Repairing.budget, metavar='PRICE',
                     help='of a race, in planned trainings, the first one included; default '
                     '%(default)s')
    how.add_argument('--jobs', type=int, default=Repairing.jobs, metavar='N',
                     help='processes that train the candidates of a race; default %(default)s')
    how.add_argument('--modification-sufferance', type=int, metavar='N',
                     default=Repairing.modification_sufferance, help='how much a solution may '
                     'change the model, 0 to 3; default %(default)s')
    how.add_argument('--memory-limit', action='store_true',
                     help='leave out solutions that need much memory')


def _threshold(text: str) -> Tuple[str, float]:
    """NAME=VALUE as a pair."""
    name, _, value = text.partition('=')
    try:
        return name, float(value)
    except ValueError as error:
        raise argparse.ArgumentTypeError('%r is no threshold; give NAME=VALUE, such as eta=0.3'
                                         % text) from error


def _settings(arguments: argparse.Namespace) -> Dict[str, Any]:
    """What the arguments say of how to watch and repair, as ``model_train`` takes it.

    Raises:
        UserError: for a value that cannot be.
    """
    given = dict(vars(arguments), checktype=_checktype(arguments),
                 autorepair=not arguments.no_repair,
                 params=None if arguments.params is None else dict(arguments.params))
    settings = {name: given[name] for name in RUN_SETTINGS}
    for kind in (Watching, Repairing):
        kind(**{entry.name: settings[entry.name] for entry in fields(kind)
                if entry.name in settings})
    return settings


def main(argv: Optional[List[str]] = None) -> int:
    """Run the command line.

    Args:
        argv: arguments; default those of the process.

    Returns:
        The exit code: 0, or 2 for an error that the user can mend; 1 if ``compare`` finds a
        difference without a reason.

    Raises:
        KeyboardInterrupt: if it is interrupted.
    """
    given = list(sys.argv[1:] if argv is None else argv)
    if given and not given[0].startswith('-') and given[0] not in (RUN, *COMMANDS):
        print('autotrainer: %s is no command; %s' % (
            quote(given[0]), way_out(given[0], (RUN, *COMMANDS))), file=sys.stderr)
        return 2
    word = given.pop(0) if given and given[0] in (RUN, *COMMANDS) else None
    installed = argv is None and os.path.basename(sys.argv[0]).startswith('autotrainer')
    command = COMMANDS.get(word or '')
    parser = (command.build_parser() if command is not None
              else build_parser(_INSTALLED if word or installed else _UPSTREAMS))
    arguments = parser.parse_args(given)
    try:
        if command is not None:
            if command is not report_command:  # which needs no Keras
                choose_backend(getattr(arguments, 'backend', None))
            return command.run(arguments) or 0
        if arguments.resume is None:
            run(arguments)
        else:
            resume(arguments)
    except UserError as error:
        if arguments.debug:
            raise
        print('%s: %s' % (parser.prog, error), file=sys.stderr)
        return 2
    return 0


def run(arguments: argparse.Namespace) -> None:
    """Do what the arguments say.

    Raises:
        UserError: for arguments that cannot work.
    """
    settings = _settings(arguments)
    if arguments.epochs is not None:
        check_count('--epochs', arguments.epochs)
    model = '--model_path' if arguments.model_path else '--config_path'
    chosen = [name for name, given in (
        ('--case', arguments.case), ('--all-cases', arguments.all_cases),
        (model, arguments.model_path or arguments.config_path)) if given]
    if len(chosen) > 1:
        raise UserError('%s and %s are both given; give one' % tuple(chosen[:2]))
    if (arguments.model_path is None) != (arguments.config_path is None):
        raise UserError('only one of --model_path and --config_path is given; give both, or a '
                        '--case')
    choose_backend(arguments.backend)
    from .demo_case import case_names
    if arguments.all_cases:
        results = {name: result_of(train_case(arguments, settings, name))
                   for name in case_names()}
        print(json.dumps({'cases': results}, indent=1, ensure_ascii=False) if arguments.json
              else cases_table(results))
        return
    show_result(arguments, train_case(arguments, settings, None if arguments.model_path
                                      else arguments.case or DEFAULT_CASE))


def _checktype(arguments: argparse.Namespace) -> str:
    interval = arguments.check_interval
    if interval is None:
        return str(arguments.checktype)
    checktype = interval if interval.startswith('epoch_') else 'epoch_%s' % interval
    if schedule.constant_interval(checktype) is None:
        raise UserError('--check_interval is %r; give a whole number of epochs from 1, or epoch_N'
                        % interval)
    return checktype


def choose_backend(backend: Optional[str]) -> None:
    """Choose the backend of Keras 3 before Keras is loaded; the older stack has only one.

    Raises:
        UserError: if Keras is loaded already with another backend.
    """
    if backend is not None:
        os.environ['KERAS_BACKEND'] = backend
    os.environ.setdefault('KERAS_BACKEND', 'jax')
    os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '2')
    from . import keras_bridge
    interrupts.honour()  # importing Keras takes seconds
    if backend is not None and keras_bridge.backend() != backend:
        raise UserError('--backend is %r, but this Keras runs on %s; leave it out'
                        % (backend, keras_bridge.backend()))


def train_case(arguments: argparse.Namespace, settings: Mapping[str, Any],
               case: Optional[str]) -> RunReader:
    """Train one demo case, or the model that the arguments name.

    Args:
        arguments: the command line's.
        settings: how to watch and repair.
        case: name of a demo case; None for ``--model_path`` and ``--config_path``.

    Returns:
        The folder of the finished run.
    """
    from . import demo_case, keras_bridge
    if case is None:
        config = read_config(arguments.config_path)
        keras_bridge.set_seed(arguments.seed)
        model = keras_bridge.load_model(arguments.model_path, arguments.trust_model)
        name = os.path.splitext(os.path.basename(arguments.model_path))[0]
    else:
        config = demo_case.case_config(case)
        keras_bridge.set_seed(arguments.seed)
        model, name = demo_case.case_model(case, keras_bridge.keras), case
    if arguments.epochs is not None:
        config['epoch'] = arguments.epochs
    folder = arguments.result_dir or os.path.join('result', '%s_seed%d' % (name, arguments.seed))
    if arguments.all_cases and arguments.result_dir:
        folder = os.path.join(arguments.result_dir, name)
    refuse_unfinished(os.path.join(arguments.root_dir, folder))
    told = dict(case=name, **{key: config[key] for key in ('dataset', 'optimizer', 'epoch')})
    print('%(case)s: %(optimizer)s on %(dataset)s, %(epoch)d epochs' % told, file=sys.stderr)
    return _train(arguments, os.path.join(arguments.root_dir, folder), model, config, dict(
        settings, log_dir=_below(arguments.root_dir, arguments.log_dir),
        new_issue_dir=_below(arguments.root_dir, arguments.new_issue_dir)))


def refuse_unfinished(folder: str) -> None:
    """See that no unfinished run would be replaced.

    Raises:
        UserError: if there is one.
    """
    if RunReader(folder).is_unfinished:
        raise UserError('result_dir is %r, which holds an unfinished run; go on with it by '
                        '--resume %s, delete it, or give another --result_dir'
                        % (folder, shlex.quote(folder)))


def _below(root: str, folder: Optional[str]) -> Optional[str]:
    return None if folder is None else os.path.join(root, folder)


def _train(arguments: argparse.Namespace, folder: str, model: Any, config: Mapping[str, Any],
           settings: Mapping[str, Any], resumed: bool = False) -> RunReader:
    """Train under a progress line; say how to go on if it is interrupted.

    Returns:
        The folder of the finished run.
    """
    from .data import get_dataset
    from .utils.utils import model_train
    try:
        with progress_line() as show:
            model_train(model, config, dataset=get_dataset(config['dataset']), save_dir=folder,
                        on_epoch=show.epoch, on_race=show.race, resume=resumed,
                        jobs=arguments.jobs,
                        checkpoint_epochs=arguments.checkpoint_epochs,
                        checkpoint_seconds=arguments.checkpoint_seconds, **settings)
    except KeyboardInterrupt:
        if RunReader(folder).is_begun:
            print('To go on: %s --resume %s' % (arguments.go_on, shlex.quote(folder)),
                  file=sys.stderr)
        raise
    return RunReader(folder)


def resume(arguments: argparse.Namespace) -> None:
    """Go on with an interrupted run; of a finished one only show the result.

    Raises:
        UserError: if the folder holds no run, or arguments are given that stand there.
    """
    folder, parser = arguments.resume, build_parser()
    for name, value in vars(arguments).items():
        if name not in WITH_RESUME and value != parser.get_default(name):
            raise UserError('--resume takes its settings from %r; leave out --%s'
                            % (folder, name.replace('_', '-')))
    there = RunReader(folder)
    if there.is_finished:
        print('%s is finished, there is nothing to resume' % folder, file=sys.stderr)
        show_result(arguments, there)
        return
    facts = there.facts()
    if facts is None:
        raise UserError('--resume is %r, which holds no run; give the folder of an interrupted one'
                        % folder)
    settings, config, dirs = dict(EARLIER, **facts['settings']), facts['config'], facts['dirs']
    if config is None:
        raise UserError('--resume is %r, a run on data that only the program has which began it; '
                        'resume it there, with model_train(..., resume=True)' % folder)
    if not set(RUN_SETTINGS) <= set(settings):
        raise UserError('--resume is %r, whose run.json is incomplete; begin the run anew' % folder)
    backend = facts['versions'].get('backend')
    if backend in BACKENDS:
        os.environ.setdefault('KERAS_BACKEND', backend)
    choose_backend(None)
    from . import keras_bridge
    from .record.journal import initial_model
    config = check_config(config)
    model = keras_bridge.load_model(initial_model(folder), arguments.trust_model)
    print('%s: going on' % folder, file=sys.stderr)
    show_result(arguments, _train(arguments, folder, model, config, dict(
        {name: settings[name] for name in RUN_SETTINGS}, log_dir=dirs.get('log_dir'),
        new_issue_dir=dirs.get('new_issue_dir')), resumed=True))


def result_of(run: RunReader) -> Dict[str, Any]:
    """The content of ``result.json`` of a finished run."""
    result = run.result()
    if result is None:
        raise UserError('%r has lost its result.json; run it again' % run.path)
    return result


def show_result(arguments: argparse.Namespace, run: RunReader) -> None:
    """The content of ``result.json`` to standard output, as it is or in words."""
    result = result_of(run)
    print(json.dumps(result, indent=1, ensure_ascii=False) if arguments.json
          else summary(result, os.path.relpath(run.path)))
