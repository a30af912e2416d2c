"""Set-ups that were compared by name: what each reached and what it took, and whether they are equivalent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from staycourse.core.equivalence import NOT_PARTED
from staycourse.report.certainty import difference_cells
from staycourse.report.facts import Facts
from staycourse.report.markdown import (
    MINUS,
    NOTHING,
    bullets,
    code,
    count,
    duration,
    escape,
    plus_minus,
    setting,
    signed,
    table,
)
from staycourse.report.trials import names_of

Rows = Sequence[Mapping[str, Any]]


def side_by_side(facts: Facts, places: Rows) -> list[str]:
    """The blocks of a closed `compare`; `places` are its findings, best first."""
    return [_table(facts, places), _left_out(facts, places), _equivalence(facts, places)] if places else []


def verdicts(places: Rows) -> str:
    """`hybrid and decaying: equivalent within 0.005`, of the same findings; nothing where nobody asked."""
    asked = [place for place in places[1:] if place.get("equivalence")]
    return "; ".join(_pair(place, places[0]) for place in asked)


def differing(facts: Facts, setups: Rows) -> list[str]:
    """The hyperparameters in which the set-ups are not all alike."""
    return [name for name in names_of(facts, setups) if len({repr(setup.get(name)) for setup in setups}) > 1]


def _table(facts: Facts, places: Rows) -> str:
    names = differing(facts, [place["setup"] for place in places])
    costs = [_costs(facts, place) for place in places]
    rows = [
        (
            escape(place["name"]),
            *(setting(place["setup"].get(name)) for name in names),
            plus_minus(place["score"], place["spread"]),
            str(place["epoch"]),
            *_cost_cells(cost, costs),
            *([NOTHING, NOTHING, NOTHING, "best"] if at == 0 else _beside(place)),
        )
        for at, (place, cost) in enumerate(zip(places, costs, strict=True))
    ]
    header = ["set-up", *map(code, names), code(facts.metric), "best epoch", "updates", "time"]
    header += ["difference to the best", "95% interval", "p", "verdict"]
    why = (
        "Differences are taken seed by seed; interval and p allow for all pairs of set-ups. Updates (of the "
        "parameters) and time (of training, on what the machine left for it) are means over the seeds, in "
        "brackets beside the set-up with the most updates"
    )
    return f"**Side by side.** {why}:\n\n{table(header, rows, range(1, len(header) - 1))}"


def _left_out(facts: Facts, places: Rows) -> str:
    """Set-ups of which no seed has a score: nothing can be said of them, and nobody is to miss them."""
    phase = facts.state.trials[places[0]["trials"][0]].plan.phase
    outcomes: dict[str, list[str]] = {}
    for trial in facts.state.trials_of(phase):
        if trial.end is not None:
            outcomes.setdefault(trial.plan.name, []).append(str(trial.end.outcome))
    placed = {place["name"] for place in places}
    lines = [
        f"{escape(name)}: "
        + ", ".join(f"{ends.count(end)} of {count(len(ends), 'trial')} {end}" for end in dict.fromkeys(ends))
        for name, ends in outcomes.items()
        if name not in placed
    ]
    return f"**Not compared**, for no seed has a score:\n\n{bullets(lines)}" if lines else ""


def _costs(facts: Facts, place: Mapping[str, Any]) -> tuple[float, float]:
    """Mean updates and seconds of a set-up's trials."""
    ends = [end for trial in place["trials"] if (end := facts.state.trials[trial].end)]
    return fmean(end.steps for end in ends), fmean(end.seconds for end in ends)


def _cost_cells(cost: tuple[float, float], costs: Sequence[tuple[float, float]]) -> list[str]:
    words, most = (f"{cost[0]:,.0f}", duration(cost[1])), max(costs)
    return [said + _beside_most(own, full) for said, own, full in zip(words, cost, most, strict=True)]


def _beside_most(own: float, full: float) -> str:
    """` (−35.2%)`: how much less or more it is than the full amount, nothing where it is as much."""
    return f" ({own / full - 1:+.1%})".replace("-", MINUS) if full and own != full else ""


def _beside(place: Mapping[str, Any]) -> list[str]:
    """Earlier versions recorded a spread in place of the test."""
    if "verdict" in place:
        return difference_cells(place)
    return [signed(place["difference"]), NOTHING, NOTHING, "not tested"]


def _equivalence(facts: Facts, places: Rows) -> str:
    asked = [place for place in places[1:] if place.get("equivalence")]
    if not asked:
        return ""
    margin = code(facts.metric) + f" {asked[0]['equivalence']['margin']:g}"
    family = ", for all pairs at once," if len(places) > 2 else ""
    why = (
        f"The margin, {margin}, was declared before the first trial. Set-ups are equivalent where the 90% "
        f"interval of their difference, taken seed by seed,{family} lies within it on either side (two "
        "one-sided tests at 5%, Schuirmann 1987). Not shown to be equivalent does not mean different: it can "
        "be for want of seeds"
    )
    if any(place["equivalence"]["verdict"].startswith(NOT_PARTED) for place in asked):
        why += ". Set-ups that are still the same training at the epoch compared show nothing"
    lines = [_verdict(place, places[0]) for place in asked]
    return f"**Equivalence.** {why}:\n\n{bullets(lines)}"


def _verdict(place: Mapping[str, Any], best: Mapping[str, Any]) -> str:
    found = place["equivalence"]
    pair = _pair(place, best)
    if found["interval"] is None:
        return f"{pair} (one seed leaves nothing to judge by)"
    low, high = found["interval"]
    return (
        f"{pair}, by a difference of {signed(place['difference'])}, 90% interval {signed(low)} to "
        f"{signed(high)}, over {count(found['seeds'], 'seed')}"
    )


def _pair(place: Mapping[str, Any], best: Mapping[str, Any]) -> str:
    return f"{escape(place['name'])} and {escape(best['name'])}: **{place['equivalence']['verdict']}**"
