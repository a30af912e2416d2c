"""The supervising loop: follows the sealed roadmap to its end. It is the run's only writer."""

from __future__ import annotations

import logging
import os
import selectors
import time
from collections.abc import Callable
from typing import TypeVar

from staycourse.core.disk_forecast import disk_forecast
from staycourse.core.events import (
    EngineStopped,
    Event,
    Noted,
    RunFinished,
    RunSuspended,
)
from staycourse.core.roadmap import Roadmap
from staycourse.core.state import RunStatus
from staycourse.hardware.gpus import Nvml, NvmlUnavailable
from staycourse.hardware.sampler import Sampler
from staycourse.record.stamp import final_files, stamp_setup
from staycourse.record.store import Store
from staycourse.supervise import checkpoints, disk
from staycourse.supervise.attempts import Attempts
from staycourse.supervise.beginning import take_up
from staycourse.supervise.clock_watch import ClockWatch
from staycourse.supervise.code_guard import CodeGuard
from staycourse.supervise.data_watch import DataWatch
from staycourse.supervise.options import Options
from staycourse.supervise.planner import Planner, same_failures
from staycourse.supervise.resident import ResidentData
from staycourse.supervise.search_client import SearchClient, SearchFailed
from staycourse.supervise.slots import Slot
from staycourse.supervise.slowdowns import Slowdowns
from staycourse.supervise.spawner import Spawner

FINISHED, UNFINISHED, SUSPENDED = 0, 3, 75
_TICK = 0.5
_SAMPLE_EVERY, _THIN_EVERY = 1.0, 600.0
_GRACE = 30.0
_MOST_EQUAL_FAILURES = 3
_MOST_FAILED_STARTS = 3

_T = TypeVar("_T")
log = logging.getLogger("staycourse.engine")


