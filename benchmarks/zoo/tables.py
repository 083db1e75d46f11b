"""The data sets of the zoo, as shipped: nothing is scaled here.

Half of them are there to choose parameters on, the other half to report figures on; each half has
every task, an imbalanced table, images, tokens or sequences, and raw columns of unlike scales.
"""

import importlib.util
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Tuple

import numpy as np

ROWS = 2400
"""Rows of a table at the most; three fifths of them are trained on."""


class Table(NamedTuple):
    """A data set.

    Attributes:
        name: its name.
        task: ``'binary'``, ``'classes'``, ``'regression'`` or ``'multilabel'``.
        kind: of the inputs: ``'rows'``, ``'image'``, ``'tokens'`` or ``'sequence'``.
        x: inputs, float32; int32 for tokens.
        y: class numbers (n,), measured numbers (n,) or a matrix of 0 and 1.
        half: ``'choose'`` or ``'report'``.
    """

    name: str
    task: str
    kind: str
    x: np.ndarray
    y: np.ndarray
    half: str = ''

    @property
    def classes(self) -> int:
        """Classes or labels; 1 for a regression."""
        if self.task == 'multilabel':
            return int(self.y.shape[1])
        return 1 if self.task == 'regression' else int(self.y.max()) + 1


Columns = Tuple[Any, Any]


def _rows(task: str, x: Any, y: Any, kind: str = 'rows') -> Table:
    """A table of at most ``ROWS`` rows, drawn at random."""
    x, y = np.asarray(x), np.asarray(y)
    if len(x) > ROWS:
        kept = np.sort(np.random.RandomState(0).choice(len(x), ROWS, replace=False))
        x, y = x[kept], y[kept]
    return Table('', task, kind, x.astype('int32' if kind == 'tokens' else 'float32'),
                 y.astype('float32' if task in ('regression', 'multilabel') else 'int64'))


def _unlike_scales(x: np.ndarray, seed: int) -> np.ndarray:
    """Columns as people measure them: in units of their own, from tenths to thousands."""
    draw = np.random.RandomState(seed)
    size = 10.0 ** draw.uniform(-1, 3, x.shape[1])
    return (x + draw.uniform(-2, 2, x.shape[1])) * size


# ------------------------------------------------------------------------- shipped by scikit-learn

def _iris() -> Table:
    from sklearn.datasets import load_iris
    return _rows('classes', *load_iris(return_X_y=True))


def _wine() -> Table:
    from sklearn.datasets import load_wine
    return _rows('classes', *load_wine(return_X_y=True))


def _breast_cancer() -> Table:
    from sklearn.datasets import load_breast_cancer
    return _rows('binary', *load_breast_cancer(return_X_y=True))


def _diabetes() -> Table:
    from sklearn.datasets import load_diabetes
    return _rows('regression', *load_diabetes(return_X_y=True))


def _digits() -> Table:
    from sklearn.datasets import load_digits
    return _rows('classes', *load_digits(return_X_y=True))


def _digit_images() -> Table:
    from sklearn.datasets import load_digits
    digits = load_digits()
    return _rows('classes', digits.images[..., None], digits.target, 'image')


# --------------------------------------------------------------------------- shipped by statsmodels

def _statsmodels(name: str) -> Any:
    """A data frame of statsmodels."""
    import importlib
    return importlib.import_module('statsmodels.datasets.' + name).load_pandas().data


def _fair() -> Table:
    data = _statsmodels('fair')
    return _rows('binary', data.drop(columns=['affairs']), data['affairs'] > 0)


def _anes96() -> Table:
    data = _statsmodels('anes96')
    return _rows('binary', data.drop(columns=['vote']), data['vote'])


def _star98() -> Table:
    data = _statsmodels('star98')
    return _rows('regression', data.drop(columns=['NABOVE', 'NBELOW']),
                 data['NABOVE'] / (data['NABOVE'] + data['NBELOW']))


