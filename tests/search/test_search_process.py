"""The search's process over real pipes."""

import json
import os
import subprocess
import sys

import pytest

from staycourse.search.propose import propose
from staycourse.search.request import Past, Request, Search

CODE = "import sys; from staycourse.search.process import main; main(int(sys.argv[1]), int(sys.argv[2]))"


class Searcher:
    """A child process that runs `main` on two pipes."""

    def __init__(self) -> None:
        orders, self.orders = os.pipe()
        self.events, events = os.pipe()
        self.process = subprocess.Popen(
            [sys.executable, "-c", CODE, str(orders), str(events)],
            pass_fds=(orders, events),
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        )
        os.close(orders)
        os.close(events)
        self.reader = os.fdopen(self.events, "rb")

    def send(self, line: bytes) -> None:
        os.write(self.orders, line + b"\n")

    def answer(self) -> dict:
        return json.loads(self.reader.readline())

    def ask(self, number: int, request: Request) -> dict:
        self.send(json.dumps({"id": number, "propose": request.to_json()}).encode())
        return self.answer()

    def close(self) -> int:
        os.close(self.orders)
        code = self.process.wait(timeout=30)
        self.reader.close()
        return code


@pytest.fixture
def searcher():
    child = Searcher()
    yield child
    if child.process.poll() is None:
        child.process.kill()
        child.process.wait()


def test_a_campaign_over_pipes_and_bad_requests_in_between(searcher, mixed):
    search = Search(mixed, "CMA", 3, "min", 6)
    past: list[Past] = []
    bad = [
        (b"not json", "JSONDecodeError", "Expecting value"),
        (b"[1]", "RequestError", "an order is"),
        (b'{"id": 1}', "RequestError", "an order is"),
        (b"\xff\xfe", "UnicodeDecodeError", "decode"),
    ]
    for k, (line, kind, message) in enumerate(bad, start=1):
        answer = searcher.ask(10 + k, Request(search, k, tuple(past)))
        assert answer == {"id": 10 + k, "setup": propose(Request(search, k, tuple(past)))}
        past.append(Past(answer["setup"], 0.1 * k, "done"))
        searcher.send(line)
        error = searcher.answer()
        assert error["kind"] == kind
        assert message in error["error"]
    assert searcher.close() == 0


def test_refusals_carry_the_number_of_the_request(searcher, mixed):
    search = Search(mixed, "OnePlusOne", 3, "min", 6)
    body = search.to_json() | {"k": 1, "history": []}
    for number, (change, kind, message) in enumerate(
        [
            ({"goal": "least"}, "RequestError", "goal: 'least' is none of min, max"),
            ({"k": 0}, "RequestError", "k: a whole number from 1 on"),
            ({"k": 2}, "RequestError", "proposal 2 needs 1 trials, not 0"),
            ({"space": [{"low": 1}]}, "RequestError", "space: cannot be read"),
            ({"optimizer": "OnePlusTwo"}, "UnknownOptimizer", "did you mean 'OnePlus"),
            ({"optimizer": "Cobyla", "parallel": 2}, "SearchFailed", "'Cobyla' failed at proposal 1"),
            (
                {"k": 2, "history": [{"setup": {"lr": 1}, "value": 1, "state": "done"}]},
                "ReplayMismatch",
                "lr=1",
            ),
            ({"k": 2, "history": [{"setup": {}, "value": "x", "state": "done"}]}, "RequestError", "'x'"),
        ]
    ):
        searcher.send(json.dumps({"id": number, "propose": body | change}).encode())
        answer = searcher.answer()
        assert (answer["id"], answer["kind"]) == (number, kind)
        assert message in answer["error"]
    assert "setup" in searcher.ask(99, Request(search, 1))
    assert searcher.close() == 0


def test_it_ends_with_its_orders_even_while_a_library_waits_for_a_result(searcher, mixed):
    assert "setup" in searcher.ask(1, Request(Search(mixed, "Cobyla", 3, "min", 6), 1))
    assert searcher.close() == 0


def test_torch_is_not_imported_before_a_request_needs_it():
    code = (
        "import sys; import staycourse.search.process, staycourse.search.request; "
        "sys.exit(bool({'torch', 'botorch'} & set(sys.modules)))"
    )
    env = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    assert subprocess.run([sys.executable, "-c", code], env=env, check=False).returncode == 0
