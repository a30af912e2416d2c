"""Values on a command line: as TOML writes them, or any other text as it stands."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from typing import Any

from staycourse.core.command import text_of
from staycourse.core.space import Value


def value_of(text: str) -> Value:
    """`3`, `1e-4`, `true`, `"3"` in quotes as text; whatever is none of these is text without them."""
    value = any_of(text)
    return value if isinstance(value, (bool, int, float, str)) else text


def any_of(text: str) -> Any:
    """The same, lists and tables as well: `[1, 2]`, `{ lr = { 40 = 0.5 } }`."""
    try:
        document = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError):
        return text
    return document["value"] if document.keys() == {"value"} else text


def said(value: Any) -> str:
    """The text that `any_of` reads as this value; text that would be read otherwise stands in quotes."""
    if isinstance(value, Mapping):
        return (
            "{ "
            + ", ".join(f"{json.dumps(str(key))} = {_quoted(item)}" for key, item in value.items())
            + " }"
        )
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_quoted(item) for item in value) + "]"
    if isinstance(value, str):
        return value if any_of(value) == value and value == value.strip() else json.dumps(value)
    return text_of(value)


def _quoted(value: Any) -> str:
    """Within a list or a table text has to stand in quotes."""
    return json.dumps(value) if isinstance(value, str) else said(value)
