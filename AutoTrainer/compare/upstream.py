"""A checkout of upstream AUTOTRAINER, read by its syntax trees: nothing of it is run or imported.

Both of its layouts are known: that of its branch ``Test-Master`` (nine issues, the later revision
of the rules) and that of ``ICSE'21`` (six issues, the paper's). A file that Python cannot parse is
one sentence among the notes; all others are read.
"""

import ast
import os
import warnings
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Tuple

from ..errors import UserError, first_line, quote
from .facts import REQUIRED, Fact, number, results, signature

LARGEST_FILE = 1 << 20
"""Bytes of a source file at the most; upstream's largest has a thirtieth of it."""

MONITOR = 'AutoTrainer/utils/monitor.py'
"""The file by which a checkout is known."""

OWN = 'AutoTrainer/compare/upstream.py'
"""A file that only this project has."""

FOLDERS = ('AutoTrainer', 'Motivation')
"""The folders that are compared; of the root only the files in it."""

THRESHOLDS = {'AutoTrainer/utils/utils.py': 'default_param', 'reproduce.py': 'reproduce.py',
              'AutoTrainer/reproduce.py': 'reproduce.py'}
"""Files that hold a table of thresholds, and what it goes by; demos repeat that of the script."""

STRATEGY_ISSUES = {
    'gradient_vanish_strategy': 'vanish', 'gradient_explode_strategy': 'explode',
    'dying_relu_strategy': 'relu', 'unstable_strategy': 'unstable',
    'not_converge_strategy': 'not_converge', 'over_fitting_strategy': 'overfit',
    'activation_strategy': 'activation_issue', 'loss_strategy': 'loss_issue',
    'data_strategy': 'abnormal_data'}
"""Which issue each list of upstream's ``repair_strategy`` is for."""


class Checkout(NamedTuple):
    """What was read.

    Attributes:
        layout: ``'Test-Master'`` or ``"ICSE'21"``.
        facts: everything that is compared.
        notes: a sentence for each file that could not be read.
        sources: absolute path of each file that could, by its name in the comparison.
    """

    layout: str
    facts: Tuple[Fact, ...]
    notes: Tuple[str, ...]
    sources: Dict[str, str]


def read_checkout(folder: str) -> Checkout:
    """Read a checkout.

    Args:
        folder: its root, or its folder ``AutoTrainer``.

    Raises:
        UserError: if it is no checkout of upstream in either layout.
    """
    root = folder
    wanted = "give a checkout of AUTOTRAINER, of its branch Test-Master or ICSE'21"
    if os.path.isfile(os.path.join(folder, 'utils', 'monitor.py')):
        root = os.path.dirname(os.path.abspath(folder))
    if not folder or not os.path.isfile(os.path.join(root, MONITOR)):
        raise UserError('UPSTREAM_DIR is %s, which has no %s; %s' % (
            quote(folder), MONITOR, wanted))
    if os.path.isfile(os.path.join(root, OWN)):
        raise UserError('UPSTREAM_DIR is %s, which is this project; %s' % (quote(folder), wanted))
    facts: List[Fact] = []
    notes, sources = [], {}
    trees: Dict[str, ast.Module] = {}
    for name in _files(root):
        facts.append(Fact('file', '', name))
        if name.endswith('.py'):
            try:
                trees[name] = _parsed(os.path.join(root, name))
                facts += list(_facts_of(name, trees[name]))
                sources[name] = os.path.join(root, name)
            except UserError as error:
                notes.append('%s: %s' % (name, error))
    if MONITOR in trees and 'IssueMonitor' not in _names(trees[MONITOR]):
        raise UserError('UPSTREAM_DIR is %s, whose %s has no IssueMonitor; %s' % (
            quote(folder), MONITOR, wanted))
    later = any('layer_issue' in _names(tree) or 'op_loss' in _names(tree)
                for tree in trees.values())
    return Checkout('Test-Master' if later else "ICSE'21", tuple(facts), tuple(notes), sources)


def _files(root: str) -> List[str]:
    """Names of the Python files that are compared, and of the root's files for pip and conda."""
    found = [name for name in sorted(os.listdir(root))
             if name.endswith('.py') or name in ('requirements.txt', 'environment.yml')]
    for folder in FOLDERS:
        for path, folders, names in os.walk(os.path.join(root, folder)):
            folders[:] = sorted(name for name in folders if not name.startswith(('.', '__')))
            found += [os.path.relpath(os.path.join(path, name), root).replace(os.sep, '/')
                      for name in sorted(names) if name.endswith('.py')]
    return [name for name in found if os.path.isfile(os.path.join(root, name))]


def _parsed(path: str) -> ast.Module:
    """The syntax tree of a file.

    Raises:
        UserError: if it has none.
    """
    try:
        with open(path, 'rb') as stream:
            text = stream.read(LARGEST_FILE + 1)
        if len(text) > LARGEST_FILE:
            raise UserError('larger than %d bytes; left out' % LARGEST_FILE)
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')  # what Python thinks of upstream's strings
            return ast.parse(text, os.path.basename(path))
    except (SyntaxError, ValueError, RecursionError, MemoryError, OSError) as error:
        if isinstance(error, UserError):
            raise
        raise UserError('does not parse as Python 3 (%s); left out' % first_line(error)) from error


