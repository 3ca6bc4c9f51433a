"""What any ledger must do: run on the real one in DynamoDB and on the fake one that the unit tests use."""

from dataclasses import replace
from typing import Protocol

import pytest

from clemta_intake.delivery import Claims
from clemta_intake.dynamo.claim_states import LEASE_SECONDS
from clemta_intake.errors import ClaimHeld
from clemta_intake.model import Claim, Created
from tests.support.fakes import Clock, contact

LAG = 30


class Setting(Protocol):
    clock: Clock
    ledger: Claims


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

    def test_p3_case_makes_no_other_contact(self, setting: Setting) -> None:
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

    def test_that_it_took_a_number_of_its_day_is_known_when_a_claim_was_released(
        self, setting: Setting
    ) -> None:
        first = claim(setting)
        assert not first.counted
        setting.ledger.release(first)
        again = claim(setting)
        assert not again.counted
        setting.ledger.release(replace(again, counted=True))
        assert claim(setting).counted

    def test_p3_an_unknown_outcome_is_claimed_again_but_not_afresh(self, setting: Setting) -> None:
        began = setting.clock.now
        setting.ledger.mark_unknown(claim(setting))
        setting.clock.advance(5)
        again = claim(setting)
        assert not again.fresh
        assert not again.lookup_was_empty
        assert again.since == began

    def test_p3_what_a_look_up_did_not_find_is_decided_when_the_search_has_caught_up(
        self, setting: Setting
    ) -> None:
        setting.ledger.mark_unknown(claim(setting))
        setting.ledger.mark_not_found(claim(setting))
        with pytest.raises(ClaimHeld) as refusal:
            claim(setting)
        assert refusal.value.retry_after == LAG
        setting.clock.advance(LAG)
        decides = claim(setting)
        assert decides.lookup_was_empty
        assert not decides.fresh

    def test_p3_a_new_unknown_outcome_is_not_decided_by_an_old_look_up(self, setting: Setting) -> None:
        setting.ledger.mark_unknown(claim(setting))
        setting.ledger.mark_not_found(claim(setting))
        setting.clock.advance(LAG)
        setting.ledger.mark_unknown(claim(setting))
        assert not claim(setting).lookup_was_empty

    def test_p3_nor_is_that_of_a_holder_who_died(self, setting: Setting) -> None:
        setting.ledger.mark_unknown(claim(setting))
        setting.ledger.mark_not_found(claim(setting))
        setting.clock.advance(LAG)
        claim(setting)
        setting.clock.advance(LEASE_SECONDS)
        assert not claim(setting).lookup_was_empty

    def test_p3_a_claim_whose_holder_died_counts_as_unknown(self, setting: Setting) -> None:
        claim(setting)
        setting.clock.advance(LEASE_SECONDS - 1)
        with pytest.raises(ClaimHeld):
            claim(setting)
        setting.clock.advance(1)
        assert not claim(setting).fresh

    def test_p3_unresolved_stays_unknown_but_may_be_tried_at_once(self, setting: Setting) -> None:
        setting.ledger.mark_unknown(claim(setting))
        setting.ledger.restore(claim(setting))
        again = claim(setting)
        assert not again.fresh
        assert not again.lookup_was_empty

    def test_p3_unresolved_keeps_what_a_look_up_had_found_out(self, setting: Setting) -> None:
        setting.ledger.mark_unknown(claim(setting))
        setting.ledger.mark_not_found(claim(setting))
        setting.clock.advance(LAG)
        setting.ledger.restore(claim(setting))
        assert claim(setting).lookup_was_empty

    def test_p3_who_lost_the_claim_cannot_settle_it(self, setting: Setting) -> None:
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

    def test_p3_a_contact_that_came_late_is_still_recorded(self, setting: Setting) -> None:
        late = claim(setting)
        setting.clock.advance(LEASE_SECONDS)
        claim(setting)
        setting.ledger.record_created(late, "c1", setting.clock.now)
        assert known(setting).contact_id == "c1"

    def test_p3_nor_is_it_lost_by_who_had_claimed_it_meanwhile(self, setting: Setting) -> None:
        late = claim(setting)
        setting.clock.advance(LEASE_SECONDS)
        meanwhile = claim(setting)
        setting.ledger.adopt_for_update(late, "c1")
        setting.ledger.mark_unknown(meanwhile)
        assert known(setting).contact_id == "c1", "an item that is not created names a contact that is gone"

    def test_p3_a_created_contact_knows_the_deliveries_that_were_acknowledged_with_it(
        self, setting: Setting
    ) -> None:
        setting.ledger.record_created(claim(setting, resent_as="d1"), "c1", setting.clock.now)
        setting.ledger.record_seen(known(setting, "d2"))
        assert known(setting, "d1").delivered
        assert known(setting, "d2").delivered
        assert not known(setting, "d3").delivered

    @pytest.mark.parametrize("way", ["seen", "applied", "created"])
    def test_p3_a_record_knows_a_hundred_deliveries_and_then_begins_anew(
        self, setting: Setting, way: str
    ) -> None:
        setting.ledger.record_created(claim(setting, resent_as="d1"), "c1", setting.clock.now, 1)
        for number in range(2, 101):
            setting.ledger.record_seen(known(setting, f"d{number}"))
        last = known(setting, "d101")
        assert len(last.deliveries) == 100
        if way == "seen":
            setting.ledger.record_seen(last)
        elif way == "applied":
            held = setting.ledger.claim_update(last, 5)
            assert held
            setting.ledger.finish_update(held, setting.clock.now, 5)
        else:
            setting.ledger.release(setting.ledger.reclaim(last))
            setting.ledger.record_created(claim(setting, resent_as="d101"), "c2", setting.clock.now)
        assert len(known(setting).deliveries) == 1
        assert known(setting, "d101").delivered

    def test_a_persons_own_post_is_no_delivery_that_comes_again(self, setting: Setting) -> None:
        setting.ledger.record_created(claim(setting), "c1", setting.clock.now)
        setting.ledger.record_seen(known(setting))
        assert not known(setting).delivered

    def test_p3_a_look_at_the_contact_renews_its_time(self, setting: Setting) -> None:
        setting.ledger.record_created(claim(setting), "c1", setting.clock.now)
        made_at = setting.clock.now
        setting.clock.advance(1_000)
        setting.ledger.record_seen(known(setting, "d2"))
        assert known(setting).checked_at == made_at
        setting.ledger.record_seen(known(setting), setting.clock.now)
        assert known(setting).checked_at == setting.clock.now

    def test_p3_a_contact_that_is_gone_is_claimed_afresh_once(self, setting: Setting) -> None:
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

    def test_p3_an_older_update_waits_for_what_becomes_of_a_contact_that_is_gone(
        self, setting: Setting
    ) -> None:
        setting.ledger.record_created(claim(setting), "c1", setting.clock.now, 6)
        old = known(setting)
        setting.ledger.reclaim(old)
        with pytest.raises(ClaimHeld):
            setting.ledger.claim_update(old, 5)

    def test_a_contact_that_is_made_again_takes_a_number_of_its_day_again(self, setting: Setting) -> None:
        setting.ledger.release(replace(claim(setting), counted=True))
        setting.ledger.record_created(claim(setting), "c1", setting.clock.now)
        setting.ledger.reclaim(known(setting))
        setting.clock.advance(LEASE_SECONDS)
        assert not claim(setting).counted

    def test_p3_who_comes_after_a_crash_knows_which_contact_is_gone(self, setting: Setting) -> None:
        setting.ledger.record_created(claim(setting), "c1", setting.clock.now)
        setting.ledger.release(setting.ledger.reclaim(known(setting)))
        again = claim(setting)
        assert (again.fresh, again.gone) == (True, "c1")
        setting.ledger.mark_unknown(again)
        assert claim(setting).gone == "c1"

    def test_p3_one_updates_at_a_time(self, setting: Setting) -> None:
        setting.ledger.record_created(claim(setting), "c1", setting.clock.now, 1)
        held = hold(setting)
        with pytest.raises(ClaimHeld) as refusal:
            hold(setting)
        assert 1 <= refusal.value.retry_after <= 5
        with pytest.raises(ClaimHeld):
            setting.ledger.reclaim(known(setting))
        setting.ledger.finish_update(held, setting.clock.now, 5)
        assert hold(setting)

    def test_p3_what_is_older_than_what_was_applied_is_not_applied(self, setting: Setting) -> None:
        setting.ledger.record_created(claim(setting), "c1", setting.clock.now, 4)
        assert setting.ledger.claim_update(known(setting), 3.9) is None
        setting.ledger.finish_update(hold(setting, 4), setting.clock.now, 4)
        setting.ledger.finish_update(hold(setting, 5.5), setting.clock.now, 5.5)
        setting.ledger.release_update(hold(setting, 7))
        assert setting.ledger.claim_update(known(setting), 5.4) is None
        assert setting.ledger.claim_update(known(setting), 6)
        assert setting.ledger.claim_update(known(setting), 5.4) is None

    def test_p3_an_update_counts_as_a_look_and_as_an_acknowledged_delivery(self, setting: Setting) -> None:
        setting.ledger.record_created(claim(setting), "c1", setting.clock.now)
        setting.clock.advance(1_000)
        held = setting.ledger.claim_update(known(setting, "d2"), 5)
        assert held
        assert not known(setting, "d2").delivered
        setting.ledger.finish_update(held, setting.clock.now, 5)
        assert known(setting, "d2").delivered
        assert known(setting).checked_at == setting.clock.now

    def test_p3_an_update_that_may_come_late_holds_the_others_back(self, setting: Setting) -> None:
        setting.ledger.record_created(claim(setting), "c1", setting.clock.now)
        setting.ledger.mark_update_unknown(hold(setting))
        setting.clock.advance(LAG - 1)
        with pytest.raises(ClaimHeld):
            hold(setting)
        setting.clock.advance(1)
        assert hold(setting)

    def test_p3_who_died_over_an_update_holds_the_others_back_as_long_as_it_may_come_late(
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

    def test_p3_a_contact_that_was_found_is_held_for_its_update(self, setting: Setting) -> None:
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

    def test_p3_who_holds_the_update_claims_what_is_gone(self, setting: Setting) -> None:
        setting.ledger.record_created(claim(setting), "c1", setting.clock.now, 1)
        held = hold(setting)
        again = setting.ledger.reclaim(known(setting), held)
        with pytest.raises(ClaimHeld):
            setting.ledger.finish_update(held, setting.clock.now, 5)
        setting.ledger.record_created(again, "c2", setting.clock.now, 5)
        assert known(setting).contact_id == "c2"

    def test_p3_a_contact_that_was_made_anew_meanwhile_is_not_updated_for_the_old_one(
        self, setting: Setting
    ) -> None:
        setting.ledger.record_created(claim(setting), "c1", setting.clock.now, 1)
        old = known(setting)
        setting.ledger.record_created(setting.ledger.reclaim(old), "c2", setting.clock.now, 5)
        with pytest.raises(ClaimHeld):
            setting.ledger.claim_update(old, 6)
        setting.ledger.record_seen(old, setting.clock.now)
        assert known(setting).contact_id == "c2"
