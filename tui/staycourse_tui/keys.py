"""The keys, once: what they do, how the footer and the help name them."""

from __future__ import annotations

from dataclasses import dataclass

from textual.binding import Binding


@dataclass(frozen=True)
class Key:
    """`keys` as Textual names them; `shown` as a person does; `label` is the footer's word, empty for
    none; `tells` the help's sentence."""

    keys: str
    shown: str
    action: str
    tells: str
    label: str = ""

    def binding(self) -> Binding:
        return Binding(self.keys, self.action, self.tells, show=False)


UNSEALED = Key("q,d", "q d esc", "leave", "leave without sealing")

LEAVE = Key("q,d,ctrl+q,ctrl+c", "q d", "leave", "leave this view; the run goes on", "leave")

RUN_KEYS = (
    Key("1", "1", "focus_pane('queue')", "the phase queue and what each phase handed on", "Queue"),
    Key("2", "2", "focus_pane('trials')", "the trials of a phase", "Trials"),
    Key("3", "3", "focus_pane('curves')", "the curves", "Curves"),
    Key("4", "4", "focus_pane('log')", "the log of events", "Log"),
    Key("tab", "tab", "next_pane(1)", "the next pane"),
    Key("shift+tab", "shift+tab", "next_pane(-1)", "the pane before"),
    Key("up,k", "↑ k", "move(-1)", "move up; in the log: to what was before"),
    Key("down,j", "↓ j", "move(1)", "move down"),
    Key("pageup", "page up", "page(-1)", "a page up"),
    Key("pagedown", "page down", "page(1)", "a page down"),
    Key("home,g", "home g", "end(-1)", "to the first"),
    Key("end,G,shift+g", "end G", "end(1)", "to the last"),
    Key("left,h", "← h", "phase(-1)", "the trials of the phase before"),
    Key("right,l", "→ l", "phase(1)", "the trials of the phase after"),
    Key("escape", "esc", "follow", "back to the trial that runs"),
    Key("y", "y", "log_axis", "logarithmic or linear values", "log"),
    Key("t", "t", "by_step", "curves by epoch or by step", "step"),
    Key("f", "f", "full", "the curves in the whole window", "full"),
    Key("space", "space", "freeze", "freeze the display; the run goes on", "freeze"),
    Key("question_mark", "?", "help", "this help", "help"),
)

# What people try who want to stop a trial: each is answered with what ends it instead.
STOPPING = Key("x,delete,ctrl+k,ctrl+x,backspace", "x del", "refuse", "say which rules end this trial")

PLAN_KEYS = (
    Key("enter", "enter", "seal", "seal this plan and start, after one question", "seal"),
    Key("r", "r", "rehearse", "rehearse the whole campaign in miniature first", "rehearse first"),
    Key("up,k", "↑ k", "move(-1)", "move up"),
    Key("down,j", "↓ j", "move(1)", "move down"),
    Key("pageup", "page up", "move(-10)", "a page up"),
    Key("pagedown", "page down", "move(10)", "a page down"),
    Key("question_mark", "?", "help", "what sealing means", "help"),
)

WHY_LOCKED = (
    "A trial cannot be stopped from here, nor from anywhere: no screen or command has a way to do it. "
    "Stopping what looks bad and keeping what looks good is how a search fools its owner. "
    "The rules that end a trial were declared before the first result, and they alone end it.",
    "A whole campaign can be given up, in the open: once its engine has stopped, "
    "staycourse abandon RUN --reason … records why and keeps every result.",
)
