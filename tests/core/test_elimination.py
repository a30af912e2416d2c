import itertools
import math
import random
import time
from dataclasses import replace

import pytest

from staycourse.core.beaten import beaten_p, rank_sum_p
from staycourse.core.elimination import eliminate, judge, least_trials
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


def by_enumeration(better, worse):
    """All ways to call some of the values `better`, and how many of them rank as low as this one."""
    values = [*better, *worse]
    ranks = [sum(v < x for v in values) + (sum(v == x for v in values) + 1) / 2 for x in values]
    observed = sum(ranks[: len(better)])
    sums = [
        sum(ranks[i] for i in chosen) for chosen in itertools.combinations(range(len(values)), len(better))
    ]
    return sum(total <= observed + 1e-9 for total in sums) / len(sums)


@pytest.mark.parametrize("seed", range(40))
def test_the_probability_equals_that_by_enumeration_ties_and_failures_included(seed):
    rng = random.Random(seed)
    levels = rng.choice([3, 100])
    draw = [rng.randrange(levels) if rng.random() < 0.9 else math.inf for _ in range(rng.randint(2, 9))]
    cut = rng.randrange(1, len(draw))
    assert rank_sum_p(draw[:cut], draw[cut:]) == pytest.approx(by_enumeration(draw[:cut], draw[cut:]))


def test_the_smallest_probabilities():
    assert rank_sum_p([1, 2, 3], [4, 5, 6]) == pytest.approx(1 / 20)
    assert rank_sum_p([1, 2], [3, 4]) == pytest.approx(1 / 6)
    assert rank_sum_p([4, 5, 6], [1, 2, 3]) == 1
    assert rank_sum_p([1, 1], [1, 1]) == 1


def test_equal_to_scipy():
    scipy_stats = pytest.importorskip("scipy.stats")
    rng = random.Random(5)
    for size in (10, 25, 40, 200):
        better, worse = [rng.gauss(0, 1) for _ in range(size)], [rng.gauss(0.3, 1) for _ in range(size)]
        method = "exact" if size * size <= 900 else "asymptotic"
        theirs = scipy_stats.mannwhitneyu(better, worse, alternative="less", method=method).pvalue
        assert rank_sum_p(better, worse) == pytest.approx(theirs, rel=1e-9)
        tied = [round(x) for x in better], [round(x) for x in worse]
        if method == "asymptotic":
            theirs = scipy_stats.mannwhitneyu(*tied, alternative="less", method=method).pvalue
            assert rank_sum_p(*tied) == pytest.approx(theirs, rel=1e-9)


def test_many_trials_take_no_time():
    rng = random.Random(6)
    for first, second in ((500, 500), (30, 30), (3, 300)):
        begin = time.process_time()
        assert 0 < rank_sum_p([rng.random() for _ in range(first)], [rng.random() for _ in range(second)]) < 1
        assert time.process_time() - begin < 2


def test_an_option_that_is_beaten_beyond_noise_goes():
    scores = {"a": [1, 2, 3, 1.2, 2.2], "b": [4, 5, 6, 4.5, 5.5], "c": [1.5, 2.5, 3.5, 1.7, 2.7]}
    space, verdicts = eliminate(["opt"], trials(**scores), "min", SPACE)
    assert space.get("opt").options == ("a", "c")
    said = {v["option"]: v for v in verdicts}
    assert said["b"]["verdict"] == "eliminated"
    assert (said["b"]["against"], said["b"]["median"], said["b"]["median_against"]) == ("a", 5, 2)
    assert (said["b"]["trials"], said["b"]["trials_against"]) == (5, 5)
    assert said["b"]["p"] < 0.05 < said["c"]["p"]
    assert said["b"]["difference"] == pytest.approx(3.0, abs=0.2)
    assert said["b"]["noise"] == pytest.approx(1.0, abs=0.5)
    assert said["c"]["verdict"] == "cannot tell"


def test_the_goal_decides_which_is_better():
    scores = {"a": [1, 2, 3, 3.5], "b": [4, 5, 6, 7]}
    assert eliminate(["opt"], trials(**scores), "max", SPACE)[0].get("opt").options == ("b", "c")
    assert eliminate(["opt"], trials(**scores), "min", SPACE)[0].get("opt").options == ("a", "c")


