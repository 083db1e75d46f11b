"""A training loop of PyTorch, left as it is, under Watch: four lines, marked below.

    python examples/pytorch_loop.py

Eight sigmoid layers on 8×8 images of digits: nothing fails, the accuracy just stays at that of
guessing. Watch hears it from hooks, names the cause and ends the training; with ReLU the same loop
trains.
"""

from typing import Callable

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from AutoTrainer import Verdict
from AutoTrainer.adapters.pytorch import Watch  # 1

images, digits = load_digits(return_X_y=True)
parts = train_test_split(images / 16, digits, random_state=0)
x, x_val = [torch.tensor(part, dtype=torch.float32) for part in parts[:2]]
y, y_val = [torch.tensor(part) for part in parts[2:]]


def train(activation: Callable[[], nn.Module]) -> Verdict:
    """Build a model and train it for 20 epochs, or until it is stopped."""
    torch.manual_seed(0)
    layers = [nn.Linear(64, 32), activation()]
    for _ in range(7):
        layers += [nn.Linear(32, 32), activation()]
    model = nn.Sequential(*layers, nn.Linear(32, 10))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.002)
    loss_fn = nn.CrossEntropyLoss()
    loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)

    with Watch(model, loss_fn, loader, epochs=20, optimizer=optimizer,
               validation_data=(x_val, y_val)) as watch:  # 2
        for _ in range(20):
            model.train()
            for batch, labels in loader:
                optimizer.zero_grad()
                loss_fn(model(batch), labels).backward()
                optimizer.step()
            model.eval()
            with torch.no_grad():
                output = model(x_val)
                loss_fn(output, y_val)
            accuracy = float((output.argmax(1) == y_val).float().mean())
            if watch.should_stop:  # 3
                break
    print('trained %d of 20 epochs, validation accuracy %.2f'
          % (watch.session.epochs, accuracy))
    return watch.verdict


for activation in (nn.Sigmoid, nn.ReLU):
    print('With %s:' % activation.__name__)
    verdict = train(activation)
    print('issues: ', ', '.join(verdict.issues) or 'none')  # 4
    print('in words:', verdict.reason)
