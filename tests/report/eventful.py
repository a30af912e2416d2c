"""A campaign with everything that a report can tell: interruptions, failures, replays, GPUs, timings."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.support.clocks import moved_clock, passing_clock
from tests.support.sample_run import ROADMAP, Campaign

from staycourse.core import events as ev
from staycourse.core.roadmap import parse
from staycourse.record.paths import RunPaths
from staycourse.record.store import Store

FACTS = {
    "task_file": "digits.py",
    "train_samples": 1438,
    "validation_samples": 359,
    "stratified": True,
    "sample": "(float32[64], int64)",
    "exact": True,
    "parameters": 8970,
    "fingerprint": {
        "sha256": "f1" * 32, "method": "all samples", "bytes": 474_408, "samples": 1797, "files": 0
    },
}  # fmt: skip
ENVIRONMENT = {
    "python": "3.11.7",
    "cpu": {"model": "AMD EPYC 7713 64-Core Processor", "instruction_sets": ["avx", "avx2"]},
    "packages": {"torch": "2.13.0", "nevergrad": "1.0.12"},
    "gpus": ["NVIDIA H100 80GB HBM3"],
    "driver": "570.86.15",
}
DRIVER_UPDATE = ev.EnvironmentChanged({"driver": ["570.86.15", "580.1"]}, {**ENVIRONMENT, "driver": "580.1"})
HOST = {"hostname": "node7", "os": "Ubuntu 24.04", "kernel": "6.8.0", "cpus_allowed": 16,
        "memory_allowed_bytes": 128 * 2**30}  # fmt: skip
PARTS = {"roadmap": "a" * 64, "code": "b" * 64, "data": "c" * 64, "environment": "d" * 64}
COMPARE = (
    ROADMAP.split("[[phase]]")[0]
    + """
[[phase]]
kind = "probe"
trials = 4
epochs = 20

[[phase]]
kind = "compare"
seeds = 3
epochs = 60
[[phase.setup]]
name = "steady"
schedule = "constant"
[[phase.setup]]
name = "falling"
schedule = "decay"
"""
)


class Eventful(Campaign):
    """Told to stop once and killed once; one attempt crashes, a replay differs if `differs`, and the kill
    is followed by a driver update if `changes_driver`. `slowdowns` maps trials to what holds them up."""

    differs = False

    def __init__(self, folder: Path, roadmap_text: str = ROADMAP, **options: Any) -> None:
        self.differs = options.pop("differs", False)
        self.seal_options: Mapping[str, Any] = options.pop("seal", {})
        self.changes_driver: bool = options.pop("changes_driver", False)
        self.final_files: Mapping[str, str] = options.pop("files", {})
        self.held_up: Mapping[str, Sequence[str]] = options.pop("slowdowns", {})
        super().__init__(folder, roadmap_text, **options)

    def __post_init__(self) -> None:
        self.roadmap = parse(self.roadmap_text)
        self.folder.mkdir(parents=True, exist_ok=True)
        paths = RunPaths(self.folder)
        paths.roadmap.write_text(self.roadmap_text, encoding="utf-8")
        paths.lock.touch()
        self.store = Store(paths)
        sealed = ev.RunSealed(
            "3f9a61c2" + "0" * 56, PARTS, "/home/ada/work/digits.toml", "/home/ada/work",
            {"digits.py": "e" * 64, "nets/mlp.py": "9" * 64}, FACTS, ENVIRONMENT,
            "staycourse run /home/ada/work/digits.toml", "0.1.0",
        )  # fmt: skip
        self.store.append(dataclasses.replace(sealed, **self.seal_options))

    def follow(self) -> bool:
        """As in a real run, `RunFinished` carries the hashes of what lies in `final/`."""
        append = self.store.append

        def append_files(*events: ev.Event) -> None:
            append(*map(self._with_files, events))

        self.store.append = append_files  # type: ignore[method-assign]  # the sample knows of no files
        return super().follow()

    def _with_files(self, event: ev.Event) -> ev.Event:
        is_end = isinstance(event, ev.RunFinished)
        return dataclasses.replace(event, files=self.final_files) if is_end else event

    def start(self, session: int = 1) -> None:
        self.store.append(ev.EngineStarted(session, 4711, 1.0, HOST, {"devices": "0"}, ["gpu0"]))

    def _train(self, *arguments: Any) -> Any:
        if self.number == 8:
            self.store.append(ev.EngineStopped("the engine was told to stop (SIGTERM)"))
            self.start(2)
        return super()._train(*arguments)

    def _plan(self, *arguments: Any) -> Any:
        trial, setup = super()._plan(*arguments)
        self.store.add_facts(
            trial,
            {"train_samples": 1438, "validation_samples": 359, "loader_workers": 4, "parameters": 8970},
        )
        for at in range(1, 4):
            values = {"samples_per_s": 2900.0 + at, "step_ms": 18.2, "wait_share": 0.03, "rss_bytes": 6e8}
            self.store.add_timing(trial, [(name, at, 1, value) for name, value in values.items()])
        for text in self.held_up.get(trial, ()):
            kind = text.partition(":")[0]
            self.store.append(ev.SlowdownSeen(trial, 1, 4, kind, text, 0.1 + self.number / 100))
        if self.number == 12:
            self._be_killed(trial)
        if self.number == 14:
            error = "RuntimeError: DataLoader worker (pid 4713) is killed by signal"
            self.store.append(
                ev.AttemptFailed(trial, 1, "crashed", error, 240, True),
                ev.TrialStarted(trial, 2, "gpu0", 4714, 1.0),
            )
        return trial, setup

    def _be_killed(self, trial: str) -> None:
        self.store.append(
            ev.EngineStarted(3, 4720, 1.0, HOST, {}, ["gpu0"], silent_since=self.store.last_sign_of_life()),
            *([DRIVER_UPDATE] if self.changes_driver else []),
            ev.TrialStarted(trial, 2, "gpu0", 4721, 1.0),
        )
        append = self.store.append

        def append_replayed(*events: ev.Event) -> None:
            append(
                *(self._replayed(event) if isinstance(event, ev.TrialEnded) else event for event in events)
            )
            self.store.append = append  # type: ignore[method-assign]  # this trial's end only

        self.store.append = append_replayed  # type: ignore[method-assign]  # restored by itself

    def _replayed(self, event: ev.Event) -> ev.Event:
        if not isinstance(event, ev.TrialEnded):
            return event
        return dataclasses.replace(event, replayed=120, differing=3 if self.differs else 0)


def eventful_run(folder: Path, **options: Any) -> RunPaths:
    """A finished run of three hours."""
    with moved_clock(-3 * 3600):
        campaign = Eventful(folder, gpus=1, **options)
        campaign.start()
    with passing_clock(3 * 3600):
        campaign.follow()
    campaign.hardware(60)
    campaign.store.close(final=True)
    return RunPaths(folder)
