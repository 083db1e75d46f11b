import numpy as np
import pytest
from candidates import mlp

from AutoTrainer import keras_bridge as bridge

pytestmark = pytest.mark.backend


def test_models_are_saved_whole_or_not_at_all(tmp_path):
    path = tmp_path / ('model' + bridge.MODEL_SUFFIX)
    model = mlp()
    bridge.save_model(model, str(path))
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    x = np.ones((2, 4), 'float32')
    np.testing.assert_allclose(bridge.load_model(str(path)).predict(x, verbose=0),
                               model.predict(x, verbose=0), rtol=1e-6)


def test_saving_in_mid_repair_leaves_the_optimizer_in_place(tmp_path):
    model = mlp()
    bridge.compile_model(model, bridge.optimizer_config('Adam'), 'categorical_crossentropy')
    bridge.save_model(model, str(tmp_path / ('m' + bridge.MODEL_SUFFIX)))
    model.fit(np.ones((4, 4)), np.eye(3)[[0, 1, 2, 0]], verbose=0)
    assert type(model.optimizer).__name__ == 'Adam'
