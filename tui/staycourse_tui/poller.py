"""Reads the run on a thread of its own, twice a second at most and never two reads at once."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path

from textual.message import Message

from staycourse.client import RunClient, Snapshot
from staycourse.core.metric_names import resolve
from staycourse.core.problems import UserError
from staycourse_tui.frames import Frame, Request, compared_with, focus_of
from staycourse_tui.messages import Polled, PollFailed

INTERVAL = 0.5
READINGS = ("util_percent", "memory_used_bytes", "power_watts", "temperature_celsius")
_HISTORY = 120
_TRAIN, _TRAIN_STEP = "train_loss", "train_loss_step"


class Poller:
    """Posts `Polled` after each read and `PollFailed` where the run cannot be read; it tries again.

    It reads no further until the message before was taken (`taken`): a terminal that stands still stops the
    screen, and what it would have shown must not pile up. The thread is a daemon: leaving the view never
    waits for a file system that hangs.
    """

    def __init__(self, folder: Path, post: Callable[[Message], object]) -> None:
        self._folder = folder
        self._post = post
        self._wake = threading.Event()
        self._taken = threading.Event()
        self._taken.set()
        self._stopped = False
        self._request = Request()
        self._client: RunClient | None = None
        self._metrics: dict[str, str] = {}
        self._history: dict[str, dict[str, deque[float]]] = {}
        self._history_at: str | None = None

    def start(self) -> None:
        """Begin to read."""
        threading.Thread(target=self._run, name="poller", daemon=True).start()

    def stop(self) -> None:
        """Read no more."""
        self._stopped = True
        self._wake.set()
        self._taken.set()

    def taken(self) -> None:
        """The last message has arrived."""
        self._taken.set()

    def ask(self, request: Request) -> None:
        """What to bring from now on; where that is something else, the next read comes at once."""
        if request != self._request:
            self._request = request
            self._wake.set()

    def _run(self) -> None:
        while not self._stopped:
            began = time.monotonic()
            self._wake.clear()
            try:
                message: Message = Polled(self.read(), self)
            except Exception as error:  # shown, or the screen would stand still with the thread
                message = PollFailed(self._reason(error), self)
            if self._stopped:
                return
            self._taken.clear()
            self._post(message)
            # A request may come between two reads: not more than some ten of them a second.
            time.sleep(0.1)
            self._wake.wait(max(0.0, INTERVAL - (time.monotonic() - began)))
            self._taken.wait()

    def _reason(self, error: Exception) -> str:
        """Why the run cannot be read, its files named from its folder on."""
        if not self._folder.exists():
            return "its folder is gone"
        said = str(error).replace(f"{self._folder}/", "")
        if isinstance(error, sqlite3.Error | OSError | UserError):
            return said or type(error).__name__
        self._client = None  # it may have stopped halfway
        return f"{type(error).__name__}: {said}"

    def read(self) -> Frame:
        """One read. Raises sqlite3.Error, OSError or UserError if the run cannot be read now."""
        if self._client is None:
            self._client = RunClient(self._folder)
        client, request = self._client, self._request
        snapshot = client.poll()
        focus = focus_of(snapshot, request.selected)
        compared = compared_with(snapshot, focus, request.marked)
        metric = self._metric(client, snapshot, focus)
        drawn = [trial for trial in (focus, *compared) if trial]
        wanted = [(trial, name) for trial in drawn for name in (metric, _TRAIN)]
        wanted += [(focus, _TRAIN_STEP)] if focus else []
        self._remember(client, snapshot)
        paths = client.paths
        files = [path for path in (paths.weights, paths.report) if path.exists()]
        return Frame(
            snapshot=snapshot,
            folder=str(paths.root),
            metric=metric,
            focus=focus,
            curves=client.curves(wanted),
            compared=compared,
            marked=request.marked,
            pace={trial: client.pace(trial) for trial in drawn if request.has_pace},
            history={
                device: {name: tuple(values) for name, values in readings.items()}
                for device, readings in self._history.items()
            },
            winner=client.state.winner,
            won=next((ranked for handoff in client.state.handoffs[-1:] for ranked in handoff.ranking), None),
            files=tuple(str(path.relative_to(paths.root)) for path in files),
            gpus=tuple(map(str, client.state.environment.get("gpus", ()))),
            timing=_timing(client, snapshot, focus),
            output=client.trial_log(request.output_of) if request.output_of else "",
            output_of=request.output_of,
            report=client.report() if request.has_report else None,
        )

    def _metric(self, client: RunClient, snapshot: Snapshot, focus: str | None) -> str:
        """The objective's name as the task reports it: `val_x` in a roadmap may be the task's `x`."""
        name = snapshot.roadmap.objective.metric
        if name not in self._metrics and focus is not None:
            found = resolve(name, client.metric_names(focus))
            if found is not None:
                self._metrics[name] = found
        return self._metrics.get(name, name)

    def _remember(self, client: RunClient, snapshot: Snapshot) -> None:
        """The readings of the last two minutes; those from before this view are read once a device."""
        time_ = snapshot.hardware.time
        if time_ == self._history_at:
            return
        self._history_at = time_
        for device, values in snapshot.hardware.devices.items():
            if device not in self._history:
                self._history[device] = {
                    name: deque((v for _, v in client.history(device, name, _HISTORY)), maxlen=_HISTORY)
                    for name in READINGS
                    if name in values
                }
                continue
            for name, readings in self._history[device].items():
                if name in values:
                    readings.append(values[name])


def _timing(client: RunClient, snapshot: Snapshot, focus: str | None) -> Mapping[str, float]:
    """The newest times of the trial in focus; of one that runs the snapshot has them already."""
    if focus is None:
        return {}
    live = next((one for one in snapshot.live if one.trial == focus), None)
    return live.timing if live else client.timing(focus)
