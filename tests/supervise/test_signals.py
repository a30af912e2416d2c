"""No signal ends a trial: what it stops goes on, and what is not meant for the engine does nothing."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import psutil
import pytest
from tests.support.results import notes
from tests.support.tiny import Place, wait_until, write_roadmap

pytestmark = pytest.mark.slow
HARMLESS = ("SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGALRM", "SIGPIPE", "SIGPOLL", "SIGTSTP", "SIGTTIN", "SIGTTOU")
SPACE = {"lr": {"log": [1e-3, 1e-1]}, "batch_size": 8, "optimizer": "sgd", "momentum": 0.9}


def roadmap(place: Place, *, epochs: int, **more: object) -> Path:
    phases = [{"kind": "probe", "trials": 1, "epochs": epochs}]
    limits = {"hang_after": "4s", "retries": 0}
    return write_roadmap(
        place.folder, space=SPACE, phases=phases, limits=limits, args={"step_ms": 50}, **more
    )


def trains(place: Place) -> int:
    """Wait for a trial that trains; its worker."""
    wait_until(lambda: place.rows("SELECT 1 FROM metric"), 120, "a trial trains")
    return int(
        place.rows("SELECT json_extract(body, '$.pid') FROM ledger WHERE kind = 'trial started'")[-1][0]
    )


def stop(pid: int, place: Place, words: str) -> None:
    """Stop a process and wait until it goes on and stands in the ledger."""
    before = len(notes(place, "worker"))
    os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: len(notes(place, "worker")) > before, 60, f"the ledger tells of {words}")
    assert words in notes(place, "worker")[-1]
    wait_until(lambda: psutil.Process(pid).status() != psutil.STATUS_STOPPED, 20, "it goes on")


def test_what_is_stopped_goes_on_and_is_no_hang(place: Place) -> None:
    path = roadmap(place, epochs=20, data={"workers": 1})
    with place.started("run", path, "--no-ui") as view:
        worker = trains(place)
        stop(worker, place, "the worker of t1 was stopped")
        stop(psutil.Process(worker).ppid(), place, "the fork server was stopped")
        (loader,) = psutil.Process(worker).children()
        stop(loader.pid, place, "a process started by the worker of t1 was stopped")
        assert view.wait(120) == 0
    assert len(notes(place, "worker")) == 3
    assert "attempt failed" not in place.kinds()


def test_a_pause_of_engine_and_worker_together_is_no_hang(place: Place) -> None:
    path = roadmap(place, epochs=5)
    with place.started("run", path, "--no-ui") as view:
        worker = trains(place)
        family = [place.supervisor(), worker]
        for pid in family:
            os.kill(pid, signal.SIGSTOP)
        begin = time.monotonic()
        wait_until(lambda: time.monotonic() > begin + 6, 20, "hang_after has passed")
        for pid in family:
            os.kill(pid, signal.SIGCONT)
        assert view.wait(120) == 0
    assert "attempt failed" not in place.kinds()


def test_signals_that_are_none_of_its_business_do_nothing(place: Place) -> None:
    path = roadmap(place, epochs=8)
    with place.started("run", path, "--no-ui") as view:
        worker = trains(place)
        server = psutil.Process(worker).ppid()
        for pid in (place.supervisor(), server, worker):
            for name in HARMLESS:
                os.kill(pid, signal.Signals[name])
        assert view.wait(120) == 0
    kinds = place.kinds()
    assert kinds.count("engine started") == kinds.count("trial started") == 1
    assert "attempt failed" not in kinds
