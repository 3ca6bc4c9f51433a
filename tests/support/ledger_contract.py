"""What any ledger must do: run on the real one in DynamoDB and on the fake one that the unit tests use."""

from collections.abc import Callable
from contextlib import suppress
from copy import replace
from typing import Any, Protocol

import pytest

from clemta_intake.contact_list import person_of
from clemta_intake.dynamo.claim_states import (
    IN_ORDER,
    LAPSED,
    LEASE_SECONDS,
    NO_OTHER_UPDATE,
    NO_UPDATE,
    OWNED,
    SAME_CONTACT,
    STATES,
    TRANSITIONS,
    Guard,
    Transition,
)
from clemta_intake.dynamo.claims import Ledger
from clemta_intake.errors import ClaimHeld
from clemta_intake.model import Claim, Created
from tests.support.fakes import Clock, contact

LAG = 30


class Setting(Protocol):
    """A ledger with a clock of its own; `put` and `get` go to its items directly, past the ledger."""

    @property
    def clock(self) -> Clock: ...
    @property
    def ledger(self) -> Ledger: ...
    def put(self, key: str, item: dict[str, Any] | None) -> None: ...
    def get(self, key: str) -> dict[str, Any] | None: ...


def claim(
    setting: Setting, email: str = "ada@example.com", delivery_id: str = "", resent_as: str = ""
) -> Claim:
    held = setting.ledger.claim(contact(email), delivery_id, resent_as)
    assert isinstance(held, Claim)
    return held


def known(setting: Setting, resent_as: str = "") -> Created:
    created = setting.ledger.claim(contact(), "", resent_as)
    assert isinstance(created, Created)
    return created


def hold(setting: Setting, happened_at: float = 5) -> Claim:
    held = setting.ledger.claim_update(known(setting), happened_at)
    assert held
    return held


