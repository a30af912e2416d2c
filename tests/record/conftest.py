import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

COLLEAGUE = 65534

# Python itself may lie where another user cannot read: all that is needed is imported first.
AS_COLLEAGUE = f"""
import os, sqlite3, sys, tempfile
from pathlib import Path
from staycourse.record import index, ledger, lock, reader
def become_colleague():
    os.setgid({COLLEAGUE})
    os.setuid({COLLEAGUE})
"""


@pytest.fixture
def as_colleague() -> str:
    """The beginning of a script that becomes another user by `become_colleague()`."""
    return AS_COLLEAGUE


@pytest.fixture
def shared() -> Iterator[Path]:
    """A folder that every user may enter, as one on a server would be; only root can become another."""
    if os.geteuid() != 0:
        pytest.skip("to become another user takes root")
    folder = Path(tempfile.mkdtemp(prefix="staycourse-shared-"))
    if any(not parent.stat().st_mode & 0o001 for parent in folder.parents):
        shutil.rmtree(folder)
        pytest.skip("the temporary folder is not open to other users")
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)
