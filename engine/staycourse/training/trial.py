"""Everything that one trial trains with, assembled from its job.

`Trial.prepare(job)` loads the task, prepares data, model and optimizer, all from derived seeds. The caller
has set threads, CPU affinity and the working directory.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

from staycourse.core.job import Job
from staycourse.core.problems import UserError
from staycourse.core.schedules import CONSTANT, Schedule
from staycourse.core.seeds import derive
from staycourse.task.contract import Setup, Task
from staycourse.training import data as data_of
from staycourse.training import data_path, optimizers
from staycourse.training.data import Data
from staycourse.training.device import to_device
from staycourse.training.fetching import TRAIN
from staycourse.training.loading import Loader
from staycourse.training.plan import Plan, training_batches
from staycourse.training.probe import Probe, probe
from staycourse.training.randomness import Randomness, seed_all
from staycourse.training.scheduling import Scheduled
from staycourse.training.sources.resident import ResidentSource
from staycourse.training.stepping import Stepper
from staycourse.training.teacher.cache import Meet, TeacherCache, reason_against
from staycourse.training.threads import one_thread


@dataclass
class Trial:
    """What a trial trains, on what, with what."""

    job: Job
    task: Task
    setup: Setup
    device: torch.device
    randomness: Randomness
    data: Data
    loader: Loader
    model: nn.Module
    teacher: Any
    optimizer: torch.optim.Optimizer
    scheduled: Scheduled
    stepper: Stepper
    notes: list[str] = field(default_factory=list)
    teacher_cache: TeacherCache | None = None
    teacher_facts: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def prepare(cls, job: Job, worker_init: Callable[[int], None] | None = None) -> Trial:
        """Raises UserError for what the task or the set-up got wrong; exceptions of user code pass."""
        device = torch.device(job.device)
        if device.type == "cuda":
            torch.cuda.set_device(device)
        randomness = Randomness(job.seed, job.repetition, device)
        task = Task.load(job.task)
        setup = Setup(job.setup)
        with one_thread():
            data = data_of.prepare(task, job.data, job.seed)
            seen = probe(data, task.collate())
        loader, notes = make_loader(job, task, setup, data, seen, randomness, worker_init)
        teacher = make_teacher(task, data, job.seed, device)
        model = make_model(task, setup, data, randomness, device)
        optimizer = optimizers.build(task, model, setup)
        scheduled = Scheduled(schedule_of(job), optimizer, setup, job.horizon)
        stepper = Stepper(job.training, model, optimizer, device)
        trial = cls(
            job=job,
            task=task,
            setup=setup,
            device=device,
            randomness=randomness,
            data=data,
            loader=loader,
            model=model,
            teacher=teacher,
            optimizer=optimizer,
            scheduled=scheduled,
            stepper=stepper,
            notes=notes,
        )
        trial._keep_what_the_teacher_says(seen)
        return trial

    def offered(self, hp: Setup, epoch: int, stage: str) -> dict[str, Any]:
        """What a function of the task may ask for in an epoch, beside its batch or loader."""
        return {
            "model": self.stepper.trained_as if stage == TRAIN else self.stepper.kept_as,
            "hp": hp,
            "epoch": epoch,
            "stage": stage,
            "teacher": self.teacher,
            "dataset": self.data.whole,
        }

    def meeting(self, plan: Plan, start: int = 0) -> Meet | None:
        """What is to be called with each batch of the plan from update `start` on, once it is on the device;
        None where nobody has to know."""
        return None if self.teacher_cache is None else self.teacher_cache.meeting(plan, start)

    def move(self, batch: Any) -> Any:
        """The batch on the device."""
        if self.device.type == "cpu":
            return batch
        return to_device(batch, self.device, non_blocking=self.loader.pin_memory)

    def move_in(self, described: Mapping[str, Any]) -> None:
        """Take batches from what the run's loader process has in memory now, if they are fetched so far."""
        if self.loader.path == ResidentSource.PATH or self.job.data.workers != "auto":
            return
        source = data_path.moved_in(self.job, self.data, self.randomness, self.task.collate(), described)
        if source is not None:
            self.loader.use(source)

    def _keep_what_the_teacher_says(self, seen: Probe) -> None:
        job = self.job
        if self.teacher is None:
            return
        if why := reason_against(job, self.task, self.data, seen.uses, self.teacher):
            self.teacher_facts = {"teacher": "asked", "teacher_why": why}
            return
        self.teacher_cache = TeacherCache(
            self.teacher,
            self.data,
            self.randomness,
            self.move,
            device=self.device,
            folder=Path(job.teacher_outputs) if job.teacher_outputs else None,
            most_bytes=job.training.teacher_cache,
        )

    @property
    def parameters(self) -> int:
        """Number of trainable parameters."""
        return sum(p.numel() for p in self.model.parameters() if p.requires_grad)


def schedule_of(job: Job) -> Schedule:
    """The schedule that the set-up names, `constant` if it names none."""
    name = str(job.setup.get("schedule", CONSTANT))
    if name == CONSTANT and name not in job.schedules:
        return Schedule()
    if name not in job.schedules:
        raise UserError(f"there is no schedule '{name}'")
    return job.schedules[name]


def make_loader(
    job: Job,
    task: Task,
    setup: Setup,
    data: Data,
    seen: Probe,
    randomness: Randomness,
    worker_init: Callable[[int], None] | None = None,
) -> tuple[Loader, list[str]]:
    """The loader of a trial, and what is worth noting about its data."""
    batch_size = optimizers.batch_size(setup)
    loader = data_path.make_loader(job, data, randomness, task.collate(), seen, batch_size, worker_init)
    notes = []
    if seen.uses:
        notes.append("samples draw from the generators of " + ", ".join(sorted(seen.uses)))
    count = len(data.train)
    if not data.is_stream and training_batches(count, batch_size) * batch_size < count:
        notes.append("an epoch's last batch would be a single sample and is left out, another one each epoch")
    return loader, notes


def make_model(
    task: Task, setup: Setup, data: Data, randomness: Randomness, device: torch.device
) -> nn.Module:
    """The model with its initial weights, made on the CPU so that they are the same for every device."""
    randomness.weights()
    model = task.call("model", hp=setup, dataset=data.whole)
    if not isinstance(model, nn.Module):
        raise UserError(f"model() returns {type(model).__name__}, and a torch.nn.Module is needed")
    return model.to(device)


def make_teacher(task: Task, data: Data, seed: int, device: torch.device) -> Any:
    """The task's teacher, frozen and in eval mode; None if it has none."""
    if not task.has("teacher"):
        return None
    seed_all(derive(seed, "teacher"))
    teacher = task.call("teacher", dataset=data.whole)
    if teacher is None:
        raise UserError("teacher() returns None, and a model is needed")
    return teacher.to(device).eval().requires_grad_(False) if isinstance(teacher, nn.Module) else teacher
