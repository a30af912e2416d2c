"""How many trials ended without a score, and whether they lie together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from staycourse.core.gates import Closing, Finding, Level, rounded
from staycourse.core.space import Choice, Hyperparameter, Interval, Space, Value, format_value, same
from staycourse.core.trial import Trial

# The playbook speaks of "a very large fraction". Above a quarter, a budget that was chosen by the number of
# trials is no longer what was meant; under a tenth, single failures at a wide range's end are its price.
_WARNING, _NOTE = 0.25, 0.1
# Fewer failures lie on one side of everything else by chance: three of six do once in ten times.
_LEAST_TOGETHER = 3


class Infeasible:
    """Share of trials without a score, whatever they died of."""

    NAME: ClassVar[str] = "infeasible trials"
    KINDS: ClassVar[frozenset[str]] = frozenset({"probe", "narrow", "grid", "confirm", "compare"})

    def look(self, closing: Closing) -> list[Finding]:
        ended = [trial for trial in closing.trials if trial.outcome is not None]
        failed = [trial for trial in ended if trial.score(closing.goal) is None]
        counts: dict[str, int] = {}
        for trial in failed:
            counts[str(trial.outcome)] = counts.get(str(trial.outcome), 0) + 1
        share = len(failed) / len(ended) if ended else 0.0
        figures = {"trials": len(ended), "without_score": len(failed), "share": rounded(share)}
        said = f"{len(failed)} of {len(ended)} trials ended without a score"
        if counts:
            said += f" ({', '.join(f'{many} {what}' for what, many in counts.items())})"
        level = _level(closing, share)
        if level == "fine":
            return [Finding(self.NAME, level, said, figures=figures)]
        together = _where(closing.before.handoff.space, failed, ended)
        found = f"{said}{'; ' + together if together else ''}"
        return [Finding(self.NAME, level, found, _MEANS[level], _change(together), figures)]


_MEANS = {
    "warning": "a large part of the trials has told nothing of where the good set-ups are",
    "note": "these trials have told nothing but where not to search",
}


def _level(closing: Closing, share: float) -> Level:
    # What confirm and compare train is meant to work: there, a single failure is worth a word.
    least = 0.0 if closing.phase.kind in ("confirm", "compare") else _NOTE
    return "warning" if share > _WARNING else "note" if share > least else "fine"


def _change(together: str) -> str:
    if together:
        return "leave that part out of the space, or stabilise it (warm-up, gradient clipping) to get at it"
    return "read the trials' errors: failures all over the space speak of the task's code or its data"


def _where(space: Space, failed: Sequence[Trial], ended: Sequence[Trial]) -> str:
    """The part of the space that holds the failures and nothing else, in words; empty if there is none."""
    bad = {trial.id for trial in failed}
    good = [trial for trial in ended if trial.id not in bad]
    for h in space:
        ill = [trial.setup[h.name] for trial in failed if h.name in trial.setup]
        well = [trial.setup[h.name] for trial in good if h.name in trial.setup]
        if min(len(ill), len(well)) < _LEAST_TOGETHER or len(ill) < len(failed):
            continue
        if part := _part(h, ill, well):
            return f"all of them have {h.name} {part}, and no other has"
    return ""


def _part(h: Hyperparameter, ill: Sequence[Value], well: Sequence[Value]) -> str:
    if isinstance(h, Interval):
        if min(map(float, ill)) > max(map(float, well)):
            return f"{format_value(min(ill, key=float))} or more"
        if max(map(float, ill)) < min(map(float, well)):
            return f"{format_value(max(ill, key=float))} or less"
    is_one = isinstance(h, Choice) and all(same(value, ill[0]) for value in ill)
    return format_value(ill[0]) if is_one and not any(same(value, ill[0]) for value in well) else ""
