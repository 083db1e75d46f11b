"""A model's configuration opened for changes: what all solutions that rewrite it share."""

import random
from typing import Any, Dict, List

from .. import keras_bridge
from . import graph as model_graph
from .candidate import Candidate, NotApplicable
from .graph import Config, Graph

INITIALIZERS: Dict[str, Dict[str, Any]] = {
    '%s_%s' % (family, name): {'scale': scale, 'mode': mode, 'distribution': distribution}
    for family, scale, mode in (('he', 2.0, 'fan_in'), ('lecun', 1.0, 'fan_in'),
                                ('glorot', 1.0, 'fan_avg'))
    for name, distribution in (('normal', 'truncated_normal'), ('uniform', 'uniform'))}
"""Settings of VarianceScaling, of which every one of these initializers is a case."""

KERNELS = ('kernel', 'depthwise', 'pointwise')
"""What a layer's kernels are called in its configuration."""


class Edit:
    """A candidate's configuration, copied and open for changes.

    Args:
        candidate: what is to be changed; it stays as it is.

    Attributes:
        config: the copy.
        redrawn: names of the layers that get new weights.

    Raises:
        NotApplicable: if the model has no configuration that rebuilds it.
    """

    def __init__(self, candidate: Candidate) -> None:
        if candidate.model.config is None:
            raise NotApplicable('a subclassed model cannot be rebuilt from a configuration')
        self.candidate = candidate
        self.config: Config = model_graph.copy_of(candidate.model.config)
        self.redrawn: List[str] = []

    @property
    def graph(self) -> Graph:
        """The graph as the configuration stands now."""
        return model_graph.read(self.config)

    def new_layer(self, class_name: str, stem: str, **settings: Any) -> model_graph.Entry:
        """The entry of a new layer with a free name."""
        name = model_graph.fresh_name(self.config, stem)
        entry = keras_bridge.layer_config(class_name, name=name, **settings)
        return dict(entry, config=model_graph.copy_of(entry['config']))

    def redraw(self, name: str, initializer: str, rng: random.Random) -> None:
        """Have the kernels of a layer drawn anew by an initializer."""
        entry = self.graph.entries[name]
        configs = model_graph.kernel_configs(entry)
        # TensorFlow 2.3 makes both directions from one configuration: with a seed in it they would
        # start out the same; without, they follow the seed that the model is built with
        for_two = entry['class_name'] == 'Bidirectional' and len(configs) == 1
        for config in configs:
            for kernel in KERNELS:
                if kernel + '_initializer' in config:
                    seed = None if for_two else rng.randrange(2**31)
                    config[kernel + '_initializer'] = {
                        'class_name': 'VarianceScaling',
                        'config': dict(INITIALIZERS[initializer], seed=seed)}
        self.redrawn.append(name)

    def forget_shapes(self) -> None:
        """Have all layers built for what they are fed now; Keras 3 notes what they were fed."""
        for part in model_graph.dictionaries(self.config):
            part.pop('build_config', None)

    def done(self) -> Candidate:
        """The changed candidate; layers that are redrawn have lost their initial weights."""
        old = self.candidate.model
        weights = {name: arrays for name, arrays in old.weights.items()
                   if name not in self.redrawn}
        return self.candidate._replace(model=old._replace(config=self.config, weights=weights))


def set_activation(entry: model_graph.Entry, activation: str) -> Any:
    """Change the activation setting of a layer with a kernel; returns what it was."""
    config = model_graph.kernel_configs(entry)[0]
    before, config['activation'] = config['activation'], activation
    return before


def counted(number: int, what: str) -> str:
    """A number of things, in words."""
    return '%d %s%s' % (number, what, '' if number == 1 else 's')
