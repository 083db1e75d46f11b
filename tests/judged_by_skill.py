"""Trainings told by their skill, epoch by epoch, and a session that judges them."""

from AutoTrainer.judge import facts
from AutoTrainer.judge.facts import GradientSummary, OutputSummary, Task
from AutoTrainer.judge.preflight import CERTAIN, Finding
from AutoTrainer.judge.reference import Constants, Measured
from AutoTrainer.judge.session import Plan, Session, Subject
from AutoTrainer.judge.skill import ACCURACY, Skill
from AutoTrainer.judge.yardstick import Yardstick
from AutoTrainer.settings import Watching

SOUND = GradientSummary((('first', 1.0), ('last', 1.0)), 0.1)
VANISHED = SOUND._replace(kernels=(('first', 1e-8), ('last', 1.0)))
DEAD = SOUND._replace(zero_share=0.9)
CONTRADICTION = Finding('softmax_of_one', CERTAIN, 'a softmax of 1 output is always 1',
                        'end in sigmoid', 'activation_issue')
ERROR = 0.03  # of every skill, unless a test says otherwise


def yardstick(value, unseen=None, error=ERROR, form=ACCURACY):
    """What classical learners reach on validation rows, and on training rows (the same)."""
    return Yardstick({form: Skill(value, error)},
                     {form: Skill(value if unseen is None else unseen, error)}, 'a linear model',
                     200)


def measured(training, validation=None, spread=1.0, error=ERROR, form=ACCURACY):
    """What a model with one output shows."""
    return Measured(({form: Skill(training, error)},),
                    () if validation is None else ({form: Skill(validation, error)},), (spread,),
                    (form,))


class Probe(facts.Probe):
    """A probe that reads its numbers from lists, one entry per epoch.

    Attributes:
        looks: epochs at which skill was asked for.
        asked: how often the yardstick was.
        thorough: whether each look at the set-up was to be thorough.
    """

    def __init__(self, shown, reached=(), findings=(), gradients=SOUND, task=None):
        self.shown, self.reached, self.all_findings = shown, tuple(reached), tuple(findings)
        self.the_gradients, self.the_task = gradients, task or Task()
        self.epoch, self.looks, self.asked, self.thorough = 0, [], 0, []

    def skills(self):
        self.looks.append(self.epoch)
        return self.shown[self.epoch - 1]

    def yardsticks(self):
        self.asked += 1
        return self.reached

    def findings(self, thorough):
        self.thorough.append(thorough)
        return self.all_findings

    def gradients(self):
        return self.the_gradients

    def outputs(self):
        return OutputSummary((), 0.0, 1.0, 1.0)

    def task(self):
        return self.the_task


def row(level, share, validation=None):
    """Accuracies of a skill where the largest class has this share."""
    def accuracy(skill):
        return None if skill is None else share + skill * (1 - share)

    return {'loss': 1.0, 'acc': accuracy(level), 'val_loss': None,
            'val_acc': accuracy(validation)}


def session(levels, total=None, reached=0.9, share=0.5, rows=1000, validation=(), shown=None,
            spread=None, error=ERROR, recorder=None, subject=None, watching=None, **probe):
    """A session with a probe that shows these levels of skill.

    Args:
        levels: skill on training rows, epoch by epoch.
        total: planned epochs; default as many as there are levels.
        reached: by classical learners; or whole yardsticks, output by output.
        share: of the largest class.
        rows: training rows.
        validation: skill on validation rows; default without any.
        shown: what is measured instead, epoch by epoch.
        spread: of the predictions, epoch by epoch.
        error: of every skill.
        recorder: see :class:`~AutoTrainer.judge.session.Session`.
        subject: fields of the subject that differ.
        watching: settings that differ from those of ``Watch``.
        probe: further arguments of :class:`Probe`.
    """
    held = list(validation) or [None] * len(levels)
    shown = shown or [measured(level, held[i], spread[i] if spread else 1.0, error)
                      for i, level in enumerate(levels)]
    reached = reached if isinstance(reached, (list, tuple)) else [yardstick(reached, error=error)]
    constants = (Constants(rows, share), Constants(rows, share) if validation else None)
    return Session(
        Watching(**dict({'checktype': 'adaptive', 'overhead_budget': None}, **(watching or {}))),
        Plan(total or len(levels)),
        Subject(Probe(shown, reached, **probe), constants=constants)._replace(**(subject or {})),
        recorder)


def train(watched, levels, share=0.5, validation=(), history=None):
    """Feed a session until it stops the training; returns its verdict.

    Args:
        watched: the session.
        levels: skill on training rows, epoch by epoch, from where the session stands.
        share: of the largest class.
        validation: skill on validation rows.
        history: what Keras says instead, epoch by epoch.
    """
    if watched.begin():
        return watched.verdict
    for epoch, level in enumerate(levels):
        watched.subject.probe.epoch = watched.epochs + 1
        if watched.epoch(history[epoch] if history else row(
                level, share, validation[epoch] if len(validation) else None)):
            break
    return watched.verdict


def judged(levels, share=0.5, validation=(), history=None, **settings):
    """(verdict, session) of a training that is told by its skill; see :func:`session`."""
    watched = session(levels, share=share, validation=validation, **settings)
    train(watched, levels, share, validation, history)
    watched.end()
    return watched.verdict, watched