class Engine:
    """One session of a run. `stop_requested` is looked at in every turn of the loop, `wake` is a
    descriptor that ends a wait early."""

    def __init__(
        self,
        roadmap: Roadmap,
        store: Store,
        slots: list[Slot],
        nvml: Nvml | NvmlUnavailable,
        options: Options,
        *,
        wake: int,
        stop_requested: Callable[[], bool],
    ) -> None:
        self._roadmap, self._store, self._options = roadmap, store, options
        self._slots, self._wake, self._stop_requested = slots, wake, stop_requested
        self._nvml = nvml
        self._spawner = Spawner(store.paths.log, store.paths.root)
        self._planner = Planner(roadmap, store)
        self._attempts = Attempts(roadmap, store, self._spawner, slots, nvml)
        self._slowdowns = Slowdowns(store)
        self._search = SearchClient(self._spawner, store.paths.log)
        self._data = DataWatch(roadmap, store, self._spawner)
        self._resident = ResidentData(roadmap, store, self._spawner)
        self._sampler = Sampler([slot.gpu for slot in slots if slot.gpu], nvml)
        self._sampled_at = self._thinned_at = time.monotonic()
        self._clock = ClockWatch()
        self._is_short = False
        self._disk = disk.Disk(store.paths.root, log.error, stop_requested)
        self._waits = 0
        store.patiently = self._disk.waiting_out
        assert store.state.sealed is not None, "a run begins with its seal"
        self._code = CodeGuard(store.paths, store.state.sealed)
        forecast = disk_forecast(roadmap, store.state.sealed.facts)
        self._needed_bytes = disk.LEAST_FREE + (forecast.writing if forecast else 0)

    def run(self) -> int:
        """Follow the roadmap; the exit code of design §7."""
        take_up(self._store, self._slots, self._nvml, self._options)
        self._spawner.start()
        try:
            while True:
                code = self._turn()
                if code is not None:
                    return code
                self._wait()
        finally:
            self._search.close()
            self._data.close()
            self._resident.close()
            self._spawner.close()
            self._attempts.close()

    def _turn(self) -> int | None:
        """One turn of the loop; the exit code once the session is over."""
        if self._stop_requested():
            return self._stop()
        self._hear()
        while self._planner.advance():
            self._drop_checkpoints()
        if self._store.state.status is RunStatus.FAILED:
            checkpoints.delete_teacher(self._store.paths)
            return UNFINISHED
        if self._planner.is_done:
            return self._finish()
        if reason := self._ask_search() or self._too_many_equal_failures():
            return self._suspend(reason)
        if reason := self._server_fault() or self._touched_code() or self._data.turn():
            return self._suspend(reason, at_once=True)
        if self._data.is_clear and self._resident.turn():
            self._attempts.share(self._resident.shared)
        if self._data.is_clear and self._has_room():
            self._guard(self._attempts.fill)
        self._attempts.announce()
        return None

    def _server_fault(self) -> str | None:
        """Start the fork server again if it died; why that is of no use, where it died at each start."""
        if self._spawner.failed_starts >= _MOST_FAILED_STARTS:
            return f"the fork server does not start: {self._spawner.start_failure}"
        if not self._spawner.is_alive:
            log.warning("the fork server died and is started again")
            self._spawner.start()
        return None

    def _has_room(self) -> bool:
        """Whether the disk has room for another trial; said once where it has not."""
        missing = disk.missing_bytes(self._store.paths.root, self._needed_bytes)
        if missing and not self._is_short:
            self._note_disk(
                f"{missing / 1e6:.0f} MB of disk are missing; no further trial starts until they are free"
            )
        elif self._is_short and not missing:
            self._note_disk("the disk has room again")
        self._is_short = missing > 0
        return not self._is_short

    def _note_disk(self, text: str) -> None:
        log.warning(text)
        self._append(Noted("disk", text))

    def _hear(self) -> None:
        self._spawner.receive()
        self._attempts.announce()
        self._attempts.hear()
        self._slowdowns.look(self._attempts.running.values())
        if self._attempts.collect():
            self._planner.outdate()
        if self._disk.waits > self._waits:
            self._waits = self._disk.waits
            self._attempts.excuse()
            self._note_disk("the disk was full and has been waited for")
        self._attempts.kill_hung()

    def _ask_search(self) -> str | None:
        """Ask the search and hear it; why it cannot go on, if it cannot."""
        try:
            answer = self._search.take()
        except SearchFailed as error:
            return f"the search cannot go on: {error}"
        if answer:
            self._planner.take(*answer)
        if not self._search.is_busy and (question := self._planner.question()):
            self._search.ask(*question)
        if self._search.child is not None and not self._planner.needs_search:
            self._search.close()
        return None

    def _wait(self) -> None:
        """Until something is said, or the next sample is due."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._wake, selectors.EVENT_READ)
            if self._spawner.is_alive:
                selector.register(self._spawner, selectors.EVENT_READ)
            for child in self._spawner.children.values():
                if not child.events.is_closed:
                    selector.register(child.events, selectors.EVENT_READ)
                if child.orders.is_behind:
                    selector.register(child.orders, selectors.EVENT_WRITE)
            ready = selector.select(timeout=_TICK)
        if any(key.fd == self._wake for key, _ in ready):
            os.read(self._wake, 4096)
        self._sample()

    def _sample(self) -> None:
        now = time.monotonic()
        if now - self._sampled_at < _SAMPLE_EVERY:
            return
        self._sampled_at = now
        readings = self._sampler.sample(self._attempts.pids())
        self._store.add_hardware(readings)
        self._slowdowns.sample(readings, self._attempts.running.values())
        for note in self._sampler.notes():
            self._append(Noted("hardware", note))
        if jump := self._clock.jump():
            self._append(Noted("clock", jump))
        self._store.flush()
        self._attempts.trim_logs()
        if now - self._thinned_at > _THIN_EVERY:
            self._thinned_at = now
            self._store.thin_hardware()

    def _too_many_equal_failures(self) -> str | None:
        state = self._store.state
        if state.phase is None or state.engine is None:
            return None
        error, count = same_failures(state, state.phase, state.engine.session)
        if count < _MOST_EQUAL_FAILURES:
            return None
        return f"{count} trials failed with the same error: {error}"

    def _touched_code(self) -> str | None:
        change = self._code.change()
        return f"the sealed code was touched: {change}; put it back as it was" if change else None

    def _stop(self) -> int:
        """SIGTERM: checkpoints within seconds; every trial that is running is owed."""
        self._end_attempts()
        self._append(EngineStopped("SIGTERM"))
        return SUSPENDED

    def _suspend(self, reason: str, *, at_once: bool = False) -> int:
        self._end_attempts(at_once=at_once)
        self._append(RunSuspended(reason))
        return SUSPENDED

    def _end_attempts(self, *, at_once: bool = False) -> None:
        """`at_once` leaves no time for another checkpoint: what was trained since the last one is trained
        again, and compared."""
        self._attempts.hear()
        self._attempts.drop_unborn()
        if not at_once:
            self._attempts.order_stop()
        deadline = time.monotonic() + (0.0 if at_once else _GRACE)
        is_killed = False
        while self._attempts.running:
            self._spawner.receive()
            self._attempts.hear()
            self._attempts.collect(is_stopping=True)
            if time.monotonic() > deadline and not is_killed:
                self._attempts.kill_all()
                is_killed = True
            if self._attempts.running:
                self._wait()

    def _drop_checkpoints(self) -> None:
        if self._roadmap.limits.keep_checkpoints == "all":
            return
        event = checkpoints.drop(self._store.state, self._store.paths, len(self._store.state.handoffs) - 1)
        if event is not None:
            self._append(event)
            checkpoints.delete(self._store.state, event.trials, self._store.paths)

    def _finish(self) -> int:
        handoff = self._store.state.handoffs[-1]
        winner = handoff.ranking[0].setup if handoff.ranking else None
        sealed = self._store.state.sealed
        assert sealed is not None, "a run begins with its seal"
        checkpoints.delete_teacher(self._store.paths)
        self._guard(lambda: stamp_setup(self._store.paths, sealed.seal, self._store.head))
        self._append(RunFinished(winner, final_files(self._store.paths)))
        return FINISHED

    def _append(self, event: Event) -> None:
        self._store.append(event)

    def _guard(self, action: Callable[[], _T]) -> _T:
        """For what writes files; the store waits by itself."""
        return self._disk.waiting_out(action)
