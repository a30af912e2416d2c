"""A teacher that is asked for all samples within one step: no hang, and gone with the end of the run."""

from __future__ import annotations

import os
import time
from pathlib import Path

from tests.support.run_folder import sealed_run

from staycourse.supervise.attempt import Attempt
from staycourse.supervise.channel import Inbox, Outbox
from staycourse.supervise.hangs import Hangs
from staycourse.supervise.launch import abandon
from staycourse.supervise.slots import Slot
from staycourse.supervise.spawner import Child, Spawner


def test_each_batch_that_a_teacher_is_asked_for_is_a_sign_of_life(tmp_path: Path) -> None:
    paths, store = sealed_run(tmp_path / "r-1")
    spawner = Spawner(paths.log)
    read, write = os.pipe()
    child = Child("t1-1", Outbox(os.open(os.devnull, os.O_WRONLY)), Inbox(read), pid=os.getpid())
    attempt = Attempt("t1", 1, Slot("cpu"), child, moved=time.monotonic() - 100)
    hangs = Hangs(60.0, store, spawner)
    os.write(write, b'{"type": "teaching", "batch": 7}\n')
    attempt.hear(store)
    hangs.look([attempt])
    assert not attempt.is_hung
    attempt.moved = time.monotonic() - 100
    os.write(write, b'{"type": "loading", "teacher": "kept"}\n')
    attempt.hear(store)
    hangs.look([attempt])
    assert attempt.is_hung
    os.close(write)
    spawner.let_go(child)
    store.close(final=False)


def test_an_abandoned_run_keeps_nothing_of_what_a_teacher_said(tmp_path: Path) -> None:
    paths, store = sealed_run(tmp_path / "r-1")
    store.close(final=False)
    paths.teacher.mkdir()
    (paths.teacher / "train-0.bin").touch()
    abandon(paths, "a wrong loss")
    assert not paths.teacher.exists()
