"""Values on a command line come back as they were, whatever they hold."""

import pytest

from staycourse.core.value_text import any_of, said, value_of

NUMBERS = [1, -3, 0.1, 1e-5, 1e300, 0.30000000000000004, True, False]
TEXTS = [
    "a",
    "adamw",
    "1",
    "1e-5",
    "true",
    "nan",
    "-rf",
    "",
    " a ",
    "a b",
    "'",
    '"',
    "$(touch x)",
    "a\nb",
    "a\\b",
]
MORE_TEXTS = ["日本", "[1]", "{ a = 1 }", "x = 1", "#", "1979-05-27"]


@pytest.mark.parametrize("value", [*NUMBERS, *TEXTS, *MORE_TEXTS])
def test_a_value_comes_back(value):
    read = value_of(said(value))
    assert read == value and type(read) is type(value)


@pytest.mark.parametrize(
    "value", [[1, 2], ["a", "1"], [], {"lr": {"40": 0.5}}, {"torch": "StepLR", "step_size": 3}]
)
def test_lists_and_tables_come_back(value):
    assert any_of(said(value)) == value
