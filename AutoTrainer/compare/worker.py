"""The process that runs upstream's pure functions: ``python worker.py``, of any Python from 3.7.

It is started by :mod:`AutoTrainer.compare.answers` and reads one JSON object from standard input:
``sources`` (path of each file) and ``cases`` (for each question the arguments of every case). Of
the files it compiles nothing but the functions, classes and constants that the questions need, with
NumPy for ``np`` and none of their imports, so that neither Keras nor TensorFlow is loaded. The
answers go to standard output, for each question in the order of its cases; a function that raises
answers ``{'error': …}``, and what a checkout has no function for is left out. It imports nothing of
this project, which need not be installed there.
"""

import ast
import copy
import json
import math
import os
import sys
import types
from typing import Any, Dict, List, Mapping, NoReturn, Sequence

import numpy as np

WANTED = {
    'monitor': ('has_NaN', 'gradient_zero_radio', 'max_delta_acc', 'gradient_norm', 'ol_judge',
                'check_large_loss', 'check_abnormal_value', 'layer_issue', 'loss_issue',
                'weights_issue', 'gradient_issue', 'gradient_message_summary',
                'loss_function_issue', 'IssueMonitor'),
    'modules': ('solution_evaluation', 'problem_evaluation', 'filtered_issue', 'filtered',
                'read_strategy'),
    'repair': ('repair_strategy',)}
"""What is compiled of each file."""

FLAGS = ('not_converge', 'unstable_loss', 'nan_loss', 'abnormal_loss', 'sc_accuracy', 'died_relu',
         'vanish_gradient', 'explode_gradient', 'nan_gradient', 'large_weight', 'nan_weight',
         'test_not_well', 'test_turn_bad', 'weight_change_little')


def compiled(path: str, names: Sequence[str]) -> Any:
    """The named things of a file, in a namespace of their own.

    Args:
        path: of the source file.
        names: of functions, classes and constants.
    """
    with open(path, 'rb') as stream:
        tree = ast.parse(stream.read())
    wanted = [node for node in tree.body if getattr(node, 'name', None) in names or (
        isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
        and node.targets[0].id in names)]
    module = copy.copy(tree)
    module.body = wanted
    # os._exit ends the process; here it must only end the question
    stub = types.SimpleNamespace(_exit=lambda code: _refuse('os._exit(%r)' % code), path=os.path)
    space = {'np': np, 'numpy': np, 'math': math, 'copy': copy, 'os': stub}
    exec(compile(module, path, 'exec'), space)
    return types.SimpleNamespace(**{name: space[name] for name in names if name in space})


def _refuse(what: str) -> NoReturn:
    raise RuntimeError(what)


def arrays(lists: Sequence[Any]) -> List[np.ndarray]:
    """Nested lists as arrays."""
    return [np.array(one, dtype=float) for one in lists]


def flags() -> Dict[str, Any]:
    """The symptoms before anything was looked at; those that are counted begin at 0."""
    return {name: 0 if name in ('died_relu', 'vanish_gradient', 'explode_gradient', 'large_weight',
                                'test_not_well', 'test_turn_bad') else False for name in FLAGS}


class Model:
    """What upstream's recognizer asks of a model, in plain values."""

    def __init__(self, case: Dict[str, Any]) -> None:
        self.loss = case['loss']
        self.output = types.SimpleNamespace(shape=(None, case['units']))
        config = {'activation': case['head'], 'name': 'dense'}
        self.layers = [types.SimpleNamespace(get_config=lambda: config)]

    def get_weights(self) -> List[np.ndarray]:
        """Small, finite weights."""
        return [np.full((2, 2), 0.5)]


