"""What held trials up, as their meters showed while they trained, and what to do about it."""

from __future__ import annotations

from collections import Counter

from staycourse.core import events as ev
from staycourse.core.slowdowns import ADVICE
from staycourse.core.state import TrialState, TrialStatus
from staycourse.report.facts import Facts
from staycourse.report.markdown import bullets, count, escape, table
from staycourse.report.standing import Standing

_MOST_ROWS = 20


def slowdowns_section(facts: Facts) -> str:
    """Each slow-down in the words of its verdict, the worst of a kind first, and what ends it."""
    seen = _seen(facts.trials)
    if not seen:
        return "Nothing was seen to hold a trial up."
    slowed = {event.trial for event in seen}
    rows = [(event.trial, str(event.epoch), escape(event.text)) for event in seen[:_MOST_ROWS]]
    rest = len(seen) - len(rows)
    parts = [
        f"{len(slowed)} of {count(len(_begun(facts)), 'trial')} {'was' if len(slowed) == 1 else 'were'} held "
        "up. That costs time; no result depends on it.",
        table(["trial", "after epoch", "what was seen"], rows, right=[1]),
        f"*{count(rest, 'more')} in the ledger.*" if rest else "",
        "What to do about it:",
        bullets(_advice(seen)),
    ]
    return "\n\n".join(filter(None, parts))


def slowed_words(facts: Facts, leading: Standing | None) -> str:
    """For the summary: what held the winner up, and whether most trials were; empty if neither."""
    parts = []
    if won := _seen(_winners(facts, leading)):
        parts.append(f"the best set-up's {won[0].trial}: {escape(won[0].text)}")
    slowed = [trial for trial in _begun(facts) if trial.slowdowns]
    if 2 * len(slowed) > len(_begun(facts)):
        kinds = Counter(event.slowdown for trial in slowed for event in trial.slowdowns)
        said = ", ".join(f"{escape(kind)}: {many}" for kind, many in kinds.most_common())
        parts.append(f"{len(slowed)} of {count(len(_begun(facts)), 'trial')} ({said})")
    return "; ".join(parts) + " ([what to do](#slow-downs))" if parts else ""


def _begun(facts: Facts) -> list[TrialState]:
    return [trial for trial in facts.trials if trial.status is not TrialStatus.PLANNED]


def _seen(trials: list[TrialState]) -> list[ev.SlowdownSeen]:
    """Of these trials, by kind in the order of ADVICE, the worst first."""
    order = [*ADVICE]
    events = [event for trial in trials for event in trial.slowdowns]

    def place(event: ev.SlowdownSeen) -> tuple[int, float]:
        known = event.slowdown in order
        return order.index(event.slowdown) if known else len(order), -event.share

    return sorted(events, key=place)


def _advice(seen: list[ev.SlowdownSeen]) -> list[str]:
    """A line for each kind; one that this version does not know has its sentences only."""
    trials = Counter(event.slowdown for event in seen)
    return [
        f"**{escape(kind)}** ({count(many, 'trial')}): {ADVICE.get(kind, 'see its words above')}"
        for kind, many in trials.items()
    ]


def _winners(facts: Facts, leading: Standing | None) -> list[TrialState]:
    """The trials that the best place rests on, and those that trained its weights."""
    if leading is None:
        return []
    final = [trial for trial in facts.trials if facts.kind(trial.plan.phase) == "final"]
    own = [facts.state.trials[trial] for trial in leading.best.trials if trial in facts.state.trials]
    return list({trial.id: trial for trial in [*own, *final]}.values())
