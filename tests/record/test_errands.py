"""Errands of which some never come back."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from staycourse.record.errands import Errands


@pytest.fixture
def gate() -> threading.Event:
    return threading.Event()


def noted(done: list[str], name: str) -> Callable[[], None]:
    return lambda: done.append(name)


def wait_for(errands: Errands, done: list[str], count: int) -> None:
    deadline = time.monotonic() + 10
    while len(done) < count:
        assert time.monotonic() < deadline, done
        errands.wait(0.05)


def wait_for_all(errands: Errands) -> None:
    deadline = time.monotonic() + 10
    while not errands.wait(0.05):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_errands_are_done_in_order_and_each_key_once() -> None:
    done: list[str] = []
    errands = Errands()
    for name in ("a", "b", "a", "c"):
        errands.add(name, None, noted(done, name))
    assert errands.wait(10)
    assert done == ["a", "b", "c"]
    errands.add("a", None, noted(done, "a"))
    assert errands.wait(10)
    assert done == ["a", "b", "c", "a"]


def test_one_that_fails_takes_no_other_with_it() -> None:
    done: list[str] = []
    errands = Errands()
    errands.add("bad", None, {}.popitem)
    errands.add("good", None, noted(done, "good"))
    assert errands.wait(10) and done == ["good"]


def test_one_that_hangs_holds_up_no_other(gate: threading.Event) -> None:
    done: list[str] = []
    errands = Errands(patience=0.05)
    errands.add("gone", "far", gate.wait)
    for name in ("a", "b"):
        errands.add(name, "far", noted(done, name))
    wait_for(errands, done, 2)
    assert not errands.wait(0)
    assert errands.waiting_for("gone") > 0.05 and errands.waiting_for("a") == 0
    errands.add("gone", "far", noted(done, "gone"))  # it is in hand already
    gate.set()
    wait_for_all(errands)
    assert errands.waiting_for("gone") == 0 and done == ["a", "b"]


def test_those_of_a_group_in_which_one_hangs_come_last(gate: threading.Event) -> None:
    done: list[str] = []
    errands = Errands(patience=0.05)
    errands.add("gone", "far", gate.wait)
    for name, group in (("far", "far"), ("near", "here"), ("nearer", "here")):
        errands.add(name, group, noted(done, name))
    wait_for(errands, done, 3)
    assert done == ["near", "nearer", "far"]
    gate.set()


def test_a_dead_file_system_takes_a_few_threads_and_no_more(gate: threading.Event) -> None:
    done: list[str] = []
    errands = Errands(patience=0.02, most=3)
    for at in range(10):
        errands.add(f"gone {at}", "far", gate.wait)
    deadline = time.monotonic() + 10
    while sum(errands.waiting_for(f"gone {at}") > 0 for at in range(10)) < 3:
        assert time.monotonic() < deadline
        errands.wait(0.02)
    for at in range(5):
        errands.add(f"near {at}", f"here {at}", noted(done, "near"))
    wait_for(errands, done, 5)
    assert sum(errands.waiting_for(f"gone {at}") > 0 for at in range(10)) == 3
    gate.set()
    wait_for_all(errands)
