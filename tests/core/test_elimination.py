from dataclasses import replace

import pytest

from staycourse.core.elimination import eliminate, judge
from staycourse.core.outcome import Outcome
from staycourse.core.space import Choice, Condition, Interval, Space
from staycourse.core.trial import Trial

SPACE = Space((Choice("opt", ("a", "b", "c")), Interval("lr", 0.0, 1.0)))


def trials(**scores):
    """Ended trials of each option; None is one that diverged."""
    made = []
    for option, values in scores.items():
        for value in values:
            outcome = Outcome.DIVERGED if value is None else Outcome.COMPLETED
            curve = () if value is None else ((1, value),)
            made.append(Trial(f"t{len(made)}", 0, "", {"opt": option}, outcome=outcome, curve=curve))
    return made


def test_an_option_that_is_beaten_beyond_noise_goes():
    made = trials(a=[1, 2, 3, 4, 5], b=[6, 7, 8, 9, 10], c=[1.5, 2.5, 3.5, 4.5, 5.5])
    space, verdicts = eliminate(["opt"], made, "min", SPACE)
    assert space.get("opt").options == ("a", "c")
    said = {v["option"]: v for v in verdicts}
    assert said["b"]["verdict"] == "eliminated"
    assert (said["b"]["against"], said["b"]["median"], said["b"]["median_against"]) == ("a", 8, 3)
    assert (said["b"]["trials"], said["b"]["trials_against"], said["b"]["difference"]) == (5, 5, 5)
    assert said["b"]["noise"] == pytest.approx(1.4826)
    assert said["b"]["p"] <= 0.05 < said["c"]["p"]
    assert said["c"]["verdict"] == "cannot tell"


def test_the_goal_decides_which_is_better():
    scores = {"a": [1, 2, 3, 4], "b": [5, 6, 7, 8]}
    space, (verdict,) = eliminate(["opt"], trials(**scores), "max", SPACE)
    assert space.get("opt").options == ("b", "c")
    assert (verdict["option"], verdict["difference"]) == ("a", -4)
    assert eliminate(["opt"], trials(**scores), "min", SPACE)[0].get("opt").options == ("a", "c")


def test_failures_rank_last_and_have_no_median():
    (verdict,) = judge("opt", trials(a=[1, 2, 3, 4], b=[None, None, None, None]), "min", SPACE)
    assert (verdict.option, verdict.median, verdict.is_eliminated) == ("b", None, True)
    assert verdict.difference is None
    (verdict,) = judge("opt", trials(a=[1, 2, 4, None], b=[0.5, 3, 5, None]), "min", SPACE)
    assert not verdict.is_eliminated


def test_too_few_trials_tell_nothing():
    space, (verdict,) = eliminate(["opt"], trials(a=[1, 2, 3], b=[10, 20, 30]), "min", SPACE)
    assert space == SPACE
    assert verdict["verdict"] == "cannot tell"
    assert eliminate(["opt"], [], "min", SPACE) == (SPACE, [])


def test_where_one_option_alone_was_tried_it_is_said():
    space, (verdict,) = eliminate(["opt"], trials(a=[1, 2]), "min", SPACE)
    assert space == SPACE
    assert (verdict["option"], verdict["against"], verdict["p"]) == ("a", None, None)
    assert (verdict["verdict"], verdict["note"]) == ("cannot tell", "only this option was tried")


def test_an_option_never_tried_is_kept_and_the_last_one_always_is():
    space, _ = eliminate(["opt"], trials(a=[1, 2, 3, 4], b=[5, 6, 7, 8]), "min", SPACE)
    assert space.get("opt").options == ("a", "c")
    made = trials(a=[1, 2, 3, 4, 5], b=[6, 7, 8, 9, 10], c=[11, 12, 13, 14, 15])
    assert eliminate(["opt"], made, "min", SPACE)[0].get("opt").options == ("a",)


def test_trials_that_have_not_ended_and_names_that_are_no_choice_count_for_nothing():
    running = [Trial("x", 0, "", {"opt": "b"}, curve=((1, 9.0),))] * 5
    assert eliminate(["opt"], [*trials(a=[1, 2, 3]), *running], "min", SPACE)[0] == SPACE
    assert eliminate(["lr", "nothing"], trials(a=[1, 2, 3, 4], b=[5, 6, 7, 8]), "min", SPACE) == (SPACE, [])


def test_a_choice_under_a_dropped_option_is_not_judged():
    when = (Condition("opt", ("c",)),)
    space = Space((*SPACE, Choice("nesterov", (True, False), when=when)))
    made = [
        replace(trial, setup=trial.setup | {"nesterov": trial.id in ("t10", "t12")})
        if trial.setup["opt"] == "c"
        else trial
        for trial in trials(a=[1, 2, 3, 4, 5], b=[1, 2, 3, 4, 5], c=[7, 8, 9, 10, 11])
    ]
    left, verdicts = eliminate(["opt", "nesterov"], made, "min", space)
    assert left.get("opt").options == ("a", "b")
    assert {verdict["hyperparameter"] for verdict in verdicts} == {"opt"}
    assert [h.name for h in left.searched] == ["opt", "lr"]
