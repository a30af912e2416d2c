"""Who else is on a GPU: real processes, listed by a stand-in for the driver."""

from __future__ import annotations

import getpass
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support import fake_nvml
from tests.support.fake_nvml import GIB, FakeGpu, FakeProcess

from staycourse.hardware.gpus import Gpu, NvmlUnavailable, Occupant, describe_wait, occupants

Found = Callable[..., list[dict[str, Any]]]
HIDDEN = {"pid": 0, "user": "", "command": ""}


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "300"]) as process:
        yield process
        process.kill()


@pytest.fixture
def dead_pid() -> int:
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


@pytest.fixture
def found(driver: Path, in_process: Callable[..., Any]) -> Found:
    """What `occupants` makes of one GPU's processes and the memory held beside them."""

    def run(processes: Any, own: Any = (), used: int | None = None, **options: Any) -> list[dict[str, Any]]:
        held = sum(process.memory or 0 for process in processes or ())
        gpu = FakeGpu(processes=processes, memory_used=held if used is None else used)
        fake_nvml.configure(driver, [gpu])
        script = f"show([vars(o) for o in occupants(nvml, visible_gpus(nvml, {{}})[0], {list(own)})])"
        return list(in_process(script, driver, **options))

    return run


def test_an_idle_gpu_has_no_occupant(found: Found) -> None:
    assert found([]) == []


def test_a_foreign_process_is_named_and_ours_is_not(found: Found, sleeper: subprocess.Popen[bytes]) -> None:
    processes = [FakeProcess(sleeper.pid, 30 * GIB), FakeProcess(os.getpid(), 2 * GIB)]
    foreign = {"pid": sleeper.pid, "user": getpass.getuser(), "command": "sleep", "memory_bytes": 30 * GIB}
    assert found(processes, own=[os.getpid()]) == [foreign]
    assert found(processes, own=[os.getpid(), sleeper.pid]) == []


def test_those_with_most_memory_come_first(found: Found, sleeper: subprocess.Popen[bytes]) -> None:
    processes = [FakeProcess(sleeper.pid, 1 * GIB), FakeProcess(os.getpid(), 2 * GIB)]
    assert [each["pid"] for each in found(processes)] == [os.getpid(), sleeper.pid]


def test_memory_that_the_driver_cannot_tell_is_unknown(
    found: Found, sleeper: subprocess.Popen[bytes]
) -> None:
    [occupant] = found([FakeProcess(sleeper.pid, None)], used=10 * GIB)
    assert (occupant["pid"], occupant["memory_bytes"]) == (sleeper.pid, None)


