"""The plan screen: the queue before the seal; Enter seals it after one question."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import ClassVar

from textual.binding import BindingType
from textual.message import Message

from staycourse.core.problems import UserError
from staycourse.core.text import one_line
from staycourse_tui.keys import BACK, PLAN_KEYS, UNSEALED, UNSEALED_HERE, WHAT_SEALING_MEANS
from staycourse_tui.messages import RehearsalLine, Rehearsed, Scrolled, Sealed, SealFailed
from staycourse_tui.offer import Offer, RehearsalCancelled
from staycourse_tui.panes.plan import plan_header, plan_lines, totals
from staycourse_tui.pictures.framing import Picture, stacked
from staycourse_tui.screens.base import PaneScreen
from staycourse_tui.screens.help import HelpScreen
from staycourse_tui.screens.seal import SealScreen
from staycourse_tui.widgets.lines import Line, Span, fit, join, line, rule, spread, width, wrap_text

_MOST_PROGRESS = 12


class PlanScreen(PaneScreen):
    """Seals or rehearses through the offer's callbacks, on a thread, one at a time."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *(key.binding() for key in PLAN_KEYS),
        ("escape", "back", "back"),
    ]
    PANES = ("header", "plan", "progress", "footer")

    def __init__(self, offer: Offer, has_home: bool = False) -> None:
        """`has_home`: whether a screen below is one to go back to."""
        super().__init__()
        self._offer = offer
        self._has_home = has_home
        self._down = 0
        self._busy = ""
        self._rehearsed: bool | None = None
        self._progress: list[str] = []
        self._result: tuple[str, str] = ("", "")

    def on_scrolled(self, message: Scrolled) -> None:
        self.action_move(message.lines)

    def action_move(self, step: int) -> None:
        self._down = max(0, self._down + step)
        self.redraw()

    async def action_back(self) -> None:
        """To the screen below, or out; what is being sealed is waited for."""
        if not self._has_home:
            await self.run_action("app.leave")
        elif self._busy != "sealing":
            self.go_back()

    def action_help(self) -> None:
        keys = (*PLAN_KEYS, BACK, UNSEALED_HERE) if self._has_home else (*PLAN_KEYS, UNSEALED)
        title = f"{self._offer.source}: a plan, not sealed"
        self.app.push_screen(HelpScreen(keys, title, WHAT_SEALING_MEANS))

    def action_seal(self) -> None:
        if not self._busy:
            self.app.push_screen(SealScreen(self._offer, self._rehearsed), self._answered)

    def action_rehearse(self) -> None:
        if self._busy:
            return
        self._busy, self._progress, self._result = "rehearsing", [], ("", "")
        self._on_thread(self._rehearse)
        self.redraw()

    def on_rehearsal_line(self, message: RehearsalLine) -> None:
        self._progress.append(message.text)
        self.redraw()

    def on_rehearsed(self, message: Rehearsed) -> None:
        self._busy, self._rehearsed = "", message.passed
        passed = (
            "✓ the rehearsal passed: the whole campaign works in miniature; nothing is sealed yet",
            "good",
        )
        failed = (f"✗ the rehearsal did not pass; nothing is sealed. {message.error}".strip(), "bad")
        self._result = passed if message.passed else failed
        self.redraw()

    def on_seal_failed(self, message: SealFailed) -> None:
        self._busy = ""
        self._result = (f"✗ nothing was sealed: {message.reason}", "bad")
        self.redraw()

    def _answered(self, answer: str | None) -> None:
        if answer == "rehearse":
            self.action_rehearse()
        elif answer == "seal":
            self._busy, self._progress, self._result = "sealing", [], ("", "")
            self._on_thread(self._seal)
            self.redraw()

    def _on_thread(self, work: Callable[[], Message]) -> None:
        """Leaving the view never waits for the thread: it is a daemon."""
        threading.Thread(target=lambda: self.post_message(work()), name="offer", daemon=True).start()

    def _seal(self) -> Message:
        try:
            return Sealed(self._offer.seal())
        except UserError as error:
            return SealFailed(str(error))
        except Exception as error:  # shown here, or it would be lost with the thread
            return SealFailed(f"{type(error).__name__}: {error}")

    def _rehearse(self) -> Message:
        try:
            return Rehearsed(self._offer.rehearse(self._say))
        except UserError as error:
            return Rehearsed(False, str(error))
        except Exception as error:  # shown here, or it would be lost with the thread
            return Rehearsed(False, f"{type(error).__name__}: {error}")

    def _say(self, text: str) -> None:
        if not self.is_running:
            raise RehearsalCancelled
        self.post_message(RehearsalLine(one_line(text)))

    def picture(self, columns: int, rows: int) -> Picture:
        below = self._below(columns, max(3, rows // 2))
        room = max(1, rows - 2 - len(below))
        content = plan_lines(self._offer, columns)
        self._down = min(self._down, max(0, len(content) - room))
        shown = content[self._down : self._down + room]
        shown += [fit((), columns)] * (room - len(shown))
        parts = {
            "header": [plan_header(self._offer, columns)],
            "plan": shown,
            "progress": below,
            "footer": [self._footer(columns, len(content) - self._down - room)],
        }
        return stacked(columns, parts)

    def _below(self, columns: int, most: int) -> list[Line]:
        """The rehearsal's progress and how it, or the sealing, ended."""
        text, role = self._result
        result = [made for part in text.splitlines() for made in wrap_text(part, columns, role)]
        kept = self._progress[-min(_MOST_PROGRESS, max(1, most - 1 - len(result))) :]
        lines = [line(Span(said)) for said in kept] + result
        if not lines and not self._busy:
            return []
        title = Span("rehearsal" if self._progress else "result", "title")
        if self._busy:
            title = Span(f"{self._busy} …", "accent")
        made = [rule(line(title), columns), *(fit(one, columns) for one in lines)]
        return made[-most:] if len(made) > most else made

    def _footer(self, columns: int, hidden: int) -> Line:
        if self._busy == "sealing":
            return fit(line(Span("sealing: a moment", "accent")), columns)
        items = [
            (
                Span(key.shown, "key", f"screen.{key.action}"),
                Span(f" {key.label}", "dim", f"screen.{key.action}"),
            )
            for key in PLAN_KEYS
            if key.label and (key.label == "help" or not self._busy)
        ]
        if self._has_home:
            items.append((Span("esc", "key", "screen.back"), Span(" back", "dim", "screen.back")))
        items.append((Span("q", "key", "app.leave"), Span(" leave", "dim", "app.leave")))
        left = join(items, "  ")
        more = [f"↓ {hidden} more"] if hidden > 0 else []
        for words in ([*more, totals(self._offer)], more):
            right = line(Span("   ".join(words), "dim"))
            if width(left) + width(right) + 2 <= columns:
                return spread(left, right, columns)
        return fit(left, columns)
