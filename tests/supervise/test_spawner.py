"""The fork server under its real supervisor's end: forks, exits, and nobody left behind."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
from tests.support.tiny import wait_until

from staycourse.supervise.linux import is_running, kill_tree, started_at
from staycourse.supervise.spawner import Child, Spawner


def heard(spawner: Spawner, child: Child, what: str) -> bool:
    """Wait for what the server has to say; True once the child has that attribute."""
    if spawner.is_alive:
        select.select([spawner], [], [], 0.2)
    spawner.receive()
    return getattr(child, what) not in (None, 0)


def forked(spawner: Spawner, name: str, log: Path) -> Child:
    child = spawner.fork(name, "search", log)
    wait_until(lambda: heard(spawner, child, "pid"), 60, "the server has forked")
    return child


def test_a_child_is_forked_named_and_its_exit_told(spawner: Spawner, tmp_path: Path) -> None:
    child = forked(spawner, "one", tmp_path / "log")
    assert child.started == pytest.approx(started_at(child.pid))
    assert psutil.Process(child.pid).ppid() != os.getpid()
    child.orders.close()  # a search ends where its orders end
    wait_until(lambda: heard(spawner, child, "peak_bytes"), 20, "its exit is told")
    child.events.receive()
    assert child.code == 0 and child.is_over


def test_a_kill_goes_through_the_server(spawner: Spawner, tmp_path: Path) -> None:
    child = forked(spawner, "one", tmp_path / "log")
    spawner.kill(child)
    wait_until(lambda: heard(spawner, child, "code"), 20, "the kill is told")
    assert child.code == -signal.SIGKILL


def test_many_forks_leak_no_descriptor(spawner: Spawner, tmp_path: Path) -> None:
    forked(spawner, "first", tmp_path / "log")
    server = psutil.Process(spawner.children["first"].pid).parent()
    assert server is not None
    me = psutil.Process()
    before = me.num_fds(), server.num_fds()
    for number in range(12):
        child = forked(spawner, f"child-{number}", tmp_path / "log")
        spawner.kill(child)
        wait_until(lambda child=child: heard(spawner, child, "code"), 20, "it is gone")
        spawner.let_go(child)
    assert me.num_fds() <= before[0] + 1
    assert server.num_fds() <= before[1] + 1


def test_a_dead_server_takes_its_children_along_and_is_noticed(spawner: Spawner, tmp_path: Path) -> None:
    child = forked(spawner, "one", tmp_path / "log")
    server = psutil.Process(child.pid).parent()
    assert server is not None
    server.kill()
    wait_until(lambda: heard(spawner, child, "code"), 20, "the loss is noticed")
    assert not spawner.is_alive
    assert child.code == -signal.SIGKILL
    wait_until(lambda: not psutil.pid_exists(child.pid), 10, "the child is gone")
    spawner.start()
    assert forked(spawner, "two", tmp_path / "log").pid


_ORPHANS = """
import subprocess, sys, time
from pathlib import Path
from typing import Any
from staycourse.supervise.spawner import Spawner
spawner = Spawner(Path(sys.argv[1]) / "log")
spawner.start()
child = spawner.fork("one", "search", Path(sys.argv[1]) / "log")
while not child.pid:
    spawner.receive(); time.sleep(0.02)
print(child.pid, spawner._process.pid, flush=True)
time.sleep(600)
"""


def test_a_killed_supervisor_leaves_nobody_behind(tmp_path: Path) -> None:
    command = [sys.executable, "-P", "-c", _ORPHANS, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as supervisor:
        assert supervisor.stdout is not None
        family = [int(word) for word in supervisor.stdout.readline().split()]
        assert all(psutil.pid_exists(pid) for pid in family)
        supervisor.kill()
        wait_until(lambda: not any(map(is_running, family)), 10, "fork server and child are gone")


def test_kill_tree_spares_another_process_of_the_same_number() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        kill_tree(process.pid, started_at(process.pid) - 100)
        assert process.poll() is None
        kill_tree(process.pid, started_at(process.pid))
        process.wait(10)
        assert not is_running(process.pid)


def test_a_stopped_reader_keeps_nobody_waiting(spawner: Spawner, tmp_path: Path) -> None:
    child = forked(spawner, "one", tmp_path / "log")
    os.kill(child.pid, signal.SIGSTOP)
    order = {"id": 1, "much": "x" * 300_000}  # more than a pipe holds
    begin = time.monotonic()
    child.orders.send(order)
    assert time.monotonic() - begin < 5
    assert child.orders.is_behind
    os.kill(child.pid, signal.SIGCONT)
    wait_until(lambda: not heard(spawner, child, "code") and not child.orders.is_behind, 20, "it took it all")
    answers: list[dict[str, Any]] = []
    wait_until(lambda: answers.extend(child.events.receive()) or answers, 60, "it has understood it")
    assert answers[0]["id"] == 1
