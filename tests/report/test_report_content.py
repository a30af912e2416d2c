"""What the report of a finished run says."""

from __future__ import annotations

import re
import sqlite3
import statistics
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from tests.report.eventful import COMPARE, FACTS, eventful_run
from tests.support.sample_run import ROADMAP

from staycourse.client import RunClient
from staycourse.core.roadmap import parse
from staycourse.core.views import phase_words
from staycourse.record.clock import seconds_between
from staycourse.record.paths import RunPaths
from staycourse.report import write_report
from staycourse.report.data_seal import covers, watched
from staycourse.report.facts import read_facts
from staycourse.report.side_by_side import side_by_side

SHORT = "[[phase]]".join(ROADMAP.split("[[phase]]")[:3]).replace("trials = 24", "trials = 70")


def text(paths: RunPaths) -> str:
    return paths.report.read_text(encoding="utf-8")


def section(report: str, heading: str) -> str:
    """From a heading to the next one of its level or above."""
    level = heading.split(" ")[0]
    rest = report.partition(f"{heading}\n")[2]
    return re.split(rf"^#{{1,{len(level)}}} ", rest, maxsplit=1, flags=re.MULTILINE)[0]


def row(report: str, name: str) -> str:
    return next(line for line in report.splitlines() if line.startswith(f"| **{name}**"))


def test_every_phase_is_named_with_its_number(finished: RunPaths) -> None:
    report = text(finished)
    for number, phase in enumerate(parse(ROADMAP).phases, start=1):
        assert f"### Phase {number}: {phase.kind}\n" in report


def test_every_trial_stands_in_the_table_of_its_phase(finished: RunPaths) -> None:
    report = text(finished)
    for trial in RunClient(finished.root).poll().trials:
        kind = parse(ROADMAP).phases[trial.phase].kind
        assert f"\n| {trial.id} |" in section(report, f"### Phase {trial.phase + 1}: {kind}")


def test_the_first_screen_has_result_lead_and_cost(finished: RunPaths) -> None:
    """The figures are computed here from the trials' curves."""
    report, goal = text(finished), 3
    client = RunClient(finished.root)
    trials = [trial for trial in client.poll().trials if trial.phase == goal]
    scores = {}
    for setup in {str(trial.setup) for trial in trials}:
        curves = [
            {e: v for _, e, v in client.curve(t.id, "val_loss")} for t in trials if str(t.setup) == setup
        ]
        common = set.intersection(*map(set, curves))
        epoch = min(common, key=lambda e: statistics.fmean(curve[e] for curve in curves))
        scores[statistics.fmean(curve[epoch] for curve in curves)] = (
            epoch,
            [curve[epoch] for curve in curves],
        )
    (best, (epoch, own)), (second, (_, others)) = sorted(scores.items())[:2]
    differences = [b - a for a, b in zip(own, others, strict=True)]
    spread = statistics.stdev(differences)

    assert f"**{best:.4f} ± {statistics.stdev(own):.4f}** at epoch {epoch}" in row(report, "Result")
    assert f"{second - best:.2g} lower than the runner-up" in row(report, "Lead")
    assert f"{(second - best) / spread:.1f} times the spread" in row(report, "Lead")
    assert "3 h of wall time" in row(report, "Cost")
    assert "49 trials" in row(report, "Cost")
    assert "kWh on 1 GPU" in row(report, "Cost")


def test_doubts_name_failures_interruptions_verdicts_and_few_seeds(finished: RunPaths) -> None:
    doubts = text(finished).partition("**What to doubt**")[2].partition("## Phases")[0]
    assert "1 of 49 trials ended without a score: 1 diverged (t1)" in doubts
    assert "interrupted 2 times" in doubts
    assert "1 crashed and 1 interrupted" in doubts
    assert "cannot tell `optimizer`" in doubts
    assert "2 seeds" in doubts
    assert "sealed over 7 warnings" in doubts
    assert "not exact" not in doubts


def test_what_differs_on_replay_is_a_doubt_and_is_counted(run: Path) -> None:
    report = write_report(eventful_run(run, differs=True)).read_text()
    assert "3 values came out different when computed again after an interruption (t12)" in report
    assert "**3 of 120 values differed**" in section(report, "### Exactness")


def test_what_was_replayed_and_equal_is_told(finished: RunPaths) -> None:
    exactness = section(text(finished), "### Exactness")
    assert "120 values of 1 trial" in exactness
    assert "equalled the value that stood" in exactness


