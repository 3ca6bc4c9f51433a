"""The parts of the chaos run that need no stack."""

import json
import random
import threading
from collections import Counter
from pathlib import Path
from typing import Any, cast

import pytest

from bench.chaos.background import repeating
from bench.chaos.clemta import ClemtaControl
from bench.chaos.latency import modes
from bench.chaos.manual_changes import DESCRIPTION, ManualChanges
from bench.chaos.queues import email_of
from bench.chaos.senders import Answers, Senders, SignUp, percentile
from bench.chaos.storm import addresses, shuffled_sign_ups
from bench.chaos.verdict import ENOUGH_PEOPLE, broken_promises

RECORDED = Path(__file__).parents[2] / "bench" / "results" / "chaos.json"


class FakeClemta:
    """Contacts in a dictionary."""

    def __init__(self, *emails: str) -> None:
        self.by_id = {
            email: {"id": email, "email": email, "full_name": "", "description": ""} for email in emails
        }

    def contacts(self) -> list[dict[str, Any]]:
        return [*self.by_id.values()]

    def call(self, method: str, path: str, body: Any = None) -> None:
        contact = path.removeprefix("contacts/")
        if method == "DELETE":
            del self.by_id[contact]
        else:
            self.by_id[contact] |= body


class FakeSenders:
    """Each sign-up is a contact at once."""

    def __init__(self, clemta: FakeClemta) -> None:
        self.clemta, self.sent = clemta, list[SignUp]()

    def deliver(self, sign_up: SignUp, answers: Answers) -> None:
        self.sent.append(sign_up)
        self.clemta.by_id |= FakeClemta(sign_up.email).by_id


def test_each_contact_is_changed_by_hand_once_and_a_deleted_person_signs_up_again() -> None:
    clemta = FakeClemta("deleted0@example.com", "updated0@example.com", "person0@example.com")
    senders = FakeSenders(clemta)
    changes = ManualChanges(cast(ClemtaControl, clemta), cast(Senders, senders), Answers())
    changes.apply()
    changes.apply()
    assert senders.sent == [SignUp("deleted0@example.com", "website")]
    assert clemta.by_id["updated0@example.com"]["description"] == DESCRIPTION
    assert clemta.by_id["person0@example.com"]["description"] == ""
    clemta.by_id["updated0@example.com"]["description"] = "overwritten"
    del clemta.by_id["deleted0@example.com"]
    assert changes.result() == {
        "deleted_by_hand": 1,
        "not_made_again": 1,
        "updated": 1,
        "overwritten_by_older": 1,
        "edited_by_hand": 1,
        "edits_lost": 1,
    }


def test_a_background_action_repeats_until_its_block_ends() -> None:
    calls, enough = Counter[str](), threading.Event()

    def action() -> None:
        calls["action"] += 1
        if calls["action"] == 3:
            enough.set()

    with repeating(action, 0.001):
        assert enough.wait(10)
    ended = calls["action"]
    assert not threading.Event().wait(0.02)
    assert calls["action"] == ended


def test_an_error_of_a_background_action_fails_the_run() -> None:
    failed = threading.Event()

    def action() -> None:
        failed.set()
        raise OSError("no stack")

    with pytest.raises(OSError, match="no stack"), repeating(action, 0):
        failed.wait(10)


def test_every_person_is_reported_and_every_version_is_sent_once() -> None:
    sign_ups = shuffled_sign_ups(addresses(40), random.Random(1))  # noqa: S311
    emails = Counter(sign_up.email.lower() for sign_up in sign_ups)
    assert {emails[email] for email in addresses(40)} <= {1, 2, 3}
    for number in range(4):
        assert emails[f"deleted{number}@example.com"] == 1
        versions = [one.version for one in sign_ups if one.email == f"updated{number}@example.com"]
        assert sorted(versions) == [1, 2, 3, 4, 5]


def test_the_latency_modes_are_those_of_the_recorded_result() -> None:
    recorded = json.loads(RECORDED.read_text())["latency"]
    assert [mode.name for mode in modes()] == [row["fault"] for row in recorded]


@pytest.mark.parametrize(
    ("body", "email"),
    [
        ("eyJlbWFpbCI6ICJBREFAZXhhbXBsZS5jb20ifQ==", "ada@example.com"),
        ("ZW1haWw9QWRhJTQwZXhhbXBsZS5jb20=", "ada@example.com"),
    ],
)
def test_the_address_in_a_queue_message_is_found_in_json_and_in_a_form(body: str, email: str) -> None:
    assert email_of({"body_base64": body}) == email


def test_a_percentile_is_one_of_the_values() -> None:
    assert percentile([3.0, 1.0, 2.0], 0.99) == 3.0
    assert percentile([5.0], 0.5) == 5.0


@pytest.mark.parametrize(
    ("scenario", "changed", "sentence"),
    [
        ("chaos", {"duplicates": 2}, "P3: 2 duplicates"),
        ("chaos", {"lost": 1}, "P4: 1 lost"),
        ("chaos", {"acknowledged": 0}, "people were never acknowledged"),
        ("after_replay", {"lost": 1}, "P4: 1 lost after the replay"),
        ("after_replay", {"not_made_again": 1}, "not created again"),
        ("after_replay", {"overwritten_by_older": 1}, "overwritten by an older event"),
        ("after_replay", {"edits_lost": 1}, "edits by hand were lost"),
        ("after_replay", {"deleted_by_hand": 0}, "proves nothing"),
        ("after_replay", {"dead_letters": {"data X": 1}}, "dead letters are left"),
        ("latency", {"p99": 4.1}, "P7: p99 of 4.1 s under none"),
        ("latency", {"answers": {"502": 1}}, "P2: 502 under none"),
        ("burst", {"refused_with_429": 1}, "P6: more calls"),
        ("burst", {"contacts": 0}, "P4: the burst made 0 contacts of"),
        ("burst", {"pace": 0.8}, "P6: the burst drained at 80%"),
    ],
)
def test_each_broken_promise_is_named(scenario: str, changed: dict[str, Any], sentence: str) -> None:
    result = json.loads(RECORDED.read_text())
    result["chaos"]["after_replay"] |= {
        "deleted_by_hand": 1,
        "edited_by_hand": 1,
    }  # a short run may have none
    result["chaos"]["people"] = ENOUGH_PEOPLE
    part = {
        "chaos": result["chaos"],
        "after_replay": result["chaos"]["after_replay"],
        "latency": result["latency"][0],
        "burst": result["burst"],
    }[scenario]
    before = broken_promises(result)
    part |= changed
    [new] = [one for one in broken_promises(result) if one not in before]
    assert sentence in new
