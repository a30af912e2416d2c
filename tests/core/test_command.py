"""How a script's command is filled for a trial: every value reaches it as one argument, whatever it holds."""

import dataclasses
import json
import subprocess
import sys

import pytest

from staycourse.core.command import CommandSpec, Told, arguments, fill, script_seed, split

HOSTILE = [
    "$(touch x)",
    "`id`",
    "a b",
    "a'b\"c",
    "-rf",
    "--lr",
    "a\nb",
    "日本 ü",
    "{epochs}",
    "%s;&|<>*?~#",
    "",
]


def told(**changes):
    values = {
        "setup": {"lr": 0.01},
        "epochs": 20,
        "stop_epoch": 8,
        "seed": 3,
        "share": 1.0,
        "split": True,
        "trial_dir": "/r/t1",
        "device": "cpu",
    }
    return Told(**{**values, **changes})


def words(command, flags=None, **changes):
    return arguments(CommandSpec(split(command), flags=flags or {}), told(**changes))


def test_every_placeholder_is_filled():
    command = "x {lr} {epochs} {stop_epoch} {seed} {data} {trial_dir} {checkpoint} {device} {gpus}"
    assert words(command) == ["x", "0.01", "20", "8", "3", "1.0", "/r/t1", "/r/t1/checkpoint", "cpu", "0"]
    assert words("x {device} {gpus}", device="cuda:0") == ["x", "cuda:0", "1"]


@pytest.mark.parametrize(
    ("value", "text"),
    [(1e-5, "1e-05"), (0.1 + 0.2, "0.30000000000000004"), (16, "16"), (True, "true"), ("a", "a")],
)
def test_values_are_said_as_scripts_read_them(value, text):
    assert words("x --lr={lr}", setup={"lr": value}) == ["x", f"--lr={text}"]


@pytest.mark.parametrize("value", HOSTILE)
def test_a_value_is_one_argument_whatever_it_holds(value):
    command = [sys.executable, "-c", "import json, sys; print(json.dumps(sys.argv[1:]))", "--lr={lr}", "{lr}"]
    done = arguments(CommandSpec(tuple(command)), told(setup={"lr": value}))
    seen = subprocess.run(done, capture_output=True, text=True, check=True).stdout
    assert json.loads(seen) == [f"--lr={value}", value]


def test_quotes_hold_words_together():
    assert words("x 'a {lr} b' \"c d\"") == ["x", "a 0.01 b", "c d"]


def test_braces_around_anything_else_are_the_texts_own():
    assert words("""x '{"a": {lr}}' {} {1} {not_known}""") == ["x", '{"a": 0.01}', "{}", "{1}", "{not_known}"]


def test_what_is_filled_in_is_not_filled_again():
    assert fill("{a}{b}", {"a": "{b}", "b": "{a}"}) == "{b}{a}"


def test_flags_are_appended_where_they_apply():
    flags = {"data": "--subset {data}", "all": "--no-val", "resume": "--resume {checkpoint}"}
    assert words("x", flags) == ["x"]
    assert words("x", flags, share=0.5) == ["x", "--subset", "0.5"]
    assert words("x", flags, split=False) == ["x", "--no-val"]
    assert words("x", flags, resumes=True) == ["x", "--resume", "/r/t1/checkpoint"]


def test_flags_of_hyperparameters_depend_on_their_value_and_their_being_there():
    flags = {"tied": {"true": "--tied", "false": "--no-tied"}, "momentum": "--momentum {momentum}"}
    assert words("x", flags, setup={"tied": True, "momentum": 0.9}) == ["x", "--tied", "--momentum", "0.9"]
    assert words("x", flags, setup={"tied": False}) == ["x", "--no-tied"]
    assert words("x", {"kind": {"a": "--a"}}, setup={"kind": "b"}) == ["x"]


def test_repetitions_have_seeds_of_their_own_that_any_library_takes():
    assert [script_seed(7, at) for at in range(3)] == [7, 8, 9]
    assert all(0 <= script_seed(seed, 1) < 2**31 for seed in (-5, 2**31 - 1, 2**70))


def test_a_spec_survives_being_sent():
    spec = CommandSpec(
        ("x", "{lr}"), "sub", "/bin/python", {"A": "b"}, "w", {"tied": {"true": "-t"}}, {"csv": {}}
    )
    assert CommandSpec.from_json(json.loads(json.dumps(dataclasses.asdict(spec)))) == spec