class LedgerContract:
    def test_the_first_claim_is_fresh(self, setting: Setting) -> None:
        held = claim(setting)
        assert held.fresh
        assert held.since == setting.clock.now

    def test_p3_a_second_claim_is_refused_while_the_first_is_held(self, setting: Setting) -> None:
        claim(setting)
        with pytest.raises(ClaimHeld) as refusal:
            claim(setting)
        assert 1 <= refusal.value.retry_after <= 5

    def test_p3_capitals_in_the_address_claim_the_same_contact(self, setting: Setting) -> None:
        claim(setting)
        with pytest.raises(ClaimHeld):
            claim(setting, "ADA@Example.com")

    def test_other_people_other_types_and_other_deliveries_are_claimed_apart(self, setting: Setting) -> None:
        assert claim(setting).fresh
        assert claim(setting, "bo@example.com").fresh
        assert claim(setting, delivery_id="one").fresh
        vendor = setting.ledger.claim(contact(type="vendor"), "")
        assert isinstance(vendor, Claim)
        assert vendor.fresh

    def test_p3_a_created_contact_stays_known(self, setting: Setting) -> None:
        setting.ledger.record_created(claim(setting), "c1", setting.clock.now)
        made_at = setting.clock.now
        setting.clock.advance(400 * 86_400)
        assert known(setting).contact_id == "c1"
        assert known(setting).checked_at == made_at

    def test_a_released_claim_leaves_no_trace(self, setting: Setting) -> None:
        setting.ledger.release(claim(setting))
        setting.clock.advance(10)
        again = claim(setting)
        assert again.fresh
        assert again.since == setting.clock.now

    def test_a_released_claim_remembers_that_it_took_a_number_of_the_day(self, setting: Setting) -> None:
        first = claim(setting)
        assert not first.counted
        setting.ledger.release(first)
        again = claim(setting)
        assert not again.counted
        setting.ledger.release(replace(again, counted=True))
        assert claim(setting).counted

    def test_p3_an_unknown_outcome_is_claimed_again_but_is_not_fresh(self, setting: Setting) -> None:
        began = setting.clock.now
        setting.ledger.mark_unknown(claim(setting))
        setting.clock.advance(5)
        again = claim(setting)
        assert not again.fresh
        assert not again.lookup_was_empty
        assert again.since == began

    def test_p3_after_an_empty_lookup_the_next_claim_waits_for_the_search_lag(self, setting: Setting) -> None:
        setting.ledger.mark_unknown(claim(setting))
        setting.ledger.mark_not_found(claim(setting))
        with pytest.raises(ClaimHeld) as refusal:
            claim(setting)
        assert refusal.value.retry_after == LAG
        setting.clock.advance(LAG)
        decides = claim(setting)
        assert decides.lookup_was_empty
        assert not decides.fresh

    def test_p3_an_older_lookup_says_nothing_of_a_new_unknown_outcome(self, setting: Setting) -> None:
        setting.ledger.mark_unknown(claim(setting))
        setting.ledger.mark_not_found(claim(setting))
        setting.clock.advance(LAG)
        setting.ledger.mark_unknown(claim(setting))
        assert not claim(setting).lookup_was_empty

    def test_p3_an_older_lookup_says_nothing_of_a_claim_whose_owner_died(self, setting: Setting) -> None:
        setting.ledger.mark_unknown(claim(setting))
        setting.ledger.mark_not_found(claim(setting))
        setting.clock.advance(LAG)
        claim(setting)
        setting.clock.advance(LEASE_SECONDS)
        assert not claim(setting).lookup_was_empty

    def test_p3_a_claim_whose_lease_lapsed_counts_as_unknown(self, setting: Setting) -> None:
        claim(setting)
        setting.clock.advance(LEASE_SECONDS - 1)
        with pytest.raises(ClaimHeld):
            claim(setting)
        setting.clock.advance(1)
        assert not claim(setting).fresh

    def test_p3_a_restored_claim_stays_unknown_but_may_be_tried_at_once(self, setting: Setting) -> None:
        setting.ledger.mark_unknown(claim(setting))
        setting.ledger.restore(claim(setting))
        again = claim(setting)
        assert not again.fresh
        assert not again.lookup_was_empty

    def test_p3_a_restored_claim_keeps_the_result_of_its_lookup(self, setting: Setting) -> None:
        setting.ledger.mark_unknown(claim(setting))
        setting.ledger.mark_not_found(claim(setting))
        setting.clock.advance(LAG)
        setting.ledger.restore(claim(setting))
        assert claim(setting).lookup_was_empty

    def test_p3_an_owner_whose_lease_lapsed_cannot_release_the_next_claim(self, setting: Setting) -> None:
        late = claim(setting)
        setting.clock.advance(LEASE_SECONDS)
        claim(setting)
        setting.ledger.release(late)
        with pytest.raises(ClaimHeld):
            claim(setting)

    def test_p3_no_two_submissions_reserve_one_contact(self, setting: Setting) -> None:
        one, other = claim(setting, delivery_id="one"), claim(setting, delivery_id="two")
        assert setting.ledger.reserve_contact(one, "c1")
        assert not setting.ledger.reserve_contact(other, "c1")
        assert setting.ledger.reserve_contact(one, "c1")
        assert setting.ledger.reserve_contact(other, "c2")

    def test_p3_a_contact_is_recorded_even_after_the_lease_lapsed(self, setting: Setting) -> None:
        late = claim(setting)
        setting.clock.advance(LEASE_SECONDS)
        claim(setting)
        setting.ledger.record_created(late, "c1", setting.clock.now)
        assert known(setting).contact_id == "c1"

    def test_p3_a_later_owner_cannot_mark_a_created_contact_unknown(self, setting: Setting) -> None:
        late = claim(setting)
        setting.clock.advance(LEASE_SECONDS)
        meanwhile = claim(setting)
        setting.ledger.adopt_for_update(late, "c1")
        setting.ledger.mark_unknown(meanwhile)
        assert known(setting).contact_id == "c1", "an item that is not created names a contact that is gone"

    def test_p3_a_created_contact_remembers_its_acknowledged_deliveries(self, setting: Setting) -> None:
        setting.ledger.record_created(claim(setting, resent_as="d1"), "c1", setting.clock.now)
        setting.ledger.record_seen(known(setting, "d2"))
        assert known(setting, "d1").delivered
        assert known(setting, "d2").delivered
        assert not known(setting, "d3").delivered

    @pytest.mark.parametrize("ending", ["seen", "applied", "created"])
    def test_p3_a_contact_remembers_a_hundred_deliveries_and_then_begins_anew(
        self, setting: Setting, ending: str
    ) -> None:
        setting.ledger.record_created(claim(setting, resent_as="d1"), "c1", setting.clock.now, 1)
        for number in range(2, 101):
            setting.ledger.record_seen(known(setting, f"d{number}"))
        last = known(setting, "d101")
        assert len(last.deliveries) == 100
        if ending == "seen":
            setting.ledger.record_seen(last)
        elif ending == "applied":
            held = setting.ledger.claim_update(last, 5)
            assert held
            setting.ledger.finish_update(held, setting.clock.now, 5)
        else:
            setting.ledger.release(setting.ledger.reclaim(last))
            setting.ledger.record_created(claim(setting, resent_as="d101"), "c2", setting.clock.now)
        assert len(known(setting).deliveries) == 1
        assert known(setting, "d101").delivered

    def test_a_persons_own_post_never_counts_as_delivered(self, setting: Setting) -> None:
        setting.ledger.record_created(claim(setting), "c1", setting.clock.now)
        setting.ledger.record_seen(known(setting))
        assert not known(setting).delivered

    def test_p3_a_call_that_shows_the_contact_renews_its_time(self, setting: Setting) -> None:
        setting.ledger.record_created(claim(setting), "c1", setting.clock.now)
        made_at = setting.clock.now
        setting.clock.advance(1_000)
        setting.ledger.record_seen(known(setting, "d2"))
        assert known(setting).checked_at == made_at
        setting.ledger.record_seen(known(setting), setting.clock.now)
        assert known(setting).checked_at == setting.clock.now

    def test_p3_a_deleted_contact_is_reclaimed_once(self, setting: Setting) -> None:
        setting.ledger.record_created(claim(setting, resent_as="d1"), "c1", setting.clock.now)
        both = known(setting, "d2"), known(setting, "d3")
        setting.clock.advance(1_000)
        again = setting.ledger.reclaim(both[0])
        assert (again.fresh, again.lookup_was_empty, again.gone) == (True, False, "c1")
        assert again.since == setting.clock.now
        with pytest.raises(ClaimHeld):
            setting.ledger.reclaim(both[1])
        with pytest.raises(ClaimHeld):
            claim(setting)
        setting.ledger.record_created(again, "c2", setting.clock.now)
        assert known(setting).contact_id == "c2"
        assert known(setting, "d1").delivered, "it does not bring the second one back either"
        assert known(setting, "d2").delivered
        with pytest.raises(ClaimHeld):
            setting.ledger.reclaim(both[1])

    def test_p3_an_older_update_waits_while_a_deleted_contact_is_reclaimed(self, setting: Setting) -> None:
        setting.ledger.record_created(claim(setting), "c1", setting.clock.now, 6)
        old = known(setting)
        setting.ledger.reclaim(old)
        with pytest.raises(ClaimHeld):
            setting.ledger.claim_update(old, 5)

    def test_a_reclaimed_contact_takes_another_number_of_the_day(self, setting: Setting) -> None:
        setting.ledger.release(replace(claim(setting), counted=True))
        setting.ledger.record_created(claim(setting), "c1", setting.clock.now)
        setting.ledger.reclaim(known(setting))
        setting.clock.advance(LEASE_SECONDS)
        assert not claim(setting).counted

    def test_p3_later_claims_know_which_contact_was_deleted(self, setting: Setting) -> None:
        setting.ledger.record_created(claim(setting), "c1", setting.clock.now)
        setting.ledger.release(setting.ledger.reclaim(known(setting)))
        again = claim(setting)
        assert (again.fresh, again.gone) == (True, "c1")
        setting.ledger.mark_unknown(again)
        assert claim(setting).gone == "c1"

    def test_p3_one_caller_updates_at_a_time(self, setting: Setting) -> None:
        setting.ledger.record_created(claim(setting), "c1", setting.clock.now, 1)
        held = hold(setting)
        with pytest.raises(ClaimHeld) as refusal:
            hold(setting)
        assert 1 <= refusal.value.retry_after <= 5
        with pytest.raises(ClaimHeld):
            setting.ledger.reclaim(known(setting))
        setting.ledger.finish_update(held, setting.clock.now, 5)
        assert hold(setting)

    def test_p3_an_event_older_than_the_applied_one_is_not_applied(self, setting: Setting) -> None:
        setting.ledger.record_created(claim(setting), "c1", setting.clock.now, 4)
        assert setting.ledger.claim_update(known(setting), 3.9) is None
        setting.ledger.finish_update(hold(setting, 4), setting.clock.now, 4)
        setting.ledger.finish_update(hold(setting, 5.5), setting.clock.now, 5.5)
        setting.ledger.release_update(hold(setting, 7))
        assert setting.ledger.claim_update(known(setting), 5.4) is None
        assert setting.ledger.claim_update(known(setting), 6)
        assert setting.ledger.claim_update(known(setting), 5.4) is None

    def test_p3_a_finished_update_renews_the_contacts_time_and_acknowledges_the_delivery(
        self, setting: Setting
    ) -> None:
        setting.ledger.record_created(claim(setting), "c1", setting.clock.now)
        setting.clock.advance(1_000)
        held = setting.ledger.claim_update(known(setting, "d2"), 5)
        assert held
        assert not known(setting, "d2").delivered
        setting.ledger.finish_update(held, setting.clock.now, 5)
        assert known(setting, "d2").delivered
        assert known(setting).checked_at == setting.clock.now

    def test_p3_an_update_that_may_take_effect_late_blocks_others_for_the_search_lag(
        self, setting: Setting
    ) -> None:
        setting.ledger.record_created(claim(setting), "c1", setting.clock.now)
        setting.ledger.mark_update_unknown(hold(setting))
        setting.clock.advance(LAG - 1)
        with pytest.raises(ClaimHeld):
            hold(setting)
        setting.clock.advance(1)
        assert hold(setting)

    def test_p3_an_owner_that_died_over_an_update_blocks_others_for_lease_and_search_lag(
        self, setting: Setting
    ) -> None:
        setting.ledger.record_created(claim(setting), "c1", setting.clock.now)
        lost = hold(setting)
        setting.clock.advance(LEASE_SECONDS + LAG - 1)
        with pytest.raises(ClaimHeld):
            hold(setting)
        setting.clock.advance(1)
        again = hold(setting)
        with pytest.raises(ClaimHeld):
            setting.ledger.finish_update(lost, setting.clock.now, 5)
        setting.ledger.release_update(lost)
        with pytest.raises(ClaimHeld):
            hold(setting)
        setting.ledger.finish_update(again, setting.clock.now, 5)

    def test_p3_an_adopted_contact_is_held_for_its_update(self, setting: Setting) -> None:
        held = claim(setting, resent_as="d1")
        setting.ledger.adopt_for_update(held, "c1")
        assert known(setting).contact_id == "c1"
        assert known(setting).checked_at == 0
        assert not known(setting, "d1").delivered
        with pytest.raises(ClaimHeld):
            hold(setting)
        setting.clock.advance(LEASE_SECONDS + LAG - 1)
        setting.ledger.finish_update(held, setting.clock.now, 5)
        assert known(setting, "d1").delivered
        assert setting.ledger.claim_update(known(setting), 4) is None

    def test_p3_the_owner_of_the_update_reclaims_a_deleted_contact(self, setting: Setting) -> None:
        setting.ledger.record_created(claim(setting), "c1", setting.clock.now, 1)
        held = hold(setting)
        again = setting.ledger.reclaim(known(setting), held)
        with pytest.raises(ClaimHeld):
            setting.ledger.finish_update(held, setting.clock.now, 5)
        setting.ledger.record_created(again, "c2", setting.clock.now, 5)
        assert known(setting).contact_id == "c2"

    def test_p3_an_update_of_a_deleted_contact_leaves_its_successor_alone(self, setting: Setting) -> None:
        setting.ledger.record_created(claim(setting), "c1", setting.clock.now, 1)
        old = known(setting)
        setting.ledger.record_created(setting.ledger.reclaim(old), "c2", setting.clock.now, 5)
        with pytest.raises(ClaimHeld):
            setting.ledger.claim_update(old, 6)
        setting.ledger.record_seen(old, setting.clock.now)
        assert known(setting).contact_id == "c2"

    def test_p3_a_claim_says_that_clemtas_list_held_the_contact(self, setting: Setting) -> None:
        ada = contact()
        setting.ledger.record_listed(ada.company_id, person_of(ada))
        held = claim(setting, "ADA@example.com")
        assert (held.fresh, held.listed) == (True, True)
        assert not claim(setting, "bo@example.com").listed
        setting.ledger.release(held)
        assert claim(setting).listed

    def test_p3_a_contact_that_is_listed_while_it_is_claimed_is_listed_for_the_next_claim(
        self, setting: Setting
    ) -> None:
        held = claim(setting)
        assert not held.listed
        setting.ledger.record_listed(contact().company_id, person_of(contact()))
        setting.ledger.release(held)
        assert claim(setting).listed


