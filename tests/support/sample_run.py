"""Run folders in every state, written by the real writer from a campaign that is computed, not trained.

`write_run(folder, "running")` follows a roadmap through its real phases with curves from a formula, so that
views can be shown everything a run can hold within a second.
"""

from __future__ import annotations

import contextlib
import math
import random
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.clocks import moved_clock, passing_clock
from tests.support.estimates import estimated

from staycourse.core import events as ev
from staycourse.core import handoff as handoffs
from staycourse.core.deciding import decide
from staycourse.core.handoff import Handoff
from staycourse.core.phases.base import Before, Need
from staycourse.core.roadmap import Roadmap, parse
from staycourse.core.space import Choice, Fixed, Setup, Value
from staycourse.core.trial import Trial
from staycourse.core.views import rules_of
from staycourse.record.paths import RunPaths
from staycourse.record.store import Store

ROADMAP = """\
name = "digits"
seed = 7

[task]
file = "tasks/digits.py"

[space]
lr         = { log = [1e-5, 1e-1] }
batch_size = { log = [8, 256], integer = true }
dropout    = { range = [0.0, 0.5] }
optimizer  = { choice = ["adamw", "sgd", "adam"] }
momentum   = { range = [0.8, 0.99], when = { optimizer = "sgd" } }
schedule   = { choice = ["constant", "decay", "hybrid"] }
weight_decay = 0.01

[schedules]
decay  = { lr = { 40 = 0.5, 60 = 0.5, 90 = 0.5 } }
hybrid = { batch_size = { 40 = 2 }, lr = { 60 = 0.5, 90 = 0.5 } }

[limits]
trial_hours = 12

[[phase]]
kind = "probe"
trials = 6
epochs = 150
stop = { patience = 15, from = 91 }
eliminate = ["optimizer", "schedule"]

[[phase]]
kind = "narrow"
trials = 24
data = 0.5
epochs = 30
at_boundary = "warn"

[[phase]]
kind = "grid"
points = { lr = 3, batch_size = [8, 16, 32] }
data = 0.5
epochs = 60
stop = { patience = 5, min_delta = 1e-4 }
keep = 3
finish = { epochs = 120, stop = { patience = 20 } }

[[phase]]
kind = "confirm"
seeds = 2
epochs = 120
stop = { patience = 20 }

[[phase]]
kind = "final"
"""

STEPS = 24  # an epoch
# How many events it takes to come to a state: they are spread over all of its time.
_EVENTS = {"empty": 6, "failed": 93, "finished": 158}
RESUMABLE = "the engine was told to stop (SIGTERM)"


