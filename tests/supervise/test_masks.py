"""A caller that blocks signals hands its mask on to the engine."""

from __future__ import annotations

import subprocess
import sys

STOPPED = """
import os, signal
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGCHLD})
os.kill(os.getpid(), signal.SIGTERM)
from staycourse.supervise.__main__ import StopSignal
stop = StopSignal()
print(stop.is_set, sorted(signal.pthread_sigmask(signal.SIG_BLOCK, [])))
"""


def test_a_sigterm_that_the_caller_blocked_is_heard() -> None:
    command = [sys.executable, "-P", "-c", STOPPED]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "True []\n"), done.stderr
