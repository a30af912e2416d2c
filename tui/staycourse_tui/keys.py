"""The keys, once: what they do, how the footer, the help and the palette name them."""

from __future__ import annotations

from dataclasses import dataclass

from textual.binding import Binding


@dataclass(frozen=True)
class Key:
    """`keys` as Textual names them; `shown` as a person does; `label` is the footer's word, empty for
    none; `tells` the help's sentence; `title` the palette's name of it, empty for none."""

    keys: str
    shown: str
    action: str
    tells: str
    label: str = ""
    title: str = ""

    def binding(self) -> Binding:
        return Binding(self.keys, self.action, self.tells, show=False)


UNSEALED = Key("q,d", "q d esc", "leave", "leave without sealing")

UNSEALED_HERE = Key("q,d", "q d", "leave", "leave without sealing")

LEAVE = Key("q,d,ctrl+q,ctrl+c", "q d", "leave", "leave this view; the run goes on", "detach")

HELP = Key("question_mark", "?", "help", "this help", "help")

BACK = Key("escape", "esc", "back", "back to the screen before", "back")

COPY = Key("c", "c", "copy_screen", "copy the screen as text", title="Copy the screen")

FREEZE = Key(
    "space", "space", "freeze", "freeze the display; the run goes on", "freeze", "Freeze the display"
)

MOVES = (
    Key("up,k", "↑ k", "move(-1)", "move up"),
    Key("down,j", "↓ j", "move(1)", "move down"),
    Key("pageup", "page up", "page(-1)", "a page up"),
    Key("pagedown", "page down", "page(1)", "a page down"),
    Key("home,g", "home g", "end(-1)", "to the first"),
    Key("end,G,shift+g", "end G", "end(1)", "to the last"),
)

AXES = (
    Key("y", "y", "log_axis", "logarithmic or linear values", "log", "Logarithmic or linear values"),
    Key("t", "t", "x_axis", "curves by epoch, by step, by time", "step", "Curves by epoch, step or time"),
)

MARK = Key("m", "m", "mark", "mark this trial, to see its curve beside others", "mark", "Mark this trial")

UNMARK = Key("u", "u", "unmark", "take all marks away", title="Take all marks away")

RUN_KEYS = (
    Key("1", "1", "focus_pane('queue')", "the phase queue and what each phase handed on", "Queue"),
    Key("2", "2", "focus_pane('trials')", "the trials of a phase; once more: all trials", "Trials"),
    Key("3", "3", "focus_pane('curves')", "the curves", "Curves"),
    Key("4", "4", "focus_pane('log')", "the log of events; once more: in the whole window", "Log"),
    Key("5", "5", "report", "the report", title="Report"),
    Key("enter", "enter", "open", "open what the cursor is at: the trial, the log, or a phase's trials"),
    Key("a", "a", "all_trials", "all trials: sort, filter, compare", title="All trials"),
    Key("tab", "tab", "next_pane(1)", "the next pane"),
    Key("shift+tab", "shift+tab", "next_pane(-1)", "the pane before"),
    *MOVES,
    Key("left,h", "← h", "phase(-1)", "the trials of the phase before"),
    Key("right,l", "→ l", "phase(1)", "the trials of the phase after"),
    Key("escape", "esc", "follow", "back to the trial that runs"),
    AXES[0],
    Key("slash", "/", "filter", "all trials, filtered", "filter"),
    AXES[1],
    Key("f", "f", "full", "the curves in the whole window", "full", "Curves in the whole window"),
    MARK,
    UNMARK,
    FREEZE,
    COPY,
    HELP,
)

TRIALS_KEYS = (
    Key("enter", "enter", "open", "open the trial", "open"),
    Key("slash", "/", "filter", "filter by words, or by a column and a bound: lr<1e-3 adamw", "filter"),
    Key("s", "s", "sort", "sort by the column that is marked; once more: the other way", "sort"),
    Key("left,h", "← h", "column(-1)", "the column before"),
    Key("right,l", "→ l", "column(1)", "the column after"),
    MARK,
    Key("v", "v", "compare", "the marked trials side by side, or the table alone", "side by side"),
    UNMARK,
    *MOVES,
    BACK,
    FREEZE,
    COPY,
    HELP,
)

TRIAL_KEYS = (
    *AXES,
    Key("f", "f", "full", "the curves in the whole window", "full"),
    Key("o", "o", "output", "what the trial has printed, in the whole window", "output"),
    Key("left,h", "← h", "step(-1)", "the trial before"),
    Key("right,l", "→ l", "step(1)", "the trial after"),
    MARK,
    UNMARK,
    Key("up,k", "↑ k", "move(-1)", "its output: back"),
    Key("down,j", "↓ j", "move(1)", "its output: on"),
    *MOVES[2:],
    BACK,
    FREEZE,
    COPY,
    HELP,
)

LOG_KEYS = (
    Key("slash", "/", "filter", "show only the events with these words", "filter"),
    *MOVES,
    BACK,
    FREEZE,
    COPY,
    HELP,
)

REPORT_KEYS = (*MOVES, BACK, COPY, HELP)

# What people try who want to stop a trial: each is answered with what ends it instead.
STOPPING = Key("x,delete,ctrl+k,ctrl+x,backspace", "x del", "refuse", "say which rules end this trial")

HOME_KEYS = (
    Key("enter", "enter", "open", "open what the cursor is at: a roadmap's plan, or a run", "open"),
    Key("1", "1", "focus_pane('roadmaps')", "the roadmaps", "Roadmaps"),
    Key("2", "2", "focus_pane('runs')", "the runs", "Runs"),
    Key("3", "3", "focus_pane('details')", "all that is known of the roadmap, or the run", "Details"),
    Key("tab", "tab", "next_pane(1)", "the next pane"),
    Key("shift+tab", "shift+tab", "next_pane(-1)", "the pane before"),
    *MOVES,
    Key("escape", "esc", "calm", "from the details back to the list"),
    COPY,
    HELP,
)

CHECK_KEYS = (
    Key("enter,r", "enter", "again", "check again, after the file was mended", "check again"),
    *MOVES,
    Key("escape", "esc", "back", "back to the roadmaps; a check that is on its way is ended", "back"),
    COPY,
    HELP,
)

LEAVE_HOME = Key("q,d,ctrl+q,ctrl+c", "q d", "leave", "leave; whatever runs goes on", "leave")

PLAN_KEYS = (
    Key("enter", "enter", "seal", "seal this plan and start, after one question", "seal"),
    Key("r", "r", "rehearse", "rehearse the whole campaign in miniature first", "rehearse first"),
    Key("up,k", "↑ k", "move(-1)", "move up"),
    Key("down,j", "↓ j", "move(1)", "move down"),
    Key("pageup", "page up", "move(-10)", "a page up"),
    Key("pagedown", "page down", "move(10)", "a page down"),
    Key("question_mark", "?", "help", "what sealing means", "help"),
)

# A sentence that stands above the keys in the help, and paragraphs below them.
WHY_LOCKED = (
    "No key here ends a trial: only the rules do that were declared before the first result.",
    "A trial cannot be stopped from here, nor from anywhere: no screen or command has a way to do it. "
    "Stopping what looks bad and keeping what looks good is how a search fools its owner.",
    "A whole campaign can be given up, in the open: once its engine has stopped, "
    "staycourse abandon RUN --reason … records why and keeps every result.",
)

WHAT_SEALING_MEANS = (
    "Sealing fixes the plan, the code and the data.",
    "From then on nobody can stop a trial by hand, drop a result or change the plan; "
    "only the rules declared in the plan end a trial.",
)
