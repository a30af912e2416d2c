"""How the gates' findings get into a handoff, and from there into words."""

from __future__ import annotations

import json

import pytest
from tests.core.gates.looking import findings
from tests.support.roadmaps import CONFIRM, FINAL, FULL, GRID, NARROW, PROBE, small
from tests.support.simulate import campaign, smooth_loss

from staycourse.core.canonical import canonical_json
from staycourse.core.deciding import decide
from staycourse.core.gates import LEVELS, gates
from staycourse.core.narrative import warnings
from staycourse.core.roadmap import parse
from staycourse.core.views import phase_words

EVERY = small(PROBE, NARROW, GRID, CONFIRM, FINAL)


def test_there_are_six_gates_each_with_a_name_of_its_own():
    assert len({gate.NAME for gate in gates()}) == len(gates()) == 6


@pytest.mark.parametrize("text", [EVERY, FULL])
def test_every_phase_that_compares_is_looked_at_by_every_gate_of_its_kind(text):
    for played in campaign(parse(text)):
        names = {finding["gate"] for finding in played.handoff.findings.get("gates", [])}
        assert names == {gate.NAME for gate in gates() if played.phase.kind in gate.KINDS}


def test_final_has_nothing_to_look_at():
    *_, final = campaign(parse(EVERY))
    assert "gates" not in final.handoff.findings


def test_findings_are_plain_json_and_say_what_to_do():
    for played in campaign(parse(EVERY)):
        found = played.handoff.findings.get("gates", [])
        assert json.loads(canonical_json(found)) == found
        levels = [LEVELS.index(finding["level"]) for finding in found]
        assert levels == sorted(levels)
        for finding in found:
            has_advice = bool(finding["means"] and finding["change"])
            assert has_advice == (finding["level"] in ("warning", "note"))


def test_deciding_again_gives_equal_findings():
    for played in campaign(parse(EVERY)):
        again = decide(played.phase, played.before, tuple(played.trials))
        assert again == played.decision


def test_a_phase_that_is_not_done_is_not_looked_at():
    (played,) = campaign(parse(small(PROBE)))
    early = decide(played.phase, played.before, tuple(played.trials[:3]))
    assert early.handoff is None


def test_warnings_are_among_the_words_of_a_phase():
    def cut_off(setup, repetition, epoch):
        return smooth_loss({**setup, "optimizer": "adam"}, repetition, 1) - 0.05 * epoch

    roadmap = parse(small(PROBE))
    (played,) = campaign(roadmap, loss=cut_off)
    warned = warnings(played.handoff)
    assert "still improving at the end" in {finding["gate"] for finding in warned}
    words = phase_words(roadmap, [played.handoff], 0)
    assert [line for line in words if line.startswith("warning: ")] == [
        f"warning: {finding['found']}" for finding in warned
    ]


def test_a_phase_without_any_open_hyperparameter_can_be_looked_at():
    setups = "".join(
        f'[[phase.setup]]\nname = "{name}"\nlr = {lr}\n' for name, lr in (("a", 0.1), ("b", 0.2))
    )
    compare = f'[[phase]]\nkind = "compare"\nseeds = 2\nepochs = 20\n{setups}'
    found = findings(compare, loss=lambda s, r, e: s["lr"] + 1 / e, space="[space]\nlr = 0.1\n")
    assert len(found) == 4
