"""What went wrong and what mended it, in words."""

from typing import Any, List, NamedTuple, Optional, Tuple

from ...judge import recovery
from ...judge.facts import SOUND
from ...judge.own import issue_named
from ...record.events import number_or_none
from ..text import percent
from .curves import measures_accuracy
from .names import in_words, listed
from .run import Run
from .scale import skill_text

_BADGES = {'normal': '✓ Sound', 'detected': '! Found', 'repaired': '✓ Repaired',
           'improved': '~ Improved', 'failed': '✕ Not repaired', 'interrupted': '‖ Interrupted'}


class Cause(NamedTuple):
    """One issue that was found."""

    words: str
    meaning: str
    looks: str
    advice: str
    reason: str


class Change(NamedTuple):
    """A number before and after; ``after`` is None where nothing came after."""

    name: str
    before: str
    after: Optional[str]
    note: str = ''


class Story(NamedTuple):
    """The words at the head of the page.

    Attributes:
        badge: how it ended, in one or two words with a sign.
        tone: class of the badge: good, fair, bad or open.
        headline: what went wrong.
        lead: what mended it, or what came of it.
        causes: the issues.
        reason: where none was found, what that means.
    """

    badge: str
    tone: str
    headline: str
    lead: str
    causes: Tuple[Cause, ...]
    reason: str


def story_of(run: Run) -> Story:
    """What to tell of a run, finished or not."""
    status = (run.result or {}).get('status', 'open')
    tone = {'normal': 'good', 'repaired': 'good', 'improved': 'fair', 'detected': 'bad',
            'failed': 'bad'}.get(status, 'open')
    badge = _BADGES.get(status, '… Not ended' if run.begun else '')
    reason = '' if run.verdict or not run.result else run.result['reason'] or SOUND
    if status == 'normal' and not reason.startswith(SOUND):
        badge, tone = '? Not judged', 'open'
    if not run.begun:
        badge, tone = ('! Found', 'bad') if run.verdict else ('Watched', 'open')
        if not run.verdict and _text(run.watched.get('note')).startswith(SOUND):
            badge, tone = '✓ Sound', 'good'
        reason = '' if run.verdict else _text(run.watched.get('reason'))
    return Story(badge, tone, headline(run), lead(run), causes(run), reason)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ''


def causes(run: Run) -> Tuple[Cause, ...]:
    """The issues that were found, the one to be repaired first in front."""
    verdict = run.verdict
    found = []
    if verdict is None:
        return ()
    for name in verdict.issues:
        known, why = issue_named(name, run.own), verdict.reasons.get(name, '')
        found.append(Cause(known.words, known.meaning, known.looks,
                           verdict.advice.get(name) or known.advice, why))
    return tuple(found)


def headline(run: Run) -> str:
    """What went wrong, in one sentence."""
    verdict, planned = run.verdict, run.planned
    of = '' if planned is None else ' of %d' % planned
    if verdict is not None:
        known = [issue_named(name, run.own).words for name in verdict.issues]
        words = listed(known)
        when = ('before the first step' if verdict.epoch == 0
                else 'after epoch %d%s' % (verdict.epoch, of))
        seen = ': seen ' if any(',' in word or 'in these rows' in word for word in known) else (
            ', found ')
        return words[:1].upper() + words[1:] + seen + when + '.'
    names = run.watched.get('told')
    told = [name for name in names if isinstance(name, str)] if isinstance(names, list) else []
    if told:
        words = listed([issue_named(name, run.own).words for name in told])
        return words[:1].upper() + words[1:] + ': only told, no reason to stop.'
    if run.watched:
        return _nothing_found(_text(run.watched.get('note')))
    if run.result is None or run.result['status'] == 'interrupted':
        return ('Nothing was found in %d%s epochs so far.' % (run.epochs, of) if run.epochs
                else 'No epoch has ended yet.')
    return _nothing_found(run.result['reason'] or SOUND)


def _nothing_found(note: str) -> str:
    return ('Nothing is wrong with this training.' if note.startswith(SOUND)
            else 'Nothing was found, which proves little.')


_ALIKE = 0.05
"""Share of the yardstick within which a skill is as good as it."""


def beside(skill: float, yardstick: Optional[float]) -> str:
    """How a skill compares with the yardstick, to be put behind it; '' where that is unknown."""
    if yardstick is None:
        return ''
    if yardstick <= 0:
        return ' (classical learners: %s)' % skill_text(yardstick)
    how = ('better than' if skill > (1 + _ALIKE) * yardstick
           else 'as good as' if skill >= (1 - _ALIKE) * yardstick else 'less than')
    return ', %s classical learners (%s)' % (how, skill_text(yardstick))


def _change(run: Run) -> str:
    """Skill before and after, beside the yardstick; the accuracies where it is not known."""
    before, after = run.skills
    if after is not None and before is not None:
        return 'skill %s → %s%s' % (skill_text(before), skill_text(after),
                                    beside(after, run.yardstick))
    accuracy = (run.result or {}).get('accuracy') or {}
    before, after = number_or_none(accuracy.get('before')), number_or_none(accuracy.get('after'))
    if before is None and after is None:
        return ''
    return 'accuracy %s → %s' % (percent(before), percent(after))


def _with(words: str, more: str) -> str:
    return '%s: %s.' % (words, more) if more else words + '.'


