"""Every experiment as a line of a shell script: of a run exactly what was run, of a roadmap what will be.

A line is one `staycourse train`, which goes on where it was stopped and skips what is finished. Every value
is quoted, and nothing from outside gets into a comment but harmless text on one line.
"""

from __future__ import annotations

import shlex
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from staycourse.core.phases.base import Before, Phase
from staycourse.core.roadmap import Roadmap
from staycourse.core.schedules import CONSTANT
from staycourse.core.space import Value, describe
from staycourse.core.state import RunState, TrialState
from staycourse.core.text import one_line
from staycourse.core.value_text import said

_HEAD = """\
#!/usr/bin/env bash
# {title}
# {about}
#
# Written by staycourse script. Run it in a folder of its own: bash {name}
# Each line trains one experiment into a folder beside it; finished ones are skipped, stopped ones go on.
set -euo pipefail

{variables}
STAYCOURSE=${{STAYCOURSE:-staycourse}}

# What all of them share.
common=({common})

experiment() {{ "$STAYCOURSE" train "$TASK" --folder="$FOLDER" "${{common[@]}}" "$@"; }}
"""
_COMMENT = 200


def of_run(
    roadmap: Roadmap, text: str, state: RunState, where: Mapping[str, str], weights: Mapping[str, str]
) -> str:
    """The script of a run. `text` is its sealed roadmap, `where` the folders that it needs by variable,
    `weights` the SHA-256 of each file in `final/`."""
    assert state.sealed is not None
    maker = _Maker(roadmap, text)
    lines = [
        _head(f"What was run as {where['RUN'].rsplit('/', 1)[-1]}, in order", roadmap, where, maker.common)
    ]
    for at, phase in enumerate(roadmap.phases):
        lines += ["", _comment(f"phase {at + 1} of {len(roadmap.phases)}: {phase.kind}")]
        trials = state.trials_of(at)
        lines += [line for trial in trials for line in maker.trial(trial)]
        if not trials:
            lines.append(_comment("nothing was run"))
    lines += _ending(state, weights)
    return "\n".join(lines) + "\n"


def of_roadmap(roadmap: Roadmap, text: str, where: Mapping[str, str]) -> str:
    """The script of a roadmap: fixed experiments one a line, searched phases as what they will be."""
    maker = _Maker(roadmap, text)
    lines = [_head(f"What {roadmap.name} will run, as far as it is fixed", roadmap, where, maker.common)]
    is_known = True
    for at, (phase, planned) in enumerate(zip(roadmap.phases, roadmap.plan(), strict=True), start=1):
        title = f"phase {at} of {len(roadmap.phases)}: {phase.kind}, {planned.trials} trials at most"
        lines += ["", _comment(title)]
        needs = _fixed_needs(phase, roadmap) if is_known else ()
        lines += [maker.need(need, f"{at}-{phase.kind}-{n}") for n, need in enumerate(needs, start=1)]
        if not needs:
            lines += list(_will_be(phase, roadmap, planned.epochs_per_trial, planned.share))
        is_known = is_known and phase.kind == "compare"
    return "\n".join(lines) + "\n"


def _head(title: str, roadmap: Roadmap, where: Mapping[str, str], common: Sequence[str]) -> str:
    words = "\n".join(f"{name}=${{{name}:-{_default(value)}}}" for name, value in where.items())
    goal = "lowest" if roadmap.objective.goal == "min" else "highest"
    about = f"the {goal} {roadmap.objective.metric} of {roadmap.task.words}"
    return _HEAD.format(
        title=one_line(title, _COMMENT),
        about=one_line(about, _COMMENT),
        name="script.sh",
        variables=words,
        common=" ".join(map(shlex.quote, common)),
    )


def _default(value: str) -> str:
    """A default within ${NAME:-…}: quoted for there, where single quotes quote as well. Values of the form
    "$RUN/code" are ours, and stay as they are."""
    return f'"{value}"' if value.startswith("$RUN/") else shlex.quote(value)


def _comment(text: str) -> str:
    return f"# {one_line(text, _COMMENT)}"


