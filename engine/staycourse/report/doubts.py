"""What speaks against taking the result at its word, most serious first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from staycourse.core.narrative import warnings
from staycourse.core.paired import CANNOT_TELL
from staycourse.core.space import Interval, format_value
from staycourse.core.state import RunStatus
from staycourse.report.certainty import findings_of
from staycourse.report.cut_short import cut_short
from staycourse.report.environment_changes import environment_changes
from staycourse.report.facts import Facts
from staycourse.report.interruptions import interruptions
from staycourse.report.lineage import unlike_the_earlier_run
from staycourse.report.markdown import code, count, duration, escape, joined, moment, number, setting
from staycourse.report.script import deviations
from staycourse.report.standing import Standing, gap, measured_in, seeds_of

_FEW_SEEDS = 3
_AT_BOUND = 0.01  # of a range's width
_TRIALS_NAMED = 6


def doubts(facts: Facts, leading: Standing | None) -> list[str]:
    """Each as one line of Markdown; never empty, for the validation data has been used for choosing."""
    found = [line for look in _OF_THE_RUN for line in look(facts)]
    if leading is not None:
        found += [line for judge in _OF_THE_WINNER for line in judge(facts, leading)]
        found.append(
            f"The set-up and its epoch were chosen by the same {code(facts.metric)} that is reported here, "
            "so the figure flatters: data that no phase has seen would tell."
        )
    return found or ["Nothing has been measured yet."]


def _is_unfinished(facts: Facts) -> Iterator[str]:
    closed, total = len(facts.state.handoffs), len(facts.roadmap.phases)
    if facts.sealed.rehearsal:
        yield "This is a rehearsal: a few batches of training, so its figures mean nothing."
    if facts.status is not RunStatus.FINISHED:
        yield f"The run has not come to its end: {closed} of {count(total, 'phase')} closed."


def _does_not_repeat(facts: Facts) -> Iterator[str]:
    differing = sum(trial.end.differing for trial in facts.trials if trial.end)
    if differing:
        who = [trial.id for trial in facts.trials if trial.end and trial.end.differing]
        yield (
            f"{count(differing, 'value')} came out different when computed again after an interruption "
            f"({_named(who)}): this task does not repeat exactly on this machine."
        )
    if not facts.is_exact:
        yield "The data answers differently each time it is read, so no number here repeats exactly."


def _script_fell_short(facts: Facts) -> Iterator[str]:
    yield from deviations(facts)


def _changed_environment(facts: Facts) -> Iterator[str]:
    if changes := environment_changes(facts):
        what = escape("; ".join(change.words for change in changes))
        yield (
            f"The environment changed in mid-run ({what}): the numbers are exact up to "
            f"{moment(changes[0].time)} only."
        )


def _was_found_elsewhere(facts: Facts) -> Iterator[str]:
    changed = unlike_the_earlier_run(facts)
    if changed and facts.lineage:
        yield (
            f"What was taken up from {code(facts.lineage.run)} was found under other conditions "
            f"({joined(changed)}): its ranking and its ranges need not hold here."
        )


def _has_failures(facts: Facts) -> Iterator[str]:
    failed: dict[str, list[str]] = {}
    for trial in facts.trials:
        if trial.outcome is not None and not trial.outcome.is_ranked:
            failed.setdefault(str(trial.outcome), []).append(trial.id)
    if failed:
        total = sum(map(len, failed.values()))
        said = joined([f"{len(who)} {what} ({_named(who)})" for what, who in failed.items()])
        yield f"{total} of {count(len(facts.trials), 'trial')} ended without a score: {said}."


def _was_interrupted(facts: Facts) -> Iterator[str]:
    pauses = interruptions(facts)
    lost = [pause for pause in pauses if pause.end is not None]
    if lost:
        seconds = sum(pause.seconds or 0.0 for pause in lost)
        yield f"The run was interrupted {count(len(lost), 'time')}, for {duration(seconds)} in all."
    if cut := cut_short(facts):
        kinds = Counter(attempt.failure for attempt in cut)
        said = joined([f"{many} {escape(kind)}" for kind, many in sorted(kinds.items())])
        yield f"{count(len(cut), 'attempt')} had to be taken up again ({said})."


def _cannot_tell(facts: Facts) -> Iterator[str]:
    """By the last phase that judged each choice."""
    last: dict[str, tuple[int, list[dict[str, Any]]]] = {}
    for phase, handoff in enumerate(facts.state.handoffs):
        verdicts = handoff.findings.get("elimination", [])
        for name in dict.fromkeys(verdict["hyperparameter"] for verdict in verdicts):
            last[name] = (phase, [each for each in verdicts if each["hyperparameter"] == name])
    for name, (phase, verdicts) in last.items():
        where = facts.title(phase).capitalize()
        if verdicts[0]["against"] is None:
            only = setting(verdicts[0]["option"])
            yield f"{where} tried only {only} of {code(name)}: nothing is known of others."
            continue
        open_ = [f"{setting(v['option'])} (p {v['p']:.2f})" for v in verdicts if not v["is_eliminated"]]
        if open_:
            best = setting(verdicts[0]["against"])
            yield f"{where} cannot tell {code(name)} {best} from {joined(open_, 'or')}."


def _gates_warn(facts: Facts) -> Iterator[str]:
    for phase, handoff in enumerate(facts.state.handoffs):
        if found := [escape(finding["found"]) for finding in warnings(handoff)]:
            yield f"{facts.title(phase).capitalize()}, when it ended: {'; '.join(found)}."


def _touches_a_bound(facts: Facts) -> Iterator[str]:
    for phase, handoff in enumerate(facts.state.handoffs):
        for said in handoff.findings.get("warnings", []):
            yield f"In {facts.title(phase)}, {escape(said)}: better set-ups may lie beyond."


def _was_warned(facts: Facts) -> Iterator[str]:
    if warnings := facts.roadmap.warnings:
        found = {at for warning in warnings if (at := facts.phase_of(warning)) is not None}
        phases = [str(at + 1) for at in sorted(found)]
        where = f", under {'phase' if len(phases) == 1 else 'phases'} {joined(phases)}" if phases else ""
        yield f"The roadmap was sealed over {count(len(warnings), 'warning')} (they stand below{where})."


def _is_provisional(facts: Facts, leading: Standing) -> Iterator[str]:
    if not leading.is_handed_on:
        yield f"The best so far is the best single trial of {measured_in(facts, leading)}, not a ranking."


def _has_few_seeds(facts: Facts, leading: Standing) -> Iterator[str]:
    seeds = seeds_of(facts, leading.best)
    own = facts.state.trials_of(leading.phase) if leading.phase is not None else []
    planned = {trial.plan.repetition for trial in own}
    if seeds < len(planned):
        yield f"The winner is ranked by {seeds} of {count(len(planned), 'seed')}: the others failed."
    if seeds == 1:
        yield "One seed: what another seed would give is not known."
    elif seeds < _FEW_SEEDS:
        yield f"{count(seeds, 'seed')}: too few for more than a rough spread."


def _has_a_close_second(facts: Facts, leading: Standing) -> Iterator[str]:
    if len(leading.places) < 2:
        return
    second = leading.places[1]
    tested = findings_of(facts, leading).get("versus")
    if tested:
        row = next((row for row in tested if row["trials"] == list(second.trials)), None)
        if row is not None and row["p"] is not None and row["verdict"] == CANNOT_TELL:
            yield (
                f"The lead over the runner-up ({number(abs(row['difference']), 2)}) is not beyond noise "
                f"(p {row['p']:.2f}): the two cannot be told apart."
            )
        return
    found = gap(facts, leading.best, second)
    if found.spread is not None and not found.is_clear:
        yield (
            f"The lead over the runner-up ({number(found.difference, 2)}) lies within its spread over seeds "
            f"({number(found.spread, 2)}): the two cannot be told apart."
        )


def _is_at_a_bound(facts: Facts, leading: Standing) -> Iterator[str]:
    handed_on = facts.lineage.handoff.space.names if facts.lineage else ()
    for h in facts.roadmap.space:
        value = leading.best.setup.get(h.name)
        if not isinstance(h, Interval) or isinstance(value, bool | str) or value is None:
            continue
        h = h.given(leading.best.setup)
        unit = h.to_unit(value)
        if unit <= _AT_BOUND or unit >= 1 - _AT_BOUND:
            side = "lower" if unit <= _AT_BOUND else "upper"
            whose = "handed-on" if h.name in handed_on else "declared"
            yield (
                f"{code(h.name)} {format_value(value)} lies at the {side} end of its {whose} range "
                f"({format_value(h.low)} to {format_value(h.high)}): a better value may lie beyond."
            )
        else:
            yield from _is_at_a_grids_end(facts, h.name, value)


def _is_at_a_grids_end(facts: Facts, name: str, value: float) -> Iterator[str]:
    grids = [at for at, phase in enumerate(facts.roadmap.phases) if phase.kind == "grid"]
    if not grids:
        return
    tried = sorted(
        {trial.plan.setup[name] for trial in facts.state.trials_of(grids[-1]) if name in trial.plan.setup}
    )
    if len(tried) >= 3 and value in (tried[0], tried[-1]):
        side = "smallest" if value == tried[0] else "largest"
        points = ", ".join(map(format_value, tried))
        yield f"{code(name)} {format_value(value)} is the {side} point of the grid ({points})."


def _was_cut_short(facts: Facts, leading: Standing) -> Iterator[str]:
    trials = facts.state.trials
    plans = [trials[trial].plan for trial in leading.best.trials if trial in trials]
    if plans and leading.best.epoch >= max(plan.epochs for plan in plans):
        yield (
            f"The best epoch ({leading.best.epoch}) is the last one allowed in "
            f"{measured_in(facts, leading)}: training was still improving."
        )


def _named(trials: list[str]) -> str:
    more = f" and {len(trials) - _TRIALS_NAMED} more" if len(trials) > _TRIALS_NAMED else ""
    return ", ".join(trials[:_TRIALS_NAMED]) + more


_OF_THE_RUN: tuple[Callable[[Facts], Iterator[str]], ...] = (
    _is_unfinished,
    _does_not_repeat,
    _script_fell_short,
    _changed_environment,
    _was_found_elsewhere,
    _has_failures,
    _was_interrupted,
    _cannot_tell,
    _gates_warn,
    _touches_a_bound,
    _was_warned,
)
_OF_THE_WINNER: tuple[Callable[[Facts, Standing], Iterator[str]], ...] = (
    _is_provisional,
    _has_few_seeds,
    _has_a_close_second,
    _is_at_a_bound,
    _was_cut_short,
)
