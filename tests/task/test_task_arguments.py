"""The namespace from the roadmap's `args`, in all the forms that argparse knows."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from staycourse.core.problems import Problem
from staycourse.task.arguments import build


def declared(*flags: str, **options: Any) -> Callable[[argparse.ArgumentParser], object]:
    return lambda parser: parser.add_argument(*flags, **options)


def value(values: dict[str, Any], *flags: str, **options: Any) -> Any:
    namespace, problems = build(declared(*flags, **options), values)
    assert not problems, problems
    return getattr(namespace, next(iter(vars(namespace))))


def problem(values: dict[str, Any], *flags: str, **options: Any) -> Problem:
    _, problems = build(declared(*flags, **options), values)
    assert len(problems) == 1, problems
    return problems[0]


@pytest.mark.parametrize(
    ("given", "options", "expected"),
    [
        (3, {"type": int}, 3),
        (3, {"type": float}, 3.0),
        (-1e-5, {"type": float}, -1e-5),
        ("7", {"type": int}, 7),
        (True, {"type": int}, 1),
        (5, {}, "5"),
        ("--odd", {}, "--odd"),
        ("data", {"type": Path}, Path("data")),
        ("b", {"choices": ["a", "b"]}, "b"),
        (2, {"choices": [1, 2], "type": int}, 2),
        ([1, -2], {"nargs": 2, "type": int}, [1, -2]),
        ([], {"nargs": "*", "type": int}, []),
        (["x"], {"nargs": "+"}, ["x"]),
        ("x", {"nargs": "?"}, "x"),
        (True, {"action": "store_true"}, True),
        (False, {"action": "store_true"}, False),
        (True, {"action": "store_false"}, True),
        (False, {"action": "store_false"}, False),
        (True, {"action": argparse.BooleanOptionalAction}, True),
        (False, {"action": argparse.BooleanOptionalAction}, False),
        (True, {"action": "store_const", "const": 42}, 42),
        (2, {"action": "count"}, 2),
        ([1, 2], {"action": "append", "type": int}, [1, 2]),
        ([[1], [2, 3]], {"action": "append", "type": int, "nargs": "+"}, [[1], [2, 3]]),
        ([1, 2], {"action": "extend", "type": int, "nargs": "+"}, [1, 2]),
        (False, {"type": lambda text: text == "true"}, False),
    ],
)
def test_a_value_arrives_as_from_the_command_line(given: Any, options: dict[str, Any], expected: Any) -> None:
    got = value({"thing": given}, "--thing", **options)
    assert got == expected
    assert type(got) is type(expected)


def test_names_are_destinations_and_long_flags_are_understood() -> None:
    assert value({"hidden_size": 3}, "--hidden-size", type=int) == 3
    assert value({"hidden-size": 3}, "--hidden-size", type=int) == 3
    assert value({"width": 3}, "--hidden-size", "-w", dest="width", type=int) == 3
    assert value({"hidden-size": 3}, "--hidden-size", dest="width", type=int) == 3
    assert value({"path": "x"}, "path") == "x"
    assert value({"paths": ["x", "y"]}, "paths", nargs="*") == ["x", "y"]


def test_defaults_are_argparses() -> None:
    def add(parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--a", type=int, default="4")
        parser.add_argument("--b", default=None)
        parser.add_argument("--c", default=argparse.SUPPRESS)
        parser.add_argument("--on", dest="flag", action="store_true")
        parser.add_argument("--off", dest="flag", action="store_false")
        parser.set_defaults(extra=9, b="set")

    namespace, problems = build(add, {})
    assert not problems
    assert vars(namespace) == vars(argparse_says(add))
    assert build(add, {"flag": True})[0].flag is True


def argparse_says(add: Callable[[argparse.ArgumentParser], object]) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add(parser)
    return parser.parse_args([])


def test_without_add_arguments_nothing_can_be_given() -> None:
    assert build(None, {})[1] == []
    (wrong,) = build(None, {"x": 1})[1]
    assert wrong.path == ("task", "args", "x")


@pytest.mark.parametrize("given", [{}, {"amp": False}])
def test_type_bool_is_refused_with_the_reason(given: dict[str, Any]) -> None:
    wrong = problem(given, "--amp", type=bool, default=False)
    assert wrong.path == ("task", "args", "amp")
    assert "every text that is not empty is true" in wrong.message
    assert "type=int, default=0" in wrong.right
    assert "BooleanOptionalAction" in wrong.right


@pytest.mark.parametrize(
    ("given", "options", "message"),
    [
        ({"thing": "x"}, {"type": int}, "'x' is no valid value"),
        ({"thing": 1.5}, {"type": int}, "1.5 is no valid value"),
        ({"thing": [1]}, {"type": int}, "takes one value"),
        ({"thing": 1}, {"type": int, "nargs": "+"}, "takes a list"),
        ({"thing": []}, {"nargs": "+"}, "at least one"),
        ({"thing": [1]}, {"type": int, "nargs": 2}, "takes 2 values, not 1"),
        ({"thing": "c"}, {"choices": ["a", "b"]}, "none of its choices"),
        ({"thing": 1}, {"action": "store_true"}, "neither true nor false"),
        ({"thing": 1}, {"action": "append"}, "takes a list"),
        ({"thing": True}, {"action": "count"}, "no count"),
        ({}, {"required": True}, "requires"),
        ({"thign": 3}, {}, "no such argument"),
    ],
)
def test_mistakes_are_named(given: dict[str, Any], options: dict[str, Any], message: str) -> None:
    wrong = problem(given, "--thing", **options)
    assert wrong.path == ("task", "args", next(iter(given), "thing"))
    assert message in wrong.message
    assert wrong.right


def test_the_nearest_name_is_offered() -> None:
    assert problem({"thign": 3}, "--thing").right == "did you mean 'thing'?"


def test_every_mistake_at_once_and_nothing_printed(capfd: pytest.CaptureFixture[str]) -> None:
    def add(parser: argparse.ArgumentParser) -> None:
        parser.add_argument("path")
        group = parser.add_mutually_exclusive_group(required=True)
        group.add_argument("--a", type=int)
        group.add_argument("--b", type=int)

    assert {p.path[-1] for p in build(add, {"a": "x", "nope": 1})[1]} == {"path", "a", "nope"}
    assert [p.path[-1] for p in build(add, {"path": "p"})[1]] == ["a"]
    assert "cannot be given together" in build(add, {"path": "p", "a": 1, "b": 2})[1][0].message
    assert capfd.readouterr() == ("", "")


def test_subcommands_are_refused() -> None:
    _, problems = build(lambda parser: parser.add_subparsers(dest="command"), {})
    assert "subcommands" in problems[0].message