def item_in(state: str, now: float) -> dict[str, Any] | None:
    """An item with every attribute, on which every guard holds for the claim `OWN` on the contact `c1`."""
    if state == "absent":
        return None
    return {
        "state": state,
        "owner": OWN,
        "lease_until": now,
        "claimed_at": now - 90,
        "unseen_at": now - 60,
        "counted": 1,
        "contact_id": "c1",
        "checked_at": now - 70,
        "applied_at": 5,
        "deliveries": ["d1"],
        "listed_at": now - 80,
        "expires_at": now + 500,
    }


OWN = "0123456789abcdef"
FAILING: dict[Guard, Callable[[float], dict[str, Any]]] = {  # what makes each guard fail, from the time
    LAPSED: lambda now: {"lease_until": now + 1},
    OWNED: lambda _: {"owner": "another"},
    SAME_CONTACT: lambda _: {"contact_id": "c2"},
    NO_UPDATE: lambda now: {"lease_until": now + 1},
    NO_OTHER_UPDATE: lambda now: {"owner": "another", "lease_until": now + 1},
    IN_ORDER: lambda _: {"applied_at": 5.5},
}


def make(setting: Setting, event: str, key: str) -> None:
    """Lets the event happen to the item; a refusal changes nothing, and what it raises is of no interest here."""
    ledger, now = setting.ledger, setting.clock.now
    own = Claim(key, OWN, True, now, lookup_was_empty=True, counted=True, delivery="d2")
    known = Created(key, "c1", 0, "d2")
    events: dict[str, Callable[[], object]] = {
        "claim": lambda: ledger.claim(contact(), ""),
        "record_created": lambda: ledger.record_created(own, "c1", now, 5),
        "adopt_for_update": lambda: ledger.adopt_for_update(own, "c1"),
        "release": lambda: ledger.release(own),
        "restore": lambda: ledger.restore(own),
        "mark_unknown": lambda: ledger.mark_unknown(own),
        "mark_not_found": lambda: ledger.mark_not_found(own),
        "record_seen": lambda: ledger.record_seen(known, now),
        "claim_update": lambda: ledger.claim_update(known, 5),
        "finish_update": lambda: ledger.finish_update(own, now, 5),
        "release_update": lambda: ledger.release_update(own),
        "mark_update_unknown": lambda: ledger.mark_update_unknown(own),
        "reclaim": lambda: ledger.reclaim(known, own),
        "record_listed": lambda: ledger.record_listed(contact().company_id, person_of(contact())),
    }
    with suppress(ClaimHeld):
        events[event]()


