"""Real small file systems, mounted for a test: one that can be filled, one that can be made read-only."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest


def mount(*words: object) -> None:
    """mount(8); the test is skipped where that is not permitted."""
    done = subprocess.run(["mount", *map(str, words)], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"mounting is not permitted here: {done.stderr.strip()}")


def unmount(path: Path) -> None:
    subprocess.run(["umount", "--lazy", str(path)], check=False)


@dataclass
class SmallDisk:
    """A file system in memory. `fill` leaves a number of bytes free, `clear` takes the ballast away."""

    path: Path

    @classmethod
    @contextlib.contextmanager
    def mounted(cls, path: Path, megabytes: float) -> Iterator[SmallDisk]:
        path.mkdir(parents=True, exist_ok=True)
        mount("-t", "tmpfs", "-o", f"size={int(megabytes * 1024)}k", "staycourse-test", path)
        try:
            yield cls(path)
        finally:
            unmount(path)

    def resize(self, megabytes: float) -> None:
        mount("-o", f"remount,size={int(megabytes * 1024)}k", self.path)

    @property
    def free(self) -> int:
        facts = os.statvfs(self.path)
        return facts.f_bavail * facts.f_frsize

    def fill(self, leaving: int = 0) -> None:
        """Take the room, in ever smaller pieces: one that no longer fits would be given back as a whole."""
        with (self.path / "ballast").open("ab", buffering=0) as file:
            for size in (1 << 20, 1 << 16, 1 << 12):
                with contextlib.suppress(OSError):
                    while self.free - leaving >= size:
                        file.write(bytes(size))

    def clear(self) -> None:
        (self.path / "ballast").unlink()