def test_interruptions_have_their_lengths_and_reasons(finished: RunPaths) -> None:
    part = section(text(finished), "### Interruptions")
    assert "the engine was told to stop (SIGTERM)" in part
    assert "killed or the machine went down" in part
    assert len(re.findall(r"\| \d+ s \| .*(?:SIGTERM|machine)", part)) == 2  # of the engine
    took = r"\| (?:\d+ min )?\d+ s \|"
    assert "2 attempts ended before the trial did" in part
    assert re.search(rf"\| t12 \| 1 \| interrupted \| – {took} `it went with the engine`", part), part
    assert re.search(rf"\| t14 \| 1 \| crashed \| 240 {took} `RuntimeError", part), part
    assert "`RuntimeError: DataLoader worker (pid 4713) is killed by signal`" in part


def test_probe_shows_floor_phases_of_training_and_eliminations(finished: RunPaths) -> None:
    probe = section(text(finished), "### Phase 1: probe")
    found = RunClient(finished.root)
    found.poll()
    findings = found.state.handoffs[0].findings
    assert f"`val_loss` {findings['floor']['value']:.4f}, reached by {findings['floor']['trial']}" in probe
    for piece in findings["training_phases"]:
        assert f"| {piece['kind']} | {piece['first']} to {piece['last']} |" in probe
    assert probe.count("| cannot tell |") == len(findings["elimination"])


def test_elimination_shows_trials_difference_noise_and_p_of_each_option(finished: RunPaths) -> None:
    probe = section(text(finished), "### Phase 1: probe")
    assert "| trials | median `val_loss` | difference | noise | p | verdict |" in probe
    client = RunClient(finished.root)
    client.poll()
    for verdict in client.state.handoffs[0].findings["elimination"]:
        counts = f"| {verdict['trials']} / {verdict['trials_against']} |"
        line = next(each for each in probe.split("\n") if f"`{verdict['option']}` | `" in each)
        assert counts in line
        assert f"{verdict['p']:#.2g}".rstrip(".") in line


def test_what_is_to_be_expected_of_the_winner_and_how_flat_its_best_is(finished: RunPaths) -> None:
    report = text(finished)
    client = RunClient(finished.root)
    client.poll()
    findings = client.state.handoffs[3].findings
    found, flat = findings["expected"], findings["flat"]
    assert f"**{found['value']:.4g}** with a new seed" in row(report, "Expected")
    assert f"epochs {flat['first']} to {flat['last']} are as good as epoch {flat['best']}" in row(
        report, "Best epoch"
    )
    confirm = section(report, "### Phase 4: confirm")
    assert "**How sure that is.**" in confirm
    for other in findings["versus"]:
        assert other["verdict"] in confirm


def test_narrow_shows_ranges_before_and_after(finished: RunPaths) -> None:
    client = RunClient(finished.root)
    client.poll()
    lr = client.state.handoffs[1].space.get("lr")
    narrow = section(text(finished), "### Phase 2: narrow")
    assert f"| `lr` | log | 1e-05 to 0.1 | {lr.low:.4g} to {lr.high:.4g} |" in narrow
    assert "lr 1e-05..0.1 became" in narrow


def test_rules_are_told_in_words(finished: RunPaths) -> None:
    assert "no better val_loss for 15 epochs, not before epoch 91; 12 hours at most." in text(finished)


def test_compare_stands_side_by_side_with_paired_differences(run: Path) -> None:
    report = write_report(eventful_run(run, roadmap_text=COMPARE)).read_text()
    compare = section(report, "### Phase 2: compare")
    assert "**Side by side.**" in compare
    assert re.search(r"\| falling \| `decay` \| .* \| best \|", compare)
    beside = r"\+[\d.]+ \| \+[\d.]+ to \+[\d.]+ \| [\d.e-]+ \| the best is better beyond noise"
    assert re.search(rf"\| steady \| `constant` \| .* \| {beside}", compare)
    assert "**falling**" in row(report, "Won")
    assert "better with 3 of 3" in row(report, "Lead")


