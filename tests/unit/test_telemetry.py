"""A submission's log line is its metrics, in CloudWatch's embedded metric format."""

from collections.abc import Iterator
from typing import Any

import pytest

from clemta_intake import telemetry
from clemta_intake.errors import Unavailable
from clemta_intake.outcomes import OUTCOMES, OutcomeName
from tests.conftest import Lines


@pytest.fixture(autouse=True)
def _nothing_measured() -> Iterator[None]:
    telemetry._pending.clear()
    yield
    telemetry._pending.clear()


def outcome(status: OutcomeName = "created") -> None:
    telemetry.log_outcome(status, submission_id="s1", source="website", seconds=0.0124)


def records(line: dict[str, Any]) -> dict[str, Any]:
    """What CloudWatch makes of the line: the dimensions and the value of each metric."""
    return {
        metric["Name"]: (record["Dimensions"], line[metric["Name"]], metric["Unit"])
        for record in line["_aws"]["CloudWatchMetrics"]
        for metric in record["Metrics"]
    }


def test_a_submission_is_counted_by_source_and_outcome(logged: Lines) -> None:
    outcome()
    [line] = logged()
    dimensions = [["service", "source", "outcome"], ["service", "outcome"]]
    assert records(line) == {"Submissions": (dimensions, 1, "Count")}
    assert [line[name] for name in dimensions[0]] == [telemetry.log.service, "website", "created"]
    assert line["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "ClemtaIntake"
    assert line["_aws"]["Timestamp"] > 1_700_000_000_000, "milliseconds"
    assert line["ms"] == 12


def test_recorded_value_is_logged_once_with_the_next_line(logged: Lines) -> None:
    telemetry.record("ClemtaLatency", 81.4)
    telemetry.record("ClemtaLatency", 33.3)
    telemetry.record("ClemtaUnauthorized")
    outcome()
    outcome()
    first, second = logged()
    assert records(first)["ClemtaLatency"] == ([["service"]], [81, 33], "Milliseconds")
    assert records(first)["ClemtaUnauthorized"] == ([["service"]], [1], "Count")
    assert records(second).keys() == {"Submissions"}


def test_line_holds_at_most_100_values_of_a_metric(logged: Lines) -> None:
    for value in range(250):
        telemetry.record("ClemtaLatency", value)
    telemetry.record("BudgetLeft", 7)
    outcome()
    first, *rest = lines = logged()
    assert [len(line["ClemtaLatency"]) for line in lines] == [100, 100, 50]
    assert [value for line in lines for value in line["ClemtaLatency"]] == list(range(250))
    assert records(first).keys() == {"ClemtaLatency", "BudgetLeft", "Submissions"}
    assert all(records(line).keys() == {"ClemtaLatency"} for line in rest)


@pytest.mark.parametrize("status", [name for name, info in OUTCOMES.items() if not info.counted])
def test_an_outcome_that_is_not_final_is_not_counted_as_a_submission(
    logged: Lines, status: OutcomeName
) -> None:
    outcome(status)
    telemetry.record("CaptchaUnavailable")
    outcome(status)
    bare, measured = logged()
    assert "_aws" not in bare
    assert records(measured).keys() == {"CaptchaUnavailable"}


def test_a4_unexpected_error_is_counted_and_logs_the_recorded_values(logged: Lines) -> None:
    telemetry.record("ClemtaLatency", 80)
    telemetry.log_unexpected(KeyError("ada@example.com"))
    outcome()
    bug, after = logged()
    assert records(bug)["UnexpectedErrors"] == ([["service"]], [1], "Count")
    assert records(bug).keys() == {"UnexpectedErrors", "ClemtaLatency"}, (
        "and no submission: it has an outcome or comes again"
    )
    assert records(after).keys() == {"Submissions"}
    assert "ada@example.com" not in str(bug)


def test_a4_unreachable_queue_is_not_counted_as_an_unexpected_error(logged: Lines) -> None:
    telemetry.log_unexpected(Unavailable("queue_unavailable"))
    [line] = logged()
    assert "_aws" not in line
