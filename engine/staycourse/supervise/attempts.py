"""The running attempts: starting, hearing, killing what hangs, collecting what has ended."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from staycourse.core.events import AttemptFailed, Noted, TrialEnded, TrialStarted
from staycourse.core.roadmap import Roadmap
from staycourse.core.state import TrialState, TrialStatus
from staycourse.hardware.cpus import usable_cpus
from staycourse.hardware.gpus import Gpu, Nvml, NvmlUnavailable
from staycourse.record.store import Store
from staycourse.supervise.attempt import Attempt
from staycourse.supervise.gauges import Gauges
from staycourse.supervise.gpu_lock import GpuLocks
from staycourse.supervise.hangs import Hangs
from staycourse.supervise.jobs import make_job
from staycourse.supervise.linux import oom_kills
from staycourse.supervise.slots import Slot, waits_for
from staycourse.supervise.spawner import Spawner
from staycourse.supervise.verdicts import End, judge

_GPU_PATIENCE = 5.0
_LOG_LIMIT, _LOG_SLACK = 64 * 1024 * 1024, 1024 * 1024


class Attempts:
    """At most one attempt a slot. `running` maps a slot's name to its attempt."""

    def __init__(
        self,
        roadmap: Roadmap,
        store: Store,
        spawner: Spawner,
        slots: list[Slot],
        nvml: Nvml | NvmlUnavailable,
    ) -> None:
        self._roadmap, self._store, self._spawner = roadmap, store, spawner
        self._slots, self._nvml = slots, nvml
        self.running: dict[str, Attempt] = {}
        self._asked_at: dict[str, float] = {}
        self._waiting: dict[str, str] = {}
        self._gpus = GpuLocks(store.paths.name, self._note_device)
        self._hangs = Hangs(roadmap.limits.hang_after, store, spawner)
        self._resident: Mapping[str, Any] | None = None

    def pids(self) -> list[int]:
        """The workers' process ids."""
        return [attempt.child.pid for attempt in self.running.values() if attempt.child.pid]

    def fill(self) -> None:
        """Give each free slot the next trial that is owed or planned, in the order of planning."""
        queue = self._queue()
        for slot in self._slots:
            if queue and slot.name not in self.running and not self._is_taken(slot):
                self._start(queue.pop(0), slot)

    def share(self, resident: Mapping[str, Any] | None) -> None:
        """From here on, data is taken from what the loader process has in memory; None if it has nothing."""
        self._resident = resident
        if resident is not None:
            for attempt in self.running.values():
                attempt.share(resident)

    def hear(self) -> None:
        """Put on record what the workers have said."""
        for attempt in self.running.values():
            attempt.hear(self._store)

    def announce(self) -> None:
        """Record the start of workers of which the process id is known by now, and give them their job."""
        for slot, attempt in self.running.items():
            trial = self._store.state.trials[attempt.trial]
            if attempt.child.pid and trial.status is not TrialStatus.RUNNING and attempt.child.code is None:
                self._announce(slot, attempt, trial)

    def collect(self, *, is_stopping: bool = False) -> bool:
        """Record the end of the attempts whose worker is gone. True if a trial has ended."""
        over = [(name, attempt) for name, attempt in self.running.items() if attempt.child.is_over]
        has_ended = False
        for name, attempt in over:
            if self._is_nothing(attempt, is_stopping):
                self._note_refusal(attempt.child.refused)
                self._drop(name)
                continue
            event = self._judge(attempt, is_stopping)
            if isinstance(event, TrialEnded):
                event, has_ended = self._with_digests(event), True
            self._store.append(event)  # first of all: what cannot be recorded now is tried again
            self._drop(name)
        return has_ended

    def kill_hung(self) -> None:
        """Kill workers that have finished no step for `hang_after`, or that have said their last word and
        do not leave. What a signal has stopped is continued instead."""
        self._hangs.look(self.running.values())

    def excuse(self) -> None:
        """Nobody was heard while the disk was full: that time is nobody's hang."""
        for attempt in self.running.values():
            attempt.moved = time.monotonic()

    def trim_logs(self) -> None:
        """Cut the log of a task whose C code prints without end (Python's printing sees to itself); its
        file is open for appending, so it goes on."""
        paths = self._store.paths
        for log in [paths.data_log, *(paths.trial_log(a.trial) for a in self.running.values())]:
            if log.exists() and log.stat().st_size > _LOG_LIMIT + _LOG_SLACK:
                os.truncate(log, 0)

    def drop_unborn(self) -> None:
        """Let go of workers that the fork server, which may still import torch, has not forked yet."""
        for slot in [slot for slot, attempt in self.running.items() if not attempt.child.pid]:
            self._drop(slot)

    def order_stop(self) -> None:
        """Ask every worker for a checkpoint and its leave; one that is stopped could not hear it, and one
        that is not ready has nothing to save and would hear it late."""
        self._hangs.continue_stopped(self.running.values())
        for attempt in self.running.values():
            if attempt.is_ready:
                attempt.child.orders.send({"order": "stop"})
            else:
                self._spawner.kill(attempt.child)

    def kill_all(self) -> None:
        """SIGKILL what has not left."""
        for attempt in self.running.values():
            self._spawner.kill(attempt.child)

    def close(self) -> None:
        """The session is over and its workers are gone: other runs may have the GPUs."""
        self._gpus.close()

    def _queue(self) -> list[TrialState]:
        busy = {attempt.trial for attempt in self.running.values()}
        waiting = (TrialStatus.PLANNED, TrialStatus.OWED)
        return [t for t in self._store.state.trials.values() if t.status in waiting and t.id not in busy]

    def _is_taken(self, slot: Slot) -> bool:
        """Whether somebody else is on the slot's GPU; asked every few seconds, said once."""
        if slot.gpu is None:
            return False
        now = time.monotonic()
        if now - self._asked_at.get(slot.name, -_GPU_PATIENCE) < _GPU_PATIENCE:
            return True
        whom = self._in_the_way(slot, slot.gpu)
        if whom is None:
            self._asked_at.pop(slot.name, None)
            if self._waiting.pop(slot.name, None):
                self._note_device(f"{slot.name} is free")
            return False
        self._asked_at[slot.name] = now
        if self._waiting.get(slot.name) is None:
            self._waiting[slot.name] = whom
            self._note_device(f"waiting for {slot.name}: {whom}")
        return True

    def _in_the_way(self, slot: Slot, gpu: Gpu) -> str | None:
        """Who else is on the GPU: another run, or anybody's process. None if it is ours now, and stays so
        until the session ends: between two trials nobody slips in."""
        if holder := self._gpus.take(gpu):
            return holder
        whom = waits_for(slot, self._nvml, self.pids())
        if whom is not None and all(attempt.slot.gpu != gpu for attempt in self.running.values()):
            self._gpus.give_back(gpu)  # who only waits for it keeps it from nobody
        return whom

    def _note_device(self, text: str) -> None:
        self._store.append(Noted("device", text))

    def _start(self, trial: TrialState, slot: Slot) -> None:
        folder = self._store.paths.trial(trial.id)
        folder.mkdir(parents=True, exist_ok=True)
        number = trial.attempts + 1
        child = self._spawner.fork(
            f"{trial.id}-{number}", "worker", self._store.paths.trial_log(trial.id), slot.environment
        )
        cpus = len(slot.cpus) or max(1, len(usable_cpus()) // len(self._slots))
        gauges = Gauges(has_gpu=slot.gpu is not None, cpus=cpus)
        self.running[slot.name] = Attempt(trial.id, number, slot, child, gauges=gauges)

    def _announce(self, slot: str, attempt: Attempt, trial: TrialState) -> None:
        """The worker waits for its job, so nothing is trained before its start is on record."""
        child, sealed = attempt.child, self._store.state.sealed
        assert sealed is not None
        self._store.append(TrialStarted(trial.id, attempt.number, slot, child.pid, child.started))
        is_first = self._store.state.trials_of(trial.plan.phase)[0].id == trial.id
        parent = self._store.state.trials[trial.plan.parent] if trial.plan.parent else None
        job = make_job(
            self._roadmap,
            sealed,
            self._store.paths,
            trial,
            attempt.slot,
            is_first=is_first,
            parent=parent,
            resident=self._resident,
        )
        attempt.moved = time.monotonic()
        attempt.give(job)

    def _is_nothing(self, attempt: Attempt, is_stopping: bool) -> bool:
        """Whether it ended before it was on record, by no doing of its own: then there is nothing to tell."""
        if self._store.state.trials[attempt.trial].status is TrialStatus.RUNNING:
            return False
        return not attempt.child.pid or not attempt.child.is_own_end or is_stopping

    def _note_refusal(self, why: str) -> None:
        """Said once in a run, and tried again and again."""
        text = f"no worker can be forked for now: {why}"
        if why and text not in self._store.state.notes:
            self._store.append(Noted("worker", text))

    def _drop(self, slot: str) -> None:
        self._spawner.let_go(self.running.pop(slot).child)

    def _judge(self, attempt: Attempt, is_stopping: bool) -> AttemptFailed | TrialEnded:
        trial, child = self._store.state.trials[attempt.trial], attempt.child
        is_out_of_memory = child.code == -9 and not attempt.is_hung and oom_kills() > attempt.oom_kills
        others = waits_for(attempt.slot, self._nvml, [*self.pids(), child.pid])
        end = End(
            last=attempt.last,
            code=child.code or 0,
            step=attempt.step,
            has_progress=attempt.has_progress,
            is_hung=attempt.is_hung,
            is_out_of_memory=is_out_of_memory,
            is_crowded=others is not None,
            is_stopping=is_stopping,
        )
        return judge(trial, attempt.number, end, self._roadmap.limits)

    def _with_digests(self, event: TrialEnded) -> TrialEnded:
        digest = self._store.prove_metrics(event.trial)
        equal, differing = self._store.replayed.get(event.trial, (0, 0))
        # What was computed again in an earlier session is counted by nobody any more.
        metric = self._roadmap.objective.metric
        differing = max(differing, self._store.count_unlike(event.trial, metric, event.curve))
        return replace(event, metrics_digest=digest, replayed=equal + differing, differing=differing)
