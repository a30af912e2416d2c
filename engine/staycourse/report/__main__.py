"""`python -m staycourse.report RUN [-o FILE]`."""

from __future__ import annotations

import argparse
import sqlite3
import sys
from pathlib import Path

from staycourse.core.problems import UserError
from staycourse.record.index import find
from staycourse.report import write_report


def main() -> int:
    """0 and the report's path on standard output, or 2 and one message."""
    parser = argparse.ArgumentParser(prog="staycourse.report", description="Write the report of a run.")
    parser.add_argument("run", help="a run's folder, or its name")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="instead of report.md in the run")
    arguments = parser.parse_args()
    try:
        sys.stdout.write(f"{write_report(find(arguments.run), arguments.output)}\n")
    except (UserError, sqlite3.Error) as error:
        return _refuse(str(error))
    except OSError as error:
        return _refuse(
            f"{error.strerror or error}: {error.filename or arguments.run} (-o FILE writes elsewhere)"
        )
    return 0


def _refuse(message: str) -> int:
    sys.stderr.write(f"{message}\n")
    return 2


if __name__ == "__main__":
    sys.exit(main())