@dataclass
class Campaign:
    """A run being written. `stop_at` is (phase index, number of trials begun in it) where writing stops; in
    the phase `failing` every trial diverges; `slowdowns` holds (kind, text) of what is seen of the trial that
    is left running."""

    folder: Path
    roadmap_text: str = ROADMAP
    stop_at: tuple[int, int] = (99, 0)
    partial_epochs: int = 31
    gpus: int = 0
    names: str = ""
    failing: int | None = None
    slowdowns: Sequence[tuple[str, str]] = ()
    roadmap: Roadmap = field(init=False)
    store: Store = field(init=False)
    number: int = 0

    def __post_init__(self) -> None:
        self.roadmap = parse(self.roadmap_text)
        self.folder.mkdir(parents=True, exist_ok=True)
        paths = RunPaths(self.folder)
        paths.roadmap.write_text(self.roadmap_text, encoding="utf-8")
        paths.lock.touch()
        self.store = Store(paths)
        facts = {"samples": 1797, "train": 1437, "validation": 360}
        parts = {"roadmap": "a" * 64, "code": "b" * 64, "data": "c" * 64, "environment": "d" * 64}
        environment = {"gpus": ["NVIDIA H100 80GB HBM3"] * self.gpus}
        self.store.append(
            ev.RunSealed(
                "3f9a61c2" + "0" * 56,
                parts,
                "digits.toml",
                ".",
                {},
                facts,
                environment,
                "staycourse run",
                "0",
            )
        )

    def start(self, session: int = 1) -> None:
        """The engine takes the run up."""
        self.store.append(ev.EngineStarted(session, 4711, 1.0, {"name": "host"}, {}, ["cpu0"]))
        if not self.gpus:
            self.store.append(ev.Noted("hardware", "no NVIDIA driver: libnvidia-ml.so.1 was not found"))

    def follow(self) -> bool:
        """Go through the phases; False where `stop_at` ended it, a trial in mid-training, or a phase."""
        handoff = self.roadmap.first_handoff
        for index, phase in enumerate(self.roadmap.phases):
            self.store.append(ev.PhaseOpened(index))
            trials: list[Trial] = []
            while True:
                estimates = self.store.state.estimates_of(index)
                decision = decide(phase, Before(self.roadmap.objective.goal, handoff, estimates), trials)
                if decision.question is not None:
                    self.store.append(ev.RegionEstimated(index, estimated(decision.question)))
                    continue
                if decision.handoff is not None:
                    break
                if decision.failure is not None:
                    self.store.append(ev.RunFailed(index, decision.failure))
                    return False
                known = {trial.key for trial in trials}
                for need in [need for need in decision.needs if need.key not in known]:
                    if (index, len(trials) + 1) == self.stop_at:
                        self._begin(index, need, handoff, trials)
                        return False
                    trials.append(self._train(index, need, handoff, trials))
            handoff = decision.handoff
            self.store.append(ev.PhaseClosed(index, handoffs.to_json(handoff)))
        winner = dict(handoff.ranking[0].setup) if handoff.ranking else None
        self.store.append(ev.RunFinished(winner, {}))
        return True

    def hardware(self, moments: int = 1) -> None:
        """Readings of the last `moments` seconds."""
        for ago in range(moments, 0, -1):
            with moved_clock(-ago):
                wave = math.sin(ago / 5)
                rows = [
                    ("cpu", "util_percent", 71.0 + 20 * wave),
                    ("cpu", "memory_used_bytes", 12.0 * 2**30),
                    ("cpu", "memory_total_bytes", 64.0 * 2**30),
                    ("cpu", "run_cpu_percent", 101.0),
                    ("cpu", "run_rss_bytes", 0.6 * 2**30),
                    ("cpu", "load_1m", 1.4),
                ]
                for number in range(self.gpus):
                    rows += _gpu_rows(f"gpu{number}", 90.0 - 3 * number + 8 * wave)
                self.store.add_hardware(rows)
                self.store.flush()

    def _setup(self, need: Need, handoff: Handoff) -> dict[str, Value]:
        if need.setup is not None:
            return dict(need.setup)
        rng = random.Random(f"{self.roadmap.seed} {self.number}")
        values: dict[str, Value] = {}
        for h in handoff.space:
            if isinstance(h, Choice):
                values[h.name] = rng.choice(h.options)
            elif not isinstance(h, Fixed):
                values[h.name] = h.given(values).from_unit(rng.random())
        return handoff.space.active(values)

    def _begin(self, index: int, need: Need, handoff: Handoff, trials: Sequence[Trial]) -> str:
        """Plan and start a trial and let it train for `partial_epochs`."""
        trial, setup = self._plan(index, need, handoff, trials)
        if self.partial_epochs:
            curve = self._curve(setup, need, trial)[: self.partial_epochs]
            self._metrics(trial, setup, curve)
            self.store.add_timing(trial, _timing(STEPS * len(curve), len(curve)))
            self.store.add_progress(
                trial, step=STEPS * len(curve) + 7, epoch=len(curve) + 1, steps_per_epoch=STEPS
            )
        for kind, text in self.slowdowns:
            self.store.append(ev.SlowdownSeen(trial, 1, self.partial_epochs, kind, text, 0.5))
        self.store.flush()
        return trial

    def _plan(
        self, index: int, need: Need, handoff: Handoff, trials: Sequence[Trial]
    ) -> tuple[str, dict[str, Value]]:
        self.number += 1
        trial, setup = f"t{self.number}", self._setup(need, handoff)
        stop = vars(need.stop) if need.stop else None
        self.store.append(
            ev.TrialPlanned(
                trial, index, need.key, setup, need.epochs, need.horizon, need.repetition, need.share,
                need.split, stop, need.parent, need.proposal, self.names or need.name,
            ),
            ev.TrialStarted(trial, 1, "gpu0" if self.gpus else "cpu0", 4712, 1.0),
        )  # fmt: skip
        return trial, setup

    def _train(self, index: int, need: Need, handoff: Handoff, trials: Sequence[Trial]) -> Trial:
        trial, setup = self._plan(index, need, handoff, trials)
        before = next((t.curve for t in trials if t.id == need.parent), ())
        curve = list(before)
        detail, rule = f"all {need.epochs} epochs done", "epochs"
        if index == self.failing or float(setup["lr"]) > 0.06:
            return self._diverge(index, need, trial, setup)
        for epoch, value in self._curve(setup, need, trial)[len(before) :]:
            curve.append((epoch, value))
            if need.stop is None or epoch < max(need.stop.start, 1):
                continue
            from staycourse.core.rules import Progress, first_to_fire

            ending = first_to_fire(rules_of(self.roadmap, need.epochs, need.stop), Progress(epoch, curve, 0))
            if ending:
                detail, rule = ending.detail, ending.rule
                break
        own = curve[len(before) :]
        self._metrics(trial, setup, own, need.split)
        best = min(curve, key=lambda point: point[1]) if need.split else (None, None)
        seconds = 2.1 * len(own) * need.share
        steps = STEPS * len(curve)
        self.store.append(
            ev.TrialEnded(
                trial,
                "completed",
                rule,
                detail,
                len(curve),
                steps,
                curve if need.split else [],
                seconds,
                *best,
            )
        )
        return self.store.state.trials[trial].trial()

    def _diverge(self, index: int, need: Need, trial: str, setup: Setup) -> Trial:
        self._metrics(trial, setup, [(1, 4.1), (2, 97.0)])
        said = "loss is nan at step 61"
        self.store.append(
            ev.TrialEnded(trial, "diverged", "divergence", said, 3, 61, [[1, 4.1], [2, 97.0]], 5.0)
        )
        return self.store.state.trials[trial].trial()

    def _curve(self, setup: Setup, need: Need, trial: str) -> list[tuple[int, float]]:
        """A loss that falls quickly, then slowly, the further from lr 1e-3 and batch 16 the worse."""
        distance = abs(math.log10(float(setup["lr"]) / 1e-3)) + 0.2 * abs(
            math.log2(int(setup["batch_size"]) / 16)
        )
        distance += 0.5 * (setup.get("optimizer") == "sgd") + 0.2 * (setup.get("schedule") == "constant")
        rng = random.Random(f"{need.repetition} {sorted(map(str, setup.items()))}")
        floor, pace = 0.06 + 0.09 * distance, 4 + 5 * distance
        curve = []
        for epoch in range(1, need.epochs + 1):
            clean = floor + (2.3 - floor) * math.exp(-epoch / pace) + 0.0006 * max(0, epoch - 70)
            curve.append((epoch, clean * (1 + rng.gauss(0, 0.02))))
        return curve

    def _metrics(
        self, trial: str, setup: Setup, curve: Sequence[tuple[int, float]], split: bool = True
    ) -> None:
        rng = random.Random(trial)
        rows: list[tuple[Any, ...]] = []
        for epoch, value in curve:
            rows += [("val_loss", STEPS * epoch, epoch, value)] if split else []
            rows.append(("train_loss", STEPS * epoch, epoch, 0.9 * value))
            rows += [(name, STEPS * epoch, epoch, float(setup[name])) for name in ("lr", "batch_size")]
            rows += [
                ("train_loss_step", STEPS * (epoch - 1) + step, epoch, value * rng.uniform(0.8, 1.05))
                for step in range(4, STEPS + 1, 4)
            ]
        self.store.add_metrics(trial, rows)


