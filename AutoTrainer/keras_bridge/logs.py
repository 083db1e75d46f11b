"""What Keras says of an epoch, in the names of a history."""

from typing import Any, Dict, Mapping, Optional

_ACCURACY_NAMES = ('accuracy', 'acc', 'categorical_accuracy', 'sparse_categorical_accuracy',
                   'binary_accuracy')


def epoch_values(logs: Mapping[str, Any]) -> Dict[str, Optional[float]]:
    """The four numbers of an epoch from Keras's logs, whatever the accuracy is called there.

    Of a model with several outputs the accuracy is the mean of theirs.

    Args:
        logs: what Keras hands to ``on_epoch_end``.

    Returns:
        ``loss``, ``acc``, ``val_loss``, ``val_acc``; None for what was not measured.
    """
    def number(name: str) -> Optional[float]:
        return None if logs.get(name) is None else float(logs[name])

    def accuracy(before: str) -> Optional[float]:
        for name in _ACCURACY_NAMES:
            if logs.get(before + name) is not None:
                return number(before + name)
        outputs = [number(name) for name in logs if name.startswith('val_') == bool(before)
                   and name.endswith(tuple('_' + known for known in _ACCURACY_NAMES))
                   and 'top_k' not in name]
        found = [value for value in outputs if value is not None]
        return sum(found) / len(found) if found else None

    return {'loss': number('loss'), 'acc': accuracy(''), 'val_loss': number('val_loss'),
            'val_acc': accuracy('val_')}
