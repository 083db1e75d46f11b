"""This project in the facts that a checkout of upstream is held against."""

import argparse
import importlib
import inspect
import os
from types import ModuleType
from typing import Any, Iterator, List, Union, get_type_hints

from ..cli import build_parser
from ..intake.config import KEYS
from ..judge.issues import ISSUES
from .facts import REQUIRED, Fact, number, results, signature
from .upstream import THRESHOLDS

PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

DOORS = ('data.cifar10', 'data.imdb', 'data.mnist', 'data.reuters', 'data.simplednn',
         'utils.TimeCounter', 'utils.compute_gradient', 'utils.logger', 'utils.modules',
         'utils.monitor', 'utils.repair', 'utils.utils')
"""Modules that upstream has under the same names."""



def facts_here() -> List[Fact]:
    """Everything that is compared; Keras is imported for it."""
    return list(_everything())


def _everything() -> Iterator[Fact]:
    from ..utils import monitor, repair
    yield from _files()
    for door in DOORS:
        module = importlib.import_module('AutoTrainer.' + door)
        yield from _module('AutoTrainer/%s.py' % door.replace('.', '/'), module)
    for where in THRESHOLDS.values():  # here there is one table of them
        for name, value in monitor.DEFAULT_PARAMS.items():
            yield Fact('threshold', where, name, number(value))
    for name, issue in ISSUES.items():
        yield Fact('issue', 'priority', name, number(issue.priority))
    for name, solution in repair.SOLUTIONS.items():
        yield Fact('solution', 'sufferance', name, number(solution.sufferance))
        yield Fact('solution', 'memory', name, number(solution.memory))
    for method, order in repair.STRATEGIES.items():
        for issue_name, entries in order.items():
            yield Fact('strategy', method, issue_name, number(list(entries)))
    for name in monitor.IssueMonitor(1).feature:
        yield Fact('feature', 'feature', name)
    yield from _flags(build_parser())
    for key in KEYS:
        yield Fact('config key', 'configuration', key)


def _files() -> Iterator[Fact]:
    """Files by upstream's names; those at the root are part of the project, installed or not."""
    for name in ('reproduce.py', 'requirements.txt', 'environment.yml'):
        yield Fact('file', '', name)
    root = os.path.dirname(PACKAGE)
    for top in ('AutoTrainer', 'Motivation'):
        for path, folders, names in os.walk(os.path.join(root, top)):
            folders[:] = sorted(name for name in folders if not name.startswith(('.', '__')))
            for name in sorted(names):
                if name.endswith('.py'):
                    yield Fact('file', '', os.path.relpath(os.path.join(path, name), root)
                               .replace(os.sep, '/'))


def _module(where: str, module: ModuleType) -> Iterator[Fact]:
    """What can be imported from a module of this project; names of others are left out."""
    for name, value in sorted(vars(module).items()):
        if name.startswith('_') or not getattr(value, '__module__', '').startswith('AutoTrainer'):
            continue
        if inspect.isclass(value):
            yield Fact('class', where, name)
            for method in dir(value):
                function = getattr(value, method)
                if inspect.isfunction(function) and (
                        function.__module__.startswith('AutoTrainer')
                        and (method == '__init__' or not method.startswith('_'))):
                    yield from _function('%s:%s' % (where, name), method, function)
        elif inspect.isfunction(value):
            yield from _function(where, name, value)


def _function(where: str, name: str, function: Any) -> Iterator[Fact]:
    given = [one for one in inspect.signature(function).parameters.values() if one.name != 'self']
    arguments = [
        Fact('argument', '%s:%s' % (where, name), one.name,
             REQUIRED if one.default is inspect.Parameter.empty else number(one.default), place)
        for place, one in enumerate(given)]
    yield Fact('function', where, name, signature(arguments))
    yield from arguments
    hint = get_type_hints(function)['return']
    yield Fact('result', where, name, 'as is asked for' if hint is Any
               else results(_returned(hint)))


def _returned(hint: Any) -> Iterator[int]:
    """How many values what is annotated so can have."""
    made_of, parts = getattr(hint, '__origin__', None), getattr(hint, '__args__', ())
    if made_of is Union:
        for part in parts:
            yield from _returned(part)
    elif hint is type(None):
        yield 0
    elif made_of is tuple and Ellipsis not in parts:
        yield len(parts)
    else:
        yield len(getattr(hint, '_fields', ())) or 1


def _flags(parser: argparse.ArgumentParser) -> Iterator[Fact]:
    for action in parser._actions:  # argparse has no other way to ask for them
        for flag in action.option_strings:
            if flag not in ('-h', '--help'):
                yield Fact('flag', 'reproduce.py', flag,
                           number(action.default) if flag[:2] == '--' else '')