def test_compare_tells_what_each_took_and_whether_they_are_equivalent(run: Path) -> None:
    """The figures are computed here from the ledger's ends; the sample trains 24 updates an epoch."""
    margin = 0.75
    roadmap = COMPARE.replace("seeds = 3", f"seeds = 3\nmargin = {margin}")
    paths = eventful_run(run, roadmap_text=roadmap)
    report = write_report(paths).read_text()
    compare = section(report, "### Phase 2: compare")
    assert "steady and falling: **equivalent within 0.75**" in row(report, "Equivalence")
    findings = read_facts(paths).state.handoffs[1].findings["comparison"]
    best, other = findings
    assert (best["updates"], other["updates"]) == (1440, 1440)
    assert re.search(r"\| falling \| .* \| 1,440 \| [^|]+ \|", compare)
    low, high = other["equivalence"]["interval"]
    outer = other["interval"]
    assert outer[0] < low < other["difference"] < high < outer[1], "90% lies within 95%"
    assert -margin < low < high < margin
    assert f"`val_loss` {margin:g}, was declared before the first trial" in compare
    assert "- steady and falling: **equivalent within 0.75**, by a difference of +" in compare
    assert "over 3 seeds" in compare
    assert any(
        "steady and falling: equivalent within 0.75 (90% interval" in line for line in handed_on(paths)
    )
    assert "in a band from the least to the greatest value of its seeds" in compare


def test_a_difference_beyond_the_margin_is_not_shown_to_be_equivalent(run: Path) -> None:
    roadmap = COMPARE.replace("seeds = 3", "seeds = 3\nmargin = 1e-6")
    compare = section(
        write_report(eventful_run(run, roadmap_text=roadmap)).read_text(), "### Phase 2: compare"
    )
    assert "- steady and falling: **not shown to be equivalent**, by a difference of +" in compare


def test_a_set_up_without_a_score_is_named_beside_those_compared(run: Path) -> None:
    facts = read_facts(eventful_run(run, roadmap_text=COMPARE))
    places = facts.state.handoffs[1].findings["comparison"]
    assert not any("Not compared" in block for block in side_by_side(facts, places))
    best, beside = places
    dead = [replace(facts.state.trials[name].end, outcome="diverged") for name in beside["trials"]]
    trials = {end.trial: facts.state.trials[end.trial]._replace(end=end) for end in dead}
    facts = replace(facts, state=replace(facts.state, trials={**facts.state.trials, **trials}))
    assert "- steady: 3 of 3 trials diverged" in "\n".join(side_by_side(facts, [best]))


def handed_on(paths: RunPaths) -> list[str]:
    """What the second phase handed on, as the screens tell it."""
    facts = read_facts(paths)
    return phase_words(facts.roadmap, facts.state.handoffs, 1)


def test_a_long_table_shows_the_best_and_counts_the_rest(run: Path) -> None:
    narrow = section(write_report(eventful_run(run, roadmap_text=SHORT)).read_text(), "### Phase 2: narrow")
    shown = re.findall(r"^\| (t\d+) \|", narrow, flags=re.MULTILINE)
    assert len(shown) == 40
    assert "30 more trials are in `run.db`" in narrow
    with closing(sqlite3.connect(run / "run.db")) as db:
        best = db.execute(
            "SELECT id FROM trial WHERE phase = 1 AND outcome = 'completed' ORDER BY best_value"
        )
        assert shown == [trial for (trial,) in best.fetchmany(40)]


def test_data_environment_code_and_command_are_told(finished: RunPaths) -> None:
    report = text(finished)
    data = section(report, "## Data")
    assert "| to train on | 1,438 |" in data
    assert "| a share of it | equal shares of each label |" in data
    assert f"`{FACTS['fingerprint']['sha256']}`" in data  # type: ignore[index]  # a table of facts
    assert "all 1,797 samples, 463.3 KiB" in data
    environment = section(report, "### Environment")
    assert "| packages: torch | 2.13.0 |" in environment
    assert "NVIDIA H100 80GB HBM3" in environment
    assert "570.86.15" in environment
    assert f"| `nets/mlp.py` | `{'9' * 64}` |" in section(report, "### Sealed code")
    assert "cd /home/ada/work\nstaycourse run /home/ada/work/digits.toml" in section(
        report, "### Repeat the run"
    )


