"""Many trainings of one model as one compiled program, on Keras 3 with JAX.

What a training changes (weights, random states, optimizer, metrics) is stacked, one layer per run,
and Keras's own ``train_step`` and ``test_step`` are mapped over the stack: so losses, metrics,
regularisation, batch normalisation and dropout are Keras's. An epoch is one call: all steps, then
the validation, with the rows on the device. Only the order of the rows goes in, and only the
metrics come out.
"""

from typing import Any, Callable, Dict, List, Mapping, Sequence, Tuple

import numpy as np

from AutoTrainer import keras_bridge
from AutoTrainer.errors import UserError

State = Tuple[List[Any], List[Any], List[Any]]
"""What an epoch leaves to the next: trainable, non-trainable and the optimizer's arrays."""

LAYERS = frozenset((
    'InputLayer', 'Dense', 'Conv1D', 'Conv2D', 'Conv3D', 'Conv1DTranspose', 'Conv2DTranspose',
    'DepthwiseConv1D', 'DepthwiseConv2D', 'SeparableConv1D', 'SeparableConv2D',
    'BatchNormalization', 'LayerNormalization', 'Normalization', 'Rescaling',
    'Dropout', 'SpatialDropout1D', 'SpatialDropout2D', 'AlphaDropout', 'GaussianDropout',
    'GaussianNoise', 'Activation', 'ReLU', 'LeakyReLU', 'PReLU', 'ELU', 'Softmax', 'Flatten',
    'Reshape', 'Permute', 'ZeroPadding1D', 'ZeroPadding2D', 'Cropping1D', 'Cropping2D',
    'MaxPooling1D', 'MaxPooling2D', 'AveragePooling1D', 'AveragePooling2D',
    'GlobalMaxPooling1D', 'GlobalMaxPooling2D', 'GlobalAveragePooling1D',
    'GlobalAveragePooling2D', 'Add', 'Subtract', 'Multiply', 'Average', 'Maximum', 'Minimum',
    'Concatenate'))
"""Layers of Keras that keep nothing outside their variables, so that runs cannot mix."""

SHARE = 0.8
"""Of the free memory that a program may fill; the rest is for what nobody foresees."""

_REFUSED = "--engine is 'vectorised', %s; leave --engine out: the ordinary engine trains it"


def check_backend() -> None:
    """See that Keras 3 runs on JAX here.

    Raises:
        UserError: if not; the message names what to set, and the ordinary engine.
    """
    if keras_bridge.LEGACY or keras_bridge.backend() != 'jax':
        raise UserError(_REFUSED % (
            'which needs Keras 3 on JAX, but here Keras %s runs on %s (KERAS_BACKEND)'
            % (keras_bridge.keras.__version__, keras_bridge.backend())))


def check_model(model: Any) -> None:
    """See that many trainings of a model can be one program.

    Raises:
        UserError: if it is neither Sequential nor functional, or has a layer beyond
            :data:`LAYERS`; the message names it.
    """
    if not keras_bridge.is_graph(model):
        raise UserError(_REFUSED % ('which takes Sequential and functional models, but this one '
                                    'is a %s' % type(model).__name__))
    for layer in keras_bridge.leaf_layers(model):
        name = type(layer).__name__
        if name not in LAYERS or type(layer) is not getattr(keras_bridge.keras.layers, name):
            raise UserError(_REFUSED % ('which takes dense and convolutional layers, but %r is a %s'
                                        % (layer.name, name)))


def first_state(model: Any) -> List[List[np.ndarray]]:
    """What the training of a compiled model begins with, as a :data:`State`.

    Args:
        model: compiled; its optimizer is built if it is not.
    """
    if not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)
    return [[keras_bridge.to_numpy(variable) for variable in variables] for variables in (
        model.trainable_variables, model.non_trainable_variables, model.optimizer.variables)]


def is_random(model: Any) -> bool:
    """Whether trainings of a model draw numbers, as dropout does, beside the order of rows."""
    return len(model.non_trainable_variables) > len(model.non_trainable_weights)


def stack(states: Sequence[Sequence[Sequence[np.ndarray]]]) -> State:
    """The states of runs as one, each array with the runs as its first axis."""
    found: Any = tuple([np.stack(arrays) for arrays in zip(*group)] for group in zip(*states))
    return found


def row_orders(seed: int, rows: int) -> Any:
    """The orders of rows, epoch by epoch without end, that ``fit`` has after ``set_seed(seed)``.

    Before the first epoch ``fit`` shuffles once more, to look at a batch.
    """
    source = np.random.RandomState(seed)
    source.permutation(rows)
    while True:
        yield source.permutation(rows).astype(np.int32)


