"""How often the truly best of ten set-ups wins a campaign under noise: `python bench/ranking.py`.

The phases themselves decide each campaign: `grid` and then `confirm` are asked for what they need, and
every need is answered with a curve that is drawn, not trained. Of the same curves it is told what two common
habits would have chosen: the smallest value of any epoch of one seed, and the smallest mean over seeds of
each seed's own minimum. What is said of the winner is compared with the truth.

A curve is the set-up's own loss, a descent, a tail of over-fitting that sets in at an epoch of its own, and
noise of three kinds: an offset of the seed that all set-ups share, one of this set-up with this seed, and a
jitter of every epoch. Neighbouring set-ups lie apart by multiples of the second.
"""

from __future__ import annotations

import argparse
import math
import random
import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace

from staycourse.core.handoff import Handoff
from staycourse.core.outcome import Outcome
from staycourse.core.phases.base import Before, Need, Phase
from staycourse.core.roadmap import parse
from staycourse.core.trial import Trial

SET_UPS, EPOCHS = 10, 40
ROADMAP = """
name = "ranking"
[task]
file = "task.py"
[objective]
metric = "val_loss"
[space]
at = {{ range = [0, {last}], integer = true }}
[[phase]]
kind = "grid"
points = {{ at = {points} }}
epochs = {epochs}
seeds = {grid_seeds}
[[phase]]
kind = "confirm"
epochs = {epochs}
seeds = {seeds}
"""


@dataclass(frozen=True)
class Scenario:
    """Distances and noises in units of the loss; the seed's own noise is 0.02 throughout."""

    name: str
    gap: float
    own: float = 0.02
    shared: float = 0.02
    jitter: float = 0.01
    is_uneven: bool = False


SCENARIOS = (
    Scenario("far apart: 2 x noise", 0.04),
    Scenario("as far as noise", 0.02),
    Scenario("half the noise", 0.01),
    Scenario("half, much jitter", 0.01, jitter=0.03),
    Scenario("half, seeds alike for all", 0.01, shared=0.06),
    Scenario("half, uneven noise", 0.01, is_uneven=True),
    Scenario("all equal", 0.0),
)


class World:
    """The truth of one campaign, and the curves that it shows."""

    def __init__(self, scenario: Scenario, seed: int) -> None:
        self.scenario, self.seed = scenario, seed
        rng = random.Random(f"{scenario.name} {seed}")
        places = list(range(SET_UPS))
        rng.shuffle(places)
        self.levels = [1 + scenario.gap * place for place in places]
        self.turns = [rng.randint(15, 35) for _ in places]
        # Uneven: what is worse is noisier too, as learning rates that are a little too high are.
        self.noises = [1 + place / 5 if scenario.is_uneven else 1.0 for place in places]

    def mean(self, at: int, epoch: int) -> float:
        turn = self.turns[at]
        return self.levels[at] + math.exp(-epoch / 4) - math.exp(-turn / 4) + 0.006 * max(0, epoch - turn)

    def truth(self, at: int) -> float:
        return min(self.mean(at, epoch) for epoch in range(1, EPOCHS + 1))

    def curve(self, at: int, phase: str, repetition: int) -> tuple[tuple[int, float], ...]:
        shared = random.Random(f"{self.scenario.name} {self.seed} {phase} {repetition}").gauss(0, 1)
        rng = random.Random(f"{self.scenario.name} {self.seed} {phase} {repetition} {at}")
        noise = self.noises[at]
        offset = self.scenario.shared * shared + self.scenario.own * noise * rng.gauss(0, 1)
        return tuple(
            (epoch, self.mean(at, epoch) + offset + self.scenario.jitter * noise * rng.gauss(0, 1))
            for epoch in range(1, EPOCHS + 1)
        )


def played(phase: Phase, before: Before, world: World, first: int) -> tuple[Handoff, list[Trial]]:
    """The phase asked until it hands on."""
    trials: list[Trial] = []
    while True:
        decision = phase.decide(before, trials)
        if decision.handoff is not None:
            return decision.handoff, trials
        assert decision.failure is None, decision.failure
        trials += [
            _trained(need, f"t{first + n}", world, phase.kind)
            for n, need in enumerate(decision.needs[len(trials) :], start=len(trials))
        ]


def _trained(need: Need, name: str, world: World, kind: str) -> Trial:
    assert need.setup is not None
    curve = world.curve(int(need.setup["at"]), kind, need.repetition)
    trial = Trial(name, 0, need.key, need.setup, need.repetition, horizon=need.horizon)
    return replace(trial, outcome=Outcome.COMPLETED, curve=curve, epochs_done=EPOCHS)


