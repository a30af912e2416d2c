"""The filter of the trials: words and bounds."""

from __future__ import annotations

import pytest

from staycourse_tui.trial_filter import parse

COLUMNS = ("trial", "state", "val_loss", "lr", "optimizer", "batch_size")
ROW = {
    "trial": ("t12", "t12"),
    "state": ("done", "done"),
    "val_loss": (0.25, "0.2500"),
    "lr": (1e-4, "0.0001"),
    "optimizer": ("AdamW", "AdamW"),
    "batch_size": (None, ""),
}


@pytest.mark.parametrize(
    ("text", "passes"),
    [
        ("", True),
        ("adamw", True),
        ("sgd", False),
        ("adam t12", True),
        ("adam t13", False),
        ("lr<1e-3", True),
        ("lr<1e-4", False),
        ("lr<=1e-4", True),
        ("val_loss>=0.3", False),
        ("val=0.25", True),
        ("optimizer=adamw", True),
        ("optimizer!=adamw", False),
        ("opt!=sgd lr<1", True),
        ("state=done lr>1", False),
        ("state<done", False),
        ("batch_size>1", False),
        ("batch_size!=16", True),
        ("unknown<3", False),
        ("lr<", False),
        ("<=>", False),
    ],
)
def test_terms_must_all_hold(text: str, passes: bool) -> None:
    assert parse(text, COLUMNS).keep(ROW.__getitem__, COLUMNS) is passes


def test_a_name_that_fits_two_columns_is_a_word() -> None:
    kept = parse("l=1", ("loss", "lr"))
    assert kept.bounds == () and kept.words == ("l=1",)