def one_epoch(model: Any, batch_size: int) -> Callable[[Any, Any, Any], Tuple[Any, Any]]:
    """One epoch of one run as a pure function.

    Args:
        model: compiled, its metrics built.
        batch_size: of training and validation.

    Returns:
        Function (state, order of the rows, (x, y, x_val, y_val)) → (state, values by the name
        that ``fit`` gives them).
    """
    import jax.numpy as jnp
    from jax import lax

    def steps(step: Callable[[Any, Any], Any], state: Any, order: Any, x: Any, y: Any) -> Any:
        def take(state: Any, rows: Any) -> Tuple[Any, None]:
            return step(state, (x[rows], y[rows]))[1], None

        whole = len(order) - len(order) % batch_size
        state, _ = lax.scan(take, state, order[:whole].reshape(-1, batch_size))
        return take(state, order[whole:])[0] if whole < len(order) else state

    def values(metrics: List[Any]) -> Dict[str, Any]:
        mapping = list(zip(model.metrics_variables, metrics))
        with keras_bridge.keras.StatelessScope(state_mapping=mapping):
            return model.get_metrics_result()

    def epoch(state: Any, order: Any, data: Any) -> Tuple[Any, Any]:
        x, y, x_val, y_val = data
        zeros = [jnp.zeros(value.shape, value.dtype) for value in model.metrics_variables]
        *state, metrics = steps(model.train_step, (*state, zeros), order, x, y)
        seen = steps(model.test_step, (*state[:2], zeros), jnp.arange(len(x_val)), x_val, y_val)
        found = values(metrics)
        found.update(('val_' + name, value) for name, value in values(seen[2]).items())
        return tuple(state), found

    return epoch


def free_memory() -> int:
    """Free bytes of the device that JAX computes on; on a CPU those of the machine."""
    import jax
    facts = jax.devices()[0].memory_stats()
    if facts and 'bytes_limit' in facts:
        return int(facts['bytes_limit'] - facts['bytes_in_use'])
    import psutil
    return int(psutil.virtual_memory().available)


class Program:
    """The epochs of several runs as one compiled program.

    Args:
        model: compiled; what all runs have in common. It is not trained itself.
        data: ``x``, ``y``, ``x_val``, ``y_val``; they are put on the device once.
        batch_size: of training and validation.

    Raises:
        UserError: if Keras does not run on JAX, or the model cannot be taken.
    """

    def __init__(self, model: Any, data: Mapping[str, Any], batch_size: int) -> None:
        check_backend()
        check_model(model)
        import jax
        model.evaluate(data['x'][:2], data['y'][:2], verbose=0)  # builds the metrics
        model.reset_metrics()
        self.rows = len(data['x'])
        self._data = tuple(jax.numpy.asarray(data[part]) for part in ('x', 'y', 'x_val', 'y_val'))
        self._one: Any = first_state(model)
        self._epoch = jax.jit(jax.vmap(one_epoch(model, batch_size), in_axes=(0, 0, None)),
                              donate_argnums=0)
        self._compiled: Dict[int, Any] = {}

    def _for_runs(self, runs: int) -> Any:
        """The program for a number of runs; the last one that was asked for is kept."""
        if runs not in self._compiled:
            import jax
            state = jax.tree.map(lambda a: jax.ShapeDtypeStruct((runs, *a.shape), a.dtype),
                                 tuple(self._one))
            order = jax.ShapeDtypeStruct((runs, self.rows), np.int32)
            self._compiled = {runs: self._epoch.lower(state, order, self._data).compile()}
        return self._compiled[runs]

    def bytes_needed(self, runs: int) -> int:
        """What a number of runs need on the device beside the rows, as the compiler counts it."""
        facts = self._for_runs(runs).memory_analysis()
        return int(facts.argument_size_in_bytes + facts.temp_size_in_bytes
                   + facts.output_size_in_bytes - facts.alias_size_in_bytes
                   - sum(part.nbytes for part in self._data))

    def most_runs(self, wanted: int) -> int:
        """How many runs fit into the free memory at once.

        Args:
            wanted: runs that there are; not more than these are tried.

        Raises:
            UserError: if not even one does.
        """
        free, runs = free_memory() * SHARE, wanted
        while self.bytes_needed(runs) > free:
            if runs == 1:
                raise UserError(_REFUSED % (
                    'but one run needs %.0f MiB of memory, and %.0f MiB are free for it'
                    % (self.bytes_needed(1) / 2**20, free / 2**20)))
            runs = max(1, min(runs - 1, int(runs * free / self.bytes_needed(runs))))
        return runs

    def epoch(self, state: State, orders: np.ndarray) -> Tuple[State, Dict[str, Any]]:
        """Train one epoch; comes back before the device is done.

        Args:
            state: of all runs, see :func:`stack`; what is on the device is used up.
            orders: (runs, rows), the order of the rows for each run.

        Returns:
            (the state after it, values of each run by the name that ``fit`` gives them).
        """
        import jax
        done: Tuple[State, Dict[str, Any]] = self._for_runs(len(orders))(
            jax.device_put(state), jax.numpy.asarray(orders), self._data)
        return done
