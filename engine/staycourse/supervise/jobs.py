"""From a planned trial to the job that a worker gets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from staycourse.core.command import CommandSpec
from staycourse.core.events import RunSealed
from staycourse.core.job import DataSpec, Job, TaskSpec, TrainingSpec, workers_of
from staycourse.core.roadmap import Roadmap
from staycourse.core.state import TrialState
from staycourse.record.paths import RunPaths
from staycourse.supervise.slots import Slot

# A rehearsal trains two batches an epoch, and kills each phase's first trial after the third step, in the
# middle of its second epoch.
_REHEARSAL_BATCHES, _REHEARSAL_KILL = 2, 3


def make_job(
    roadmap: Roadmap,
    sealed: RunSealed,
    paths: RunPaths,
    trial: TrialState,
    slot: Slot,
    *,
    is_first: bool,
    parent: TrialState | None = None,
    resident: Mapping[str, Any] | None = None,
) -> Job:
    """The next attempt's job; `is_first` says that this is the first trial of its phase, `parent` is the
    trial that it goes on from, `resident` what the run's loader process has in memory."""
    plan, limits = trial.plan, roadmap.limits
    is_final = roadmap.phases[plan.phase].kind == "final"
    return Job(
        trial=plan.trial,
        folder=str(paths.trial(plan.trial)),
        task=task_spec(roadmap, sealed, paths),
        setup=plan.setup,
        seed=roadmap.seed,
        repetition=plan.repetition,
        epochs=plan.epochs,
        horizon=plan.horizon,
        metric=roadmap.objective.metric,
        goal=roadmap.objective.goal,
        stop=trial.stop,
        trial_hours=limits.trial_hours,
        data=replace(
            data_spec(roadmap, paths), share=trial.plan.share, split=trial.plan.split, resident=resident
        ),
        training=_training(roadmap, trial),
        schedules=roadmap.schedules,
        validate_every=roadmap.training.validate_every,
        checkpoint_every=limits.checkpoint_every,
        threads=limits.threads,
        device=slot.device,
        cpus=slot.cpus,
        parent=str(paths.trial(parent.id)) if parent else None,
        parent_sha256=_last_checkpoint(parent),
        parent_files=_files(parent),
        final=str(paths.final) if is_final else None,
        teacher_outputs=str(paths.teacher),
        attempt=trial.attempts + 1,
        batches_per_epoch=_REHEARSAL_BATCHES if sealed.rehearsal else None,
        kill_at_step=_REHEARSAL_KILL if sealed.rehearsal and is_first else None,
    )


def _last_checkpoint(trial: TrialState | None) -> str | None:
    files = trial.end.files if trial and trial.end else {}
    return str(files["last.pt"]["sha256"]) if "last.pt" in files else None


def _files(trial: TrialState | None) -> dict[str, str]:
    files = trial.end.files if trial and trial.end else {}
    return {name: str(facts["sha256"]) for name, facts in files.items()}


def task_spec(roadmap: Roadmap, sealed: RunSealed, paths: RunPaths) -> TaskSpec:
    """Where a run's workers find its task."""
    return TaskSpec(
        code=str(paths.code),
        file=sealed.facts.get("task_file", ""),
        folder=sealed.folder,
        args=roadmap.task.args,
        has_files=bool(roadmap.data.files),
        command=CommandSpec.from_json(told) if (told := sealed.facts.get("command")) else None,
    )


def data_spec(roadmap: Roadmap, paths: RunPaths) -> DataSpec:
    """All of a run's data, split."""
    data = roadmap.data
    return DataSpec(
        validation=data.validation,
        workers=workers_of(data.workers),
        pin_memory=data.pin_memory,
        exact=data.exact,
        files=tuple(data.files),
        trusted=data.trusted,
        buffer=data.buffer,
        index=str(paths.shards),
        epoch_steps=roadmap.training.epoch,
    )


def _training(roadmap: Roadmap, trial: TrialState) -> TrainingSpec:
    training = roadmap.training
    return TrainingSpec(
        precision=training.precision,
        compile=training.compile,
        grad_clip=training.grad_clip,
        ema=training.ema,
        accumulate=training.accumulate,
        teacher_cache=training.teacher_cache,
        at_once=trial.at_once,
    )
