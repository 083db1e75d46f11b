import pytest


@pytest.fixture(autouse=True)
def data_folder(tmp_path, monkeypatch):
    """A folder for data files; nothing of the machine's own caches is looked at."""
    folder = tmp_path / 'data'
    folder.mkdir()
    monkeypatch.setenv('AUTOTRAINER_DATA', str(folder))
    monkeypatch.setenv('KERAS_HOME', str(tmp_path / 'keras'))
    return folder
