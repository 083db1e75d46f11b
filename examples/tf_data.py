"""Watch on a tf.data pipeline (Keras on TensorFlow).

    KERAS_BACKEND=tensorflow python examples/tf_data.py

A pipeline is given to Watch as it is given to fit(): it is begun once more, to look at some of its
rows. One that shuffles comes unshuffled to Watch, so that it always looks at the same rows.
"""

import os

os.environ.setdefault('KERAS_BACKEND', 'tensorflow')  # not read by TensorFlow 2.3

import numpy as np
import tensorflow as tf

from AutoTrainer import Watch

keras = tf.keras
random = np.random.RandomState(0)
x = random.normal(size=(1000, 4)).astype('float32')
y = (x[:, 0] * x[:, 1] > 0).astype('float32')

rows = tf.data.Dataset.from_tensor_slices((x, y)).batch(50)


def train(head: str) -> str:
    """Train a small model that ends in an activation; what Watch says of it."""
    tf.random.set_seed(0)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(16, 'relu'),
                              keras.layers.Dense(1, head)])
    model.compile(keras.optimizers.Adam(0.01), 'binary_crossentropy', metrics=['accuracy'])
    watch = Watch(rows)
    model.fit(rows.shuffle(20), epochs=20, verbose=0, callbacks=[watch])
    return watch.verdict.reason


print('ends in softmax:', train('softmax'))
print('ends in sigmoid:', train('sigmoid'))
