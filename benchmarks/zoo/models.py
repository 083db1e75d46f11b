"""From a setup to a training that can begin: a compiled model, its rows, its callbacks."""

import math
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

from AutoTrainer import keras_bridge

from .setups import Data, Setup
from .tables import Split, Table

keras = keras_bridge.keras


class Ready(NamedTuple):
    """A training that has not begun.

    Attributes:
        setup: its choices.
        data: its rows.
        batch: rows of a step.
        steps: of an epoch.
        model: compiled, with its initial weights.
    """

    setup: Setup
    data: Data
    batch: int
    steps: int
    model: Any

    @property
    def validation(self) -> Optional[Tuple[Any, Any]]:
        """Validation rows, where the training has any."""
        return (self.data.x_val, self.data.y_val) if self.setup.validation else None

    def fit(self, watching: Sequence[Any] = ()) -> None:
        """Train to the planned end.

        Args:
            watching: callbacks that stand before those of the setup.
        """
        data, setup = self.data, self.setup
        kwargs: Dict[str, Any] = {}
        if self.validation is not None:
            kwargs.update(validation_data=self.validation,
                          validation_batch_size=len(data.x_val))
        if data.class_weights:
            kwargs.update(class_weight=data.class_weights)
        self.model.fit(data.x, data.y, batch_size=self.batch, epochs=setup.epochs, verbose=0,
                       shuffle=not setup.ordered, callbacks=[*watching, *callbacks(setup)],
                       **kwargs)


def ready(table: Table, setup: Setup, parts: Split, seed: int) -> Ready:
    """Prepare a training; the same arguments give the same weights.

    Args:
        table: the data set.
        setup: all choices.
        parts: which rows are trained on, validated on, left untouched.
        seed: of the weights and the order of the rows.
    """
    data = Data(table, setup, parts)
    keras.backend.clear_session()
    keras_bridge.set_seed(seed)
    size = min(setup.batch or len(data.x), len(data.x))
    steps = math.ceil(len(data.x) / size)
    return Ready(setup, data, size, steps, build(table, setup, steps))


def build(table: Table, setup: Setup, steps: int) -> Any:
    """A compiled model.

    Args:
        table: its inputs.
        setup: all choices.
        steps: of an epoch, for the decay of the learning rate.
    """
    layers = keras.layers
    shape = table.x.shape[1:]
    parts: List[Any] = [keras.Input(shape, dtype=None if setup.front == 'flat' or (
        table.kind != 'tokens') else 'int32')]
    parts += _front(table, setup)
    if setup.dropout_first:
        parts.append(layers.Dropout(setup.dropout_first))
    if setup.noise_first:
        parts += _noise(setup.noise_first)
    for units in setup.hidden:
        parts += _hidden(units, setup)
    parts.append(layers.Dense(setup.units, activation=setup.head,
                              kernel_initializer=_initial(setup.initial),
                              kernel_regularizer=_decay(setup)))
    model = keras.Sequential(parts)
    model.compile(optimizer=_optimizer(setup, steps), loss=_loss(setup),
                  metrics=['accuracy'] if setup.accuracy else [])
    return model


def callbacks(setup: Setup) -> List[Any]:
    """The callbacks that the setup names."""
    watched = 'val_loss' if setup.validation else 'loss'
    made = {'stop': lambda: keras.callbacks.EarlyStopping(
                monitor=watched, patience=max(5, setup.epochs // 6), restore_best_weights=True),
            'plateau': lambda: keras.callbacks.ReduceLROnPlateau(
                monitor=watched, patience=max(3, setup.epochs // 8), factor=0.5),
            'hasty': lambda: keras.callbacks.ReduceLROnPlateau(
                monitor=watched, patience=1, factor=1e-3, min_delta=10.0)}
    return [made[name]() for name in setup.callbacks]


def _front(table: Table, setup: Setup) -> List[Any]:
    """The layers that make one row of numbers of each input."""
    layers = keras.layers
    found: List[Any] = []
    if table.kind == 'tokens' and setup.front != 'flat':
        found.append(layers.Embedding(int(table.x.max()) + 1, 16))
    if setup.front == 'conv':
        found += [layers.Conv2D(8, 3, activation='relu'), layers.MaxPooling2D(2)]
    elif setup.front == 'conv1d':
        found += [layers.Conv1D(16, 3, activation='relu'), layers.GlobalMaxPooling1D()]
    elif setup.front == 'lstm':
        found.append(layers.LSTM(16))
    elif setup.front == 'gru':
        found.append(layers.GRU(16))
    elif setup.front == 'mean':
        found.append(layers.GlobalAveragePooling1D())
    if table.kind in ('image', 'sequence') and setup.front in ('flat', 'conv'):
        found.append(layers.Flatten())
    return found


def _hidden(units: int, setup: Setup) -> List[Any]:
    layers = keras.layers
    found = [layers.Dense(units, kernel_initializer=_initial(setup.initial),
                          bias_initializer=keras.initializers.Constant(setup.bias),
                          kernel_regularizer=_decay(setup), trainable=not setup.frozen)]
    if setup.norm:
        found.append(layers.BatchNormalization())
    found.append(layers.Activation(setup.activation))
    if setup.dropout:
        found.append(layers.Dropout(setup.dropout))
    if setup.noise:
        found += _noise(setup.noise)
    return found


def _noise(deviation: float) -> List[Any]:
    """Gaussian noise of any size; Keras 3 has none above 1."""
    layers = keras.layers
    return [layers.Lambda(lambda x: x / deviation), layers.GaussianNoise(1.0),
            layers.Lambda(lambda x: x * deviation)]


def _initial(initial: Any) -> Any:
    if isinstance(initial, str):
        return initial
    kind, value = initial
    return (keras.initializers.RandomNormal(stddev=value) if kind == 'normal'
            else keras.initializers.Constant(value))


def _decay(setup: Setup) -> Any:
    return keras.regularizers.l2(setup.l2) if setup.l2 else None


def _loss(setup: Setup) -> Any:
    if setup.loss == 'log_cosh':  # the older Keras writes its name otherwise
        return keras.losses.LogCosh()
    if not setup.logits:
        return setup.loss
    kinds = {'binary_crossentropy': 'BinaryCrossentropy',
             'categorical_crossentropy': 'CategoricalCrossentropy',
             'sparse_categorical_crossentropy': 'SparseCategoricalCrossentropy'}
    return getattr(keras.losses, kinds[setup.loss])(from_logits=True)


def _optimizer(setup: Setup, steps: int) -> Any:
    rate: Any = setup.rate
    if setup.decay != 1:
        rate = keras.optimizers.schedules.ExponentialDecay(rate, 10 * steps, setup.decay)
    return getattr(keras.optimizers, setup.optimizer)(learning_rate=rate, **setup.settings)
