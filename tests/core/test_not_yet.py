"""What the format has and this version does not follow is refused by name, never ignored."""

import pytest
from tests.support.roadmaps import FULL, problems


def test_a_key_of_later_work_is_refused_alone_and_with_its_line():
    text = FULL.replace("threads = 1", "gpus_per_trial = 2", 1)
    (problem,) = problems(text)
    where, _, rest = problem.partition(": limits.gpus_per_trial: ")
    assert rest.startswith("not yet: ")
    assert "gpus_per_trial" in text.split("\n")[int(where.removeprefix("line ")) - 1]


def test_other_mistakes_are_told_beside_it():
    text = FULL.replace("threads = 1", "threads = 0\ngpus_per_trial = 2")
    assert [p.split(": ")[1] for p in problems(text)] == ["limits.threads", "limits.gpus_per_trial"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("validate_every = 1", 'precision = "fp32"\ncompile = false\naccumulate = 1\nvalidate_every = 2'),
        ("threads = 1", 'gpus_per_trial = 1\non_oom = "infeasible"\nthreads = 2'),
        ("trusted = false", "trusted = false"),
    ],
)
def test_a_value_that_says_what_happens_anyway_is_accepted(old, new):
    text = FULL.replace('on_oom = "infeasible"', "") if "on_oom" in new else FULL
    assert problems(text.replace(old, new, 1)) == []


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        ("validate_every = 1", "accumulate = true", "training.accumulate"),
        ("validate_every = 1", "compile = 0", "training.compile"),
        ("threads = 1", "gpus_per_trial = 1.0", "limits.gpus_per_trial"),
    ],
)
def test_a_value_that_only_looks_neutral_is_a_wrong_type(old, new, path):
    (problem,) = problems(FULL.replace(old, new, 1))
    assert f"{path}: expected" in problem
