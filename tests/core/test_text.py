import random
import unicodedata

import pytest

from staycourse.core.text import one_line, sanitise

ESC, BEL, ST, CSI, OSC = "\x1b", "\x07", "\x1b\\", "\x9b", "\x9d"


@pytest.mark.parametrize(
    ("hostile", "harmless"),
    [
        (f"{ESC}[31mred{ESC}[0m", "red"),
        (f"a{ESC}[2J{ESC}[1;1Hb", "ab"),
        (f"a{ESC}[?1049hb", "ab"),
        (f"{CSI}31mred{CSI}0m", "red"),
        (f"a{ESC}]0;title{BEL}b", "ab"),
        (f"a{ESC}]0;title{ST}b", "ab"),
        (f"a{ESC}]52;c;c2VjcmV0{BEL}b", "ab"),
        (f"a{ESC}]8;;http://evil{ST}link{ESC}]8;;{ST}b", "alinkb"),
        (f"a{OSC}0;title\x9cb", "ab"),
        (f"a{ESC}P1$r0m{ST}b{ESC}_x{ST}c{ESC}^x{ST}d{ESC}Xx{ST}e", "abcde"),
        (f"a{ESC}cb{ESC}7c{ESC}(0d", "abcd"),
        ("10%\r50%\r100%", "100%"),
        ("10%\r50%\r100%\r\nnext\r\n", "100%\nnext\n"),
        ("over\rwritten\n", "written\n"),
        ("a\x00b\x08c\x7fd\x85e", "abcde"),
        ("user\u202egpj.exe", "usergpj.exe"),
        ("\u2066iso\u2069 \u200emark\u200b", "iso mark"),
        ("\ufefftext\u2028line", "textline"),
        ("\ud800", ""),
        ("tab\tand\nline stay", "tab\tand\nline stay"),
        ("émigré 日本 ½ €", "émigré 日本 ½ €"),
        ("[bold]markup[/bold] is plain text", "[bold]markup[/bold] is plain text"),
    ],
)
def test_what_a_terminal_would_obey_is_taken_out(hostile, harmless):
    assert sanitise(hostile) == harmless


@pytest.mark.parametrize("opening", [f"{ESC}]0;", f"{ESC}P", "\x90", "\x9d", "\x9e"])
def test_a_sequence_without_an_end_hides_no_more_than_its_line(opening):
    assert sanitise(f"before{opening}lost\nthe error") == "before\nthe error"


@pytest.mark.parametrize("seed", range(5))
def test_no_control_character_survives_anything(seed):
    rng = random.Random(seed)
    sequences = [ESC, BEL, ST, CSI, OSC, "\x9c", "\x90", "[", "]", "31m", "0;", "?", "\\", "P", "(", "~"]
    others = ["\r", "\n", "\r\n", "x", " ", "日", "\u202e", "\u2067", "\x00", "\x85", "\u2028", "\ud800"]
    for _ in range(2000):
        text = sanitise("".join(rng.choices(sequences + others, k=rng.randint(0, 30))))
        for char in text:
            assert char in "\n\t" or unicodedata.category(char)[0] != "C", repr(text)
        assert sanitise(text) == text


def test_long_text_takes_time_in_proportion():
    assert sanitise(f"{ESC}]" * 200_000) == ""
    assert sanitise(f"{ESC}[" * 200_000) == ""
    assert sanitise("\r" * 200_000) == ""


def test_one_line_is_one_short_line():
    assert one_line(f"a\n\n  b\t{ESC}[1mc\r\n") == "a b c"
    assert one_line("x" * 500, width=10) == "x" * 9 + "…"
    assert one_line("x" * 10, width=10) == "x" * 10
