"""A race in words: who ran, who won, and the change to make."""

from typing import Any, List, Mapping

MOST_TOLD = 8
"""Candidates that are told one by one; of more the rest is counted."""


def race_lines(result: Mapping[str, Any]) -> List[str]:
    """The lines that a summary has of a race; none where there was none.

    Args:
        result: the content of ``result.json``.
    """
    race = result.get('race')
    if not race:
        return []
    begun = [entry for entry in race['candidates'] if entry['epochs']]
    lines = ['Raced     %d candidate%s for %.2f planned trainings together, the stopped one '
             'included' % (len(begun), '' if len(begun) == 1 else 's', result['price'])]
    lines += ['          in all of them: ' + words for words in race['of_all']]
    shown = sorted(begun, key=lambda entry: entry['number'] != race['winner'])[:MOST_TOLD]
    lines += ['          ' + candidate_line(entry, entry['number'] == race['winner'])
              for entry in shown]
    if len(begun) > len(shown):
        lines.append('          and %d more' % (len(begun) - len(shown)))
    if race.get('stopped'):  # older folders have none
        lines.append('          ended there: ' + race['stopped'])
    if race['left_out']:
        lines.append('          left out for this model or these limits: '
                     + ', '.join(race['left_out']))
    return lines


def candidate_line(entry: Mapping[str, Any], won: bool = False) -> str:
    """One candidate in one line."""
    skill = '' if entry['skill'] is None else ', skill %.2f' % entry['skill']
    return '%s%d %s: %s; %d of %d epochs%s (%s)' % (
        'won: ' * won, entry['number'], entry['name'], '; '.join(entry['words']), entry['epochs'],
        entry['planned'], skill, entry['ended'])


def change_lines(result: Mapping[str, Any]) -> List[str]:
    """The change to make in the user's own program; none where nothing is to be changed."""
    code = (result.get('race') or {}).get('code')
    if not code:
        return []
    return ['Change    to make in your own program:'] + ['    ' + line for line in
                                                         code.splitlines()]
