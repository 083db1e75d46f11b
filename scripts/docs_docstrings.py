"""Docstrings as the site's reader wants them; an extension of mkdocstrings, see mkdocs.yml.

The docstrings name things as ``:class:`~AutoTrainer.settings.Watching```, which tools other than
mkdocstrings make links of.
"""

import re
from typing import Any

import griffe

_ROLE = re.compile(r':(?:class|func|meth|mod|data|attr):`~?([^`]+)`')
_EXAMPLE = re.compile(r'^( *)Example:$', re.MULTILINE)


class Docstrings(griffe.Extension):
    """Names without their roles, examples as examples."""

    def on_instance(self, *, obj: griffe.Object, **_: Any) -> None:
        """Change the docstring of whatever has one."""
        if obj.docstring is not None:
            told = _ROLE.sub(lambda name: '`%s`' % name.group(1).rpartition('.')[2],
                             obj.docstring.value)
            obj.docstring.value = _EXAMPLE.sub(r'\1Examples:', told)
