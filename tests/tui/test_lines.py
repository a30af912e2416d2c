"""Lines of text: widths, wrapping, and what is never let through."""

from __future__ import annotations

from staycourse_tui.widgets.lines import (
    Span,
    cell,
    fit,
    flow,
    line,
    rule,
    shorten,
    spread,
    squeeze,
    text,
    whole,
    width,
    wrap_text,
)
from staycourse_tui.widgets.pane import changed_cells


def test_fit_pads_and_cuts_by_cells() -> None:
    assert text(fit(line("abc"), 5)) == "abc  "
    assert text(fit(line("abc", "def"), 5)) == "abcd…"
    wide = fit(line("模型模型"), 5)
    assert width(wide) == 5 and text(wide).endswith("…")
    assert fit(line("abc"), 0) == ()


def test_control_sequences_never_get_through_and_markup_is_text() -> None:
    shown = text(fit(line(Span("a\x1b]0;owned\x07b\x1b[2Jc[/foo]\n")), 20))
    assert shown == "abc[/foo] ".ljust(20)


def test_whole_items_or_none() -> None:
    items = [line("epoch 31/60"), line("val_loss 0.297"), line("patience 2/5")]
    assert text(whole(items, 60)) == "epoch 31/60  val_loss 0.297  patience 2/5"
    assert text(whole(items, 30)) == "epoch 31/60  +2 more"
    assert text(flow(items, 30)[1]) == "patience 2/5"
    assert [text(made) for made in flow(items, 30, 1)] == ["epoch 31/60  +2 more"]


def test_a_name_gives_way_to_its_value() -> None:
    item = line(Span("attention_dropout ", "dim"), Span("1.234e-12"))
    assert text(squeeze(item, 27)) == "attention_dropout 1.234e-12"
    assert text(squeeze(item, 20)) == "atten…pout 1.234e-12" and squeeze(item, 20)[0].role == "dim"
    assert text(flow([item], 20)[0]) == "atten…pout 1.234e-12"
    assert text(squeeze(item, 12)).endswith("…")


def test_sentences_break_at_blanks() -> None:
    assert [text(made) for made in wrap_text("one two three four", 9, indent=2)] == [
        "one two",
        "  three",
        "  four",
    ]
    assert [text(made) for made in wrap_text("unbreakable", 6)] == ["unbrea", "kable"]
    assert [text(made) for made in wrap_text("", 6)] == [""]


def test_a_sentence_is_shortened_by_whole_words() -> None:
    assert shorten("best 0.122983 at epoch 56", 25) == "best 0.122983 at epoch 56"
    assert shorten("best 0.122983 at epoch 56", 16) == "best 0.122983 …"
    assert shorten("best 0.122983 at epoch 56", 14) == "best …"
    assert len(shorten("unbreakable", 6)) <= 6


def test_spread_and_rule() -> None:
    assert text(spread(line("left"), line("right"), 12)) == "left   right"
    assert text(rule(line("queue"), 20, line("best"))) == "─ queue ─────── best"
    assert text(rule(line("a long title"), 8, line("best"))) == "─ a lon…"
    assert cell("0.297", 8, right=True) == "   0.297"


def test_only_the_cells_that_differ_are_drawn_again() -> None:
    assert changed_cells(line("abcdef"), line("abXdYf")) == (2, 5)
    assert changed_cells(line("abc"), line(Span("abc", "good"))) == (0, 3)
    assert changed_cells(line("模a"), line("模b")) == (0, 3)
