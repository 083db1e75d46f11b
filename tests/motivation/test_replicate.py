import json
import re

import pytest

from Motivation.analyse import RULES, analyse_case
from Motivation.histories import OWN_DATA, find_cases
from Motivation.replicate import claims as decided
from Motivation.replicate import ground
from Motivation.replicate.__main__ import HTML, MARKDOWN, main
from Motivation.replicate.claims import FAILS, HOLDS, UNKNOWN, Claim, agrees
from Motivation.replicate.ground import MEASURED, lay, read_thesis
from Motivation.replicate.pages import Replication, as_html, as_markdown
from Motivation.replicate.sections import OTHER, SAME, Grid, Section, sections

SWING = [0.9, 0.8] * 25
RISE = [i / 60 for i in range(50)]

pytestmark = pytest.mark.once


@pytest.fixture
def small(tmp_path, write_run):
    """Two cases: one with the name and length of one of the thesis's, one of our own."""
    for number, curve in enumerate((SWING, RISE, SWING)):
        write_run(tmp_path / 'in' / 'Case_50epoch1' / ('run_%d.csv' % number), RISE, curve)
    write_run(tmp_path / 'in' / 'own' / 'run_0.csv', RISE[:20], SWING[:20])
    return tmp_path / 'in'


@pytest.fixture
def no_figures(monkeypatch):
    """Drawing takes seconds and is tested in test_figures and test_drawing."""
    monkeypatch.setattr('Motivation.replicate.__main__.all_figures', lambda *_: ([], []))


def test_the_thesiss_numbers_each_stand_with_their_table():
    thesis = read_thesis()
    assert {table['epochs'] for table in thesis['tables'].values() if isinstance(table, dict)} == {
        50, 100, 125, 150}
    assert all('source' in claim for claim in thesis['claims'].values())
    for case in thesis['cases'].values():
        assert len(case['detected']) == case['flagged']
        assert case.get('percent', round(100 * case['flagged'] / case['runs'])) == round(
            100 * case['flagged'] / case['runs'])


def test_what_is_not_the_thesiss_is_not_held_against_it(small, write_run):
    for number in range(2):
        write_run(small / 'Case_100epoch1' / ('run_%d.csv' % number), RISE)  # 50 epochs, not 100
    write_run(small / 'again' / 'Case_50epoch1' / 'run_0.csv', RISE)
    cases, _ = find_cases(small)
    found, problems = lay(cases, None)
    assert set(found.known) == {'Case_50epoch1'}
    assert 'has runs of 50 epochs where the thesis has 100' in problems[0]
    assert 'there a second time' in problems[1]
    verdicts = {claim.source: claim for claim in decided.decide(found)}
    assert verdicts['Table 3-1'].verdict == FAILS
    assert '2 of 3 runs instead of 60 of 100' in verdicts['Table 3-1'].found
    assert 'not there: Case_50epoch_anotherModel' in verdicts['Table 3-1'].found


def test_at_least_twelve_claims_and_each_is_decided_for_the_projects_own_histories():
    found = decided.decide(lay(find_cases(OWN_DATA)[0], None)[0])
    assert len(found) >= 12
    unknown = [claim.source for claim in found if claim.verdict == UNKNOWN]
    assert unknown == ['Table 3-1', 'Table 3-2', 'Chapter 3']  # two lengths would be needed
    assert agrees(found, given=False) and not agrees(found, given=True)


def test_a_claim_that_must_hold_decides():
    must = Claim('said', 'where', FAILS, 'found', must=True)
    assert not agrees([must], given=False)
    assert agrees([must._replace(verdict=HOLDS), must._replace(must=False)], given=True)


def test_both_numbers_stand_side_by_side_and_are_marked(small):
    found, _ = lay(find_cases(small)[0], None)
    by_title = {section.title.partition(':')[0]: section
                for section in sections(found, decided.decide(found), [])}
    rows = by_title['Table 3-1'].grids[0].rows
    assert rows[0] == ['Case_50epoch1', '50', '100', '3', '60', '2', '60 %', '67 %', OTHER]
    assert rows[-1] == ['own', '20', '–', '1', '–', '1', '–', '100 %', '–']
    assert rows[1][-1] == '–'  # not there
    assert len(rows) == 10
    for number in range(1, 11):
        assert 'Table 3-%d' % number in by_title
    assert 'Table 5-1' in by_title and 'Figure 4-2' in by_title
    assert any(title.startswith('with and without the problem, 20') for title in by_title)