def starts_of(transition: Transition) -> dict[str, tuple[Guard, ...]]:
    """The states that it is allowed in, with their guards."""
    anywhere = transition.allowed.get("any")
    if anywhere is not None:
        return dict.fromkeys(STATES, anywhere)
    return {str(state): guards for state, guards in transition.allowed.items()}


@pytest.mark.parametrize("transition", TRANSITIONS, ids=lambda transition: transition.event)
class TransitionsContract:
    """The ledger makes the transitions of claim_states.py, and no other."""

    @pytest.fixture
    def key(self, setting: Setting) -> str:
        return claim(setting).key

    def test_p3_a_state_that_the_table_does_not_allow_is_refused(
        self, setting: Setting, key: str, transition: Transition
    ) -> None:
        for state in STATES.keys() - starts_of(transition).keys():
            setting.put(key, item_in(state, setting.clock.now))
            make(setting, transition.event, key)
            assert setting.get(key) == item_in(state, setting.clock.now), state

    def test_p3_an_item_on_which_a_guard_of_the_table_fails_is_refused(
        self, setting: Setting, key: str, transition: Transition
    ) -> None:
        for state, guards in starts_of(transition).items():
            for guard in guards:
                item = (item_in(state, setting.clock.now) or {}) | FAILING[guard](setting.clock.now)
                setting.put(key, item)
                make(setting, transition.event, key)
                assert setting.get(key) == item, (state, guard.words)

    def test_p3_an_allowed_state_becomes_what_the_table_says(
        self, setting: Setting, key: str, transition: Transition
    ) -> None:
        written = {*transition.sets, *transition.sets_once, *transition.adds}
        for state in starts_of(transition):
            before = item_in(state, setting.clock.now)
            setting.put(key, before)
            make(setting, transition.event, key)
            after = setting.get(key)
            assert after
            assert after.pop("state") == (transition.to or ("free" if state == "absent" else state))
            names = ({*(before or {})} | written) - {*transition.removes, "state"}
            assert after.keys() == names, state
            untouched = names - written
            assert {name: after[name] for name in untouched} == {
                name: (before or {})[name] for name in untouched
            }, state
