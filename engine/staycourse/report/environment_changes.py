"""Where the environment changed in mid-run: up to there, and no further, exactness is claimed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from staycourse.core import events as ev
from staycourse.core.environment import changes_in_words
from staycourse.report.facts import Facts
from staycourse.report.markdown import NOTHING, count, escape, moment, table

_MOST_NAMED = 8


@dataclass(frozen=True)
class Change:
    """What changed at `time`, and the trials that had ended by then, that went on under it, that began
    under it."""

    time: str
    words: str
    before: tuple[str, ...]
    across: tuple[str, ...]
    after: tuple[str, ...]


def environment_changes(facts: Facts) -> list[Change]:
    """Every change, oldest first."""
    started: dict[str, int] = {}
    ended: dict[str, int] = {}
    for at, timed in enumerate(facts.timeline):
        if isinstance(timed.event, ev.TrialStarted):
            started.setdefault(timed.event.trial, at)
        elif isinstance(timed.event, ev.TrialEnded):
            ended.setdefault(timed.event.trial, at)
    found = []
    for at, timed in enumerate(facts.timeline):
        if not isinstance(timed.event, ev.EnvironmentChanged):
            continue
        after = [trial for trial, begun in started.items() if begun > at]
        before = [trial for trial, end in ended.items() if end < at]
        across = [trial for trial in started if trial not in after and trial not in before]
        words = changes_in_words(timed.event.changes)
        found.append(Change(timed.time, words, tuple(before), tuple(across), tuple(after)))
    return found


def environment_changes_words(facts: Facts) -> str:
    """A table of them under a sentence; empty where there was none."""
    changes = environment_changes(facts)
    if not changes:
        return ""
    rows = [(moment(c.time), escape(c.words), *map(_named, (c.before, c.across, c.after))) for c in changes]
    header = ["when", "what changed", "trials that had ended", "that went on under it", "that began under it"]
    return (
        f"**The environment changed {count(len(changes), 'time')} in mid-run.** Exactness is claimed up to "
        f"{moment(changes[0].time)} and no further: what was trained from there on need not come out "
        f"equal in the sealed environment.\n\n{table(header, rows)}"
    )


def _named(trials: Sequence[str]) -> str:
    if not trials:
        return NOTHING
    more = f" and {len(trials) - _MOST_NAMED} more" if len(trials) > _MOST_NAMED else ""
    return ", ".join(map(escape, trials[:_MOST_NAMED])) + more
