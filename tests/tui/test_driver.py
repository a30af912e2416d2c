"""Bytes that a terminal may send."""

from __future__ import annotations

import pytest

from staycourse_tui.driver import InputFilter


def test_text_passes_also_where_a_read_cuts_a_character() -> None:
    filter_ = InputFilter()
    data = "j模\x1b[A".encode()
    assert "".join(filter_.feed(data[at : at + 1]) for at in range(len(data))) == "j模\x1b[A"


@pytest.mark.parametrize("mouse", [b"\x1b[M qd", b"\x1b[M\xff\xfe\x80", b"\x1b[M\x20\xa1q"])
def test_old_mouse_reports_press_no_keys_and_raise_nothing(mouse: bytes) -> None:
    assert InputFilter().feed(b"j" + mouse + b"k") == "jk"
    for cut in range(3, len(mouse) + 1):
        split = InputFilter()
        data = b"j" + mouse + b"k"
        assert split.feed(data[:cut]) + split.feed(data[cut:]) == "jk"


def test_bytes_that_are_no_text_do_not_raise() -> None:
    assert InputFilter().feed(b"\xff\xfej").endswith("j")


def test_an_escape_key_alone_is_not_held_back() -> None:
    assert InputFilter().feed(b"\x1b") == "\x1b"
    assert InputFilter().feed(b"j\x1b") == "j\x1b"
