"""CPUs and memory that a process may use: affinity, control groups, --cpus."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from staycourse.core.problems import UserError
from staycourse.hardware.cgroup import Cgroup, find_cgroup
from staycourse.hardware.cpus import CpusError, allowed_cpus, as_ranges, memory_total, usable_cpus

ROOT = Path(__file__).parents[2]
NO_LIMIT = Cgroup((), (), ())
ALLOWED = sorted(os.sched_getaffinity(0))


@pytest.fixture
def limited(tmp_path: Path) -> Iterator[Path]:
    """A real control group of ours; skipped where this user may not make one."""
    group = find_cgroup()
    parent = (group.cpu or group.unified or (tmp_path / "none",))[-1]
    made = parent / f"staycourse-test-{os.getpid()}"
    try:
        made.mkdir()
        if group.cpu:
            (made / "cpu.cfs_quota_us").write_text("150000")
            (made / "cpu.cfs_period_us").write_text("100000")
        else:
            (made / "cpu.max").write_text("150000 100000")
    except OSError as error:
        pytest.skip(f"no control group can be made here: {error}")
    yield made
    made.rmdir()


def version_2(folder: Path, path: str, root: str = "/") -> Path:
    """A process in a group of a version 2 hierarchy, with that hierarchy laid out under `folder`."""
    proc = folder / "proc"
    proc.mkdir()
    (proc / "cgroup").write_text(f"0::{path}\n")
    mount = str(folder / "cgroup").replace(" ", "\\040")
    (proc / "mountinfo").write_text(
        "22 1 0:21 / /proc rw shared:5 - proc proc rw\n"
        f"30 23 0:26 {root} {mount} rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n"
    )
    return proc


def write(folder: Path, **files: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text + "\n")


def test_the_tightest_limit_on_the_way_up_counts(tmp_path: Path) -> None:
    folder = tmp_path / "with blank"
    folder.mkdir()
    proc = version_2(folder, "/user.slice/job")
    write(folder / "cgroup/user.slice", cpu__max="250000 100000", memory__max="4096")
    write(folder / "cgroup/user.slice/job", cpu__max="max 100000", memory__max="8192")
    group = find_cgroup(proc)
    assert group.cpu_quota() == 2.5
    assert group.memory_limit() == 4096


def test_no_limit_is_none(tmp_path: Path) -> None:
    proc = version_2(tmp_path, "/job")
    write(tmp_path / "cgroup/job", cpu__max="max 100000", memory__max="max", memory__current="12345")
    group = find_cgroup(proc)
    assert (group.cpu_quota(), group.memory_limit(), group.memory_used()) == (None, None, None)


def test_memory_in_use_is_without_cache_that_can_be_dropped(tmp_path: Path) -> None:
    proc = version_2(tmp_path, "/job")
    write(
        tmp_path / "cgroup/job",
        memory__max="1000000",
        memory__current="700000",
        memory__stat="anon 300000\ninactive_file 150000\nactive_file 250000",
    )
    assert find_cgroup(proc).memory_used() == 550000


@pytest.mark.parametrize("path", ["/docker/abc", "/docker/abc/job", "/", "/../other"])
def test_in_a_container_the_mount_shows_its_own_part_only(tmp_path: Path, path: str) -> None:
    proc = version_2(tmp_path, path, root="/docker/abc")
    write(tmp_path / "cgroup", cpu__max="50000 100000")
    write(tmp_path / "cgroup/job")
    assert find_cgroup(proc).cpu_quota() == 0.5


def test_version_1_and_a_mixture_of_both(tmp_path: Path) -> None:
    proc = tmp_path / "proc"
    mount = tmp_path / "cgroup"
    write(proc, cgroup="7:cpu,cpuacct:/job\n4:memory:/job\n1:name=systemd:/\n0::/")
    lines = [f"33 32 0:29 / {mount}/cpu rw - cgroup cgroup rw,cpu,cpuacct"]
    lines += [f"34 32 0:30 / {mount}/memory rw - cgroup cgroup rw,memory"]
    lines += [f"35 32 0:31 / {mount}/unified rw - cgroup2 cgroup2 rw"]
    write(proc, mountinfo="\n".join(lines))
    write(mount / "cpu", cpu__cfs_quota_us="-1", cpu__cfs_period_us="100000")
    write(mount / "cpu/job", cpu__cfs_quota_us="400000", cpu__cfs_period_us="100000")
    write(mount / "memory", memory__limit_in_bytes="9223372036854771712")
    write(mount / "memory/job", memory__limit_in_bytes="5000", memory__usage_in_bytes="3000")
    write(mount / "memory/job", memory__stat="inactive_file 10\ntotal_inactive_file 1000")
    group = find_cgroup(proc)
    assert (group.cpu_quota(), group.memory_limit(), group.memory_used()) == (4.0, 5000, 2000)


@pytest.mark.parametrize("text", ["", "x", "100000", "-5 100000", "100000 0"])
def test_files_that_make_no_sense_are_no_limit(tmp_path: Path, text: str) -> None:
    proc = version_2(tmp_path, "/")
    write(tmp_path / "cgroup", cpu__max=text, memory__max=text)
    assert find_cgroup(proc).cpu_quota() is None


def test_no_control_groups_at_all(tmp_path: Path) -> None:
    assert find_cgroup(tmp_path / "absent") == NO_LIMIT
    assert memory_total(NO_LIMIT) == psutil.virtual_memory().total
    assert usable_cpus(None, NO_LIMIT) == ALLOWED


def test_a_quota_lowers_how_many_cpus_there_are(tmp_path: Path) -> None:
    proc = version_2(tmp_path, "/")
    write(tmp_path / "cgroup", cpu__max="190000 100000", memory__max="1000000")
    group = find_cgroup(proc)
    assert usable_cpus(None, group) == ALLOWED[:1]
    assert memory_total(group) == 1000000
    write(tmp_path / "cgroup", cpu__max="10000 100000")
    assert len(usable_cpus(None, group)) == 1


@pytest.mark.skipif(len(ALLOWED) < 2, reason="with one CPU a quota cannot lower anything")
def test_the_message_says_that_a_quota_is_the_reason(tmp_path: Path) -> None:
    proc = version_2(tmp_path, "/")
    write(tmp_path / "cgroup", cpu__max="150000 100000")
    with pytest.raises(CpusError, match=r"allows 1\.5 CPUs' time\); right would be 1 to 1"):
        usable_cpus("2", find_cgroup(proc))


def test_a_real_quota_and_a_real_affinity_are_found(limited: Path) -> None:
    script = f"""