def _modechoice() -> Table:
    """Whether a way of travelling is the one chosen, by its price, times and the traveller."""
    data = _statsmodels('modechoice')
    return _rows('binary', data.drop(columns=['individual', 'choice']), data['choice'])


# --------------------------------------------------------------------------------- generated

def _moons() -> Table:
    from sklearn.datasets import make_moons
    x, y = make_moons(1000, noise=0.2, random_state=1)
    return _rows('binary', x * [3.0, 40.0] + [20.0, 500.0], y)


def _classification(rows: int, share: float, seed: int) -> Table:
    """Two classes, the larger with a given share of the rows."""
    from sklearn.datasets import make_classification
    x, y = make_classification(rows, 12, n_informative=6, n_redundant=2, weights=[share],
                               flip_y=0.0, class_sep=1.2, random_state=seed)
    return _rows('binary', _unlike_scales(x, seed), y)


def _letters() -> Table:
    from sklearn.datasets import make_classification
    x, y = make_classification(2080, 16, n_informative=12, n_redundant=0, n_classes=26,
                               n_clusters_per_class=1, flip_y=0.0, class_sep=2.0, random_state=4)
    return _rows('classes', _unlike_scales(x, 4), y)


def _multilabel() -> Table:
    from sklearn.datasets import make_multilabel_classification
    return _rows('multilabel', *make_multilabel_classification(
        1500, 20, n_classes=6, n_labels=3, random_state=5))


def _multilabel_few() -> Table:
    from sklearn.datasets import make_multilabel_classification
    x, y = make_multilabel_classification(900, 30, n_classes=4, n_labels=1, random_state=6)
    return _rows('multilabel', x * 10, y)


def _friedman() -> Table:
    from sklearn.datasets import make_friedman1
    x, y = make_friedman1(1500, 10, noise=1.0, random_state=7)
    return _rows('regression', _unlike_scales(x, 7), y)


def _prices() -> Table:
    """A regression whose targets are tens of thousands and far from zero."""
    draw = np.random.RandomState(8)
    x = draw.normal(size=(1200, 8))
    value = x @ draw.normal(size=8) + 1.5 * np.abs(x[:, 0]) + x[:, 1] * x[:, 2]
    return _rows('regression', _unlike_scales(x, 8),
                 250000 + 40000 * value + draw.normal(size=1200) * 15000)


def _wages() -> Table:
    """Large targets again, of one sign and skewed."""
    draw = np.random.RandomState(9)
    x = draw.normal(size=(900, 10))
    value = 0.3 * (x @ draw.normal(size=10)) + 0.2 * np.sin(2 * x[:, 0])
    return _rows('regression', _unlike_scales(x, 9),
                 30000 * np.exp(value + 0.1 * draw.normal(size=900)))


def _topics() -> Table:
    """Rows of word numbers; a class prefers words of its own, the others are anybody's."""
    draw = np.random.RandomState(10)
    words, length, classes = 200, 24, 4
    y = draw.randint(0, classes, 1600)
    own = draw.choice(np.arange(1, words), (classes, 20), replace=False)
    x = draw.randint(1, words, (len(y), length))
    says = draw.uniform(size=x.shape) < 0.25
    x[says] = own[y[:, None], draw.randint(0, 20, x.shape)][says]
    return _rows('classes', x, y, 'tokens')


def _rising() -> Table:
    """Noisy series of two channels: whether the first ends higher than it began."""
    draw = np.random.RandomState(11)
    slope = draw.uniform(-1, 1, 1200)
    time = np.linspace(-1, 1, 20)
    first = slope[:, None] * time + 0.4 * draw.normal(size=(1200, 20))
    second = draw.normal(size=(1200, 20)).cumsum(axis=1)
    return _rows('binary', np.stack([100 + 30 * first, 5 * second], axis=-1), slope > 0,
                 'sequence')


def _totals() -> Table:
    """Series of one channel: what the values above their middle add up to."""
    draw = np.random.RandomState(12)
    x = draw.gamma(2.0, 1.0, (1200, 16, 1))
    return _rows('regression', 20 * x, np.maximum(x - 1.5, 0).sum(axis=(1, 2)), 'sequence')


