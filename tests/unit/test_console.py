"""The console's history of a submission, made from its log lines."""

from typing import Any

import pytest

from local.console.stack import SIMULATED_STATES, simulated_state
from ops.console.history import history


def line(outcome: str, code: str = "", **facts: Any) -> dict[str, Any]:
    return {"outcome": outcome, "source": "website", **({"code": code} if code else {}), **facts}


def shown(*lines: dict[str, Any], form: bool = False) -> list[str]:
    """Name, state and note of each step, shortly."""
    steps = history(lines, form=form)
    return [" ".join(filter(None, (step["name"], step["state"], step["note"]))) for step in steps]


TAKEN = ["received good", "authenticated good", "mapped good"]


@pytest.mark.parametrize(
    ("lines", "steps"),
    [
        ([line("created")], [*TAKEN, "created good"]),
        ([line("duplicate")], [*TAKEN, "duplicate good"]),
        (
            [line("unauthentic", "signature_mismatch")],
            ["received good", "authenticated bad signature_mismatch"],
        ),
        ([line("refused", "invalid_fields")], [*TAKEN[:2], "mapped bad invalid_fields"]),
        ([line("ignored")], [*TAKEN[:2], "ignored good"]),
        ([line("held", "honeypot")], [*TAKEN, "held note honeypot"]),
        ([line("held", "honeypot"), line("created")], [*TAKEN, "held note honeypot", "created good"]),
        ([line("captcha_unavailable", "captcha_error"), line("created")], [*TAKEN, "created good"]),
        ([line("unavailable", "queue_unavailable")], [*TAKEN[:2], "not accepted bad queue_unavailable"]),
        (
            [line("parked", "invalid_fields", failure="DataError")],
            [*TAKEN[:2], "mapped bad invalid_fields", "parked bad invalid_fields"],
        ),
        (
            [line("parked", "VALIDATION_FAILED", failure="DataError", clemta_status=400)],
            [*TAKEN, "parked bad VALIDATION_FAILED"],
        ),
        ([line("queued", "no_answer")], [*TAKEN, "queued wait no_answer"]),
        (
            [
                line("queued", "no_answer"),
                line("postponed"),
                line("requeued", "not_found_yet"),
                line("created"),
            ],
            [*TAKEN, "queued good no_answer", "queued good not_found_yet", "created good"],
        ),
        (
            [line("queued", "no_answer"), line("requeued", "no_answer")],
            [*TAKEN, "queued wait no_answer"],
        ),
        (
            [line("parked", "api_key_missing"), line("created")],
            [*TAKEN, "parked good api_key_missing", "created good"],
        ),
        (
            [line("parked", "api_key_missing"), line("discarded", reason="a test")],
            [*TAKEN, "parked note api_key_missing", "discarded note a test"],
        ),
    ],
)
def test_history_of_a_submission_comes_from_its_log_lines(
    lines: list[dict[str, Any]], steps: list[str]
) -> None:
    assert shown(*lines) == steps


def test_history_of_a_form_shows_that_it_is_open() -> None:
    assert shown(line("created"), form=True) == [
        *("received good", "open form note", "mapped good", "created good")
    ]
    foreign = shown(line("refused", "foreign_origin"), form=True)
    assert foreign == ["received good", "open form bad foreign_origin"]


@pytest.mark.parametrize("name", SIMULATED_STATES)
def test_simulated_state_is_recognised_by_its_fault(name: str) -> None:
    fault = SIMULATED_STATES[name]
    assert simulated_state([{"on": "any", "times": None, **fault}] if fault else []) == name


def test_other_faults_are_shown_as_state_other() -> None:
    assert simulated_state([{"fault": "html"}]) == "other"
    assert simulated_state([{"fault": "error_before"}, {"fault": "html"}]) == "other"
