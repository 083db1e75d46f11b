"""Your own Keras script, with Watch: five lines, marked below.

    python examples/keras_script.py

Ten sigmoid layers on 8×8 images of digits. Nothing fails and no number is wrong, the accuracy just
stays at that of guessing. Watch says so, names the cause and ends the training.
"""

import os

os.environ.setdefault('KERAS_BACKEND', 'jax')  # or tensorflow, torch; before Keras is imported

import keras
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from AutoTrainer import Watch  # 1

images, digits = load_digits(return_X_y=True)
x, x_val, y, y_val = train_test_split(images / 16, digits, random_state=0)

keras.utils.set_random_seed(0)
model = keras.Sequential([keras.Input((64,))])
for _ in range(10):
    model.add(keras.layers.Dense(32, 'sigmoid'))
model.add(keras.layers.Dense(10, 'softmax'))
model.compile('sgd', 'sparse_categorical_crossentropy', metrics=['accuracy'])

watch = Watch(x, y, validation_data=(x_val, y_val), save_dir='watched')  # 2
model.fit(x, y, epochs=30, validation_data=(x_val, y_val), verbose=0,
          callbacks=[watch])  # 3

print('issues:  ', ', '.join(watch.verdict.issues) or 'none')  # 4
print('in words:', watch.verdict.reason)  # 5
print('stopped after %d of 30 epochs; "autotrainer report watched" draws the page of it'
      % len(watch.history['loss']))
