"""The one question before the seal, as lines. Pure."""

from __future__ import annotations

from staycourse_tui.keys import WHAT_SEALING_MEANS
from staycourse_tui.offer import Offer
from staycourse_tui.panes.plan import totals
from staycourse_tui.widgets.lines import Line, Span, line, wrap_text

_WHY_REHEARSE = (
    "It runs the whole campaign in miniature and finds bugs now instead of after the seal: recommended."
)


def question(offer: Offer, rehearsed: bool | None, size: int) -> list[Line]:
    """What would be sealed and what that means; `rehearsed` is whether the rehearsal passed, None if there
    was none."""
    holds = f"It holds {totals(offer)}."
    if offer.will_be:
        holds += f" Its seal will be {offer.will_be[:8]}, from `staycourse seal` in full."
    return [
        line(Span(f"Seal {offer.roadmap.name}?", "title")),
        (),
        *(made for sentence in (*WHAT_SEALING_MEANS, holds) for made in wrap_text(sentence, size)),
        (),
        *_rehearsal(rehearsed, size),
    ]


def _rehearsal(rehearsed: bool | None, size: int) -> list[Line]:
    if rehearsed is None:
        return wrap_text(f"No rehearsal was done. {_WHY_REHEARSE}", size, "warn")
    if rehearsed:
        return wrap_text("The rehearsal passed.", size, "good")
    failed = "The rehearsal did not pass: what failed there will most likely fail in the run."
    return wrap_text(failed, size, "bad")


def answers(size: int, is_ready: bool = True) -> Line:
    """The keys that answer it, in the longest form that fits; Enter is told of once it counts."""
    forms = (("seals and starts", "rehearses first", "goes back"), ("seals", "rehearses first", "back"))
    for seals, rehearses, back in forms:
        enter = (Span("enter", "key"), Span(f" {seals}")) if is_ready else (Span("a moment to read", "dim"),)
        made = line(
            *enter, Span("    "),
            Span("r", "key"), Span(f" {rehearses}    "),
            Span("esc", "key"), Span(f" {back}"),
        )  # fmt: skip
        if sum(len(span.text) for span in made) <= size:
            break
    return made
