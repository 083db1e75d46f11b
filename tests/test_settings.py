"""Every setting is checked where it stands, once."""

import dataclasses

import pytest

from AutoTrainer.errors import UserError
from AutoTrainer.settings import (
    EARLIER,
    RUN_SETTINGS,
    Repairing,
    Watching,
    check_strategy,
    of_a_run,
    on_issue_of,
)


@pytest.mark.parametrize('wrong, told', [
    ({'checktype': 'epoch_0'}, "checktype is 'epoch_0'; allowed are 'epoch_N'"),
    ({'satisfied_acc': 95}, r'satisfied_acc is 95; give a share from 0 to 1, 0.95 for 95 %'),
    ({'satisfied_acc': 0}, 'satisfied_acc is 0; give a share from 0 to 1$'),
    ({'satisfied_acc': 1e9}, 'satisfied_acc is 1000000000.0; give a share from 0 to 1$'),
    ({'satisfied_acc': float('nan')}, 'satisfied_acc is nan; give a finite number'),
    ({'satisfied_count': 0}, 'satisfied_count is 0; give a whole number from 1'),
    ({'determine_threshold': 2.5}, 'determine_threshold is 2.5; give a whole number'),
    ({'params': {'theta': 0.7}}, "params has an unknown name 'theta'"),
    ({'optional_issues': ('dying',)}, "optional_issues has 'dying'; known are collapse, overfit"),
    ({'optional_issues': 'dying'}, "optional_issues has 'dying'"),
    ({'rules': 'theta'}, "rules is 'theta'; give 'skill' or 'paper'"),
    ({'rules': ''}, "rules is ''; give 'skill' or 'paper'"),
    ({'rules': 'paper', 'optional_issues': ['no_signal']},
     "optional_issues has 'no_signal', which only rules='skill' knows; leave it out or set"),
    ({'optional_issues': ['no_signal']}, "which only rules='skill' knows"),  # paper by 'dynamic'
    ({'on_issue': 'go on'}, "on_issue is 'go on'; give 'stop', 'continue', 'restore'"),
    ({'overhead_budget': 0}, 'overhead_budget is 0; give a share of the training time'),
    ({'overhead_budget': 2}, 'overhead_budget is 2; give a share of the training time'),
])
def test_a_wrong_setting_of_watching_is_told_at_once(wrong, told):
    with pytest.raises(UserError, match=told):
        Watching(**wrong)


@pytest.mark.parametrize('wrong, told', [
    ({'strategy': 'fast'}, "strategy is 'fast'; give balance, structure, efficiency"),
    ({'strategy': None}, 'strategy is None'),
    ({'modification_sufferance': 4}, 'modification_sufferance is 4; give 0'),
    ({'seed': 1.5}, 'seed is 1.5; give a whole number'),
])
def test_a_wrong_setting_of_repairing_is_told_at_once(wrong, told):
    with pytest.raises(UserError, match=told):
        Repairing(**wrong)


@pytest.mark.parametrize('settings', [Watching(), Repairing()])
def test_settings_do_not_change(settings):
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(settings, dataclasses.fields(settings)[0].name, 1)


@pytest.mark.parametrize('settings, expected', [
    (Watching(), ()),
    (Watching(checktype='adaptive'), ('collapse',)),
    (Watching(checktype='adaptive', optional_issues=[]), ()),
    (Watching(optional_issues=['overfit']), ('overfit',)),
])
def test_the_schedule_decides_on_optional_issues_unless_it_is_told(settings, expected):
    assert settings.judged_issues == expected


@pytest.mark.parametrize('settings, by_skill', [
    ({}, False), ({'checktype': 'epoch_3'}, False), ({'checktype': 'adaptive'}, True),
    ({'checktype': 'adaptive', 'rules': 'paper'}, False), ({'rules': 'skill'}, True),
    ({'checktype': 'epoch_3', 'rules': 'skill'}, True),
])
def test_the_schedule_decides_on_the_rules_unless_it_is_told(settings, by_skill):
    assert Watching(**settings).by_skill is by_skill


def test_what_only_skill_knows_can_be_asked_for_there():
    assert Watching(checktype='adaptive', optional_issues=['no_signal']).judged_issues == (
        'no_signal',)
    assert Watching(rules='skill', optional_issues=['no_signal', 'overfit']).by_skill


def test_a_run_of_an_earlier_version_was_judged_by_the_paper():
    assert EARLIER['rules'] == 'paper' and 'rules' in RUN_SETTINGS
    assert of_a_run(Watching(rules='skill'), Repairing())['rules'] == 'skill'


def test_the_other_spelling_of_a_strategy():
    assert check_strategy('efficient') == check_strategy('efficiency') == 'efficiency'


@pytest.mark.parametrize('on_issue, stop, expected', [
    ('stop', None, 'stop'), ('stop', True, 'stop'), ('stop', False, 'continue'),
    ('restore', None, 'restore'), ('continue', None, 'continue'),
    ('continue', False, 'continue')])
def test_two_ways_to_say_what_to_do_on_an_issue(on_issue, stop, expected):
    assert on_issue_of(on_issue, stop) == expected


@pytest.mark.parametrize('on_issue, stop, told', [
    ('restore', True, "on_issue is 'restore', but stop=True says 'stop'; leave stop out"),
    ('restore', False, "stop=False says 'continue'"), ('continue', True, 'leave stop out'),
    ('go', False, "on_issue is 'go'; give 'stop', 'continue', 'restore'")])
def test_ways_that_contradict_each_other(on_issue, stop, told):
    with pytest.raises(UserError, match=told):
        on_issue_of(on_issue, stop)
