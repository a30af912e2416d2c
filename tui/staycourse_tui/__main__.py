"""`python -m staycourse_tui RUN` opens the view of a run folder."""

from __future__ import annotations

import sys
from pathlib import Path

from staycourse_tui.app import StaycourseApp


def main() -> int:
    """Open the view; afterwards say how to come back."""
    if len(sys.argv) != 2:
        sys.stderr.write("usage: python -m staycourse_tui RUN\n")
        return 2
    folder = Path(sys.argv[1])
    if not (folder / "run.db").exists():
        sys.stderr.write(f"{folder} is no run folder: there is no run.db in it\n")
        return 2
    app = StaycourseApp(run=folder.resolve())
    left = app.run()
    if left is not None:
        sys.stdout.write(f"the run goes on; this view again: staycourse attach {left.name}\n")
    return app.return_code or 0


if __name__ == "__main__":
    sys.exit(main())