import json, os
from pathlib import Path
Path({str(limited / "cgroup.procs")!r}).write_text(str(os.getpid()))
os.sched_setaffinity(0, {{{ALLOWED[-1]}}})
from staycourse.hardware.cgroup import find_cgroup
from staycourse.hardware.cpus import usable_cpus
print(json.dumps([find_cgroup().cpu_quota(), usable_cpus()]))
"""
    environ = os.environ | {"PYTHONPATH": str(ROOT / "engine")}
    done = subprocess.run([sys.executable, "-c", script], env=environ, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [1.5, [ALLOWED[-1]]]


def test_cpus_as_a_number_and_as_a_list() -> None:
    first, last = ALLOWED[0], ALLOWED[-1]
    assert usable_cpus("1", NO_LIMIT) == ALLOWED[:1]
    assert usable_cpus(f" {len(ALLOWED)} ", NO_LIMIT) == ALLOWED
    assert usable_cpus(f"{last}-{last}", NO_LIMIT) == [last]
    assert usable_cpus(f"{last}, {first}", NO_LIMIT) == sorted({first, last})


@pytest.mark.parametrize(
    ("option", "wrong"),
    [
        ("", "'' is no CPU or range of CPUs"),
        ("two", "'two' is no CPU or range of CPUs"),
        ("0-", "'0-' is no CPU or range of CPUs"),
        ("3-1", "'3-1' is no CPU or range of CPUs"),
        ("0,,1", "'' is no CPU or range of CPUs"),
        ("0-999999999", "'0-999999999' is no CPU or range of CPUs"),
        ("-1", "'-1' is no CPU or range of CPUs"),
        ("0", "right would be 1 to"),
        ("99999", "right would be 1 to"),
        ("8000-8001", "not 8000-8001"),
    ],
)
def test_a_bad_cpus_option_says_what_is_wrong(option: str, wrong: str) -> None:
    with pytest.raises(CpusError) as caught:
        usable_cpus(option, NO_LIMIT)
    assert str(caught.value).startswith(f"--cpus {option}: ")
    assert wrong in str(caught.value)
    assert "right would be" in str(caught.value)
    assert isinstance(caught.value, UserError)


def test_lists_are_written_short() -> None:
    assert as_ranges([0, 1, 2, 3, 8, 10, 11]) == "0-3,8,10-11"
    assert as_ranges([5]) == "5"
    assert as_ranges([]) == ""


def test_what_the_scheduler_allows() -> None:
    assert allowed_cpus() == ALLOWED
