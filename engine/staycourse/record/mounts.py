"""Which file system a path lies on, whether other hosts share it, and whether they see a lock taken there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

_TABLE = Path("/proc/self/mounts")
_BEEGFS = "/etc/beegfs/beegfs-client.conf"

# Options that keep POSIX record locks on the host that takes them: nfs(5), mount.cifs(8), mount.lustre(8),
# gfs2(5).
_LOCAL = {
    "nfs": ("nolock", "local_lock=all", "local_lock=posix"),
    "nfs4": ("nolock", "local_lock=all", "local_lock=posix"),
    "cifs": ("nobrl",),
    "smb3": ("nobrl",),
    "lustre": ("localflock",),
    "gfs2": ("localflocks",),
}
# Their daemons are not told of locks, so that the kernel keeps them to itself.
_FUSE = ("sshfs", "s3fs", "gcsfuse", "rclone", "goofys", "blobfuse", "blobfuse2", "curlftpfs", "mount-s3")
# OpenAFS knows whole-file locks only.
_NEVER = ("afs", *(f"fuse.{name}" for name in _FUSE))
# Beginnings of their names, `fuse.` left out: several hosts, or a host and its virtual machines, have one
# file there, and no memory in common.
_NETWORK = (
    *("nfs", "cifs", "smb", "lustre", "gpfs", "beegfs", "ceph", "glusterfs", "afs", "9p", "virtiofs"),
    *("gfs2", "ocfs2", "orangefs", "pvfs2", "panfs", "wekafs", "mfs", "moosefs", "juicefs", *_FUSE),
)


@dataclass(frozen=True)
class Mount:
    """A mounted file system: where, of which kind, with which options."""

    point: str
    kind: str
    options: tuple[str, ...]


def mount_of(path: Path, table: str | None = None) -> Mount | None:
    """The mount on which a path lies, or would lie; `table` is the text of /proc/self/mounts. None if it
    cannot be read."""
    resolved = str(path.resolve())
    found = [mount for mount in parse(_read(_TABLE) if table is None else table) if _holds(mount, resolved)]
    # Of two on the same point, the later one hides the other.
    return max(enumerate(found), key=lambda each: (len(each[1].point), each[0]))[1] if found else None


def parse(table: str) -> list[Mount]:
    """The mounts of a table in the form of fstab(5)."""
    lines = (line.split(" ") for line in table.splitlines())
    return [Mount(_plain(line[1]), line[2], tuple(line[3].split(","))) for line in lines if len(line) >= 4]


def network_of(path: Path, table: str | None = None) -> Mount | None:
    """The mount on which a path lies, if that is a network file system; `table` as for `mount_of`."""
    mount = mount_of(path, table)
    is_shared = mount is not None and mount.kind.removeprefix("fuse.").startswith(_NETWORK)
    return mount if is_shared else None


def local_locks_only(mount: Mount) -> str:
    """Why a lock taken there is not seen on other hosts; empty where it is, or where there are none.

    Folders that a virtual machine shares with its host are no network here, but for 9p, whose servers grant
    every lock.
    """
    for option in _LOCAL.get(mount.kind, ()):
        if option in mount.options:
            return f"mount option {option}"
    if mount.kind == "9p" and not any(option.startswith("trans=fd") for option in mount.options):
        return "9p grants every lock"
    if mount.kind == "beegfs":
        return _of_beegfs(mount)
    return "it does not pass locks on" if mount.kind in _NEVER else ""


def _of_beegfs(mount: Mount) -> str:
    """It keeps locks to the host unless its client's settings say otherwise."""
    named = [option.partition("=")[2] for option in mount.options if option.startswith("cfgFile=")]
    settings = _read(Path(named[0] if named else _BEEGFS))
    is_global = re.search(r"^\s*tuneUseGlobalFileLocks\s*=\s*(true|1|yes|on)\s*$", settings, re.M)
    return "" if is_global else "tuneUseGlobalFileLocks is not set in its client's settings"


def _holds(mount: Mount, path: str) -> bool:
    return path == mount.point or path.startswith(mount.point.rstrip("/") + "/")


def _plain(point: str) -> str:
    r"""Blanks and the like stand as \040 in the table."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), point)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return ""
