"""The benchmarks measure what they say, and the budget in CI names what grew."""

import subprocess
import sys
from pathlib import Path

import pytest

from bench import budget, imports, scale
from bench.probe import outcome
from local.processes import ROOT

RECORDED = {
    "on": "Python 3.13.0, x86_64",
    "cold_m_instructions": 2000,
    "warm_m_instructions": 17.0,
    "warm_empty_m_instructions": 16.0,
    "zip_mb": 12.0,
    "modules": 900,
    "imported": ["json"],
    "lines": {"botocore": 1000, "clemta_intake/receive.py": 50},
}


def test_budget_passes_within_three_percent() -> None:
    today = RECORDED | {"cold_m_instructions": 2059, "lines": {"botocore": 9999}}
    assert budget.exceeded(RECORDED, today) == []


@pytest.mark.parametrize("figure", budget.UNITS)
def test_budget_fails_above_and_names_the_module_that_grew(figure: str) -> None:
    today = RECORDED | {
        figure: RECORDED[figure] * 1.04,  # type: ignore[operator]
        "imported": ["asyncio", "json"],
        "lines": {"botocore": 1000, "clemta_intake/receive.py": 70, "asyncio": 5},
    }
    first, *rest = budget.exceeded(RECORDED, today)
    assert budget.UNITS[figure] in first
    assert "+4.0%" in first
    assert rest == [
        "newly imported: asyncio",
        "grew: clemta_intake/receive.py, +20 lines of Python run",
        "grew: asyncio, +5 lines of Python run",
    ]


def test_on_another_interpreter_the_budget_compares_only_the_size() -> None:
    elsewhere = {**RECORDED, "on": "Python 3.13.9, aarch64", "cold_m_instructions": 9999}
    assert budget.exceeded(RECORDED, elsewhere) == []
    [first, *_] = budget.exceeded(RECORDED, {**elsewhere, "zip_mb": 13.0})
    assert "zipped" in first


def test_budget_counts_lines_by_own_module_and_by_foreign_package() -> None:
    lines = {
        "/somewhere/bundle/clemta_intake/receive.py": 3,
        "/somewhere/bundle/botocore/client.py": 2,
        "/somewhere/bundle/botocore/auth.py": 2,
        "/usr/lib/python3.13/json/decoder.py": 1,
    }
    bundle = Path("/somewhere/bundle")
    assert budget.by_module(lines, bundle) == {"botocore": 4, "clemta_intake/receive.py": 3, "python": 1}


def test_bench_outcome_of_an_answer_is_its_status() -> None:
    assert outcome({"statusCode": 200, "body": '{"status": "queued"}'}) == "queued"
    assert outcome({"statusCode": 401, "body": '{"title": "Unauthorized", "status": 401}'}) == "401"
    assert outcome({"statusCode": 303, "body": ""}) == "303"


def test_p6_a_burst_without_sockets_keeps_the_limit_and_its_pace() -> None:
    found = scale.burst(300)
    assert found["contacts"] == 300
    assert found["most_calls_in_a_minute"] <= 100
    assert found["calls_refused"] == found["calls_wasted"] == found["parked"] == 0
    assert found["drained_over_ideal"] <= 1 / 0.9


def test_p6_an_import_needs_little_more_than_a_call_for_each_row() -> None:
    found = imports.pace(300, 150)
    assert found["calls_refused"] == found["duplicates"] == 0
    assert found["calls_a_row"] < 1.1


def test_only_people_who_are_added_by_hand_while_they_wait_can_become_two_contacts() -> None:
    added, became_two = imports.by_hand(300, 20, seed=1)
    assert added == 20
    assert 0 < became_two < added / 2


@pytest.mark.parametrize("module", ["receive", "redeliver"])
def test_the_garbage_collector_is_on_again_once_a_function_is_imported(module: str) -> None:
    probe = f"import gc; from clemta_intake import {module}; print(gc.isenabled(), gc.get_freeze_count() > 0)"
    command = [sys.executable, "-c", probe]
    done = subprocess.run(
        command, cwd=ROOT, env={"PYTHONPATH": "functions"}, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["True", "True"]
