"""Two runs do not share a GPU: the second waits, says for whom, and takes another that is free. The lock is
the machine's own; the GPUs are those of the tests' driver library."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import stat
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.fake_nvml import FakeGpu, build, configure, environment
from tests.support.run_folder import ROOT, python
from tests.support.tiny import Place, wait_until, write_roadmap

from staycourse.hardware.gpus import Gpu
from staycourse.supervise.gpu_lock import FOLDERS, GpuLocks, lock_file

HOLD = """
import json, os, sys
from pathlib import Path
from staycourse.hardware.gpus import Gpu
from staycourse.supervise.gpu_lock import GpuLocks
if len(sys.argv) > 3:
    os.setgid(int(sys.argv[3]))
    os.setuid(int(sys.argv[3]))
folders = [Path(word) for word in json.loads(sys.argv[2])]
locks = GpuLocks("digits-2", print, folders)
print(locks.take(Gpu(0, sys.argv[1], "H100", 0)), flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that all may write to, as /run/lock is."""
    (tmp_path / "lock").mkdir()
    (tmp_path / "lock").chmod(0o1777)
    return tmp_path / "lock"


@pytest.fixture
def gpus() -> Iterator[list[Gpu]]:
    """Two GPUs that no other machine has, so that their locks are this test's own."""
    found = [Gpu(index, f"GPU-{uuid.uuid4()}", "NVIDIA H100 80GB HBM3", 0) for index in range(2)]
    yield found
    for gpu in found:
        lock_file(FOLDERS, gpu).unlink(missing_ok=True)


@pytest.fixture
def driver(tmp_path_factory: pytest.TempPathFactory, gpus: list[Gpu]) -> Path:
    library = build(tmp_path_factory.mktemp("nvml"))
    configure(library, gpus=[FakeGpu(uuid=gpu.uuid) for gpu in gpus])
    return library


def holder(gpu: Gpu, *folders: Path) -> subprocess.Popen[str]:
    """Another run's process that has the GPU until it is killed."""
    child = python(HOLD, gpu.uuid, json.dumps([str(folder) for folder in folders]))
    assert child.stdout is not None and child.stdout.readline() == "None\n"
    return child


def ends(child: subprocess.Popen[str]) -> None:
    child.send_signal(signal.SIGKILL)
    child.communicate()


def locks(folder: Path, said: list[str]) -> GpuLocks:
    return GpuLocks("digits-1", said.append, [folder])


def test_a_gpu_is_had_by_one_run_and_named_to_the_other(folder: Path, gpus: list[Gpu]) -> None:
    said: list[str] = []
    ours, other = locks(folder, said), holder(gpus[0], folder)
    taken = ours.take(gpus[0])
    assert taken and taken.startswith(f"run digits-2 (process {other.pid}, user ")
    assert ours.take(gpus[1]) is None  # each GPU is had on its own
    ends(other)
    assert ours.take(gpus[0]) is None and ours.take(gpus[0]) is None
    assert not said


def test_a_gpu_given_back_can_be_had_by_others(folder: Path, gpus: list[Gpu]) -> None:
    ours = locks(folder, [])
    assert ours.take(gpus[0]) is None and ours.take(gpus[1]) is None
    ours.give_back(gpus[0])
    ends(holder(gpus[0], folder))
    ours.close()
    ends(holder(gpus[1], folder))


def test_every_user_may_lock_it_whatever_the_umask(folder: Path, gpus: list[Gpu]) -> None:
    before = os.umask(0o077)
    try:
        locks(folder, []).take(gpus[0])
    finally:
        os.umask(before)
    (file,) = folder.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o666


def test_a_file_of_another_user_is_locked_as_well(folder: Path, gpus: list[Gpu]) -> None:
    """Where the kernel protects files in such folders it may not even be opened for making (O_CREAT)."""
    if os.getuid() != 0:
        pytest.skip("needs a second user")
    file = lock_file([folder], gpus[0])
    file.touch()
    file.chmod(0o644)  # so that the lock has to do without writing
    os.chown(file, 65534, 65534)
    for parent in (one for one in folder.parents if one.stat().st_uid == os.getuid() and one != one.parent):
        parent.chmod(parent.stat().st_mode | 0o011)
    other = python(HOLD, gpus[0].uuid, json.dumps([str(folder)]), 65533)
    assert other.stdout is not None and other.stdout.readline() == "None\n"
    assert locks(folder, []).take(gpus[0]) == "another run has it"
    ends(other)


@pytest.mark.parametrize("odd", ["link", "folder", "pipe"])
def test_what_is_no_lock_file_is_told_once_and_left_alone(folder: Path, gpus: list[Gpu], odd: str) -> None:
    path, said = lock_file([folder], gpus[0]), []
    victim = folder / "victim"
    victim.write_text("not ours")
    {"link": lambda: path.symlink_to(victim), "folder": path.mkdir, "pipe": lambda: os.mkfifo(path)}[odd]()
    ours = locks(folder, said)
    for _ in range(2):
        assert ours.take(gpus[0]) is None
        ours.give_back(gpus[0])
    assert len(said) == 1 and str(path) in said[0] and "used all the same" in said[0]
    assert victim.read_text() == "not ours"


@pytest.mark.parametrize("text", ["", "4711", "{}", '{"run": "\\u001b[31m\\u202e", "pid": "x", "user": 1}'])
def test_anything_may_stand_in_the_file(folder: Path, gpus: list[Gpu], text: str) -> None:
    path = lock_file([folder], gpus[0])
    path.write_text(text)
    with path.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert locks(folder, []).take(gpus[0]) == "another run has it"


def test_a_removed_file_is_nobodys_lock(folder: Path, gpus: list[Gpu]) -> None:
    other = holder(gpus[0], folder)
    lock_file([folder], gpus[0]).unlink()
    assert locks(folder, []).take(gpus[0]) is None
    ends(other)


def test_a_folder_that_is_not_for_all_is_passed_over(tmp_path: Path, folder: Path, gpus: list[Gpu]) -> None:
    (tmp_path / "own").mkdir(mode=0o755)
    assert lock_file([tmp_path / "own", tmp_path / "none", folder], gpus[0]).parent == folder
    said: list[str] = []
    assert locks(tmp_path / "own", said).take(gpus[0]) is None
    assert len(said) == 1 and str(tmp_path / "own") in said[0]


ATTEMPTS = """
import os, select, sys, time
from pathlib import Path
from tests.support.run_folder import planned, sealed_run
from staycourse.core.roadmap import parse
from staycourse.hardware.gpus import open_nvml
from staycourse.supervise.attempts import Attempts
from staycourse.supervise.options import Options
from staycourse.supervise.slots import make_slots
from staycourse.supervise.spawner import Spawner

nvml = open_nvml()
slots = make_slots(Options(), "auto", nvml, os.environ)
paths, store = sealed_run(Path(sys.argv[1]))
store.append(planned("t1"))
spawner = Spawner(paths.log, paths.root)
attempts = Attempts(parse(paths.roadmap.read_text()), store, spawner, slots, nvml)

def turn():
    attempts.fill()
    if spawner.is_alive:
        select.select([spawner], [], [], 0.1)
    spawner.receive()

attempts.fill()
print("running", *attempts.running, flush=True)
while not (pids := attempts.pids()):
    turn()
links = [os.readlink(f"/proc/{pids[0]}/fd/{fd}") for fd in os.listdir(f"/proc/{pids[0]}/fd")]
print("inherited", *[link for link in links if "staycourse-GPU" in link], flush=True)
store.append(planned("t2"))
turn()
print("notes", *store.state.notes, sep="|", flush=True)
sys.stdin.readline()
while len(attempts.running) < 2:
    turn()
print("notes", *store.state.notes, sep="|", flush=True)
spawner.close()
"""


@pytest.mark.slow
def test_whichever_gpu_is_free_is_used_and_the_other_waited_for(
    driver: Path, gpus: list[Gpu], tmp_path: Path
) -> None:
    other = holder(gpus[0], *FOLDERS)
    path = os.pathsep.join([str(ROOT / "engine"), str(ROOT)])
    command = [sys.executable, "-c", ATTEMPTS, str(tmp_path / "digits-1")]
    with subprocess.Popen(
        command, stdin=-1, stdout=-1, text=True, env=environment(driver, PYTHONPATH=path)
    ) as run:
        assert run.stdin and run.stdout
        assert run.stdout.readline() == "running gpu1\n"
        assert run.stdout.readline() == "inherited\n"
        waited = run.stdout.readline().strip()
        assert waited.startswith(f"notes|waiting for gpu0: run digits-2 (process {other.pid}, user ")
        ends(other)
        run.stdin.write("\n")
        run.stdin.flush()
        assert run.stdout.readline().strip() == f"{waited}|gpu0 is free"


@pytest.mark.slow
def test_a_second_run_waits_for_the_first_and_takes_over(
    driver: Path, gpus: list[Gpu], tmp_path: Path
) -> None:
    place = Place(tmp_path)
    place.more = {
        "LD_LIBRARY_PATH": environment(driver)["LD_LIBRARY_PATH"],
        "CUDA_VISIBLE_DEVICES": "0",
    }
    path = write_roadmap(place.folder, phases=[{"kind": "probe", "trials": 4, "epochs": 1}])
    file = lock_file(FOLDERS, gpus[0])
    try:
        with place.started("run", path, "--no-ui"):
            wait_until(lambda: file.exists() and "tiny-1" in file.read_text(), 120, "the first has it")
            first = place.supervisor()
            os.kill(first, signal.SIGSTOP)  # else it would soon give up: there is no GPU behind this driver
            with place.started("run", path, "--no-ui"):
                wait_until(lambda: notes(place, "tiny-2"), 120, "the second run waits")
                (waits,) = notes(place, "tiny-2")
                assert waits.startswith(f"waiting for gpu0: run tiny-1 (process {first}, user ")
                assert "trial started" not in place.kinds("tiny-2")
                os.kill(first, signal.SIGKILL)
                wait_until(lambda: "trial started" in place.kinds("tiny-2"), 60, "the second run trains")
                assert notes(place, "tiny-2")[1] == "gpu0 is free"
    finally:
        place.close()


def notes(place: Place, run: str) -> list[str]:
    found = place.rows("SELECT json_extract(body, '$.text') FROM ledger WHERE kind = 'noted'", run)
    return [text for (text,) in found]
