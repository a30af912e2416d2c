"""`python -m staycourse_tui RUN` opens the view of a run folder."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from staycourse.core.text import one_line
from staycourse_tui.app import StaycourseApp


def main() -> int:
    """Open the view; afterwards say how to come back."""
    parser = argparse.ArgumentParser(prog="python -m staycourse_tui")
    parser.add_argument("run", metavar="RUN", type=Path, help="a run folder")
    parser.add_argument(
        "--view-only", action="store_true", help="this run and nothing else, and no last words: for a browser"
    )
    options = parser.parse_args()
    if not (options.run / "run.db").exists():
        sys.stderr.write(f"{options.run} is no run folder: there is no run.db in it\n")
        return 2
    app = StaycourseApp(run=options.run.resolve())
    left = app.run()
    if left is not None and not options.view_only:
        sys.stdout.write(f"the run goes on; this view again: staycourse attach {one_line(left.name)}\n")
    return app.return_code or 0


if __name__ == "__main__":
    sys.exit(main())
