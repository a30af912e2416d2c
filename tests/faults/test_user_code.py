"""User code at its worst: it costs a trial at most, never the run, its disk or its numbers."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.faults.campaign import HEAVY, SPACE, failures, roadmap, trains
from tests.faults.small_disk import SmallDisk
from tests.support.results import Result, notes, result
from tests.support.tiny import Place, wait_until

pytestmark = pytest.mark.slow
GRID = {"kind": "grid", "points": {"lr": 2, "dropout": [0.1]}, "epochs": 2, "keep": 1}
BEFORE_A_STEP = "    if args.steps_log:\n"
# As much as a process may have, in a group of the kernel's own or by its own limit.
LEAK = """
def leak(args, hp):
    if hp["lr"] > args.fail_above:
        if args.hang_flag:
            with open(args.hang_flag, "w") as group:
                group.write(str(os.getpid()))
        else:
            import resource
            used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
            resource.setrlimit(resource.RLIMIT_AS, (used + 2**28, used + 2**28))
        kept = []
        while True:
            kept.append(torch.ones(2**22))


def misbehave("""


def less_patience(folder: Path) -> dict[str, str]:
    """An environment in which an engine leaves its workers two seconds to stop, and not thirty."""
    (folder / "before").mkdir()
    (folder / "before" / "sitecustomize.py").write_text(
        "import sys\nif 'staycourse.supervise' in sys.orig_argv:\n"
        "    from staycourse.supervise import engine\n    engine._GRACE = 2.0\n"
    )
    return {"PYTHONPATH": str(folder / "before")}


def outcomes(place: Place) -> list[str]:
    return [outcome for (outcome,) in place.rows("SELECT outcome FROM trial ORDER BY rowid")]


def test_code_that_traps_sigterm_is_stopped_and_goes_on(place: Place, undisturbed: Result) -> None:
    """The first trial ignores it, the others have an answer of their own."""
    trap = """
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
    signal.signal(signal.SIGTERM, signal.SIG_IGN if hp["lr"] < 0.01 else lambda *_: print("not me"))
"""
    task = HEAVY.replace('    fail(args, "model", 0, 0, hp)\n', f'    fail(args, "model", 0, 0, hp){trap}')
    assert task != HEAVY
    with place.started("run", roadmap(place, task), "--no-ui") as view:
        wait_until(lambda: trains(place), 60, "a trial is on its way")
        (worker,) = place.rows("SELECT body ->> 'pid' FROM ledger WHERE kind = 'trial started'")[-1]
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(worker), signal.SIGTERM)
        os.kill(place.supervisor(), signal.SIGTERM)
        assert view.wait(60) == 75
    wait_until(lambda: not place.processes(), 20, "everybody is gone")
    assert {failure["failure"] for failure in failures(place)} <= {"interrupted"}
    assert place.run("resume", "--no-ui").returncode == 0
    assert result(place) == undisturbed


def test_code_that_does_not_come_back_from_a_step_is_killed_and_owed(
    place: Place, undisturbed: Result, tmp_path: Path
) -> None:
    flag = tmp_path / "blocks"
    place.more = less_patience(tmp_path)
    with place.started(
        "run", roadmap(place, args={"hang_at": 20, "hang_flag": str(flag)}), "--no-ui"
    ) as view:
        wait_until(flag.exists, 60, "the step has begun")
        os.kill(place.supervisor(), signal.SIGTERM)
        assert view.wait(60) == 75
    wait_until(lambda: not place.processes(), 20, "everybody is gone")
    assert [failure["failure"] for failure in failures(place)] == ["interrupted"]
    assert place.kinds()[-1] == "engine stopped"
    assert place.run("resume", "--no-ui").returncode == 0
    assert result(place) == undisturbed


def test_a_leak_that_meets_a_limit_is_out_of_memory(place: Place) -> None:
    task = HEAVY.replace(BEFORE_A_STEP, "    leak(args, hp)\n" + BEFORE_A_STEP)
    task = task.replace("\ndef misbehave(", LEAK)
    done = place.run("run", roadmap(place, task, phases=[GRID], args={"fail_above": 0.04}), "--no-ui")
    assert done.returncode == 0, done.stdout + done.stderr
    assert outcomes(place) == ["completed", "out of memory"]


def test_a_leak_that_the_kernel_ends_is_a_crash(place: Place, memory_group: Path) -> None:
    task = HEAVY.replace(BEFORE_A_STEP, "    leak(args, hp)\n" + BEFORE_A_STEP)
    task = task.replace("\ndef misbehave(", LEAK)
    args = {"fail_above": 0.04, "hang_flag": str(memory_group / "cgroup.procs")}
    path = roadmap(place, task, phases=[GRID], args=args, limits={"retries": 1})
    done = place.run("run", path, "--no-ui")
    assert done.returncode == 0, done.stdout + done.stderr
    assert outcomes(place) == ["completed", "crashed"]
    assert ["run out of memory" in failure["error"] for failure in failures(place)] == [True]


@pytest.fixture
def memory_group() -> Iterator[Path]:
    """A control group of 200 MB."""
    name = f"staycourse-test-{os.getpid()}"
    for top, limit in (("memory", "memory.limit_in_bytes"), (".", "memory.max")):
        folder = Path("/sys/fs/cgroup") / top / name
        with contextlib.suppress(OSError):
            folder.mkdir()
            try:
                (folder / limit).write_text(str(200 * 2**20))
                yield folder
                return
            finally:
                wait_until(lambda folder=folder: _is_removed(folder), 20, "the group is empty")
    pytest.skip("no control group for memory can be made here")


def _is_removed(folder: Path) -> bool:
    with contextlib.suppress(OSError):
        folder.rmdir()
    return not folder.exists()


def test_a_gigabyte_of_print_fills_no_disk(tmp_path: Path) -> None:
    task = HEAVY.replace(
        "        print(args.prints, flush=True)\n",
        "        for _ in range(64):\n            print(args.prints * 2**21)\n",
    )
    assert task != HEAVY
    with SmallDisk.mounted(tmp_path / "disk", megabytes=250) as disk:
        place = Place(disk.path)
        try:
            phases = [{"kind": "probe", "trials": 1, "epochs": 1}]
            path = roadmap(place, task, phases=phases, args={"prints": "x"})
            done = place.run("run", path, "--no-ui")
            assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
            assert outcomes(place) == ["completed"] and not failures(place)
            log = place.runs / "tiny-1" / "trials" / "t1" / "log.txt"
            assert log.stat().st_size <= 65 * 2**20
            with log.open() as file:
                assert "was cut here" in file.readline()
            assert not notes(place, "disk")
        finally:
            place.close()


def test_an_error_in_the_last_epoch_costs_one_attempt(
    place: Place, undisturbed: Result, tmp_path: Path
) -> None:
    once = {"fail_in": "loss", "fail_epoch": 4, "fail_flag": str(tmp_path / "failed")}
    done = place.run("run", roadmap(place, args=once), "--no-ui")
    assert done.returncode == 0, done.stdout + done.stderr
    assert result(place) == undisturbed
    assert [failure["failure"] for failure in failures(place)] == ["error"]


def test_an_error_in_each_last_epoch_is_faulty_and_the_phase_goes_on(place: Place) -> None:
    args = {"fail_in": "metrics", "fail_epoch": 2, "fail_above": 0.04}
    done = place.run("run", roadmap(place, phases=[GRID], args=args, space=SPACE), "--no-ui")
    assert done.returncode == 0, done.stdout + done.stderr
    assert outcomes(place) == ["completed", "faulty"]
    assert place.rows("SELECT epoch FROM trial WHERE outcome = 'faulty'") == [(1,)]