def _names(tree: ast.Module) -> List[str]:
    return [node.name for node in tree.body if isinstance(node, (ast.FunctionDef, ast.ClassDef))]


def text(node: Optional[ast.AST]) -> str:
    """An expression as text: literals by their value, names as they stand, else its kind."""
    try:
        return number(ast.literal_eval(node)) if node is not None else ''
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        pass
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return '%s.%s' % (text(node.value), node.attr)
    if isinstance(node, ast.Call):
        return '%s(%s)' % (text(node.func), ', '.join(text(one) for one in node.args))
    return '<%s>' % type(node).__name__


def _facts_of(name: str, tree: ast.Module) -> Iterator[Fact]:
    """Everything that one file has."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            yield from _function(name, node)
        elif isinstance(node, ast.ClassDef):
            yield Fact('class', name, node.name)
            for method in node.body:
                if isinstance(method, ast.FunctionDef):
                    yield from _function('%s:%s' % (name, node.name), method)
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            yield from _constant(name, node.targets[0].id, node.value)
    yield from _inside(name, tree)


def _function(where: str, node: ast.FunctionDef) -> Iterator[Fact]:
    arguments = list(_arguments('%s:%s' % (where, node.name), node.args, ':' in where))
    yield Fact('function', where, node.name, signature(arguments))
    yield from arguments
    yield Fact('result', where, node.name, results(_returned(node)))


def _returned(node: ast.AST) -> Iterator[int]:
    """How many values each ``return`` of a function has; those of functions in it are not its."""
    for inner in ast.iter_child_nodes(node):
        if isinstance(inner, ast.Return) and inner.value is not None:
            yield len(inner.value.elts) if isinstance(inner.value, ast.Tuple) else 1
        elif not isinstance(inner, (ast.FunctionDef, ast.ClassDef, ast.Lambda)):
            yield from _returned(inner)


def _arguments(where: str, node: ast.arguments, method: bool) -> Iterator[Fact]:
    """Arguments in order; a method's without its first."""
    names = [one.arg for one in node.args]
    defaults: List[Optional[ast.expr]] = [None] * (len(names) - len(node.defaults))
    pairs = list(zip(names, defaults + list(node.defaults)))
    if method and names[:1] == ['self']:
        pairs = pairs[1:]
    pairs += [(one.arg, default) for one, default in zip(node.kwonlyargs, node.kw_defaults)]
    for place, (name, default) in enumerate(pairs):
        yield Fact('argument', where, name, REQUIRED if default is None else text(default), place)


def _constant(where: str, name: str, node: ast.expr) -> Iterator[Fact]:
    """A constant of a module; the tables that are known are taken apart."""
    value = _literal(node)
    if value is None:
        return
    if name == 'problem_evaluation' and isinstance(value, dict):
        for issue, priority in value.items():
            yield Fact('issue', 'priority', str(issue), number(priority))
    elif name == 'solution_evaluation' and isinstance(value, dict):
        for solution, cost in value.items():
            cost = cost if isinstance(cost, dict) else {}
            yield Fact('solution', 'sufferance', str(solution), number(cost.get('modify')))
            yield Fact('solution', 'memory', str(solution), number(cost.get('memory')))
    elif not (isinstance(value, dict) and 'beta_1' in value):
        yield Fact('constant', where, name, number(value))


def _literal(node: Any) -> Any:
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return None


def _inside(name: str, tree: ast.Module) -> Iterator[Fact]:
    """What stands in the bodies: thresholds, features, strategies, flags, keys."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Dict):
            table = _literal(node)
            if isinstance(table, dict) and 'beta_1' in table:
                for key, value in table.items() if name in THRESHOLDS else ():
                    yield Fact('threshold', THRESHOLDS[name], str(key), number(value))
            elif isinstance(table, dict) and 'not_converge' in table and 'nan_loss' in table:
                for key in table:
                    yield Fact('feature', 'feature', str(key))
        elif isinstance(node, ast.FunctionDef) and node.name == 'repair_strategy':
            yield from _strategies(node)
        elif isinstance(node, ast.Call) and text(node.func).endswith('.add_argument') \
                and name.endswith('reproduce.py'):
            default = [one.value for one in node.keywords if one.arg == 'default']
            for flag in map(_literal, node.args):
                yield Fact('flag', 'reproduce.py', str(flag),
                           text(default[0]) if default and str(flag)[:2] == '--' else '')
        elif isinstance(node, ast.Subscript) and text(node.value) == 'training_config' \
                and name.endswith('reproduce.py'):
            index: Any = node.slice  # up to Python 3.8 wrapped in an Index
            key = _literal(index.value if type(index).__name__ == 'Index' else index)
            if isinstance(key, str):
                yield Fact('config key', 'configuration', key)


def _strategies(function: ast.FunctionDef) -> Iterator[Fact]:
    """The lists of ``repair_strategy``, by the method that is asked for."""
    for node in ast.walk(function):
        if not (isinstance(node, ast.If) and isinstance(node.test, ast.Compare)):
            continue
        method = _literal(node.test.comparators[0])
        for line in node.body:
            if isinstance(line, ast.Assign) and isinstance(line.targets[0], ast.Name):
                issue = STRATEGY_ISSUES.get(line.targets[0].id, line.targets[0].id)
                yield Fact('strategy', str(method), issue, text(line.value))