def page(**values):
    return Replication('DIR', 1, 2, False, True, [], [Section(
        'A <title>', 'note & more',
        [Grid(['a', 'b'], [['<script>x</script>', SAME], ['1', OTHER]])],
        ['fig'])], ['left | out'])._replace(**values)


def test_the_page_is_one_file_and_what_it_is_told_is_text():
    html = as_html(page(), {'fig': b'<svg/>'})
    assert '<script' not in html and '&lt;script&gt;x' in html and 'A &lt;title&gt;' in html
    assert not re.search(r'(src|href)="(?!data:|#)', html) and 'url(' not in html
    assert 'class="good">%s' % SAME in html and 'class="bad">%s' % OTHER in html
    assert 'prefers-color-scheme: dark' in html and 'width=device-width' in html


def test_markdown_has_the_same_tables():
    text = as_markdown(page())
    assert '| 1 | %s |' % OTHER in text and '![A <title>](fig.png)' in text
    assert 'do not reproduce' in text
    assert 'reproduce to the last number' in as_markdown(page(agrees=True))
    assert 'None of the thesis' in as_markdown(page(compared=False))


def test_the_command_says_what_it_leaves_out_and_does_the_rest(small, tmp_path, no_figures, capsys):
    (small / 'own' / 'run_1.csv').write_text('loss\n')
    out = tmp_path / 'out'
    assert main([str(small), '--out', str(out)]) == 1
    captured = capsys.readouterr()
    assert 'own/run_1.csv has no column' in captured.err
    assert "not among these runs" in captured.err
    assert re.search(r'; \d+ s$', captured.out.strip())
    assert 'Case_50epoch1' in (out / HTML).read_text(encoding='utf-8')
    assert 'Case_50epoch1' in (out / MARKDOWN).read_text(encoding='utf-8')
    document = json.loads((out / 'figures.json').read_text())
    assert document['agrees'] is False and len(document['claims']) >= 12


@pytest.mark.parametrize('argument, says', [
    ('nowhere', "HISTORIES is 'nowhere', which is no folder"),
    ('empty', "HISTORIES is 'empty', which has no history"),
])
def test_nothing_to_read_is_one_sentence(tmp_path, monkeypatch, capsys, argument, says):
    (tmp_path / 'empty').mkdir()
    monkeypatch.chdir(tmp_path)
    assert main([argument, '--out', 'out']) == 2
    assert says in capsys.readouterr().err and not (tmp_path / 'out').exists()


def test_the_shipped_histories_give_a_page_with_every_figure(tmp_path, undrawn):
    assert main(['--out', str(tmp_path)]) == 0
    html = (tmp_path / HTML).read_text(encoding='utf-8')
    drawn = json.loads((tmp_path / 'figures.json').read_text())['figures']
    assert {'fig_3-1_curves', 'fig_3-2_accuracies', 'fig_4-2_delay', 'fig_5-3_detection',
            'erratum'} <= set(drawn)
    assert ('fig_4-1_overhead' in drawn) == MEASURED.exists()
    assert html.count('<img ') == len(drawn) == html.count('data:image/svg+xml')


# -------------------------------------------------------------------------- the thesis's own runs

@pytest.mark.slow
def test_the_recorded_runs_agree_and_one_number_less_does_not(shared, tmp_path, no_figures,
                                                              monkeypatch, capsys):
    laid = []
    monkeypatch.setattr(ground, 'lay', lambda *given: laid.append(lay(*given)) or laid[-1])
    assert main([str(shared / 'histories'), '--out', str(tmp_path / 'out')]) == 0
    text = (tmp_path / 'out' / MARKDOWN).read_text(encoding='utf-8')
    table = text.split('## Table 3-1')[1].split('## Table 3-3')[0]
    assert table.count(SAME) == 18 and OTHER not in text
    assert 'Of 17 claims' in capsys.readouterr().out
    found, _ = laid[0]
    assert agrees(decided.decide(found), given=True)
    last = next(case for case in found.cases if case.name == 'Case_150epoch2')
    without = analyse_case(last._replace(runs=last.runs[:-1]), RULES['val_accuracy'])
    assert not agrees(decided.decide(found._replace(
        known=dict(found.known, Case_150epoch2=without))), given=True)
