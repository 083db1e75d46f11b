import ctypes

import pytest

from Motivation import doctor


class Library:
    """Stands for a shared library of NVIDIA's: its functions write or return a number."""

    def __init__(self, version=0, failed=0, properties=(10, 2, 1)):
        self.cudnnGetVersion = lambda: version
        self.cudnnGetVersion.restype = None
        self._version, self._failed, self._properties = version, failed, properties

    def cudaRuntimeGetVersion(self, pointer):  # noqa: N802 - NVIDIA's name
        pointer._obj.value = self._version
        return self._failed

    cuDriverGetVersion = cudaRuntimeGetVersion

    def cublasGetProperty(self, which, pointer):  # noqa: N802
        pointer._obj.value = self._properties[which]
        return self._failed


@pytest.fixture
def there(monkeypatch):
    """Says which libraries the loader finds."""
    libraries = {}
    monkeypatch.setattr(doctor, 'open_library', libraries.get)
    monkeypatch.setattr(doctor, 'elsewhere', lambda name: '')
    return libraries


def test_cuda_is_found_with_its_versions(there):
    there.update({name: Library(10010) for name in doctor.CUDA_LIBRARIES})
    answer = doctor.cuda_answer()
    assert answer.ok and '10.1' in answer.found and 'cuBLAS 10.2.1' in answer.found
    assert not answer.do


def test_half_a_cuda_names_what_is_missing(there):
    there.update({name: Library(10010) for name in doctor.CUDA_LIBRARIES[:2]})
    answer = doctor.cuda_answer()
    assert answer.ok is False and '10.1' in answer.found and 'libcufft.so.10' in answer.found
    assert 'environment.yml' in answer.do


def test_a_library_where_the_loader_does_not_look(there, monkeypatch):
    monkeypatch.setattr(doctor, 'elsewhere', lambda name: '/opt/cuda/lib64/' + name)
    assert 'export LD_LIBRARY_PATH=/opt/cuda/lib64' in doctor.cuda_answer().do


@pytest.mark.parametrize('version, ok, told', [
    (7605, True, '7.6.5'), (7501, False, '7.5.1'), (None, False, 'not found')])
def test_cudnn(there, version, ok, told):
    if version is not None:
        there[doctor.CUDNN_LIBRARY] = Library(version)
    answer = doctor.cudnn_answer()
    assert answer.ok is ok and told in answer.found and bool(answer.do) is not ok


def test_the_driver(there):
    assert doctor.driver_answer().ok is False
    there['libcuda.so.1'] = Library(12040)
    assert doctor.driver_answer() == ('NVIDIA driver', True, 'serves CUDA up to 12.4', '')
    there['libcuda.so.1'] = Library(failed=100)  # a driver without a card
    assert doctor.driver_answer().ok is False


def test_a_library_without_the_function_says_nothing():
    library = ctypes.CDLL(None)
    assert doctor.number_from(library, 'cudaRuntimeGetVersion') is None
    assert doctor.cublas_version(library) == ''
    assert doctor.open_library('libno-such-thing.so.1') is None


def test_mnist(tmp_path, monkeypatch):
    monkeypatch.setenv('KERAS_HOME', str(tmp_path / 'none'))
    monkeypatch.setenv('AUTOTRAINER_DATA', str(tmp_path))
    assert doctor.mnist_answer().ok is False and 'AUTOTRAINER_DATA' in doctor.mnist_answer().do
    (tmp_path / 'mnist.npz').write_bytes(b'0' * 2000000)
    assert doctor.mnist_answer().found == '%s (2.0 MB)' % (tmp_path / 'mnist.npz')


def test_what_a_study_takes():
    epoch, run = doctor.study_seconds(10.0, 50)  # a second a step
    assert epoch == pytest.approx(1875 + 313 / 3) and run == 50 * epoch


@pytest.mark.slow
def test_what_fails_is_an_answer(monkeypatch):
    def fail(*_):
        raise RuntimeError('no memory left\non the card')
    monkeypatch.setattr(doctor, 'seconds_of_ten_steps', fail)
    monkeypatch.setattr(doctor, 'cards_of', fail)
    answers = doctor.examine('relu20', 50, 100)
    assert answers[1].ok is False and answers[-1].ok is False
    assert 'ten steps failed' in answers[-1].found and '\n' not in answers[-1].found
    assert doctor.main([]) == 1


@pytest.mark.slow
def test_the_screen_on_this_stack(capsys, monkeypatch):
    monkeypatch.setenv('AUTOTRAINER_DATA', '/nowhere')
    assert doctor.main(['--runs', '3', '--epochs', '2']) == 0
    screen = capsys.readouterr().out
    lines = screen.splitlines()
    assert lines[0].startswith('yes Keras') and len(lines) < 40
    assert max(map(len, lines)) <= 100
    assert 'sees a card' in screen and 'CUDA 10.1' in screen and 'cuDNN 7.6' in screen
    assert '3 × 2 epochs, relu20' in screen and '10 measured steps' in ' '.join(screen.split())