class Questions:
    """How upstream is asked; every question has a method of its name."""

    def __init__(self, sources: Mapping[str, str]) -> None:
        self.monitor, self.modules, self.repair = (
            compiled(sources[name], WANTED[name]) if name in sources else types.SimpleNamespace()
            for name in ('monitor', 'modules', 'repair'))

    def has(self, question: str) -> bool:
        """Whether there is somebody to ask."""
        name = 'IssueMonitor' if question == 'recognizer' else question
        return any(hasattr(file, name) for file in (self.monitor, self.modules, self.repair))

    def has_NaN(self, case: Any) -> Any:  # noqa: N802 - upstream's name
        """Whether one number is none."""
        return bool(self.monitor.has_NaN(case['values']))

    def max_delta_acc(self, case: Any) -> Any:
        """The largest gain."""
        return float(self.monitor.max_delta_acc(case['acc']))

    def ol_judge(self, case: Any) -> Any:
        """Whether a curve oscillates."""
        return bool(self.monitor.ol_judge({'acc': case['acc']}, case['threshold'], case['rate']))

    def gradient_norm(self, case: Any) -> Any:
        """The norms of the kernels, and those of the biases."""
        return [list(map(float, norms))
                for norms in self.monitor.gradient_norm(arrays(case['gradients']))]

    def gradient_zero_radio(self, case: Any) -> Any:
        """The shares of zeros: of all, of each kernel, of each bias."""
        share, kernels, biases = self.monitor.gradient_zero_radio(arrays(case['gradients']))
        return [float(share), list(map(float, kernels)), list(map(float, biases))]

    def gradient_issue(self, case: Any) -> Any:
        """The symptoms of gradients."""
        limits = case['params']
        found = self.monitor.gradient_issue(
            flags(), arrays(case['gradients']), threshold_low=limits['beta_1'],
            threshold_low_1=limits['beta_2'], threshold_high=limits['beta_3'],
            threshold_die_1=limits['gamma'])
        return said(found, ('died_relu', 'vanish_gradient', 'explode_gradient', 'nan_gradient'))

    def weights_issue(self, case: Any) -> Any:
        """The symptoms of weights."""
        found = self.monitor.weights_issue(flags(), arrays(case['weights']), [])
        return said(found, ('nan_weight', 'large_weight'))

    def loss_issue(self, case: Any) -> Any:
        """The symptoms of a history."""
        limits = case['params']
        found = self.monitor.loss_issue(
            flags(), case['history'], total_epoch=case['total_epoch'],
            satisfied_acc=limits['Theta'], checkgap=case['checkgap'],
            unstable_threshold=limits['zeta'], unstable_rate=limits['eta'],
            sc_threshold=limits['delta'])
        return said(found, ('nan_loss', 'abnormal_loss', 'not_converge', 'sc_accuracy',
                            'unstable_loss'))

    def loss_function_issue(self, case: Any) -> Any:
        """Whether a loss does not fit."""
        start = dict(flags(), activation_output=False)
        return said(self.monitor.loss_function_issue(start, case['loss'], case['units'],
                                                     case['head']), ('improper_loss',))

    def layer_issue(self, case: Any) -> Any:
        """Whether an output activation does not fit."""
        start = dict(flags(), activation_output=False, abnormal_output=False)
        layers = [[np.full((2, 2), 0.5)], [np.array(case['outputs'], dtype=float)]]
        found = self.monitor.layer_issue(start, layers, acti_threshold=case['params']['omega_2'])
        return said(found, ('activation_output',))

    def recognizer(self, case: Any) -> Any:
        """The issues of a training, at a check that reads the layer outputs."""
        monitor = self.monitor.IssueMonitor(case['total_epoch'], case['params']['Theta'],
                                            dict(case['params']))
        monitor.feature.update(activation_output=False, abnormal_output=False)
        given = [Model(case), case['history'], arrays(case['gradients']), case['checkgap']]
        if hasattr(self.monitor, 'layer_issue'):
            given.append([[np.full((2, 2), 0.5)], [np.array(case['outputs'], dtype=float)]])
        return sorted(set(monitor.determine(*given)))

    def filtered_issue(self, case: Any) -> Any:
        """The issue that is repaired first."""
        return list(self.modules.filtered_issue(list(case['issues'])))

    def read_strategy(self, case: Any) -> Any:
        """An entry of a strategy, taken apart."""
        return list(self.modules.read_strategy(case['entry']))

    def repair_strategy(self, case: Any) -> Any:
        """The orders of a strategy, as upstream gives them: in a row."""
        return [list(entries) for entries in self.repair.repair_strategy(case['method'])]

    def filtered(self, case: Any) -> Any:
        """The same, less what may not be tried."""
        found = self.modules.filtered(self.repair_strategy(case), case['sufferance'],
                                      case['memory'])
        return [list(entries) for entries in found]


def said(found: Mapping[str, Any], names: Sequence[str]) -> Dict[str, bool]:
    """The named symptoms, as True or False."""
    return {name: bool(found.get(name, False)) for name in names}


def answer(ask: Any, case: Any) -> Any:
    """One answer, or what was raised."""
    try:
        return ask(case)
    except Exception as error:  # whatever upstream does is the answer
        return {'error': '%s: %s' % (type(error).__name__, error)}


def main() -> None:
    """Answer what is asked on standard input."""
    shown, sys.stdout = sys.stdout, sys.stderr  # upstream prints while it judges
    asked = json.load(sys.stdin)
    np.seterr(all='ignore')
    questions = Questions(asked['sources'])
    json.dump({name: [answer(getattr(questions, name), case) for case in cases]
               for name, cases in asked['cases'].items() if questions.has(name)}, shown)


if __name__ == '__main__':
    main()
