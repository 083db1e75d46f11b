"""Live trainings of the demo cases under each schedule: epoch found, probes, seconds."""

import time
from typing import Any, Dict

from ._common import finish, start

SCHEDULES = ('adaptive', 'dynamic', 'epoch_1', 'epoch_3', 'epoch_5')


def watch_case(name: str, checktype: str, bridge: Any, seed: int) -> Dict[str, Any]:
    """Train a demo case until it is stopped."""
    from AutoTrainer.data import get_dataset
    from AutoTrainer.demo_case import case_config, case_model
    from AutoTrainer.utils.utils import LossHistory
    config = case_config(name)
    bridge.set_seed(seed)
    model = case_model(name, bridge.keras)
    bridge.compile_model(model, bridge.optimizer_config(config['optimizer'], config['opt_kwargs']),
                         config['loss'])
    data = get_dataset(config['dataset'])
    watch = LossHistory((data['x'], data['y']), batch_size=config['batchsize'],
                        checktype=checktype, seed=seed, rules='paper')
    started = time.perf_counter()
    model.fit(data['x'], data['y'], batch_size=config['batchsize'], epochs=config['epoch'],
              validation_data=(data['x_val'], data['y_val']), verbose=0, callbacks=[watch])
    return {'issues': watch.issue_list, 'epoch': watch.verdict.epoch, 'epochs': config['epoch'],
            'checks': watch.watcher.checks, 'probes': watch.watcher.probes,
            'seconds': round(time.perf_counter() - started, 2)}


def main() -> None:
    """Measure and print."""
    arguments, bridge = start(__doc__)
    from AutoTrainer.demo_case import case_names
    names = ['Gradient_Vanish_Case'] if arguments.quick else case_names()
    schedules = SCHEDULES[:2] if arguments.quick else SCHEDULES
    finish('delay', {name: {checktype: watch_case(name, checktype, bridge, 0)
                            for checktype in schedules} for name in names}, bridge)


if __name__ == '__main__':
    main()
