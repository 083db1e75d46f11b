import pytest

from AutoTrainer.judge.losses import loss_name


@pytest.mark.parametrize('name, snake', [
    ('MyLoss', 'my_loss'), ('CTC', 'ctc'), ('masked_loss', 'masked_loss'),
    ('SSIMLoss', 'ssim_loss')])
def test_losses_of_the_users_own_keep_their_name(name, snake):
    assert loss_name(name) == snake
