"""Which version of the sources file is in use, and that a version that cannot be used takes nothing down."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from pydantic import ValidationError

from clemta_intake.dynamo.pushed_sources import PushedSources
from clemta_intake.dynamo.table import Table
from clemta_intake.errors import NotApplied, Unavailable, UnknownSource
from clemta_intake.live_sources import DEPLOYED, MAX_AGE, LiveSources, Pushed
from tests.conftest import Lines
from tests.support.fakes import COMPANY, Clock

FORM = '[sources.website]\nkind = "form"\n'
TURKISH = '[sources.website]\nkind = "form"\ndefault_country = "TR"\n'
NEWS = '[sources.news]\nkind = "form"\n'


@dataclass
class Stack:
    """A process of a function: the deployed file, and what the table answers."""

    pushed: Pushed | Exception = DEPLOYED
    deployed: dict[str, Any] = field(default_factory=lambda: {"website": {"kind": "form"}})
    clock: Clock = field(default_factory=Clock)
    reads: int = 0

    def __post_init__(self) -> None:
        self.sources = LiveSources(lambda: self.deployed, self.read, COMPANY, self.clock)

    def read(self) -> Pushed:
        self.reads += 1
        if isinstance(self.pushed, Exception):
            raise self.pushed
        return self.pushed

    def push(self, version: str, text: str) -> None:
        """Makes a version live; the process sees it at its next read."""
        self.pushed = Pushed(version, text)
        self.clock.advance(MAX_AGE)

    def fail(self) -> None:
        self.pushed = NotApplied("ledger_unavailable", "ThrottlingException")
        self.clock.advance(MAX_AGE)

    def country(self, name: str = "website") -> str | None:
        return self.sources.source(name).default_country


def test_deployed_file_is_used_until_something_is_pushed() -> None:
    stack = Stack()
    assert stack.country() is None
    with pytest.raises(UnknownSource):
        stack.country("news")


def test_pushed_version_replaces_the_deployed_file_and_its_sources() -> None:
    stack = Stack()
    stack.country()
    stack.push("1", TURKISH)
    assert stack.country() == "TR"
    stack.push("2", NEWS)
    assert stack.country("news") is None
    with pytest.raises(UnknownSource):
        stack.country("website")


def test_companies_are_those_of_the_version_in_use_without_sources_that_cannot_be_used() -> None:
    stack = Stack()
    assert stack.sources.company_ids() == {COMPANY}
    other = "0" * 24
    stack.push("1", f'[sources.shop]\nkind = "form"\ncompany_id = "{other}"\n[sources.wrong]\nkind = "?"\n')
    assert stack.sources.company_ids() == {other}


def test_version_0_is_the_deployed_file_again() -> None:
    stack = Stack()
    stack.push("1", TURKISH)
    assert stack.country() == "TR"
    stack.push("0", "")
    assert stack.country() is None


def test_live_version_is_read_once_in_five_seconds_and_not_for_each_request() -> None:
    stack = Stack(Pushed("1", TURKISH))
    for _ in range(10):
        stack.country()
    assert stack.reads == 1
    stack.clock.advance(MAX_AGE - 0.1)
    stack.country()
    assert stack.reads == 1
    stack.clock.advance(0.1)
    stack.country()
    assert stack.reads == 2


def test_clock_that_is_set_back_does_not_freeze_the_version() -> None:
    stack = Stack()
    stack.country()
    stack.clock.advance(-3600)
    stack.country()
    assert stack.reads == 2


def test_unchanged_version_is_not_parsed_and_validated_again() -> None:
    stack = Stack(Pushed("1", TURKISH))
    first = stack.sources.source("website")
    stack.clock.advance(MAX_AGE)
    assert stack.sources.source("website") is first


def test_p2_version_that_cannot_be_read_leaves_the_last_good_one_in_use(logged: Lines) -> None:
    stack = Stack(Pushed("1", TURKISH))
    stack.country()
    stack.fail()
    assert stack.country() == "TR"
    [line] = logged()
    assert (line["code"], line["version"], line["why"], line["SourcesUnread"]) == (
        "unread",
        "1",
        "ThrottlingException",
        [1],
    )
    stack.push("2", FORM)
    assert stack.country() is None


def test_failed_read_is_not_repeated_for_each_request() -> None:
    stack = Stack(NotApplied("ledger_unavailable"))
    for _ in range(3):
        stack.country()
    assert stack.reads == 1


def test_p2_cold_start_without_an_answer_uses_the_deployed_file() -> None:
    stack = Stack(NotApplied("ledger_unavailable"))
    assert stack.country() is None


def test_p2_source_that_may_have_been_pushed_is_unavailable_and_not_unknown() -> None:
    stack = Stack(NotApplied("ledger_unavailable"))
    with pytest.raises(Unavailable, match="sources_unavailable"):
        stack.country("news")
    stack.push("1", NEWS)
    assert stack.country("news") is None
    with pytest.raises(UnknownSource):
        stack.country("other")


@pytest.mark.parametrize("text", ["", "[", "sources = 1", "[sources]"])
def test_p2_version_that_is_no_sources_file_leaves_the_last_good_one_in_use(text: str, logged: Lines) -> None:
    stack = Stack(Pushed("1", TURKISH))
    stack.country()
    stack.push("2", text)
    assert stack.country() == "TR"
    with pytest.raises(Unavailable):
        stack.country("news")
    [line] = logged()
    assert (line["code"], line["version"], line["SourcesBroken"]) == ("unreadable", "2", [1])


@pytest.mark.parametrize("text", ["", "[", "sources = 1"])
def test_p2_cold_start_with_a_broken_version_uses_the_deployed_file(text: str) -> None:
    stack = Stack(Pushed("1", text))
    assert stack.country() is None


def test_broken_version_is_counted_at_each_read_and_logged_once(logged: Lines) -> None:
    from clemta_intake import telemetry

    stack = Stack(Pushed("1", "["))
    stack.country()
    for _ in range(3):
        stack.clock.advance(MAX_AGE)
        stack.country()
    telemetry.log_outcome("created", submission_id="s", source="website", seconds=0)
    broken, outcome = logged()
    assert (broken["message"], outcome["SourcesBroken"]) == ("sources file", [1, 1, 1])


def test_p2_source_that_this_release_cannot_read_keeps_its_last_good_version(logged: Lines) -> None:
    stack = Stack(Pushed("1", TURKISH + NEWS))
    stack.country()
    stack.push("2", '[sources.website]\nkind = "form"\nkey_of_a_newer_release = 1\n' + NEWS)
    assert stack.country() == "TR"
    assert stack.country("news") is None
    [line] = logged()
    assert (line["code"], line["version"]) == ("invalid_source", "2")
    assert "key_of_a_newer_release" not in str(line)


def test_p2_source_that_this_release_cannot_read_falls_back_to_the_deployed_one() -> None:
    stack = Stack(Pushed("1", '[sources.website]\nkind = "frm"\n[sources.news]\nkind = "frm"\n'))
    assert stack.country() is None
    with pytest.raises(Unavailable, match="sources_unavailable"):
        stack.country("news")


def test_invalid_deployed_source_is_an_error_of_the_build() -> None:
    with pytest.raises(ValidationError):
        Stack(deployed={"website": {"kind": "frm"}}).country()


class Items:
    """DynamoDB's client, with one answer."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.asked: list[dict[str, Any]] = []

    def get_item(self, **request: Any) -> Any:
        self.asked.append(request)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        (None, DEPLOYED),
        ({"pk": {"S": "sources"}, "version": {"N": "7"}, "text": {"S": FORM}}, Pushed("7", FORM)),
        ({"pk": {"S": "sources"}, "version": {"N": "0"}}, DEPLOYED),
        ({"pk": {"S": "sources"}}, Pushed("", "")),
    ],
)
def test_live_version_is_one_item_of_the_table(item: Any, expected: Pushed) -> None:
    items = Items({"Item": item} if item else {})
    assert PushedSources(Table(lambda: items, "ledger")).read() == expected  # type: ignore[arg-type, return-value]
    assert items.asked == [{"TableName": "ledger", "Key": {"pk": {"S": "sources"}}, "ConsistentRead": True}]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ClientError({"Error": {"Code": "ThrottlingException"}}, "GetItem"), "ThrottlingException"),
        (EndpointConnectionError(endpoint_url="http://x"), "EndpointConnectionError"),
    ],
)
def test_read_without_an_answer_is_not_applied(error: Exception, code: str) -> None:
    with pytest.raises(NotApplied) as raised:
        PushedSources(Table(lambda: Items(error), "ledger")).read()  # type: ignore[arg-type, return-value]
    assert str(raised.value) == code
