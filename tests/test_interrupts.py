"""Signals that are held until a good moment: none is lost, and none comes at a bad one."""

import os
import signal
import threading

import pytest

from AutoTrainer import interrupts

SIGNALS = [(signal.SIGINT, 130), (signal.SIGTERM, 143)]


@pytest.fixture(autouse=True)
def handlers_of_python():
    """As in a new process; and every test puts back what it has found."""
    own = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}
    before = {number: signal.signal(number, handler) for number, handler in own.items()}
    yield
    assert {number: signal.signal(number, handler) for number, handler in before.items()} == own


def send(number):
    os.kill(os.getpid(), number)


@pytest.mark.parametrize('number, code', SIGNALS)
def test_a_signal_waits_for_a_good_moment(number, code):
    done = []
    with pytest.raises(KeyboardInterrupt) as caught, interrupts.held():
        interrupts.honour()  # nothing has arrived
        send(number)
        done.append('the batch')
        interrupts.honour()
        done.append('the next')
    assert done == ['the batch'] and interrupts.exit_code(caught.value) == code


@pytest.mark.parametrize('number, code', SIGNALS)
def test_a_second_signal_does_not_wait(number, code):
    done = []
    with pytest.raises(KeyboardInterrupt) as caught, interrupts.held():
        send(signal.SIGINT)
        done.append('held')
        send(number)
        done.append('not held')
    assert done == ['held'] and interrupts.exit_code(caught.value) == code


@pytest.mark.parametrize('number, code', SIGNALS)
def test_a_signal_that_finds_no_good_moment_is_raised_at_the_end(number, code):
    with pytest.raises(KeyboardInterrupt) as caught, interrupts.held():
        send(number)
    assert interrupts.exit_code(caught.value) == code
    with interrupts.held():
        interrupts.honour()  # it has been, once


def test_other_errors_do_not_hide_it():
    """A second Ctrl-C can come back from a framework as any error."""
    with pytest.raises(interrupts.Terminated), interrupts.held():
        send(signal.SIGTERM)
        raise ValueError
    with pytest.raises(ValueError), interrupts.held():
        raise ValueError


def test_within_each_other():
    """The inner one ends without a word: what it held is for the outer one to say."""
    @interrupts.held()
    def train():
        send(signal.SIGINT)
        return 'trained'

    done = []
    with pytest.raises(KeyboardInterrupt), interrupts.held():
        done.append(train())
        done.append(train())  # is not begun
    assert done == ['trained']
    with pytest.raises(KeyboardInterrupt):
        done.append(train())
    assert done == ['trained']


def test_what_somebody_else_has_set_is_left_alone():
    came = []
    signal.signal(signal.SIGTERM, lambda number, frame: came.append(number))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with interrupts.held():
            send(signal.SIGTERM)
            send(signal.SIGINT)
            interrupts.honour()
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
    assert came == [signal.SIGTERM]


def test_other_threads_neither_hold_nor_honour():
    done = []

    @interrupts.held()
    def train():
        interrupts.honour()
        done.append('trained')

    with pytest.raises(KeyboardInterrupt), interrupts.held():
        send(signal.SIGINT)
        thread = threading.Thread(target=train)
        thread.start()
        thread.join()
    assert done == ['trained']
