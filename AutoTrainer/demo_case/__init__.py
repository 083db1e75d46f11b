"""Demo cases: one folder each, with a configuration and a model builder.

A case is a folder with ``config.json`` (as :mod:`AutoTrainer.intake.config` reads it) and
``demo.py`` with ``build_model(keras)``, which returns an untrained model. Run as a script, such a
file is ``reproduce.py --case`` with the name of its folder.
"""

import importlib
import os
from typing import Any, Dict, List

from ..errors import UserError, quote, way_out
from ..intake.config import read_config

HERE = os.path.dirname(os.path.abspath(__file__))


def case_names() -> List[str]:
    """Names of all demo cases, sorted."""
    return sorted(name for name in os.listdir(HERE)
                  if os.path.isfile(os.path.join(HERE, name, 'config.json')))


def check_case(name: str) -> str:
    """Return ``name`` if there is such a case.

    Raises:
        UserError: if there is none; the message names the nearest or lists all.
    """
    known = case_names()
    if name not in known:
        raise UserError('case is %s; %s' % (quote(name), way_out(name, known)))
    return name


def case_config(name: str) -> Dict[str, Any]:
    """Configuration of a case."""
    return read_config(os.path.join(HERE, check_case(name), 'config.json'))


def case_model(name: str, keras: Any) -> Any:
    """Untrained model of a case.

    Args:
        name: see :func:`case_names`.
        keras: the keras namespace to build with.
    """
    module = importlib.import_module('%s.%s.demo' % (__name__, check_case(name)))
    return module.build_model(keras)