@dataclass(frozen=True)
class Result:
    """One campaign: whether the best won and the regret, by each way of choosing; what was said."""

    wins: tuple[bool, bool, bool]
    regrets: tuple[float, float, float]
    is_covered: bool
    bias: float
    bias_of_score: float
    bias_of_minimum: float
    kept: int
    has_false_verdict: bool


def campaign(scenario: Scenario, seed: int, phases: Sequence[Phase], first: Handoff) -> Result:
    """Grid and confirm, and what the habits would have chosen of the same trials."""
    world = World(scenario, seed)
    handed, points = played(phases[0], Before("min", first), world, 0)
    confirmed, trials = played(phases[1], Before("min", handed), world, len(points))
    by_minimum = min((t for t in points if not t.repetition), key=_minimum)
    groups: dict[int, list[Trial]] = {}
    for trial in trials:
        groups.setdefault(_at(trial), []).append(trial)
    means = {at: statistics.fmean(map(_minimum, group)) for at, group in groups.items()}
    chosen = [_at(confirmed.ranking[0]), _at(by_minimum), min(means, key=lambda at: means[at])]
    best = min(map(world.truth, range(SET_UPS)))
    winner, found = confirmed.ranking[0], confirmed.findings["expected"]
    real = world.mean(chosen[0], winner.epoch)
    clear = [row["trials"][0] for row in confirmed.findings["versus"] if row["verdict"].startswith("better")]
    worse = [at for at, group in groups.items() if any(t.id in clear for t in group)]
    return Result(
        wins=tuple(world.truth(at) <= best + 1e-9 for at in chosen),  # type: ignore[arg-type]
        regrets=tuple(world.truth(at) - best for at in chosen),  # type: ignore[arg-type]
        is_covered=found["low"] <= real <= found["high"],
        bias=found["value"] - real,
        bias_of_score=winner.score - real,
        bias_of_minimum=min(map(_minimum, groups[chosen[0]])) - real,
        kept=len(handed.ranking),
        has_false_verdict=any(world.truth(at) <= world.truth(chosen[0]) + 1e-9 for at in worse),
    )


def _at(holder: object) -> int:
    return int(holder.setup["at"])  # type: ignore[attr-defined]


def _minimum(trial: Trial) -> float:
    return min(value for _, value in trial.curve)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--campaigns", type=int, default=150)
    parser.add_argument("--seeds", type=int, default=3, help="of confirm")
    parser.add_argument("--grid-seeds", type=int, default=1)
    asked = parser.parse_args()
    text = ROADMAP.format(
        last=SET_UPS - 1,
        points=list(range(SET_UPS)),
        epochs=EPOCHS,
        seeds=asked.seeds,
        grid_seeds=asked.grid_seeds,
    )
    roadmap = parse(text)
    _say(f"{asked.campaigns} campaigns; grid with {asked.grid_seeds}, confirm with {asked.seeds} seeds")
    _say(f"{'':27}|  the truly best wins, %  |     mean regret, 1e-3    | the winner's loss: bias, 1e-3")
    _say(
        f"{'scenario':27}|{'ours':>7}{'1 min.':>8}{'mean min.':>10} |"
        f"{'ours':>7}{'1 min.':>8}{'mean min.':>10} |"
        f"{'stated':>8}{'mean':>7}{'minimum':>9}{'95% holds':>11}{'kept':>6}{'false':>7}"
    )
    for scenario in SCENARIOS:
        results = [
            campaign(scenario, seed, roadmap.phases, roadmap.first_handoff) for seed in range(asked.campaigns)
        ]
        _say(_row(scenario, results))


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _row(scenario: Scenario, results: Sequence[Result]) -> str:
    wins = [100 * statistics.fmean(result.wins[k] for result in results) for k in range(3)]
    regrets = [1000 * statistics.fmean(result.regrets[k] for result in results) for k in range(3)]
    biases = [
        1000 * statistics.fmean(each)
        for each in zip(*((r.bias, r.bias_of_score, r.bias_of_minimum) for r in results), strict=True)
    ]
    covered = 100 * statistics.fmean(result.is_covered for result in results)
    false = 100 * statistics.fmean(result.has_false_verdict for result in results)
    kept = statistics.fmean(result.kept for result in results)
    return (
        f"{scenario.name:27}|{wins[0]:7.0f}{wins[1]:8.0f}{wins[2]:10.0f} |"
        f"{regrets[0]:7.1f}{regrets[1]:8.1f}{regrets[2]:10.1f} |"
        f"{biases[0]:+8.1f}{biases[1]:+7.1f}{biases[2]:+9.1f}{covered:10.0f}%{kept:6.1f}{false:6.1f}%"
    )


if __name__ == "__main__":
    main()
