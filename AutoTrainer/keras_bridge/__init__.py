"""The one seam to Keras: nothing else knows which Keras, backend or file format it is on.

Everything that differs between the two generations, ``tf.keras`` of TensorFlow 2.3 (``LEGACY``)
and Keras 3 on JAX, TensorFlow or PyTorch, is decided here, by the names the rest of the project
calls: ``keras_bridge.NAME``, whichever of the files below has it.
"""

from .anatomy import (
    activation_name,
    has_rectifiers,
    head_activation,
    head_activations,
    is_graph,
    leaf_layers,
    narrowest,
    output_shapes,
    output_units,
    trainable_variables,
)
from .blueprints import (
    all_weights,
    build_model,
    custom_objects,
    ensure_built,
    fingerprint,
    has_weights,
    layer_weights,
    register,
    take_blueprint,
)
from .constructors import Constructor, constructor, described_object, is_own_function
from .generation import LEGACY, backend, keras, load_keras_dataset, set_seed, versions
from .gradients import gradient_statistics
from .incoming import (
    check_model,
    first_batch,
    first_rows,
    may_take_text,
    takes_integers,
    try_inputs,
)
from .interruption import HonourSignals
from .logs import epoch_values
from .model_files import MODEL_SUFFIX, load_model, load_weights, save_model
from .new_layers import layer_config, leaky_layers, passes_mask
from .outputs import (
    accuracy,
    first_kernel_input,
    first_kernel_inputs,
    output_statistics,
    predictor,
)
from .rates import learning_rate, scheduled_rates, set_learning_rate
from .setup_facts import (
    check_compiled,
    lookups,
    may_mix_rows,
    random_kept,
    seen_model,
    setup_of,
)
from .state import fit_data, repeats_exactly, restore_training, seed_epoch, training_state
from .tensors import to_numpy, to_tensors
from .training_setup import (
    OPTIMIZERS,
    REDUCE_FACTOR,
    REDUCE_PATIENCE,
    STOP_PATIENCE,
    build_optimizer,
    check_loss,
    compile_model,
    loss_function,
    loss_weights,
    losses_by_output,
    named_callback,
    optimizer_config,
    takes_logits,
)

__all__ = [
    'Constructor', 'HonourSignals', 'LEGACY', 'MODEL_SUFFIX', 'OPTIMIZERS', 'REDUCE_FACTOR',
    'REDUCE_PATIENCE', 'STOP_PATIENCE', 'accuracy', 'activation_name', 'all_weights', 'backend',
    'build_model', 'build_optimizer', 'check_compiled', 'check_loss', 'check_model',
    'compile_model', 'constructor', 'custom_objects', 'described_object', 'ensure_built',
    'epoch_values', 'fingerprint', 'first_batch', 'first_kernel_input', 'first_kernel_inputs',
    'first_rows', 'fit_data', 'gradient_statistics', 'has_rectifiers', 'has_weights',
    'head_activation', 'head_activations', 'is_graph', 'is_own_function', 'keras',
    'layer_config', 'layer_weights', 'leaf_layers', 'leaky_layers', 'learning_rate',
    'load_keras_dataset', 'load_model', 'load_weights', 'lookups', 'loss_function',
    'loss_weights', 'losses_by_output', 'may_mix_rows', 'may_take_text', 'named_callback',
    'narrowest', 'optimizer_config', 'output_shapes', 'output_statistics', 'output_units',
    'passes_mask', 'predictor', 'random_kept', 'register', 'repeats_exactly',
    'restore_training', 'save_model', 'scheduled_rates', 'seed_epoch', 'seen_model',
    'set_learning_rate', 'set_seed', 'setup_of', 'take_blueprint', 'takes_integers',
    'takes_logits', 'to_numpy', 'to_tensors', 'trainable_variables', 'training_state',
    'try_inputs', 'versions',
]
