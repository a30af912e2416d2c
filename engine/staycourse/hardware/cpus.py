"""The CPUs and the memory that this process may use: affinity, control groups and the option `--cpus`."""

from __future__ import annotations

import os
import re

import psutil

from staycourse.core.problems import UserError
from staycourse.hardware.cgroup import Cgroup, find_cgroup

# More than Linux itself can number (CONFIG_NR_CPUS); keeps a slip such as 0-99999999 from filling memory.
_MOST_CPUS = 8192


class CpusError(UserError):
    """`--cpus` asks for CPUs that this process may not use, or is not a CPU list."""


def allowed_cpus() -> list[int]:
    """The CPUs that the scheduler may put this process on, ascending (taskset, cpusets)."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def usable_cpus(option: str | None = None, cgroup: Cgroup | None = None) -> list[int]:
    """The CPUs to plan for, ascending and never empty.

    `option` is `--cpus`: None for all that are allowed; a number ("4") for so many of them; a list ("0-3,8",
    with at least one dash or comma) for exactly these. A control group's time quota lowers how many there
    are, rounded down, but not which: with a quota only the length of the answer means anything, so pin
    processes to CPUs only where the user listed them. Raises CpusError, saying what would be right.
    """
    allowed = allowed_cpus()
    quota = (cgroup or find_cgroup()).cpu_quota()
    most = len(allowed) if quota is None else max(1, min(len(allowed), int(quota)))
    if option is None:
        return allowed[:most]
    text = option.strip()
    if re.fullmatch(r"\d{1,9}", text, re.ASCII):
        if not 1 <= int(text) <= most:
            limit = f" (a control group allows {quota:g} CPUs' time)" if most < len(allowed) else ""
            raise CpusError(f"--cpus {text}: {_may_use(allowed)}{limit}; right would be 1 to {most}")
        return allowed[: int(text)]
    return _listed(text, allowed)


def memory_total(cgroup: Cgroup | None = None) -> int:
    """Bytes of memory that this process may use: the machine's, or less where a control group says so."""
    total = int(psutil.virtual_memory().total)
    limit = (cgroup or find_cgroup()).memory_limit()
    return total if limit is None else min(total, limit)


def as_ranges(cpus: list[int]) -> str:
    """An ascending list in the short form: `0-3,8`."""
    parts: list[str] = []
    start = 0
    for end in range(1, len(cpus) + 1):
        if end == len(cpus) or cpus[end] != cpus[end - 1] + 1:
            first, last = cpus[start], cpus[end - 1]
            parts.append(str(first) if first == last else f"{first}-{last}")
            start = end
    return ",".join(parts)


def _listed(text: str, allowed: list[int]) -> list[int]:
    chosen: set[int] = set()
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d{1,9})\s*(?:-\s*(\d{1,9})\s*)?", part, re.ASCII)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, -1)
        if not first <= last < _MOST_CPUS:
            raise CpusError(f"--cpus {text}: '{part}' is no CPU or range of CPUs; {_example(allowed)}")
        chosen.update(range(first, last + 1))
    if missing := sorted(chosen.difference(allowed)):
        raise CpusError(
            f"--cpus {text}: {_may_use(allowed)}, not {as_ranges(missing)}; {_example(allowed)}",
        )
    return sorted(chosen)


def _may_use(allowed: list[int]) -> str:
    return f"this process may use CPUs {as_ranges(allowed)}"


def _example(allowed: list[int]) -> str:
    ranges = as_ranges(allowed)
    shown = ranges if "-" in ranges or "," in ranges else f"{ranges}-{ranges}"
    return f"right would be a number, or a list such as {shown}"
