"""A run that is killed in the middle, and goes on as if nothing had happened.

    python examples/resume_after_kill.py

A process of its own begins to train. After a few epochs it is killed, which no program can prevent
or prepare for. The same call with resume=True goes on from the last checkpoint, and comes to the
numbers of a run that nobody has disturbed. It is the same in the middle of a repair: what had ended
is not trained again.
"""

import os
import subprocess
import sys
from typing import Any, Dict

os.environ.setdefault('KERAS_BACKEND', 'jax')

FOLDER = 'killed'
EPOCHS = 12
KILLED_AT = 8


def train(resume: bool) -> Dict[str, Any]:
    """Train a model under watch, on record in FOLDER."""
    import keras
    from sklearn.datasets import load_digits

    from AutoTrainer import model_train

    def say(watch: Any) -> None:
        print('epoch', watch.session.epochs, flush=True)

    images, digits = load_digits(return_X_y=True)
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((64,)), keras.layers.Dense(32, 'relu'),
                              keras.layers.Dense(10, 'softmax')])
    # checkpoint_seconds=0: at every epoch, since these take no time
    trained = model_train(
        model, optimizer='adam', loss='sparse_categorical_crossentropy',
        iters=EPOCHS, batch_size=32, dataset={'x': images[200:800] / 16, 'y': digits[200:800],
                                              'x_val': images[:200] / 16, 'y_val': digits[:200]},
        save_dir=FOLDER, checkpoint_seconds=0, on_epoch=say, resume=resume)
    return dict(trained.result)


def main() -> None:
    """Begin in another process, kill it, go on in this one."""
    begun = subprocess.Popen([sys.executable, __file__, 'begin'], stdout=subprocess.PIPE,
                             universal_newlines=True)
    assert begun.stdout is not None
    for line in begun.stdout:
        if line.split() == ['epoch', str(KILLED_AT)]:
            begun.kill()
            break
    begun.wait()
    print('killed after epoch %d; going on:' % KILLED_AT)
    result = train(resume=True)
    print('%s, accuracy %.2f' % (result['status'], result['accuracy']['after']))


if __name__ == '__main__':
    if sys.argv[1:] == ['begin']:
        train(resume=False)
    else:
        main()