@pytest.mark.parametrize(
    ("fingerprint", "words"),
    [
        (
            {"method": "content", "files": 12, "bytes": 3_565_158, "total_bytes": 3_565_158},
            "by content, 12 files, 3.4 MiB",
        ),
        (
            {"method": "sampled content", "files": 1204, "files_read": 1204, "piece": 65536,
             "total_bytes": 11 * 2**40 // 10},
            "sampled content of 1,204 files, 1.1 TiB: sizes and three pieces of 64.0 KiB a file; "
            "what lies between is not seen except by its time",
        ),
        (
            {"method": "sampled content", "files": 10**6, "files_read": 20_000, "piece": 4096,
             "total_bytes": 2**40},
            "sampled content of 20,000 of 1,000,000 files, 1.0 TiB: sizes and three pieces of 4.0 KiB a "
            "file, of the other files the size alone; what lies between is not seen except by its time",
        ),
        ({"method": "all samples", "samples": 1797, "of": 1797, "bytes": 1024}, "all 1,797 samples, 1.0 KiB"),
        (
            {"method": "4096 samples", "samples": 4096, "of": 1_200_000, "bytes": 2**20},
            "4,096 of 1,200,000 samples, evenly spread, 1.0 MiB",
        ),
        (
            {"method": "form and sizes", "bytes": 40},
            "form and sizes alone, for the samples differ each time that they are read",
        ),
    ],
)  # fmt: skip
def test_how_the_data_was_sealed_is_told(fingerprint: dict[str, object], words: str) -> None:
    assert covers(fingerprint) == words


@pytest.mark.parametrize(
    ("files", "method", "words"),
    [
        ({"kind": "covered", "count": 3}, "content", r"these files: size and time, .*differed"),
        (
            {"kind": "opened", "count": 3},
            "form and sizes",
            r"3 files that .* open: size and time, then content",
        ),
        (
            {"kind": "opened", "count": 2000, "left_out": 7},
            "all samples",
            r"2,000 files .* \(7 more were left out\): .*; the samples were hashed again whenever .*",
        ),
        ({"kind": "opened", "count": 0}, "512 samples", r"no file, .*: the samples were hashed again .*"),
        ({"kind": "opened", "count": 0}, "form and sizes", r"nothing: .*"),
    ],
)
def test_how_the_data_was_watched_is_told(files: dict[str, object], method: str, words: str) -> None:
    assert re.fullmatch(words, watched({"data_files": files, "fingerprint": {"method": method}}))


def test_exactness_is_claimed_up_to_a_change_of_the_environment(finished: RunPaths, run: Path) -> None:
    assert "The environment changed" not in text(finished)
    report = write_report(eventful_run(run, roadmap_text=SHORT, changes_driver=True)).read_text()
    exactness = section(report, "### Exactness")
    row = r"\| ([^|]+) \| driver 570.86.15 → 580.1 \| ([^|]+) \| ([^|]+) \| ([^|]+) \|"
    found = re.search(row, exactness)
    assert found is not None
    assert f"Exactness is claimed up to {found[1]}" in exactness
    assert found[2] == "t1, t2, t3, t4, t5, t6, t7, t8 and 3 more"
    assert found[3] == "t12"
    assert found[4].startswith("t13, t14, ")
    assert f"(driver 570.86.15 → 580.1): the numbers are exact up to {found[1]} only" in report


def test_the_whole_roadmap_is_there_as_it_was_sealed(finished: RunPaths) -> None:
    assert f"```toml\n{ROADMAP.rstrip()}\n```" in text(finished)


def test_the_ledgers_head_is_that_of_the_head_file(finished: RunPaths) -> None:
    seq, digest = finished.head.read_text().split()
    assert f"event {seq}, `{digest}`" in text(finished)


def test_gpu_figures_and_throughput_are_told(finished: RunPaths) -> None:
    hardware = section(text(finished), "### Hardware")
    gpu = next(line for line in hardware.splitlines() if line.startswith("| gpu0 |"))
    assert "412 W / 412 W" in gpu
    assert "38.1 GiB" in gpu
    with closing(sqlite3.connect(finished.database)) as db:
        first, last = db.execute("SELECT min(time), max(time) FROM hardware").fetchone()
    seconds = seconds_between(first, last)
    told = re.search(r"([\d.]+) kWh", gpu)
    assert told is not None
    assert float(told[1]) == pytest.approx(412 * seconds / 3.6e6, rel=0.01)
    throughput = section(text(finished), "### Throughput")
    assert "| 3 grid | 12 | 2,902 | 18.2 | 3.0% |" in throughput


@pytest.mark.parametrize("bound", ["lr = { log = [1e-3, 1e-1] }", "lr = { log = [1e-5, 1e-3] }"])
def test_a_best_value_at_the_end_of_the_grid_is_a_doubt(run: Path, bound: str) -> None:
    """The sample's optimum is lr 1e-3: where the declared range ends there, the winner lies at its end."""
    roadmap = ROADMAP.replace("lr         = { log = [1e-5, 1e-1] }", bound).replace(
        "lr = 3", "lr = [1e-3, 4e-3, 5e-3]"
    )
    report = write_report(eventful_run(run, roadmap_text=roadmap)).read_text()
    assert "`lr` 0.001 lies at the" in report
