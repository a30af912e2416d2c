import random
import tomllib

import pytest
from tests.support.roadmaps import FULL

from staycourse.core.toml_lines import key_lines, line_of


def test_tables_keys_and_dotted_keys():
    text = """\
# a comment with [brackets] and { braces } and "quotes
top = 1

[a]
x = 1
b.c = 2
[a.d]
"quoted key" = 3
'literal.key' = 4
"""
    tomllib.loads(text)
    assert key_lines(text) == {
        ("top",): 2,
        ("a",): 4,
        ("a", "x"): 5,
        ("a", "b"): 6,
        ("a", "b", "c"): 6,
        ("a", "d"): 7,
        ("a", "d", "quoted key"): 8,
        ("a", "d", "literal.key"): 9,
    }


def test_arrays_of_tables_are_counted():
    text = """\
[[phase]]
kind = "a"
[[phase]]
kind = "b"
[[phase.setup]]
name = "one"
[[phase.setup]]
name = "two"
[phase.finish]
epochs = 3
[[phase]]
[[phase.setup]]
name = "three"
"""
    tomllib.loads(text)
    lines = key_lines(text)
    assert lines["phase", 0] == 1
    assert lines["phase", 1, "kind"] == 4
    assert lines["phase", 1, "setup", 0, "name"] == 6
    assert lines["phase", 1, "setup", 1, "name"] == 8
    assert lines["phase", 1, "finish", "epochs"] == 10
    assert lines["phase", 2, "setup", 0, "name"] == 13


def test_inline_tables_and_multi_line_arrays():
    text = """\
lr = { log = [1e-5, # ] a bracket in a comment
              1e-1], when = { a = "x" } }
list = [
  "first",
  # a comment
  { deep = [
      1,
      2 ] },
  [ 3 ],
]
after = 1
"""
    tomllib.loads(text)
    lines = key_lines(text)
    assert lines["lr", "log", 1] == 2
    assert lines["lr", "when", "a"] == 2
    assert [lines["list", at] for at in range(3)] == [4, 6, 9]
    assert lines["list", 1, "deep", 1] == 8
    assert lines["after",] == 11


@pytest.mark.parametrize(
    "value",
    [
        '"""one\ntwo\n[not.a.table]\nx = 1\n"""',
        "'''one\ntwo ''\nx = \"'''",
        '"""ends with quotes\n"""""',
        '"""\\""" still inside\n"""',
        '"""a \\\\"""',
        '"a # no comment [ { \\" ]"',
        "'a \\'",
        '""',
        "''",
        "1979-05-27 07:32:00Z",
        "[ ]",
        "{ }",
        "[ '''\n]''', \"\"\"\n[\"\"\" ]",
    ],
)
def test_strings_of_every_kind_hide_what_is_in_them(value):
    text = f"a = {value} # comment\nafter = 1\n"
    tomllib.loads(text)
    lines = key_lines(text)
    assert lines["after",] == 2 + value.count("\n")
    assert {path[0] for path in lines} == {"a", "after"}


def test_only_a_newline_ends_a_line():
    text = "# \u2028 \x85 \u2029 are no line ends\r\na = 'x\u2028y'\r\nb = 1\r\n"
    tomllib.loads(text)
    assert key_lines(text) == {("a",): 2, ("b",): 3}


def test_a_place_without_a_line_has_that_of_what_holds_it():
    lines = key_lines("[a]\nb = 1\n")
    assert line_of(("a", "missing"), lines) == 1
    assert line_of(("a", "b", 3, "x"), lines) == 2
    assert line_of(("missing",), lines) is None
    assert line_of((), lines) is None


def paths_in(value, path=()):
    if path:
        yield path
    if isinstance(value, dict):
        for key, item in value.items():
            yield from paths_in(item, (*path, key))
    elif isinstance(value, list):
        for at, item in enumerate(value):
            yield from paths_in(item, (*path, at))


def test_every_place_of_the_full_roadmap_has_a_line_that_names_it():
    lines = key_lines(FULL)
    for path in paths_in(tomllib.loads(FULL)):
        if path == ("phase",):
            continue
        named = [part for part in path if isinstance(part, str)][-1]
        assert named in FULL.split("\n")[lines[path] - 1]


@pytest.mark.parametrize("seed", [20260131])
def test_places_in_random_documents(seed):
    rng = random.Random(seed)
    for _ in range(300):
        text = _random_document(rng)
        document, lines = tomllib.loads(text), key_lines(text)
        places = {path for path in paths_in(document) if path != ("arr",)}
        assert places <= set(lines)
        for path in places:
            if isinstance(path[-1], str):
                assert path[-1] in text.split("\n")[lines[path] - 1]


def _random_document(rng: random.Random) -> str:
    parts = [f"k{n} = {_random_value(rng, 3)}{rng.choice(['', ' # ] } '])}" for n in range(3)]
    for n in range(4):
        header = rng.choice([f"[t{n}]", "[[arr]]", f"[ t{n} . 'x y' ]"])
        parts.append(header + rng.choice(["", " # [comment]"]))
        parts += [f"{rng.choice(['', 'd.'])}v{m} = {_random_value(rng, 3)}" for m in range(2)]
    return rng.choice(["\n", "\r\n", "\n\n"]).join(parts) + "\n"


def _random_value(rng: random.Random, depth: int) -> str:
    plain = ["1", "-1e-5", "true", '"# ["', "'}'", '"""x\ny]"""', "'''{\n'''", "07:32:00", '"\\""', "inf"]
    kind = rng.randrange(3) if depth else 0
    if kind == 1:
        inner = [_random_value(rng, depth - 1) for _ in range(rng.randrange(4))]
        return (
            "["
            + rng.choice(["", "\n"])
            + rng.choice([", ", ",\n# ]\n"]).join(inner)
            + rng.choice(["", "\n"])
            + "]"
        )
    if kind == 2:
        return (
            "{" + ", ".join(f"i{n} = {_random_value(rng, depth - 1)}" for n in range(rng.randrange(3))) + "}"
        )
    return rng.choice(plain)
