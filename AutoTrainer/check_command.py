"""``autotrainer check``: what is wrong with a training, before its first step."""

import argparse
import json
from typing import Any, List

from .errors import UserError
from .intake.config import BACKENDS, read_config
from .judge.preflight import Finding

NAME = 'check'
"""The word on the command line."""


def build_parser() -> argparse.ArgumentParser:
    """The arguments behind the word."""
    parser = argparse.ArgumentParser(
        prog='autotrainer check', description='Say what is wrong with a training, without a single '
        'step of it.')
    parser.add_argument('-mp', '--model_path', metavar='FILE', required=True,
                        help='untrained .keras or .h5 model')
    parser.add_argument('-cp', '--config_path', metavar='FILE', required=True,
                        help='its training configuration, .json or .pkl')
    parser.add_argument('--backend', choices=BACKENDS,
                        help='Keras 3 only (default: $KERAS_BACKEND, else jax)')
    parser.add_argument('--trust-model', action='store_true',
                        help='load models whose Lambda layers carry code')
    parser.add_argument('--json', action='store_true', help='the findings as JSON')
    parser.add_argument('--debug', action='store_true', help='show the traceback of an error')
    return parser


def run(arguments: argparse.Namespace) -> None:
    """Do what the arguments say. Findings are the answer, no failure.

    Raises:
        UserError: for files that cannot be read, or that do not belong together.
    """
    from . import keras_bridge
    from .data import get_dataset
    config = read_config(arguments.config_path)
    data = get_dataset(config['dataset'])
    model = keras_bridge.load_model(arguments.model_path, arguments.trust_model)
    found = _findings(model, config, data)
    if arguments.json:
        print(json.dumps({'findings': [finding._asdict() for finding in found]}, indent=1,
                         ensure_ascii=False))
    else:
        print(as_text(found))


def _findings(model: Any, config: Any, data: Any) -> List[Finding]:
    """What ``check`` finds in the training that ``model_train`` would make of these."""
    from . import keras_bridge
    from .checking import check
    from .intake.training import fit_to_model, read_training
    training = read_training(config, dataset=data)
    keras_bridge.compile_model(model, training.optimizer, training.loss)
    try:
        data = fit_to_model(training, model)[0].dataset  # one-hot rows from class numbers
    except UserError:  # what contradicts itself is what is looked for
        data = training.dataset
    return check(model, data['x'], data['y'],
                 None if data['x_val'] is None else (data['x_val'], data['y_val']),
                 training.epochs, training.batch_size)


def as_text(findings: List[Finding]) -> str:
    """One line for each finding."""
    return '\n'.join('%-7s  %s: %s; %s' % (one.severity, one.name, one.sentence, one.advice)
                     for one in findings) or 'nothing found'
