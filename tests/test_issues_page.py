"""docs/guide/issues.md and the table of issues, held to the code."""

import runpy
from pathlib import Path

import pytest

from AutoTrainer.judge.issues import ISSUES, Issue, table
from AutoTrainer.utils.monitor import thresholds

ROOT = Path(__file__).resolve().parent.parent


def test_the_page_is_what_the_tables_say():
    made = runpy.run_path(str(ROOT / 'scripts' / 'issues_page.py'))
    assert made['PAGE'].read_text(encoding='utf-8') == made['page'](), (
        'docs/guide/issues.md is out of date; run python scripts/issues_page.py')


def test_every_threshold_that_a_rule_names_exists():
    for issue in ISSUES.values():
        assert '{' not in issue.rule.format(**thresholds())


@pytest.mark.parametrize('part', ['words', 'meaning', 'rule', 'looks', 'mends', 'advice',
                                  'cures'])
def test_an_issue_without_words_is_an_error_when_the_table_is_made(part):
    whole = Issue('plateau', 1, 'plateau', 'm', 'r', 'l', ('lr_1',), 'a', cures=('step',))
    assert list(table(whole)) == ['plateau']
    with pytest.raises(ValueError, match="the issue 'plateau' has no %s" % part):
        table(whole._replace(**{part: () if part in ('mends', 'cures') else ''}))


def test_two_issues_of_one_name_are_an_error():
    with pytest.raises(ValueError, match='two issues have one name'):
        table(*[ISSUES['vanish']] * 2)
