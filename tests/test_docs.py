"""What the documentation says of the code: public names, and that no page is left out."""

import re
from pathlib import Path

import AutoTrainer

ROOT = Path(__file__).resolve().parent.parent


def test_the_reference_has_every_public_name():
    said = re.findall(r'^::: (\S+)$', (ROOT / 'docs' / 'reference.md').read_text(encoding='utf-8'),
                      re.MULTILINE)
    homes = {'%s.%s' % (home, name) for name, home in AutoTrainer._HOMES.items()}
    beside = {'AutoTrainer.judge.own.Seen', 'AutoTrainer.solutions.candidate.Candidate',
              'AutoTrainer.solutions.candidate.Training'}
    assert len(said) == len(set(said)) and homes | beside <= set(said)


def test_every_page_is_in_the_menu_of_the_site():
    menu = (ROOT / 'mkdocs.yml').read_text(encoding='utf-8').partition('\nnav:')[2]
    pages = {str(page.relative_to(ROOT / 'docs')) for page in (ROOT / 'docs').rglob('*.md')}
    assert pages == set(re.findall(r'[\w/-]+\.md', menu)) - {
        'project/README.md', 'project/examples/README.md', 'project/CONTRIBUTING.md',
        'project/CHANGELOG.md'}


def test_every_guide_is_named_in_the_readme():
    readme = (ROOT / 'README.md').read_text(encoding='utf-8')
    for page in (ROOT / 'docs' / 'guide').glob('*.md'):
        assert '(docs/guide/%s)' % page.name in readme, page.name