def test_failures_rank_last_and_have_no_median():
    (verdict,) = judge("opt", trials(a=[1, 2, 3, 4], b=[None] * 4), "min", SPACE)
    assert (verdict.option, verdict.median, verdict.difference) == ("b", None, None)
    assert verdict.is_eliminated
    (verdict,) = judge("opt", trials(a=[1, 2, None], b=[0.5, 3, None]), "min", SPACE)
    assert not verdict.is_eliminated


def test_too_few_trials_tell_nothing():
    assert eliminate(["opt"], trials(a=[1, 2, 3], b=[10, 20, 30]), "min", SPACE)[0] == SPACE
    assert eliminate(["opt"], trials(a=[1]), "min", SPACE) == (SPACE, [])
    assert eliminate(["opt"], [], "min", SPACE) == (SPACE, [])


def test_an_option_never_tried_is_kept_and_the_last_one_always_is():
    space, _ = eliminate(["opt"], trials(a=[1, 2, 3, 4], b=[5, 6, 7, 8]), "min", SPACE)
    assert space.get("opt").options == ("a", "c")
    space, _ = eliminate(
        ["opt"], trials(a=[1, 2, 3, 4, 4.5], b=[5, 6, 7, 7.1, 7.2], c=[8, 9, 10, 11, 12]), "min", SPACE
    )
    assert space.get("opt").options == ("a",)


def test_trials_that_have_not_ended_and_names_that_are_no_choice_count_for_nothing():
    running = [Trial("x", 0, "", {"opt": "b"}, curve=((1, 9.0),))] * 5
    assert eliminate(["opt"], [*trials(a=[1, 2, 3]), *running], "min", SPACE) == (SPACE, [])
    assert eliminate(["lr", "nothing"], trials(a=[1, 2, 3], b=[4, 5, 6]), "min", SPACE) == (SPACE, [])


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


def test_two_options_are_compared_exactly_and_in_both_directions():
    rng = random.Random(4)
    for _ in range(20):
        first = [rng.gauss(0, 1) for _ in range(rng.randint(2, 8))]
        second = [rng.gauss(1, 1) for _ in range(rng.randint(2, 8))]
        assert beaten_p([first, second])[1] == pytest.approx(min(1, 2 * rank_sum_p(first, second)))


def test_the_least_trials_are_the_least_that_can_eliminate():
    for options in (2, 3, 4):
        least = least_trials(options)
        for count, is_enough in ((least, True), (least - 1, False)):
            groups = [[float(10 * at + n) for n in range(count)] for at in range(options)]
            assert (beaten_p(groups)[-1] <= 0.05) == is_enough


def dropped(rng, shifts, count):
    """Which of the options are dropped; each has `count` scores, normal around its shift."""
    scores = {f"o{at}": [rng.gauss(shift, 1.0) for _ in range(count)] for at, shift in enumerate(shifts)}
    space = Space((Choice("opt", tuple(scores)),))
    left, _ = eliminate(["opt"], trials(**scores), "min", space)
    return {at for at in range(len(shifts)) if f"o{at}" not in left.get("opt").options}


@pytest.mark.slow
@pytest.mark.parametrize("shifts", [(0, 0), (0, 0, 0), (0, 0, 0, 0, 0), (0, 0, 3), (0, 0, 1, 1)])
def test_options_that_are_equally_good_stay_with_95_percent_all_of_them(shifts):
    """Also the leader found after the fact, and beside options that are worse. 300 campaigns: 5 % are 15, and
    more than 27 come about once in a thousand times."""
    rng = random.Random(11)
    best = {at for at, shift in enumerate(shifts) if shift == 0}
    wrong = sum(bool(dropped(rng, shifts, 6) & best) for _ in range(300))
    assert wrong <= 27


def test_an_option_that_is_clearly_worse_is_found():
    rng = random.Random(12)
    assert sum(2 in dropped(rng, (0, 0, 4), 6) for _ in range(40)) >= 36