def write_run(folder: Path, state: str, **options: Any) -> Path:
    """A run folder in a state: "sealed", "empty" (no step yet), "running" (also as "silent": the ledger
    says running and nobody holds the lock), "suspended", "finished", "failed" or "abandoned"."""
    stops: dict[str, tuple[int, int]] = {"empty": (0, 1), "failed": (99, 0), "finished": (99, 0)}
    hours = options.pop("hours", 0.05 if state == "empty" else 3.2)
    if state == "empty":
        options["partial_epochs"] = 0
    if state == "failed":
        options["failing"] = 1
    with moved_clock(-3600 * hours):
        campaign = Campaign(folder, stop_at=options.pop("stop_at", stops.get(state, (2, 8))), **options)
        if state == "sealed":
            campaign.store.close(final=False)
            return folder
        campaign.start()
    with passing_clock(3600 * hours, _EVENTS.get(state, 120)):
        campaign.follow()
    campaign.hardware(60)
    store = campaign.store
    if state == "suspended":
        store.append(ev.EngineStopped(RESUMABLE))
    elif state == "abandoned":
        store.append(ev.EngineStopped(RESUMABLE), ev.RunAbandoned("the loss function had the wrong sign"))
    elif state == "finished":
        paths = RunPaths(folder)
        paths.final.mkdir()
        paths.weights.write_bytes(b"weights")
        paths.report.write_text("# digits\n", encoding="utf-8")
    store.close(final=state in ("finished", "abandoned"))
    return folder


@contextlib.contextmanager
def engine_for(folder: Path, *, training: bool = False) -> Iterator[subprocess.Popen[str]]:
    """A process that holds the run's lock, as a supervisor does; with `training` it goes on writing."""
    command = [sys.executable, "-m", "tests.support.sample_engine", str(folder)]
    command += ["--training"] if training else []
    root = Path(__file__).parents[2]
    environment = {"PYTHONPATH": f"{root}:{root / 'engine'}", "PATH": "/usr/bin:/bin"}
    process = subprocess.Popen(
        command, cwd=root, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "holding"
        yield process
    finally:
        process.kill()
        process.communicate()


def _timing(step: int, epoch: int) -> list[tuple[str, int, int, float]]:
    values = {"samples_per_s": 2914.0, "step_ms": 18.2, "wait_ms": 0.55, "copy_ms": 0.4, "compute_ms": 17.25}
    values |= {"wait_share": 0.03, "rss_bytes": 0.6 * 2**30}
    return [(name, step, epoch, value) for name, value in values.items()]


def _gpu_rows(name: str, load: float) -> list[tuple[str, str, float]]:
    return [
        (name, "util_percent", min(100.0, load)),
        (name, "memory_used_bytes", 38.1 * 2**30),
        (name, "memory_total_bytes", 80.0 * 2**30),
        (name, "power_watts", 412.0),
        (name, "power_limit_watts", 700.0),
        (name, "temperature_celsius", 61.0),
        (name, "sm_clock_mhz", 1980.0),
    ]
