"""What user code starts lives as long as its own worker, however it was started, and no longer."""

from __future__ import annotations

from pathlib import Path

from tests.support.tiny import wait_until

from staycourse.supervise.linux import started_at
from staycourse.supervise.spawner import Child, Spawner

# A data set that starts two daemons, in sessions of their own: one is forked, one executes a program.
TASK = """
import os
import subprocess
import time
from pathlib import Path


def dataset(args):
    place = Path(args.place)
    subprocess.run("setsid sleep 600 & echo $! >> pids", shell=True, cwd=place, close_fds=False)
    if os.fork() == 0:
        os.setsid()
        if (pid := os.fork()) == 0:
            time.sleep(600)
        with (place / "pids").open("a") as pids:
            pids.write(f"{pid}\\n")
        os._exit(0)
    os.wait()
    (place / "started").touch()
    while not (place / "end").exists():
        time.sleep(0.02)
    raise RuntimeError("enough")


def model(args): ...


def loss(model, batch): ...


def add_arguments(parser):
    parser.add_argument("--place")
"""


def started(spawner: Spawner, place: Path) -> Child:
    """A comparison of data, whose data set has started its daemons."""
    place.mkdir()
    (place / "task.py").write_text(TASK, encoding="utf-8")
    child = spawner.fork(place.name, "data", place / "log")
    task = {"code": str(place), "file": "task.py", "folder": str(place), "args": {"place": str(place)}}
    sealed = {"method": "all samples", "sha256": ""}
    about = {"manifest": None, "outside": None, "folder": str(place), "validation": 0.2, "seed": 1}
    child.orders.send({**about, "fingerprint": sealed, "task": task})
    wait_until((place / "started").exists, 20, "its daemons run")
    return child


def daemons(place: Path) -> list[int]:
    return [int(word) for word in (place / "pids").read_text().split()]


def ended(spawner: Spawner, child: Child, place: Path) -> None:
    (place / "end").touch()
    wait_until(lambda: spawner.receive() and child.code is not None, 20, "it has ended")


def lives(pid: int) -> bool:
    return started_at(pid) > 0


def test_the_end_of_one_worker_kills_its_own_daemons_and_no_others(spawner: Spawner, tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    first, second = started(spawner, one), started(spawner, other)
    ended(spawner, second, other)
    wait_until(lambda: not any(map(lives, daemons(other))), 10, "its daemons are gone")
    assert all(map(lives, daemons(one)))
    ended(spawner, first, one)
    wait_until(lambda: not any(map(lives, daemons(one))), 10, "these as well")


def test_a_program_that_user_code_executes_holds_no_pipe_of_the_engines(
    spawner: Spawner, tmp_path: Path
) -> None:
    place = tmp_path / "one"
    child = started(spawner, place)
    executed = daemons(place)[0]
    wait_until(lambda: b"sleep" in Path(f"/proc/{executed}/cmdline").read_bytes()[:6], 10, "it executes")
    held = {entry.readlink() for entry in Path(f"/proc/{executed}/fd").iterdir()}
    theirs = {Path(f"/proc/self/fd/{end.fileno()}").readlink() for end in (child.orders, child.events)}
    assert not held & theirs
    ended(spawner, child, place)
