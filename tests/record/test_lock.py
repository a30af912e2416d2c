import contextlib
import os
import signal

import pytest
from tests.support.run_folder import finished, python, wait_for

from staycourse.record.lock import Holder, RunIsTaken, RunLock, holder_of, is_held, refuse_if_held

HOLDER = """
import sys
from pathlib import Path
from staycourse.record.lock import RunLock
lock = RunLock(Path(sys.argv[1]))
lock.acquire()
print("held", flush=True)
sys.stdin.readline()
lock.release()
print("released", flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def path(tmp_path):
    (tmp_path / "digits-3").mkdir()
    return tmp_path / "digits-3" / "lock"


@pytest.fixture
def holder(path):
    """Another process that has the lock until a line tells it to give it back."""
    child = python(HOLDER, path)
    assert child.stdout.readline() == "held\n"
    yield child
    child.kill()
    child.communicate()


def test_a_second_supervisor_is_refused_by_name(path, holder):
    with pytest.raises(RunIsTaken) as refused:
        RunLock(path).acquire()
    assert str(refused.value) == (
        f"digits-3 already has a supervisor (process {holder.pid}): staycourse attach digits-3 shows it"
    )
    assert is_held(path)


def test_a_lock_given_back_can_be_taken(path, holder):
    holder.stdin.write("\n")
    holder.stdin.flush()
    assert holder.stdout.readline() == "released\n"
    assert not is_held(path)
    lock = RunLock(path)
    lock.acquire()
    assert holder_of(path) == Holder(os.getpid(), os.uname().nodename)
    lock.release()


def test_a_lock_dies_with_its_holder(path, holder):
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    assert not is_held(path)
    lock = RunLock(path)
    lock.acquire()
    lock.release()


def test_a_forked_child_does_not_keep_the_lock(path):
    parent = python(
        """
        import os, sys
        from pathlib import Path
        from staycourse.record.lock import RunLock
        lock = RunLock(Path(sys.argv[1]))
        lock.acquire()
        child = os.fork()
        if child == 0:
            sys.stdin.readline()
            os._exit(0)
        print(child, flush=True)
        sys.stdin.readline()
        """,
        path,
    )
    child = int(parent.stdout.readline())
    assert is_held(path)
    parent.kill()
    parent.wait()
    try:
        os.kill(child, 0)  # it lives on
        assert not is_held(path)
        lock = RunLock(path)
        lock.acquire()
        lock.release()
    finally:
        parent.stdin.close()  # the child reads the end of its input and leaves
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)


def test_asking_in_the_process_that_holds_the_lock_does_not_give_it_up(path):
    child = python(
        """
        import sys
        from pathlib import Path
        from staycourse.record.lock import RunLock, is_held
        lock = RunLock(Path(sys.argv[1]))
        lock.acquire()
        assert is_held(Path(sys.argv[1]))
        print("asked", flush=True)
        sys.stdin.readline()
        lock.release()
        assert not is_held(Path(sys.argv[1]))
        """,
        path,
    )
    assert child.stdout.readline() == "asked\n"
    assert is_held(path)
    with pytest.raises(RunIsTaken):
        RunLock(path).acquire()
    child.stdin.write("\n")
    finished(child)


def test_views_that_ask_never_get_in_the_way_of_a_supervisor_that_starts(path):
    RunLock(path).acquire()  # so that there is a file; given back as the object goes
    asking = python(
        """
        import sys
        from pathlib import Path
        from staycourse.record.lock import is_held
        print("asking", flush=True)
        import select
        while not select.select([sys.stdin], [], [], 0)[0]:
            is_held(Path(sys.argv[1]))
        """,
        path,
    )
    assert asking.stdout.readline() == "asking\n"
    taking = python(
        """
        import sys
        from pathlib import Path
        from staycourse.record.lock import RunLock
        for _ in range(1500):
            lock = RunLock(Path(sys.argv[1]))
            lock.acquire()
            lock.release()
        """,
        path,
    )
    finished(taking)
    asking.stdin.write("\n")
    finished(asking)


def test_a_lock_whose_object_is_gone_is_not_held(path):
    RunLock(path).acquire()
    assert not is_held(path)
    lock = RunLock(path)
    lock.acquire()
    assert is_held(path)
    del lock
    assert not is_held(path)


def test_who_starts_an_engine_is_refused_without_taking_the_lock(path, holder):
    with pytest.raises(RunIsTaken, match=f"process {holder.pid}"):
        refuse_if_held(path)
    holder.kill()
    holder.wait()
    refuse_if_held(path)
    assert not is_held(path)


def test_a_run_without_a_lock_file_is_not_held(tmp_path):
    assert not is_held(tmp_path / "nowhere" / "lock")
    assert not is_held(tmp_path / "lock")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_no_second_supervisor(tmp_path):
    with pytest.raises(OSError, match="No such file") as raised:
        RunLock(tmp_path / "gone" / "lock").acquire()
    assert not isinstance(raised.value, RunIsTaken)


def test_a_colleague_who_may_only_read_sees_that_the_engine_lives(shared, as_colleague):
    path = shared / "lock"
    holder = python(HOLDER, path)
    assert holder.stdout.readline() == "held\n"
    ask = as_colleague + "become_colleague()\nprint(lock.is_held(Path(sys.argv[1])))"
    assert finished(python(ask, path)) == "True"
    holder.kill()
    wait_for(lambda: holder.poll() is not None, "the holder to end")
    assert finished(python(ask, path)) == "False"
