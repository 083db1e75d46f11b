"""A training of Lightning with Watch among its callbacks: three lines, marked below.

    python examples/lightning_script.py

A step ten thousand times too small: the loss falls at every epoch, and yet nothing will come of it.
Watch says so at the sixth of 15 epochs and sets ``trainer.should_stop``; with a step that fits, the
same module trains.
"""

import logging
import warnings
from typing import Any

import lightning.pytorch as pl
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from AutoTrainer.adapters.lightning import Watch  # 1

warnings.filterwarnings('ignore', module='lightning.*')  # advice on workers
logging.getLogger('lightning.pytorch').setLevel(logging.ERROR)

images, digits = load_digits(return_X_y=True)
parts = train_test_split(images / 16, digits, random_state=0)
x, x_val = [torch.tensor(part, dtype=torch.float32) for part in parts[:2]]
y, y_val = [torch.tensor(part) for part in parts[2:]]


class Digits(pl.LightningModule):
    """A small network for digits, as one writes it for Lightning."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate
        self.net = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        """Logits of ten digits."""
        return self.net(batch)

    def training_step(self, batch: Any, index: int) -> torch.Tensor:
        """The loss of a batch."""
        return F.cross_entropy(self(batch[0]), batch[1])

    def validation_step(self, batch: Any, index: int) -> None:
        """Loss and accuracy of a batch, logged under the names that Watch looks for."""
        output = self(batch[0])
        self.log('val_loss', F.cross_entropy(output, batch[1]))
        self.log('val_acc', (output.argmax(1) == batch[1]).float().mean())

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Adam."""
        return torch.optim.Adam(self.parameters(), self.rate)


for rate in (1e-7, 3e-3):
    pl.seed_everything(0, verbose=False)
    watch = Watch()  # 2
    trainer = pl.Trainer(max_epochs=15, callbacks=[watch],  # 3
                         accelerator='cpu', logger=False, enable_checkpointing=False,
                         enable_progress_bar=False, enable_model_summary=False)
    trainer.fit(Digits(rate), DataLoader(TensorDataset(x, y), 64, shuffle=True),
                DataLoader(TensorDataset(x_val, y_val), 256))
    print('With a learning rate of %g:' % rate)
    print('trained %d of 15 epochs, validation accuracy %.2f'
          % (trainer.current_epoch, trainer.callback_metrics['val_acc']))
    print('issues: ', ', '.join(watch.verdict.issues) or 'none')
    print('in words:', watch.verdict.reason)
