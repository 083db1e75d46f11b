"""A language model of one epoch under the Trainer of Hugging Face, with Watch among its callbacks.

    python examples/huggingface_trainer.py

A small GPT-2, made on the spot, learns to go on with a sequence. One epoch gives one mean loss, of
which nothing can be told: so windows of steps are judged. With a step that is far too small the
loss stays where it is, and the training ends after some windows; with one that fits it learns.
"""

import tempfile
from typing import Dict

import torch
import transformers
from torch.utils.data import Dataset

from AutoTrainer.adapters.huggingface import Watch  # 1

TOKENS, LENGTH, ROWS = 20, 8, 1200


class Sequences(Dataset):
    """Rows that count on from a random token, by a random step."""

    def __init__(self) -> None:
        random = torch.Generator().manual_seed(0)
        start, step = [torch.randint(low, high, (ROWS, 1), generator=random)
                       for low, high in ((0, TOKENS), (1, 3))]
        self.rows = (start + step * torch.arange(LENGTH)) % TOKENS

    def __len__(self) -> int:
        return ROWS

    def __getitem__(self, index: int) -> Dict[str, torch.Tensor]:
        return {'input_ids': self.rows[index], 'labels': self.rows[index]}


def train(rate: float) -> Watch:
    """Train a new model for one epoch, or until it is stopped."""
    transformers.set_seed(0)
    model = transformers.GPT2LMHeadModel(transformers.GPT2Config(
        vocab_size=TOKENS, n_embd=32, n_layer=2, n_head=2, n_positions=LENGTH, bos_token_id=0,
        eos_token_id=0))
    watch = Watch()  # 2
    with tempfile.TemporaryDirectory() as folder:
        trainer = transformers.Trainer(
            model, transformers.TrainingArguments(
                folder, num_train_epochs=1, per_device_train_batch_size=4, learning_rate=rate,
                report_to=[], save_strategy='no', use_cpu=True, disable_tqdm=True),
            train_dataset=Sequences(), callbacks=[watch])  # 3
        trainer.remove_callback(transformers.PrinterCallback)
        trainer.train()
    print('trained %d of %d steps' % (trainer.state.global_step, trainer.state.max_steps))
    return watch


for rate in (1e-8, 0.003):
    print('With a learning rate of %g:' % rate)
    watch = train(rate)
    if watch.session is not None:
        plan = watch.session.plan
        print('judged over windows of %d steps, %d in all' % (plan.window, plan.epochs))
    print('issues: ', ', '.join(watch.verdict.issues) or 'none')
    print('in words:', watch.verdict.reason)