class _Maker:
    """Makes the lines of one roadmap."""

    def __init__(self, roadmap: Roadmap, text: str) -> None:
        self._roadmap = roadmap
        self._document = tomllib.loads(text)
        self.common = [word for flag in self._common_flags() for word in flag]

    def trial(self, trial: TrialState) -> Iterator[str]:
        """A trial as it was run: to the epoch at which it ended, whatever ended it."""
        plan, end = trial.plan, trial.end
        from_ = f", goes on from {plan.parent}: here from epoch 1, to the same end" if plan.parent else ""
        if end is None:
            yield _comment(f"{trial.id} has not ended{from_}")
            return
        yield _comment(f"{trial.id}: {end.outcome} after epoch {end.epochs} ({end.detail}){from_}")
        line = self._line(
            plan.trial, plan.setup, plan.repetition, plan.horizon, end.epochs, plan.share, split=plan.split,
            more=[f"--at-once={trial.at_once}"] if trial.at_once else [],
        )  # fmt: skip
        is_done = trial.outcome is not None and trial.outcome.is_ranked and end.epochs > 0
        yield (
            line
            if is_done
            else _comment("not run again:") + "\n" + "\n".join(f"#   {part}" for part in line.split("\n"))
        )

    def need(self, need: Any, name: str) -> str:
        """A trial that a phase is known to need, its rules as declared."""
        stop = []
        if need.stop is not None and need.stop.patience is not None:
            stop = [f"--patience={need.stop.patience}", f"--patience-from={need.stop.start}"]
            stop += [f"--min-delta={said(need.stop.min_delta)}"] if need.stop.min_delta else []
        return self._line(
            name,
            need.setup,
            need.repetition,
            need.horizon,
            need.epochs,
            need.share,
            split=need.split,
            more=stop,
        )

    def _line(
        self, name: str, setup: Mapping[str, Value], repetition: int, horizon: int, epochs: int, share: float,
        *, split: bool, more: Sequence[str] = (),
    ) -> str:  # fmt: skip
        words = [f"--out={name}", f"--epochs={horizon}"]
        words += [f"--stop-epoch={epochs}"] if epochs != horizon else []
        words += [f"--hp.{key}={said(value)}" for key, value in setup.items()]
        words += self._schedule(setup)
        words += [f"--repetition={repetition}"] if repetition else []
        words += [f"--data={said(share)}"] if share != 1 else []
        words += [] if split else ["--no-split"]
        return " ".join(["experiment", *map(shlex.quote, [*words, *more])])

    def _schedule(self, setup: Mapping[str, Value]) -> list[str]:
        """The one that the set-up names."""
        name = setup.get("schedule", CONSTANT)
        declared = self._document.get("schedules", {}).get(name)
        return [] if declared is None else [f"--schedules={said({name: declared})}"]

    def _common_flags(self) -> Iterator[list[str]]:
        """What is the same in every experiment: as the roadmap says it."""
        yield [f"--seed={self._roadmap.seed}"]
        if self._roadmap.task.file is not None:
            yield [f"--args.{name}={said(value)}" for name, value in self._roadmap.task.args.items()]
        objective = self._document.get("objective", {})
        yield [f"--{name}={said(value)}" for name, value in objective.items()]
        names = {"epoch": "epoch-steps"}
        left_out = ("workers", "pin_memory")
        for table in ("data", "training"):
            for name, value in self._document.get(table, {}).items():
                if name not in left_out:
                    yield [_flag(names.get(name, name), value)]
        threads = self._document.get("limits", {}).get("threads")
        yield [f"--threads={threads}"] if threads else []


def _flag(name: str, value: Any) -> str:
    dashed = name.replace("_", "-")
    if isinstance(value, bool) and name != "teacher_cache":
        return f"--{dashed}" if value else f"--no-{dashed}"
    return f"--{dashed}={said(value)}"


def _ending(state: RunState, weights: Mapping[str, str]) -> Iterator[str]:
    """What the last line's weights have to be."""
    final = [trial for trial in state.trials.values() if trial.plan.key == "final" and trial.end]
    named = {name: digest for name, digest in weights.items() if name not in ("setup.json", "last.pt")}
    if not final or not named:
        return
    yield ""
    yield "# The final weights have to be those of the run (SHA-256):"
    for name, digest in named.items():
        place = shlex.quote(f"{final[-1].id}/{name}")
        yield f"printf '%s  %s\\n' {shlex.quote(digest)} {place} | sha256sum --check -"


def _fixed_needs(phase: Phase, roadmap: Roadmap) -> Sequence[Any]:
    """The trials of a phase that can be told before anything was run; none for one that is searched."""
    if phase.kind not in ("grid", "compare"):
        return ()
    try:
        needs = phase.decide(Before(roadmap.objective.goal, roadmap.first_handoff), ()).needs
    except (KeyError, ValueError, AssertionError, IndexError):
        return ()  # it takes values that an earlier phase has to find
    return [need for need in needs if need.setup is not None]


def _will_be(phase: Phase, roadmap: Roadmap, epochs: int, share: float) -> Iterator[str]:
    """What a searched phase, or one that trains what was ranked, is going to be."""
    if phase.search() is not None:
        spec = phase.search()
        assert spec is not None
        yield _comment(f"set-ups proposed by {spec.optimizer}, one after another, from:")
        yield from (_comment(f"  {describe(h)}") for h in roadmap.space)
    else:
        yield _comment("set-ups that the phases before hand on")
    yield _comment(f"{epochs} epochs at most each, on {share:.0%} of the data")
