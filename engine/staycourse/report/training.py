"""How updates were computed: what `[training]` declared, how a teacher was asked, and the batches that memory
did not hold."""

from __future__ import annotations

from staycourse.core import events as ev
from staycourse.core.sections import Training
from staycourse.report.facts import Facts
from staycourse.report.markdown import bullets, count, escape, size

_WORDS = {
    "fp32": "single precision (fp32)",
    "bf16": "mixed precision (bf16)",
    "fp16": "mixed precision (fp16)",
}


def training_words(facts: Facts) -> str:
    """As Markdown: the declared options, how a teacher was asked, then each trial that went on with fewer
    samples at once."""
    if facts.roadmap.task.command is not None:
        return "By the script itself."
    lines = [", ".join(_declared(facts.roadmap.training)) + ".", *_teacher(facts)]
    for trial, at_once in cut_for_memory(facts).items():
        lines.append(
            f"{trial} ran out of memory and went on with {count(at_once, 'sample')} at once: the same "
            "updates, their gradients added up; batch normalisation saw fewer samples at a time."
        )
    return lines[0][0].upper() + lines[0][1:] if len(lines) == 1 else bullets(lines)


def _teacher(facts: Facts) -> list[str]:
    """Trials that asked a teacher at each step, and those in which its outputs were kept."""
    said = [facts.said[trial.id] for trial in facts.trials if trial.id in facts.said]
    kept = [fact for fact in said if fact.get("teacher") == "kept"]
    lines = []
    if kept:
        most = size(max(float(fact["teacher_bytes"]) for fact in kept))
        lines.append(
            f"The teacher was asked once a sample, and its outputs ({most}) served "
            f"{count(len(kept), 'trial')} from the first step on."
        )
    for why in dict.fromkeys(str(fact["teacher_why"]) for fact in said if fact.get("teacher_why")):
        number = sum(fact.get("teacher_why") == why for fact in said)
        lines.append(f"The teacher was asked at each step in {count(number, 'trial')}: {escape(why)}.")
    return lines


def cut_for_memory(facts: Facts) -> dict[str, int]:
    """The most samples of a forward pass that memory held at last, by trial, where it did not hold all."""
    events = [timed.event for timed in facts.timeline]
    failed = [event for event in events if isinstance(event, ev.AttemptFailed) and event.at_once]
    return {event.trial: event.at_once for event in failed if event.at_once}


def _declared(training: Training) -> list[str]:
    words = [_WORDS[training.precision]]
    words.append("compiled" if training.compile else "not compiled")
    if training.accumulate > 1:
        words.append(f"{training.accumulate} batches an update")
    if training.grad_clip is not None:
        words.append(f"gradients clipped at a norm of {training.grad_clip:g}")
    if training.ema is not None:
        words.append(
            f"weights averaged with a decay of {training.ema:g}; the averaged ones are validated and kept"
        )
    return words
