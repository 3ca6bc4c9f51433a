"""Outcomes and failure classes: each is there once, and everything that names one agrees."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from clemta_intake import errors
from clemta_intake.outcomes import (
    ANSWERED,
    FAILURE_CLASSES,
    OUTCOMES,
    DeadLetterClass,
    FailureClass,
    OutcomeName,
)
from ops.dead_letters import WHAT_TO_DO
from ops.status import OUTCOMES as COLUMNS

ROOT = Path(__file__).parents[2]
TEMPLATE = (ROOT / "template.yaml").read_text()
CONSOLE = (ROOT / "local" / "console" / "local.js").read_text()
PAGES = [ROOT / "README.md", ROOT / "template.yaml", *sorted((ROOT / "docs").glob("*.md"))]
COUNTED = {name for name, info in OUTCOMES.items() if info.counted}


def test_outcomes_table_has_a_row_for_every_name_and_no_other() -> None:
    assert OUTCOMES.keys() == {*get_args(OutcomeName.__value__)}
    assert FAILURE_CLASSES.keys() == {*get_args(FailureClass)}
    assert {*get_args(FailureClass)} - {*get_args(DeadLetterClass)} == {"spam"}


def test_the_metric_counts_final_outcomes_only() -> None:
    steps = {"discarded", "requeued", "postponed", "handshake", "captcha_unavailable"}
    assert OUTCOMES.keys() - steps == COUNTED


@pytest.mark.parametrize(
    "info", [*OUTCOMES.values(), *FAILURE_CLASSES.values()], ids=lambda info: info.meaning
)
def test_every_outcome_has_a_meaning_and_an_action(info: tuple[str, ...]) -> None:
    texts = [text for text in info if isinstance(text, str)]
    assert all(text and text == text.strip() and "|" not in text and text[-1] != "." for text in texts)


def test_only_a_good_outcome_needs_no_action() -> None:
    assert {info.state for info in OUTCOMES.values() if info.action == "nothing"} == {"good"}
    assert {info.action for info in OUTCOMES.values() if info.state == "good"} == {"nothing"}


def test_an_accepted_request_is_answered_with_a_final_outcome_that_is_no_rejection() -> None:
    assert COUNTED - {"held"} - {*ANSWERED} == {
        name for name, info in OUTCOMES.items() if info.state == "rejected"
    }


def test_batch_has_the_status_of_its_least_complete_entry() -> None:
    order = {"needs_person": 0, "waits": 1, "good": 2}
    states = [order[OUTCOMES[name].state] for name in ANSWERED]
    assert states == sorted(states)


def subclasses(kind: type[errors.IntakeError]) -> Iterator[type[errors.IntakeError]]:
    yield kind
    for one in kind.__subclasses__():
        yield from subclasses(one)


def drawn() -> dict[str, str | None]:
    """Each error in the tree that errors.py draws, and the one above it."""
    above: list[str] = []
    found: dict[str, str | None] = {}
    for line in (errors.__doc__ or "").splitlines():
        if match := re.match(r"    ((?:[│ ] {3})*(?:[├└]── )?)([A-Z]\w+)", line):
            depth = len(match[1]) // 4
            above[depth:] = [match[2]]
            found[match[2]] = above[depth - 1] if depth else None
    return found


def test_the_tree_that_errors_py_draws_has_every_error_in_its_place() -> None:
    real = {kind.__name__: kind.__bases__[0].__name__ for kind in subclasses(errors.IntakeError)}
    assert drawn() == {**real, "IntakeError": None}


def test_every_failure_class_belongs_to_an_error_or_is_poison_or_spam() -> None:
    raised = {
        error.failure_class
        for error in subclasses(errors.IntakeError)
        if issubclass(error, errors.Retryable | errors.Permanent) and error is not errors.Permanent
    }
    assert FAILURE_CLASSES.keys() == raised | {"poison", "spam"}


def test_every_error_that_is_answered_has_an_outcome_that_is_a_rejection() -> None:
    answered = [error for kind in (errors.Refused, errors.Unavailable) for error in subclasses(kind)]
    outcomes = {error.__name__: error.outcome for error in answered}  # type: ignore[attr-defined]
    assert {name for name, outcome in outcomes.items() if outcome == "unauthentic"} == {"Unauthentic"}
    assert {OUTCOMES[outcome].state for outcome in outcomes.values()} == {"rejected"}


def test_the_commands_status_has_a_column_for_every_counted_outcome_but_ignored() -> None:
    shown = [outcome for outcomes in COLUMNS.values() for outcome in outcomes]
    assert sorted(shown) == sorted(COUNTED - {"ignored"})
    assert {name for name, outcomes in COLUMNS.items() if outcomes != (name,)} == {"refused"}


def test_the_command_has_advice_for_every_failure_class() -> None:
    assert {name: info.action for name, info in FAILURE_CLASSES.items()} == WHAT_TO_DO


def test_console_page_has_a_text_for_every_answer_and_names_no_failure_class() -> None:
    meanings = CONSOLE.partition("const MEANING = {")[2].partition("};")[0]
    styles = dict(re.findall(r'(\w+): \["(\w+)", "', meanings))
    colour = {"good": "good", "waits": "wait", "needs_person": "bad"}
    assert styles == {name: colour[OUTCOMES[name].state] for name in ANSWERED}
    assert not [name for name in FAILURE_CLASSES if f"{name}:" in CONSOLE]


def test_every_outcome_in_an_alarm_or_the_dashboard_is_counted() -> None:
    asked = re.findall(r'Name: outcome, Value: (\w+)|"outcome", "(\w+)"', TEMPLATE)
    assert {name for names in asked for name in names if name} == {"parked", "unauthentic", "unavailable"}
    assert {name for names in asked for name in names if name} <= COUNTED


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_failure_class_that_a_page_names_for_the_command_exists(page: Path) -> None:
    assert {*re.findall(r"--class (\w+)", page.read_text())} <= {*get_args(DeadLetterClass)}


@pytest.mark.parametrize("alarm", ["DeadLetterAlarm", "DeadLetterArrivalAlarm"])
def test_alarm_about_dead_letters_names_dlq_show_and_no_failure_class(alarm: str) -> None:
    text = (
        TEMPLATE.partition(f"\n  {alarm}:\n")[2].partition("Description: >-\n")[2].partition("\n      #")[0]
    )
    text = text.partition("\n      Namespace")[0]
    assert "clemta-intake dlq show ID says what to do" in " ".join(text.split())
    assert not [name for name in FAILURE_CLASSES if re.search(rf"\b{name}\b", text)], (
        "a new class needs no new text"
    )
