"""Rules and schedules that are declared and probably not meant."""

from __future__ import annotations

from collections.abc import Iterator

from staycourse.core.phases.base import Outlook, Phase
from staycourse.core.problems import Problem
from staycourse.core.schedules import LR, Schedule
from staycourse.core.space import Choice, Fixed


def rule_warnings(phase: Phase, outlook: Outlook, at: int) -> list[Problem]:
    """What of a schedule that the phase may train with nobody will see: milestones behind a rule that can
    fire before, the end of one that is laid out for the whole training, what comes after a long warm-up, and
    learning rates in place of which it has its own."""
    if "schedule" not in outlook.space.names:
        return []
    h = outlook.space.get("schedule")
    options = h.options if isinstance(h, Choice) else (h.value,) if isinstance(h, Fixed) else ()
    horizon = phase.plan(outlook).epochs_per_trial
    found: list[Problem] = []
    for option in options:
        schedule = outlook.schedules.get(str(option), Schedule())
        found += _long_warmup(str(option), schedule, horizon, at)
        found += _lr_of_its_own(str(option), schedule, outlook, at)
        if phase.last_rule_free_epoch is not None:
            found += _cut_short(str(option), schedule, horizon, phase.last_rule_free_epoch + 1, at)
    return found


def _long_warmup(name: str, schedule: Schedule, horizon: int, at: int) -> Iterator[Problem]:
    if schedule.warmup >= horizon:
        said = f"the warm-up of '{name}' takes {schedule.warmup:g} of {horizon} epochs"
        yield Problem(("phase", at, "epochs"), said, "more epochs, or a shorter warm-up")


def _lr_of_its_own(name: str, schedule: Schedule, outlook: Outlook, at: int) -> Iterator[Problem]:
    """Once for all phases: the schedule is the same in each."""
    setting = schedule.own_lr
    if at == 0 and setting and LR in outlook.space.names and not isinstance(outlook.space.get(LR), Fixed):
        said = f"with {setting} '{name}' has a learning rate of its own: under it lr changes nothing"
        right = f"leave {setting} out" if schedule.torch == "OneCycleLR" else "a plain value for lr"
        yield Problem(("schedules", name, setting), said, right)


def _cut_short(name: str, schedule: Schedule, horizon: int, earliest: int, at: int) -> Iterator[Problem]:
    """`earliest` is the first epoch at which the phase's `stop` can end a trial."""
    where, can = ("phase", at, "stop"), f"stop can end a trial at epoch {earliest}"
    late = [epoch for epoch in schedule.milestones() if earliest <= epoch < horizon]
    if late:
        right = f"from = {max(late) + 1}, if the milestone is to be seen"
        yield Problem(where, f"{can}, before milestone {max(late)} of '{name}'", right)
    elif schedule.is_laid_out and earliest < horizon:
        said = f"{can}, and '{name}' is laid out for all {horizon} epochs"
        yield Problem(where, said, "no stop here, if its end is to be seen")
