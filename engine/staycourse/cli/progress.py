"""Rich progress bars: the campaign, its open phase, and each running trial."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from staycourse.client import LiveView, Snapshot, TrialView


@contextlib.contextmanager
def progress_view() -> Iterator[ProgressView]:
    """The view while its bars are on the screen."""
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[note]}", markup=False),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(highlight=False), refresh_per_second=2) as progress:
        yield ProgressView(progress)


class ProgressView:
    """One bar a phase, one for each running trial; events stand above them."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._phases: dict[int, TaskID] = {}
        self._trials: dict[str, TaskID] = {}
        self._seq = 0

    def show(self, snapshot: Snapshot) -> None:
        """Bring the bars up to date and print what is new in the log."""
        for line in snapshot.log:
            if line.seq > self._seq:
                self._seq = line.seq
                self._progress.console.print(Text(line.text))
        for phase in snapshot.phases:
            best = f"best {phase.best:.4g}" if phase.best is not None else ""
            if phase.index not in self._phases:
                task = self._progress.add_task(phase.kind, total=phase.trials, note="", start=False)
                self._phases[phase.index] = task
            bar = self._phases[phase.index]
            self._progress.update(bar, completed=phase.ended, total=phase.trials, note=best)
            if phase.status == "running":
                self._progress.start_task(bar)
            elif phase.status == "done":
                self._progress.stop_task(bar)
        self._show_trials(snapshot)

    def _show_trials(self, snapshot: Snapshot) -> None:
        trials = {trial.id: trial for trial in snapshot.trials}
        live = {view.trial: view for view in snapshot.live}
        for gone in set(self._trials) - set(live):
            self._progress.remove_task(self._trials.pop(gone))
        for name, view in live.items():
            trial = trials[name]
            if name not in self._trials:
                self._trials[name] = self._progress.add_task(f"  {name}", total=trial.epochs, note="")
            note = _figures(snapshot, trial, view)
            self._progress.update(self._trials[name], completed=trial.epoch, note=note)


def _figures(snapshot: Snapshot, trial: TrialView, live: LiveView) -> str:
    metric = snapshot.roadmap.objective.metric
    parts = [f"{name} {live.metrics[name]:.4g}" for name in ("train_loss", metric) if name in live.metrics]
    if "samples_per_s" in live.timing:
        parts.append(f"{live.timing['samples_per_s']:.0f} samples/s")
    return "  ".join([*parts, *live.nearness[1:]])