def _mnist() -> Table:
    from AutoTrainer.data import mnist
    (x, y), _ = mnist.load_data()
    return _rows('classes', x.reshape(len(x), -1), y)


def _nothing() -> Table:
    """Labels that have nothing to do with the columns."""
    draw = np.random.RandomState(13)
    return _rows('classes', _unlike_scales(draw.normal(size=(600, 10)), 13),
                 draw.randint(0, 3, 600))


def _faint() -> Table:
    """Few rows of a regression of which noise is nearly half."""
    draw = np.random.RandomState(15)
    x = draw.normal(size=(500, 8))
    value = x @ draw.normal(size=8) + 0.5 * x[:, 0] * x[:, 1]
    return _rows('regression', _unlike_scales(x, 15),
                 50 + 8 * (value / value.std() + 0.8 * draw.normal(size=500)))


def _blurred() -> Table:
    """Three classes that cannot be told apart well, of few rows."""
    draw = np.random.RandomState(16)
    y = draw.randint(0, 3, 500)
    x = draw.normal(size=(500, 8)) + 0.75 * draw.normal(size=(3, 8))[y]
    return _rows('classes', _unlike_scales(x, 16), y)


CHOOSE: Dict[str, Callable[[], Table]] = {
    'breast_cancer': _breast_cancer, 'wine': _wine, 'digits': _digits,
    'digit_images': _digit_images, 'fair': _fair,
    'share_90': lambda: _classification(1500, 0.9, 2), 'friedman': _friedman, 'prices': _prices,
    'rising': _rising, 'multilabel_few': _multilabel_few, 'nothing': _nothing,
    'faint': _faint, 'blurred': _blurred,
}
"""Tables on which parameters are chosen."""

REPORT: Dict[str, Callable[[], Table]] = {
    'iris': _iris, 'moons': _moons, 'anes96': _anes96, 'modechoice': _modechoice,
    'share_65': lambda: _classification(1200, 0.65, 14),
    'share_97': lambda: _classification(2400, 0.97, 3), 'letters': _letters, 'mnist': _mnist,
    'topics': _topics, 'diabetes': _diabetes, 'star98': _star98, 'wages': _wages,
    'totals': _totals, 'multilabel': _multilabel,
}
"""Tables on which the figures are reported."""

TABLES: Dict[str, Callable[[], Table]] = dict(CHOOSE, **REPORT)

_OF_STATSMODELS = ('fair', 'anes96', 'star98', 'modechoice')


def load(name: str) -> Table:
    """A table by its name."""
    return TABLES[name]()._replace(name=name, half='choose' if name in CHOOSE else 'report')


def missing(name: str) -> Optional[str]:
    """Why a table cannot be had here, with the way out; None if it can."""
    if name in _OF_STATSMODELS and importlib.util.find_spec('statsmodels') is None:
        return '%s: statsmodels is not installed; pip install "dynamic-autotrainer[zoo]"' % name
    if name == 'mnist':
        from AutoTrainer.data import files
        if files.find(['mnist.npz']) is None:
            return 'mnist: mnist.npz is not at hand; name its folder in $AUTOTRAINER_DATA'
    return None


class Split(NamedTuple):
    """Row numbers: three fifths to train on, a fifth to validate on, a fifth for the truth."""

    train: np.ndarray
    val: np.ndarray
    test: np.ndarray


def split(table: Table, seed: int) -> Split:
    """Split the rows at random; classes have the same shares in all parts."""
    from sklearn.model_selection import train_test_split
    of_classes = table.task in ('binary', 'classes')
    rows: List[np.ndarray] = [np.arange(len(table.x))]
    for share in (0.4, 0.5):
        y = table.y[rows[-1]] if of_classes else None
        rows += train_test_split(rows.pop(), test_size=share, random_state=seed, stratify=y)
    return Split(*rows)
