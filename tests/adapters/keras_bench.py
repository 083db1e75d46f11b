"""The problems of the contract, trained by Keras."""

import numpy as np
from contract import BATCH, Bench, Trained, through_json

from AutoTrainer import Watch, keras_bridge
from AutoTrainer.intake.arrays import Batch
from AutoTrainer.utils.compute_gradient import Probe

keras = keras_bridge.keras
layers = keras.layers


class KerasBench(Bench):
    def model(self, problem):
        keras_bridge.set_seed(0)
        network = keras.Sequential([keras.Input((len(problem.kernels[0]),))])
        last = len(problem.kernels) - 1
        for place, kernel in enumerate(problem.kernels):
            network.add(layers.Dense(kernel.shape[1], activation=problem.head if place == last
                                     else problem.hidden, name='dense_%d' % place))
            if problem.noisy and place == 0:
                network.add(layers.BatchNormalization())
                network.add(layers.Dropout(0.2))
        for place, weights in enumerate(zip(problem.kernels, problem.biases)):
            network.get_layer('dense_%d' % place).set_weights(list(weights))
        optimizer = getattr(keras.optimizers, problem.optimizer)(problem.rate)
        network.compile(optimizer, 'mean_squared_error' if problem.regression else
                        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
                        metrics=[] if problem.regression else ['accuracy'])
        return network

    def fit(self, network, problem, watch, first=0, last=None):
        x, y, x_val, y_val = problem.rows
        callbacks = [keras.callbacks.LearningRateScheduler(
            lambda epoch, rate: problem.rate_of(epoch))] if problem.later else []
        found = network.fit(x, y, validation_data=(x_val, y_val), batch_size=BATCH, verbose=0,
                            shuffle=False, initial_epoch=first, epochs=last or problem.epochs,
                            callbacks=callbacks + ([watch] if watch else []))
        return [float(loss) for loss in found.history['loss']]

    def watch(self, problem, **settings):
        x, y, x_val, y_val = problem.rows
        return Watch(x, y, validation_data=(x_val, y_val), batch_size=BATCH,
                     total_epoch=problem.epochs, **settings)

    def train(self, problem, watched=True, **settings):
        network = self.model(problem)
        if not watched:
            return Trained(self.fit(network, problem, None))
        watch = self.watch(problem, **settings)
        losses = self.fit(network, problem, watch)
        return Trained(losses, watch.session, watch.verdict)

    def interrupted(self, problem, epoch):
        network, watch = self.model(problem), self.watch(problem)
        losses = self.fit(network, problem, watch, last=epoch)
        watch.session.restore(through_json(watch.session.state()), 1.0)
        losses += self.fit(network, problem, watch, first=epoch)
        return Trained(losses, watch.session, watch.verdict)

    def gradients(self, problem):
        x, y = (np.asarray(part[:BATCH]) for part in problem.rows[:2])
        return Probe(self.model(problem), Batch(x, y)).gradients()
