"""The beginning of a session: nobody of the one before lives on, and the record says who goes on where."""

from __future__ import annotations

import logging
import os

from staycourse.core.environment import differences
from staycourse.core.events import EngineStarted, EnvironmentChanged, Noted
from staycourse.hardware.environment import describe_host
from staycourse.hardware.gpus import Nvml, NvmlUnavailable
from staycourse.record import schema
from staycourse.record.store import Store
from staycourse.supervise import checkpoints, orphans
from staycourse.supervise.linux import kill_tree, started_at
from staycourse.supervise.options import Options
from staycourse.supervise.sealing import environment_now
from staycourse.supervise.slots import Slot

log = logging.getLogger("staycourse.engine")
_LOST_HEAD = (
    "the file head was missing or could not be read: {} events stood, and whether there had been more nobody "
    "can tell"
)


def take_up(store: Store, slots: list[Slot], nvml: Nvml | NvmlUnavailable, options: Options) -> None:
    """Take the run up: nobody of the session before may live and write."""
    _kill_those_before(store)
    # In one with the note, for the first event that is recorded puts the head back.
    lost = [Noted("ledger", _LOST_HEAD.format(store.head[0]))] if store.is_head_lost else []
    store.append(_started(store, slots, options), *lost)
    # A kill may have come between the event and the deletion.
    checkpoints.delete(store.state, store.state.dropped, store.paths)
    _compare_environment(store, nvml, options)
    if (note := schema.journal_note(store.paths.root)) and note not in store.state.notes:
        store.append(Noted("disk", note))


def _kill_those_before(store: Store) -> None:
    for trial in store.state.trials.values():
        if trial.pid and trial.end is None:
            kill_tree(trial.pid, trial.pid_started)
    if count := orphans.kill_marked(store.paths.root):
        log.warning("%d processes of the session before were killed", count)


def _started(store: Store, slots: list[Slot], options: Options) -> EngineStarted:
    state = store.state
    return EngineStarted(
        session=state.engine.session + 1 if state.engine else 1,
        pid=os.getpid(),
        pid_started=started_at(os.getpid()),
        host=describe_host(),
        options=options.to_json(),
        slots=[slot.name for slot in slots],
        silent_since=None if state.is_engine_gone else store.last_sign_of_life(),
    )


def _compare_environment(store: Store, nvml: Nvml | NvmlUnavailable, options: Options) -> None:
    """A driver may be another one by now: the run goes on, and the record says from where on."""
    state = store.state
    assert state.sealed is not None
    now = environment_now(state.sealed.facts, options, nvml)
    if changes := differences(state.environment, now):
        store.append(EnvironmentChanged(changes, now))
