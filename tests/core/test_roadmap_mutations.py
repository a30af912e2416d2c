"""Whatever is in a roadmap, `parse` returns or raises RoadmapError, soon and with printable words."""

import json
import random
import string
import tomllib

import pytest
from tests.support.roadmaps import CONFIRM, FINAL, FULL, GRID, PROBE, SPACE_BY, small

from staycourse.core.problems import RoadmapError
from staycourse.core.roadmap import Roadmap, parse

COMPARE = (
    '[[phase]]\nkind="compare"\nepochs=5\n[[phase.setup]]\nname="a"\nlr=0.1\n[[phase.setup]]\nname="b"\n'
)
SMALL = small(PROBE, GRID + "finish = { epochs = 9 }\n", COMPARE, CONFIRM, FINAL, space=SPACE_BY)
BASES = [FULL, SMALL]
STRANGE = [
    0, 1, -1, 3.5, -0.0, 10**18, -(10**18), 10**30, 1e308, -1e308, 5e-324,
    float("nan"), float("inf"), float("-inf"), True, False,
    "", "x", "auto", "sgd", "lr", "constant", "\x1b[31m", "²",
    [], [1], [0.1, 0.2], ["sgd"], [[]], [{}], [True, 1],
    {}, {"a": 1}, {"": ""}, {"log": [1, 2]}, {"choice": ["a"]}, {"range": [0, 1], "when": {"lr": 1}},
    {"range": [0, 1], "by": {"optimizer": {"sgd": [1, 2], "adam": [3, 2]}}}, {"optimizer": {"sgd": [1, 2]}},
]  # fmt: skip


def check(text: str) -> None:
    try:
        roadmap = parse(text)
    except RoadmapError as error:
        assert error.problems
        assert all(str(problem).isprintable() for problem in error.problems)
        lines = [problem.line for problem in error.problems if problem.line is not None]
        assert all(1 <= line <= text.count("\n") + 1 for line in lines)
    else:
        assert isinstance(roadmap, Roadmap)
        assert len(roadmap.plan()) == len(roadmap.phases) == len(roadmap.miniature().plan())


@pytest.mark.parametrize("seed", [20260201])
@pytest.mark.parametrize("base", BASES, ids=["full", "small"])
def test_random_characters(base, seed):
    rng = random.Random(seed)
    alphabet = string.printable + "é²\u2028\x00\x1b\ud800"
    for _ in range(400):
        text = base
        for _ in range(rng.randint(1, 4)):
            at = rng.randrange(len(text))
            end = at + rng.choice([0, 0, 1, 1, 5, 40])
            text = text[:at] + "".join(rng.choices(alphabet, k=rng.choice([0, 1, 1, 3]))) + text[end:]
        check(text)


@pytest.mark.parametrize("seed", [20260202])
@pytest.mark.parametrize("base", BASES, ids=["full", "small"])
def test_random_bytes(base, seed):
    rng = random.Random(seed)
    for _ in range(300):
        data = bytearray(base.encode())
        for _ in range(rng.randint(1, 3)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        check(data.decode("utf-8", "replace"))


@pytest.mark.parametrize("seed", [20260203])
@pytest.mark.parametrize("base", BASES, ids=["full", "small"])
def test_lines_left_out_doubled_and_swapped(base, seed):
    rng = random.Random(seed)
    for _ in range(300):
        lines = base.split("\n")
        for _ in range(rng.randint(1, 3)):
            one, other = rng.randrange(len(lines)), rng.randrange(len(lines))
            act = rng.randrange(3)
            if act == 0:
                lines[one] = ""
            elif act == 1:
                lines.insert(other, lines[one])
            else:
                lines[one], lines[other] = lines[other], lines[one]
        check("\n".join(lines))


@pytest.mark.parametrize("seed", [20260205])
@pytest.mark.parametrize("base", BASES, ids=["full", "small"])
def test_every_value_swapped_for_strange_ones(base, seed):
    rng = random.Random(seed)
    document = tomllib.loads(base)
    for path in places(document):
        for strange in rng.sample(STRANGE, 7):
            check(to_toml(replaced(document, path, strange)))


@pytest.mark.parametrize("seed", [20260204])
@pytest.mark.parametrize("base", BASES, ids=["full", "small"])
def test_values_swapped_among_themselves(base, seed):
    rng = random.Random(seed)
    document = tomllib.loads(base)
    paths = list(places(document))
    for _ in range(400):
        text_of = document
        for _ in range(rng.randint(1, 3)):
            path, source = rng.choice(paths), rng.choice(paths)
            text_of = replaced(text_of, path, at(document, source))
        check(to_toml(text_of))


def places(value, path=()):
    if path:
        yield path
    children = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, item in children:
        yield from places(item, (*path, key))


def at(value, path):
    for part in path:
        value = value[part]
    return value


def replaced(value, path, new):
    """A copy of the document with one place replaced; unchanged where an earlier change took it away."""
    if not path:
        return new
    head, *tail = path
    if isinstance(value, dict):
        return {key: replaced(item, tail, new) if key == head else item for key, item in value.items()}
    if isinstance(value, list):
        return [replaced(item, tail, new) if key == head else item for key, item in enumerate(value)]
    return value


def to_toml(document) -> str:
    """Each top-level key on a line, everything below it inline."""
    return "\n".join(f"{json.dumps(key)} = {inline(value)}" for key, value in document.items()) + "\n"


def inline(value) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {inline(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(inline, value)) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    return json.dumps(value) if isinstance(value, str) else repr(value)
