"""The thread that reads a run for the screen."""

from __future__ import annotations

import contextlib
import queue
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.sample_run import write_run
from textual.message import Message

from staycourse_tui.frames import Request
from staycourse_tui.messages import Polled, PollFailed
from staycourse_tui.poller import INTERVAL, Poller


class Screen:
    """Where the messages go."""

    def __init__(self, run: Path) -> None:
        self.messages: queue.Queue[Message] = queue.Queue()
        self.poller = Poller(run, self.messages.put)
        self.poller.start()

    def next(self) -> Message:
        message = self.messages.get(timeout=20)
        self.poller.taken()
        return message


@pytest.fixture
def screen(sample_runs: dict[str, Path]) -> Iterator[Screen]:
    made = Screen(sample_runs["running"])
    yield made
    made.poller.stop()


def test_it_reads_no_further_until_its_message_was_taken(screen: Screen) -> None:
    first = screen.messages.get(timeout=20)
    assert isinstance(first, Polled)
    screen.poller.ask(Request(selected="t3"))
    with pytest.raises(queue.Empty):
        screen.messages.get(timeout=4 * INTERVAL)
    screen.poller.taken()
    second = screen.next()
    assert isinstance(second, Polled) and second.frame.focus == "t3"


def test_it_brings_what_was_asked_for(screen: Screen) -> None:
    screen.next()
    screen.poller.ask(Request(selected="t35", marked=("t31", "t2"), has_pace=True, has_report=True))
    while True:
        message = screen.next()
        assert isinstance(message, Polled)
        frame = message.frame
        if frame.focus == "t35":
            break
    assert frame.compared == ("t31", "t2"), "beside the phase's best, which is in focus itself"
    assert {("t35", "val_loss"), ("t31", "val_loss"), ("t2", "train_loss")} <= set(frame.curves)
    assert set(frame.pace) == {"t35", "t31", "t2"} and frame.report == ""


def test_a_run_that_cannot_be_read_is_told_and_tried_again(tmp_path: Path) -> None:
    screen = Screen(tmp_path)
    try:
        assert isinstance(screen.next(), PollFailed)
        assert isinstance(screen.next(), PollFailed)
    finally:
        screen.poller.stop()


def test_a_record_that_makes_no_sense_is_told_and_tried_again(tmp_path: Path) -> None:
    run = write_run(tmp_path / "odd-1", "running")
    screen = Screen(run)
    try:
        assert isinstance(screen.next(), Polled)
        times = "UPDATE hardware SET time = {}"
        _change(run, times.format("'yesterday'"))
        message = screen.next()
        while isinstance(message, Polled):
            message = screen.next()
        assert isinstance(message, PollFailed) and "yesterday" in message.reason
        _change(run, times.format("'2026-01-01T00:00:00.000000+00:00'"))
        while isinstance(message, PollFailed):
            message = screen.next()
        shutil.rmtree(run)
        while isinstance(message, Polled):
            message = screen.next()
        assert isinstance(message, PollFailed) and message.reason == "its folder is gone"
    finally:
        screen.poller.stop()


def _change(run: Path, statement: str) -> None:
    with contextlib.closing(sqlite3.connect(run / "run.db")) as db, db:
        db.execute(statement)
