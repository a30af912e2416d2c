"""The limits that control groups put on this process, versions 1 and 2 of the interface.

A limit may sit on the process's own group or on any group above it, so the whole path is read and the
tightest limit counts. In a container the path ends at the container's own group, which has the container's
limit. (Interface: the kernel's admin-guide/cgroup-v1 and admin-guide/cgroup-v2.)
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

# Version 1 says "no limit" with the largest multiple of the page size that fits 63 bits.
_UNLIMITED = 1 << 60


@dataclass(frozen=True)
class Cgroup:
    """The groups of one process, its own first. `unified`: of version 2, the others of version 1."""

    unified: tuple[Path, ...]
    cpu: tuple[Path, ...]
    memory: tuple[Path, ...]

    def cpu_quota(self) -> float | None:
        """CPUs' worth of time that may be used, such as 2.5; None without a limit."""
        quotas = [_quota(_words(group / "cpu.max")) for group in self.unified]
        for group in self.cpu:
            period = _words(group / "cpu.cfs_period_us")
            quotas.append(_quota(_words(group / "cpu.cfs_quota_us") + period))
        return min((quota for quota in quotas if quota is not None), default=None)

    def memory_limit(self) -> int | None:
        """Bytes of memory that may be used; None without a limit."""
        limits = [_number(limit) for _, limit in self._memory_files()]
        return min((limit for limit in limits if limit is not None and limit < _UNLIMITED), default=None)

    def memory_used(self) -> int | None:
        """Bytes held by the group with the tightest limit, without file cache that can be dropped at once."""
        pairs = ((_number(limit), usage) for usage, limit in self._memory_files())
        known = [(limit, usage) for limit, usage in pairs if limit is not None]
        if not known:
            return None
        usage = min(known, key=lambda pair: pair[0])[1]
        used = _number(usage)
        return None if used is None else max(0, used - _droppable(usage.parent / "memory.stat"))

    def _memory_files(self) -> Iterator[tuple[Path, Path]]:
        """Usage and limit files of each group."""
        for group in self.unified:
            yield group / "memory.current", group / "memory.max"
        for group in self.memory:
            yield group / "memory.usage_in_bytes", group / "memory.limit_in_bytes"


def find_cgroup(proc: Path = Path("/proc/self")) -> Cgroup:
    """The groups of the process whose folder under /proc is given; all empty where there are none."""
    paths = dict(_memberships(proc / "cgroup"))
    folders: dict[str, tuple[Path, ...]] = {}
    for controllers, root, mount in _mounts(proc / "mountinfo"):
        for controller in controllers & paths.keys():
            folders.setdefault(controller, tuple(_upwards(paths[controller], root, mount)))
    return Cgroup(folders.get("", ()), folders.get("cpu", ()), folders.get("memory", ()))


def _memberships(file: Path) -> Iterator[tuple[str, str]]:
    """Controller and group path; version 2's only hierarchy has the empty name."""
    for line in _lines(file):
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        for controller in controllers.split(","):
            yield controller, path


def _mounts(file: Path) -> Iterator[tuple[set[str], str, Path]]:
    """The controllers of each mounted hierarchy, the group that its top shows, and where it is mounted."""
    for line in _lines(file):
        left, _, right = line.partition(" - ")
        fields, tail = left.split(), right.split()
        if len(fields) < 5 or len(tail) < 3 or tail[0] not in {"cgroup", "cgroup2"}:
            continue
        controllers = {""} if tail[0] == "cgroup2" else set(tail[2].split(","))
        yield controllers, _unescaped(fields[3]), Path(_unescaped(fields[4]))


def _upwards(path: str, root: str, mount: Path) -> Iterator[Path]:
    """The folders of the group and of all above it that the mount shows, the group's own first."""
    group = PurePosixPath(path)
    inside = group.relative_to(root) if group.is_relative_to(root) else PurePosixPath()
    if ".." in inside.parts:  # the process was moved outside of what its namespace shows
        inside = PurePosixPath()
    yield from (mount / part for part in (inside, *inside.parents))


def _quota(words: list[str]) -> float | None:
    if len(words) != 2 or not all(word.isdigit() for word in words) or int(words[1]) == 0:
        return None
    return int(words[0]) / int(words[1])


def _droppable(stat: Path) -> int:
    fields = dict(line.split(" ", 1) for line in _lines(stat) if " " in line)
    value = fields.get("total_inactive_file", fields.get("inactive_file", "0"))
    return int(value) if value.isdigit() else 0


def _number(file: Path) -> int | None:
    words = _words(file)
    return int(words[0]) if words and words[0].isdigit() else None


def _words(file: Path) -> list[str]:
    return " ".join(_lines(file)).split()


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text("utf-8", "replace").splitlines()
    except OSError:
        return []


def _unescaped(text: str) -> str:
    """mountinfo writes blanks in paths as octal escapes."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), text)
