"""The ledger against itself and against every copy of its head."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from staycourse.core import events as ev
from staycourse.core.events import Event
from staycourse.record.ledger import GENESIS, Entry, misfit
from staycourse.record.paths import RunPaths
from staycourse.record.verification.fault import Fault

# As the report's table of the seal has it: the row of the ledger's head.
_IN_REPORT = re.compile(r"^\| ledger's head \| event (\d+), `([0-9a-f]{64})` \|$", re.M)


def check_chain(entries: Iterable[Entry]) -> list[Entry]:
    """Every entry in its place, with the hash of the one before and the hash of what it says."""
    found: list[Entry] = []
    prev = GENESIS
    for place, entry in enumerate(entries, start=1):
        if why := misfit(entry, place, prev):
            raise Fault(why)
        found.append(entry)
        prev = entry.hash
    if not found:
        raise Fault("the ledger is empty: event 1, the seal, is missing")
    return found


def heads(paths: RunPaths) -> list[tuple[str, int, str]]:
    """(where it stands, seq, hash) of each copy of the head that the run folder has. Read them before the
    ledger: in a run that is going on the chain only grows."""
    return [*_head(paths), *_head_in_setup(paths), *_head_in_report(paths)]


def check_heads(paths: RunPaths, entries: Sequence[Entry], copies: Iterable[tuple[str, int, str]]) -> None:
    """No copy may name an event that the chain lacks; a chain longer than its head is a crash's trace."""
    # A run that is just being sealed has one event and no head yet.
    if len(entries) > 1 and not paths.head.exists():
        raise Fault("the file head is missing")
    for where, seq, value in copies:
        if seq > len(entries):
            raise Fault(
                f"event {len(entries) + 1} is missing: the ledger ends before event {seq}, "
                f"which {where} names"
            )
        if seq < 1 or entries[seq - 1].hash != value:
            raise Fault(f"event {seq} is another than the one that {where} names")


def _head(paths: RunPaths) -> Iterator[tuple[str, int, str]]:
    try:
        text = paths.head.read_text(encoding="utf-8")
    except FileNotFoundError:
        return
    except UnicodeDecodeError:
        text = ""
    match = re.fullmatch(r"(\d+) ([0-9a-f]{64})\n?", text)
    if match is None:
        raise Fault("the file head holds no (number, hash) of an event")
    yield "head", int(match[1]), match[2]


def _head_in_report(paths: RunPaths) -> Iterator[tuple[str, int, str]]:
    if not paths.report.exists():
        return
    text = paths.report.read_text(encoding="utf-8", errors="replace")
    if match := _IN_REPORT.search(text):  # the first: what follows may quote anything, a roadmap say
        yield "report.md", int(match[1]), match[2]


def _head_in_setup(paths: RunPaths) -> Iterator[tuple[str, int, str]]:
    if not paths.final_setup.exists():
        return
    try:
        head = json.loads(paths.final_setup.read_text(encoding="utf-8")).get("head")
    except (ValueError, AttributeError):
        raise Fault("final/setup.json is not what was written") from None
    if head:
        yield "final/setup.json", int(head["seq"]), str(head["hash"])


def read_events(entries: Sequence[Entry]) -> list[tuple[Entry, Event]]:
    """The events of kinds that this version knows. Raises Fault for a body that is none of its kind's."""
    found = []
    for entry in entries:
        try:
            event = ev.from_body(entry.kind, json.loads(entry.body))
        except (ValueError, TypeError):
            raise Fault(f"event {entry.seq} ({entry.kind}) has a body that cannot be read") from None
        if event is not None:
            found.append((entry, event))
    _check_story(found)
    return found


def _check_story(events: Sequence[tuple[Entry, Event]]) -> None:
    """One seal, first of all; of each trial one plan and one end; nothing after the end of the run."""
    planned: set[str] = set()
    ended: set[str] = set()
    over = False
    for entry, event in events:
        where = f"event {entry.seq} ({entry.kind})"
        if isinstance(event, ev.RunSealed) != (entry.seq == 1):
            raise Fault(f"{where} is out of place: a run has one seal, its first event")
        if over:
            raise Fault(f"{where} follows the end of the run")
        over = isinstance(event, ev.RunFinished | ev.RunAbandoned)
        if isinstance(event, ev.TrialPlanned):
            _once(planned, event.trial, where)
        if isinstance(event, ev.TrialEnded):
            _once(ended, event.trial, where)
            if event.trial not in planned:
                raise Fault(f"{where}: trial {event.trial} was never planned")


def _once(seen: set[str], trial: str, where: str) -> None:
    if trial in seen:
        raise Fault(f"{where}: a second one for trial {trial}")
    seen.add(trial)


def ends(events: Iterable[tuple[Entry, Event]]) -> Mapping[str, ev.TrialEnded]:
    """Each trial's last event."""
    return {event.trial: event for _, event in events if isinstance(event, ev.TrialEnded)}