def lead(run: Run) -> str:
    """What came of it, in a sentence or two."""
    result = run.result
    if result is None or result['status'] == 'interrupted':
        return _lead_of_unfinished(run)
    status, solution = result['status'], result['solution'] or ''
    words, change = in_words(solution), _change(run)
    after = run.skills[1]
    if status == 'normal':
        learnt = '' if after is None else 'skill %s%s' % (
            skill_text(after), beside(after, run.yardstick))
        accuracy = number_or_none(result['accuracy']['after'])
        told = [learnt] * bool(learnt) + (
            [] if accuracy is None else ['accuracy ' + percent(accuracy)])
        return _with('%d epochs were trained%s' % (
            run.epochs, '' if run.epochs == run.planned or run.planned is None
            else ' of %d planned' % run.planned), ', '.join(told))
    if status == 'detected':
        return 'Not repaired, as asked for.'
    if status == 'repaired':
        if after is not None and after <= 0:
            return _with('The symptom is gone by %s, but the model knows no more than the best '
                         'constant answer' % words, change)
        return _with('Mended by %s' % words, change)
    if status == 'improved':
        return '%s %s' % (_with('Improved by %s' % words, change), _what_is_left(run))
    if solution:
        return '%s %s' % (_with('Not repaired: nothing surely trained better, and the best that '
                                'was seen, %s, is handed back' % words, change),
                          'What it shows can be chance.')
    return 'Not repaired: nothing that was tried trained better.'


def _what_is_left(run: Run) -> str:
    left = (run.result or {}).get('issues_left')
    if left:
        return 'Left: %s.' % listed([issue_named(str(name), run.own).words for name in left])
    if left is None:
        return 'A problem is left.'
    return ('It still learns less than its data allows.' if run.race else
            'A callback stopped it before it had converged.')


def _lead_of_unfinished(run: Run) -> str:
    if not run.begun:
        said = ('The training was watched, and stopped where a verdict asks for it; nothing was '
                'to be repaired.')
        restored = recovery.in_words(run.restorations)
        return '%s %s%s.' % (said, restored[:1].upper(), restored[1:]) if restored else said
    if run.result is None:
        return ('The run has not ended, or its end cannot be read: it still trains, or it was '
                'stopped. What is known so far is below.')
    return ('The run was interrupted. What was known by then is below; it can be gone on with: '
            'resume=True, or reproduce.py --resume.')


def changes(run: Run) -> List[Change]:
    """The numbers beside the headline."""
    found: List[Change] = []
    result: Any = run.result or {}
    before, after = run.skills
    kept = result.get('status') in ('normal', 'detected', None, 'interrupted')
    yardstick = run.yardstick
    if before is not None or after is not None:
        found.append(_changed('Skill', skill_text(before), skill_text(after), kept,
                              '' if yardstick is None
                              else 'classical learners get ' + skill_text(yardstick)))
    accuracy = result.get('accuracy') or {}
    before, after = (number_or_none(accuracy.get(key)) for key in ('before', 'after'))
    if before is not None or after is not None:
        found.append(_changed('Accuracy' if measures_accuracy(run) else 'Loss that is gone',
                              percent(before), percent(after), kept,
                              'of the %s rows' % ('validation' if any(
                                  value is not None for value in run.history['val_acc'])
                                  else 'training')))
    price = number_or_none(result.get('price'))
    if price is not None and run.race:
        found.append(Change('Price', '%.2f ×' % price, None,
                            'the planned training, the stopped one included'))
    seconds = [number_or_none(value) for value in _seconds(result).values()]
    known = [value for value in seconds if value is not None]
    if known:
        found.append(Change('Time', duration(sum(known)), None, 'training and repair together'))
    return found


def _changed(name: str, before: str, after: str, kept: bool, note: str) -> Change:
    """One number where a run hands back what it trained first, else both."""
    if kept:
        return Change(name, before if after == '–' else after, None, note)
    return Change(name, before, after, note)


def _seconds(result: Any) -> Any:
    seconds = result.get('seconds')
    return seconds if isinstance(seconds, dict) else {}


def duration(seconds: float) -> str:
    """Seconds in the unit that suits them."""
    if seconds < 60:
        return '%.1f s' % seconds
    if seconds < 3600:
        return '%d min %02d s' % (seconds // 60, seconds % 60)
    return '%d h %02d min' % (seconds // 3600, seconds % 3600 // 60)


def environment(run: Run) -> List[Tuple[str, str]]:
    """On what the run was made and how it was set up: names and values."""
    result, settings = run.result or {}, run.settings
    found: List[Tuple[str, Any]] = []
    versions = result.get('versions') or run.facts.get('versions')
    if isinstance(versions, dict):
        found += [(str(name).capitalize() if name in ('python', 'keras', 'backend') else str(name),
                   value) for name, value in versions.items()]
    found.append(('Seed', result.get('seed', settings.get('seed'))))
    config = run.facts.get('config')
    found.append(('Data set', config.get('dataset') if isinstance(config, dict) else None))
    optimizer = settings.get('optimizer')
    if isinstance(optimizer, dict):
        inner = optimizer.get('config')
        rate = number_or_none(inner.get('learning_rate') if isinstance(inner, dict) else None)
        found.append(('Optimizer', '%s%s' % (
            optimizer.get('class_name'), '' if rate is None else ', learning rate %.4g' % rate)))
    found += [(words, settings.get(key)) for words, key in (
        ('Loss', 'loss'), ('Batch size', 'batch_size'), ('Planned epochs', 'epochs'),
        ('When it looks', 'checktype'), ('Rules', 'rules'), ('Repair', 'strategy'))]
    found += [(words, None if value is None else duration(value)) for words, value in (
        (words, number_or_none(_seconds(result).get(key))) for words, key in (
            ('First training', 'train'), ('Its checks', 'check'), ('Repair took', 'repair')))]
    return [(name, str(value)) for name, value in found
            if isinstance(value, (str, int, float)) and not isinstance(value, bool)]