def test_a_process_that_has_just_ended_is_no_occupant(found: Found, dead_pid: int) -> None:
    assert found([FakeProcess(dead_pid, GIB // 2)]) == []


def test_but_memory_that_it_still_holds_is_waited_for(found: Found, dead_pid: int) -> None:
    assert found([FakeProcess(dead_pid, 9 * GIB)]) == [HIDDEN | {"memory_bytes": 9 * GIB}]
    assert found([FakeProcess(dead_pid, 9 * GIB)], own=[dead_pid]) == []


def test_a_desktop_is_no_occupant_but_a_big_drawing_program_is(
    found: Found, sleeper: subprocess.Popen[bytes]
) -> None:
    assert found([FakeProcess(sleeper.pid, GIB, graphics=True)]) == []
    [game] = found([FakeProcess(sleeper.pid, 6 * GIB, graphics=True)])
    assert game["pid"] == sleeper.pid


def test_a_program_that_draws_and_computes_counts_once(
    found: Found, sleeper: subprocess.Popen[bytes]
) -> None:
    both = [FakeProcess(sleeper.pid, GIB, graphics=True), FakeProcess(sleeper.pid, GIB)]
    assert [each["pid"] for each in found(both)] == [sleeper.pid]


@pytest.mark.parametrize("listed", [[], None])
def test_much_memory_without_a_visible_process_is_somebody(found: Found, listed: Any) -> None:
    assert found(listed, used=20 * GIB) == [HIDDEN | {"memory_bytes": 20 * GIB}]
    assert found(listed, used=GIB // 4) == []


def test_hidden_memory_may_be_ours_where_the_driver_does_not_list_us(found: Found) -> None:
    assert found(None, own=[os.getpid()], used=20 * GIB) == []


def test_hidden_memory_is_seen_beside_our_own_process(found: Found) -> None:
    ours = FakeProcess(os.getpid(), 2 * GIB)
    assert found([ours], own=[os.getpid()], used=2 * GIB + 1000) == []
    assert found([ours], own=[os.getpid()], used=20 * GIB) == [HIDDEN | {"memory_bytes": 18 * GIB}]


def test_nvidias_own_service_is_no_occupant(found: Found, tmp_path: Path) -> None:
    program = tmp_path / "nvidia-cuda-mps-server"
    shutil.copy("/bin/sleep", program)
    with subprocess.Popen([program, "300"]) as service:
        try:
            assert found([FakeProcess(service.pid, GIB // 32)]) == []
        finally:
            service.kill()


def test_a_process_name_cannot_reach_the_terminal(found: Found, tmp_path: Path) -> None:
    program = tmp_path / "x\x1b[2Jy"
    shutil.copy("/bin/sleep", program)
    with subprocess.Popen([program, "300"]) as process:
        try:
            [occupant] = found([FakeProcess(process.pid, GIB)])
        finally:
            process.kill()
    assert occupant["command"] == "xy"


def test_in_a_container_as_many_as_we_have_alive_are_ours(found: Found) -> None:
    """The driver lists the host's process ids there, which mean nothing inside."""
    if subprocess.run(["unshare", "--pid", "--fork", "--mount-proc", "true"], capture_output=True).returncode:
        pytest.skip("this user may not make process namespaces")
    inside = ["unshare", "--pid", "--fork", "--mount-proc"]
    host = [FakeProcess(400_001, 9 * GIB), FakeProcess(400_002, 3 * GIB)]
    assert [each["pid"] for each in found(host, before=inside)] == [400_001, 400_002]
    [other] = found(host, own=[1], before=inside)  # process 1 is the script itself there
    assert (other["pid"], other["command"]) == (400_002, "a process outside this container")
    assert found(host[:1], own=[1], before=inside) == []


def test_without_a_driver_or_with_a_lost_gpu_nobody_is_on_it(
    driver: Path, in_process: Callable[..., Any]
) -> None:
    gpu = Gpu(0, "GPU-1", "NVIDIA H100", 80 * GIB)
    assert occupants(NvmlUnavailable("none"), gpu, []) == []
    script = """
        gpu = visible_gpus(nvml, {})[0]
        configure(driver, [FakeGpu(lost=True)])
        show([occupants(nvml, gpu, []), is_lost(nvml, gpu)])
    """
    assert in_process(script, driver) == [[], True]


def test_another_users_process_is_named_as_far_as_it_can_be_seen(found: Found) -> None:
    if os.getuid() != 0:
        pytest.skip("only root can start a process of another user")
    with subprocess.Popen(["sleep", "300"], user=65534) as process:
        try:
            [occupant] = found([FakeProcess(process.pid, GIB)])
        finally:
            process.kill()
    assert occupant["command"] == "sleep"
    assert occupant["user"] not in {"", getpass.getuser()}


def test_the_sentence_names_everyone() -> None:
    gpu = Gpu(0, "GPU-1", "NVIDIA H100", 80 * GIB)
    ann = Occupant(123, "ann", "python", int(30.1 * GIB))
    assert describe_wait(gpu, [ann]) == (
        "GPU 0 (NVIDIA H100) is in use by python (pid 123, user ann, 30.1 GiB)"
    )
    hidden = Occupant(0, "", "", 20 * GIB)
    assert describe_wait(gpu, [ann, hidden]).endswith(
        "30.1 GiB); a process that is not visible from here (20.0 GiB)"
    )
    assert describe_wait(gpu, [Occupant(5, "", "", None)]).endswith("in use by a process (pid 5)")
