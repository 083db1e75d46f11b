"""Every setting is checked where it stands, once."""

import dataclasses

import pytest

from AutoTrainer.errors import UserError
from AutoTrainer.settings import Repairing, Watching, check_strategy


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


def test_the_other_spelling_of_a_strategy():
    assert check_strategy('efficient') == check_strategy('efficiency') == 'efficiency'
