"""The report of a run: Markdown that reads well on GitHub, with figures, written from the record alone."""

from staycourse.report.document import write_report
from staycourse.report.facts import NothingToReport

__all__ = ["NothingToReport", "write_report"]
