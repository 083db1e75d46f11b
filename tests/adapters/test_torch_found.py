import pytest

torch = pytest.importorskip('torch', reason='PyTorch is not installed here')

from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402, N812

from AutoTrainer.adapters.torch_found import loss_in  # noqa: E402

pytestmark = pytest.mark.torch


@pytest.mark.parametrize('kind, expected', [
    ('module', nn.BCEWithLogitsLoss), ('attribute', F.mse_loss), ('called', F.cross_entropy),
    ('weighted', None), ('two', None)])
def test_the_loss_is_found(kind, expected):
    class Held(nn.Module):
        def __init__(self):
            super().__init__()
            if kind == 'module':
                self.criterion = nn.BCEWithLogitsLoss()
            elif kind == 'attribute':
                self.criterion = F.mse_loss

    class Called(Held):
        def training_step(self, batch, index):
            return self.shared(batch)

        def shared(self, batch):
            return F.cross_entropy(*batch)

    class Weighted(Called):
        def shared(self, batch):
            return F.cross_entropy(*batch, label_smoothing=0.1)

    class Two(Called):
        def shared(self, batch):
            return F.cross_entropy(*batch) + F.mse_loss(*batch)
    found = loss_in({'called': Called, 'weighted': Weighted, 'two': Two}.get(kind, Held)())
    assert type(found) is expected if kind == 'module' else found is expected
