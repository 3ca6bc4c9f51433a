"""The table of a claim's transitions is whole, and DynamoDB's conditional writes say the same."""

import json
import subprocess
import sys

import pytest

from clemta_intake.dynamo import claim_states
from clemta_intake.dynamo.claim_items import write_of
from clemta_intake.dynamo.claim_states import (
    ATTRIBUTES,
    RESERVE,
    STATES,
    TRANSITIONS,
    VALUES,
    Transition,
    Value,
    times,
)
from clemta_intake.dynamo.claims import Ledger
from tests.support.ledger_contract import FAILING, item_in

GIVEN: dict[str, Value] = {
    **times(1_000.5, 30),
    "claim_id": "id",
    "holder_id": "-",
    "contact_id": "c1",
    "seen_at": 1_000.0,
    "happened_at": 999.0,
    "empty_lookup_at": 1_000.0,
    "counted": 1,
    "delivery": ["d1"],
    "only_delivery": None,
    "claim_key": "contact#1",
    "free": "free",
}
CLAIMED = (
    "SET #state = :claimed, #owner = :claim_id, lease_until = :claim_lease_end, expires_at = :forget_at,"
    " claimed_at = if_not_exists(claimed_at, :now) REMOVE unseen_at"
)
OWNED = "#owner = :claim_id"
WRITES = {  # update and condition, as DynamoDB gets them
    "claim": (
        CLAIMED,
        "attribute_not_exists(pk) OR #state = :free OR #state = :claimed AND lease_until <= :now"
        " OR #state = :unknown AND lease_until <= :now",
    ),
    "record_created": (
        "SET #state = :created, contact_id = :contact_id, applied_at = :happened_at, checked_at = :seen_at"
        " REMOVE #owner, lease_until, expires_at, claimed_at ADD deliveries :delivery",
        None,
    ),
    "adopt_for_update": (
        "SET #state = :created, contact_id = :contact_id, lease_until = :update_lease_end"
        " REMOVE expires_at, claimed_at",
        None,
    ),
    "release": (
        "SET #state = :free, counted = :counted REMOVE claimed_at",
        f"#state = :claimed AND {OWNED}",
    ),
    "restore": (
        "SET #state = :unknown, lease_until = :now, unseen_at = :empty_lookup_at",
        f"#state = :claimed AND {OWNED}",
    ),
    "mark_unknown": ("SET #state = :unknown, lease_until = :now", f"#state = :claimed AND {OWNED}"),
    "mark_not_found": (
        "SET #state = :unknown, lease_until = :search_lag_end, unseen_at = :now",
        f"#state = :claimed AND {OWNED}",
    ),
    "record_seen": (
        "SET checked_at = :seen_at ADD deliveries :delivery",
        "#state = :created AND contact_id = :contact_id",
    ),
    "claim_update": (
        "SET #owner = :claim_id, lease_until = :update_lease_end",
        "#state = :created AND contact_id = :contact_id"
        " AND (attribute_not_exists(#owner) OR lease_until <= :now)"
        " AND (attribute_not_exists(applied_at) OR applied_at <= :happened_at)",
    ),
    "finish_update": (
        "SET applied_at = :happened_at, checked_at = :seen_at REMOVE #owner, lease_until"
        " ADD deliveries :delivery",
        f"#state = :created AND {OWNED}",
    ),
    "release_update": ("REMOVE #owner, lease_until", f"#state = :created AND {OWNED}"),
    "mark_update_unknown": ("SET lease_until = :search_lag_end", f"#state = :created AND {OWNED}"),
    "reclaim": (
        f"{CLAIMED}, counted",
        "#state = :created AND contact_id = :contact_id"
        " AND (attribute_not_exists(#owner) OR lease_until <= :now OR #owner = :holder_id)",
    ),
    "record_listed": (
        "SET listed_at = :now, expires_at = :forget_at, #state = if_not_exists(#state, :free)",
        "attribute_not_exists(pk) OR #state = :free OR #state = :claimed OR #state = :unknown",
    ),
    "reserve_contact": (
        "SET #owner = :claim_key, expires_at = :forget_at",
        "attribute_not_exists(pk) OR #owner = :claim_key",
    ),
}


@pytest.mark.parametrize("transition", [*TRANSITIONS, RESERVE], ids=lambda transition: transition.event)
def test_dynamodb_gets_this_conditional_write(transition: Transition) -> None:
    assert write_of(transition, GIVEN)[:2] == WRITES[transition.event]


def test_a_write_leaves_out_attributes_without_a_value() -> None:
    nothing = {"seen_at": None, "delivery": None, "only_delivery": ["d1"]}
    write = write_of(claim_states.RECORD_SEEN, {**GIVEN, **nothing})
    assert write.update == "SET deliveries = :only_delivery"
    assert write.values == {":only_delivery": ["d1"], ":created": "created", ":contact_id": "c1"}


def test_each_transition_is_a_method_of_the_ledger_and_stands_in_the_table_once() -> None:
    methods = {name for name, value in vars(Ledger).items() if callable(value) and not name.startswith("_")}
    constants = [value for value in vars(claim_states).values() if isinstance(value, Transition)]
    assert len(constants) == len(methods)
    assert {one.event for one in constants} == methods
    assert set(map(id, constants)) == {*map(id, TRANSITIONS), id(RESERVE)}


def test_every_state_is_reached_and_left() -> None:
    assert {one.to for one in TRANSITIONS} - {None} == STATES.keys() - {"absent"}
    assert {state for one in TRANSITIONS for state in one.allowed} >= STATES.keys()


def test_the_table_names_documented_attributes_and_values_and_no_others() -> None:
    writes = [kind for one in TRANSITIONS for kind in (one.sets, one.sets_once, one.adds)]
    attributes = {"state"} | {name for one in writes for name in one}
    assert attributes == ATTRIBUTES.keys() == (item_in("free", 0) or {}).keys()
    assert all(attributes >= {*one.removes} for one in TRANSITIONS)
    guards = {guard for one in [*TRANSITIONS, RESERVE] for guards in one.allowed.values() for guard in guards}
    conditions = [condition for guard in guards for condition in guard.any_of]
    values = {value for one in [*writes, RESERVE.sets] for value in one.values()}
    assert values | {condition.value for condition in conditions} - {""} == VALUES.keys() == GIVEN.keys()
    assert guards - FAILING.keys() == {claim_states.SAME_CLAIM}, "the contract makes each guard fail"


def test_the_table_needs_no_sdk() -> None:
    code = "import json, sys, clemta_intake.dynamo.claim_states; print(json.dumps([*sys.modules]))"
    ran = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        check=True,
        text=True,
        env={"PYTHONPATH": "functions"},
    )
    assert not {"botocore", "boto3", "pydantic"} & {*json.loads(ran.stdout)}
