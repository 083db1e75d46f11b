"""Lets the pages of the site link to any file of the repository; a hook of mkdocs.yml.

The pages are written to be read where they lie, so they link to ``../../README.md`` or to a source
file. What they link to outside ``docs/`` is taken along under ``project/``, pages as pages and
anything else as it is, and links are changed accordingly. A link to nothing is a warning, which
``mkdocs build --strict`` takes for an error.
"""

import logging
import os
import posixpath
import re
from pathlib import Path
from typing import Any, Iterator, List, Set, Tuple

from mkdocs.structure.files import File, InclusionLevel

ROOT = Path(__file__).resolve().parent.parent
_DOCS, _REST = 'docs/', 'project/'
_ALWAYS = ('README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'LICENSE')
_LINK = re.compile(r'(?<=\]\()(?![a-z]+:|#)([^)#\s]+)(#[^)\s]*)?(?=\))')
_LOG = logging.getLogger('mkdocs.hooks.docs_links')


def in_site(path: str) -> str:
    """Where a file of the repository lies in the site's sources."""
    return path[len(_DOCS):] if path.startswith(_DOCS) else _REST + path


def in_repository(place: str) -> str:
    """Where a source of the site lies in the repository."""
    return place[len(_REST):] if place.startswith(_REST) else _DOCS + place


def targets(path: str, text: str) -> Iterator[Tuple[str, str]]:
    """The links of a page: as they are written, and as paths in the repository."""
    for part in text.split('```')[::2]:
        for match in _LINK.finditer(part):
            yield match.group(1), _resolved(path, match.group(1))


def _resolved(path: str, link: str) -> str:
    found = posixpath.normpath(posixpath.join(posixpath.dirname(path), link))
    return posixpath.join(found, 'README.md') if (ROOT / found).is_dir() else found


def on_files(files: Any, config: Any) -> Any:
    """Take along what the pages link to."""
    waiting: List[str] = [in_repository(file.src_uri) for file in files.documentation_pages()]
    waiting += _ALWAYS
    seen: Set[str] = set()
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        if not path.startswith(_DOCS):
            files.append(File.generated(config, in_site(path), abs_src_path=str(ROOT / path),
                                        inclusion=InclusionLevel.NOT_IN_NAV))
        if path.endswith('.md'):
            for link, target in targets(path, (ROOT / path).read_text(encoding='utf-8')):
                if (ROOT / target).is_file():
                    waiting.append(target)
                else:
                    _LOG.warning('%s links to %s, which is not there', path, link)
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """Change the links of a page to where the files lie in the site."""
    path = in_repository(page.file.src_uri)
    here = posixpath.dirname(page.file.src_uri) or '.'

    def changed(match: 're.Match[str]') -> str:
        there = in_site(_resolved(path, match.group(1)))
        return os.path.relpath(there, here).replace(os.sep, '/') + (match.group(2) or '')

    parts = markdown.split('```')
    parts[::2] = [_LINK.sub(changed, part) for part in parts[::2]]
    return '```'.join(parts)
