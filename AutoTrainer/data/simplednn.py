"""Four small made-up sets on which a training takes seconds; each the same at every load."""

import numpy as np

from .common import Dataset, RawData, one_hot

KINDS = ('circle', 'blob', 'reg', 'relu')

_ROWS, _TRAINING_ROWS = 1000, 700


def load_data(method: str = 'circle') -> RawData:
    """Draw one of the sets; circle and blob are upstream's, number for number.

    Args:
        method: 'circle' (a ring around a disc, coordinates up to about ±130, classes 0 and 1),
            'blob' (three overlapping clouds in the plane, classes 0 to 2), 'reg' (a linear
            function of 20 inputs with a little noise, values in the hundreds) or 'relu' (points of
            the square [−1, 1]², class 1 where |x₀| > |x₁|: four wedges, which rectified units can
            cut out exactly).

    Returns:
        700 pairs for training and 300 for validation: inputs of shape (n, 2), or (n, 20) for
        'reg', and labels of shape (n,).

    Raises:
        ValueError: for any other kind.
    """
    # Imported here, because scikit-learn takes a second to import and most runs do not need it.
    from sklearn import datasets
    if method == 'circle':
        x, y = datasets.make_circles(_ROWS, noise=0.1, random_state=1)
        x = x * 100
    elif method == 'blob':
        x, y = datasets.make_blobs(_ROWS, centers=3, n_features=2, cluster_std=2, random_state=2)
    elif method == 'reg':
        x, y = datasets.make_regression(_ROWS, n_features=20, noise=0.1, random_state=1)
    elif method == 'relu':
        # Upstream drew this set without a seed, so that no two runs had the same data.
        x = np.random.RandomState(1).uniform(-1, 1, (_ROWS, 2))
        y = (np.abs(x[:, 0]) > np.abs(x[:, 1])).astype(int)
    else:
        raise ValueError('kind is %r; known are %s' % (method, ', '.join(KINDS)))
    return (x[:_TRAINING_ROWS], y[:_TRAINING_ROWS]), (x[_TRAINING_ROWS:], y[_TRAINING_ROWS:])


def preprocess(data: RawData, kind: str, scale: bool = True) -> Dataset:
    """Scale inputs and targets as far as each set needs it.

    Args:
        data: what ``load_data`` returns.
        kind: as given to ``load_data``.
        scale: False leaves inputs as drawn (for circle up to about ±130), which is how not to
            train on them.

    Returns:
        ``x``, ``x_val`` of shape (n, 2), or (n, 20) for 'reg'; circle's divided by 100. ``y``,
        ``y_val`` of shape (n, 3) one-hot for 'blob', else (n, 1); reg's brought to mean 0 and
        deviation 1 by the training rows. All float32.
    """
    (x, y), (x_val, y_val) = data
    if kind == 'circle' and scale:
        x, x_val = x / 100, x_val / 100
    if kind == 'reg':
        mean, deviation = y.mean(), y.std()
        y, y_val = (y - mean) / deviation, (y_val - mean) / deviation
    if kind == 'blob':
        y, y_val = one_hot(y, 3), one_hot(y_val, 3)
    else:
        y, y_val = y.reshape(-1, 1), y_val.reshape(-1, 1)
    return {'x': x.astype('float32'), 'y': y.astype('float32'),
            'x_val': x_val.astype('float32'), 'y_val': y_val.astype('float32')}
