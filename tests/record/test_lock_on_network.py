"""The run's lock where files are shared between hosts: held for all of them, or refused with a reason."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.run_folder import ROOT
from tests.support.tiny import Place, wait_until, write_roadmap

from staycourse.record.lock import Holder, RunIsTaken, RunLock, holder_of, is_held
from staycourse.record.mounts import local_locks_only, mount_of, network_of, parse

NOTES = "SELECT body FROM ledger WHERE kind = 'noted'"
TABLE = """\
/dev/vda / ext4 rw,relatime 0 0
srv:/home /home nfs4 rw,vers=4.2,local_lock=none,addr=10.0.0.1 0 0
srv:/old /old nfs rw,vers=3,nolock,local_lock=all,addr=10.0.0.1 0 0
srv:/flock /flock nfs rw,vers=3,local_lock=flock 0 0
srv:/posix /posix nfs rw,vers=3,local_lock=posix 0 0
//win/share /share cifs rw,vers=3.1.1,nobrl 0 0
//win/locks /locks cifs rw,vers=3.1.1 0 0
anna@srv: /ssh fuse.sshfs rw,user_id=1000 0 0
mds@tcp:/l /lustre lustre rw,flock 0 0
mds@tcp:/l /lustre/local lustre rw,localflock 0 0
shared /vm 9p rw,trans=virtio,version=9p2000.L 0 0
drvfs /mnt/c 9p rw,aname=drvfs,trans=fd,rfd=4,wfd=4 0 0
beegfs_nodev /beegfs beegfs rw,cfgFile=/nowhere/beegfs.conf 0 0
srv:/with\\040blank /with\\040blank nfs rw,nolock 0 0
tmpfs /old/inner tmpfs rw 0 0
"""


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("/", ""),
        ("/home/anna/runs", ""),
        ("/old/runs", "mount option nolock"),
        ("/old/inner/runs", ""),
        ("/older", ""),
        ("/flock", ""),
        ("/posix", "mount option local_lock=posix"),
        ("/share/runs", "mount option nobrl"),
        ("/locks/runs", ""),
        ("/ssh/runs", "it does not pass locks on"),
        ("/lustre/runs", ""),
        ("/lustre/local/runs", "mount option localflock"),
        ("/vm/runs", "9p grants every lock"),
        ("/mnt/c/runs", ""),
        ("/beegfs/runs", "tuneUseGlobalFileLocks is not set in its client's settings"),
        ("/with blank/runs", "mount option nolock"),
    ],
)
def test_mounts_that_keep_locks_to_themselves_are_known(path: str, why: str) -> None:
    mount = mount_of(Path(path), TABLE)
    assert mount is not None and local_locks_only(mount) == why


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", None),
        ("/home/anna/runs", "nfs4"),
        ("/old/inner/runs", None),
        ("/share", "cifs"),
        ("/ssh/runs", "fuse.sshfs"),
        ("/gluster/runs", "fuse.glusterfs"),
        ("/fuse/runs", None),
        ("/vm/runs", "9p"),
    ],
)
def test_network_file_systems_are_known(path: str, kind: str | None) -> None:
    more = "vol /gluster fuse.glusterfs rw 0 0\nntfs /fuse fuseblk rw 0 0\n"
    mount = network_of(Path(path), TABLE + more)
    assert (mount.kind if mount else None) == kind


def test_a_later_mount_on_the_same_point_counts() -> None:
    twice = "a /runs nfs rw,nolock 0 0\nb /runs ext4 rw 0 0\n"
    mount = mount_of(Path("/runs/digits-1"), twice)
    assert mount is not None and mount.kind == "ext4"


@pytest.mark.parametrize(("setting", "is_right"), [("true", True), ("false", False)])
def test_beegfs_is_believed_by_its_own_settings(tmp_path: Path, setting: str, is_right: bool) -> None:
    settings = tmp_path / "client.conf"
    settings.write_text(f"tuneRemoteFSync = true\ntuneUseGlobalFileLocks = {setting}\n")
    (mount,) = parse(f"beegfs_nodev /b beegfs rw,cfgFile={settings} 0 0")
    assert (local_locks_only(mount) == "") is is_right


def run_in_namespace(kind: str, script: str, *words: object) -> list[str]:
    """A command line in a namespace of its own; the script ends with exec "$@"."""
    command = ["unshare", kind, "sh", "-c", script, *map(str, words)]
    allowed = subprocess.run(["unshare", kind, "true"], check=False, capture_output=True)
    if shutil.which("unshare") is None or allowed.returncode:
        pytest.skip("namespaces of one's own are not allowed here")
    return command


@pytest.mark.slow
def test_a_run_on_a_mount_with_local_locks_is_refused_before_anything_is_sealed(place: Place) -> None:
    path = write_roadmap(place.folder)
    table = place.folder / "mounts"
    table.write_text(f"/dev/vda / ext4 rw 0 0\nsrv:/x {place.runs} nfs rw,vers=3,nolock 0 0\n")
    script = 'mount --bind "$0" /proc/$$/mounts && exec "$@"'
    command = run_in_namespace("-m", script, table, *place.command("run", path, "--no-ui"))
    done = subprocess.run(command, env=place.environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stdout + done.stderr
    assert f"{place.runs} (nfs)" in done.stderr and "mount option nolock" in done.stderr
    assert "--runs" in done.stderr and "Traceback" not in done.stderr
    assert place.run_folders() == []


@pytest.mark.slow
def test_a_run_on_a_file_system_without_locks_is_refused(place: Place, tmp_path: Path) -> None:
    if shutil.which("gcc") is None:
        pytest.skip("no C compiler to take the locks away with")
    library = tmp_path / "no_locks.so"
    source = ROOT / "tests" / "support" / "no_locks.c"
    subprocess.run(["gcc", "-O2", "-shared", "-fPIC", "-o", str(library), str(source)], check=True)
    place.more = {"LD_PRELOAD": str(library)}
    done = place.run("run", write_roadmap(place.folder), "--no-ui")
    assert done.returncode == 2, done.stdout + done.stderr
    assert "has no file locks (No locks available)" in done.stderr and "--runs" in done.stderr
    assert place.run_folders() == []


@pytest.fixture
def network(tmp_path: Path) -> Iterator[Path]:
    """A folder on a file system of its own that calls itself GlusterFS."""
    if shutil.which("bindfs") is None:
        pytest.skip("bindfs is not installed")
    behind, folder = tmp_path / "behind", tmp_path / "network"
    behind.mkdir()
    folder.mkdir()
    command = ["bindfs", "-o", "subtype=glusterfs", str(behind), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"file systems in user space are not allowed here: {done.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.mark.slow
def test_a_run_on_a_network_file_system_keeps_a_rollback_journal_and_survives_a_kill(network: Path) -> None:
    here = Place(network)
    path = write_roadmap(here.folder, args={"step_ms": 10})
    database = here.runs / "tiny-1" / "run.db"
    with contextlib.closing(here):
        with here.started("run", path, "--no-ui") as view:
            wait_until(lambda: here.rows("SELECT 1 FROM metric"), 60, "a trial is on its way")
            assert database.read_bytes()[18:20] == b"\x01\x01"  # the format for a rollback journal
            os.kill(here.supervisor(), signal.SIGKILL)
            assert view.wait(60) == 75
        done = here.run("resume", "--no-ui")
        assert done.returncode == 0, done.stdout + done.stderr
        assert here.run("verify", "tiny-1").returncode == 0
        notes = [json.loads(body)["text"] for (body,) in here.rows(NOTES)]
    told = [note for note in notes if "network file system (fuse.glusterfs at" in note]
    assert len(told) == 1 and "rollback journal" in told[0]
    assert told[0] in (database.parent / "report.md").read_text()


def test_a_holder_on_another_host_is_named_with_it(tmp_path: Path) -> None:
    (tmp_path / "digits-3").mkdir()
    path = tmp_path / "digits-3" / "lock"
    hold = "import sys; from pathlib import Path; from staycourse.record.lock import RunLock; "
    hold += "lock = RunLock(Path(sys.argv[1])); lock.acquire(); print(flush=True); sys.stdin.read()"
    script = 'hostname gpu07 && exec "$0" "$@"'
    command = run_in_namespace("--uts", script, sys.executable, "-c", hold, path)
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "engine")}
    with subprocess.Popen(command, stdin=-1, stdout=-1, text=True, env=environment) as holder:
        assert holder.stdin and holder.stdout and holder.stdout.readline() == "\n"
        assert is_held(path)
        assert holder_of(path) == Holder(holder.pid, "gpu07") and not Holder(1, "gpu07").is_here
        with pytest.raises(RunIsTaken, match=rf"\(process {holder.pid} on gpu07\)"):
            RunLock(path).acquire()
        holder.stdin.close()
