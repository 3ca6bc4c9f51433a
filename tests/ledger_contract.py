"""What any ledger must do: run on the real one in DynamoDB and on the fake one that the unit tests use."""

from dataclasses import replace
from typing import Protocol

import pytest

from clemta_intake.delivery import Claim, Claims, Created
from clemta_intake.errors import Busy
from clemta_intake.ledger import LEASE_SECONDS
from tests.fakes import Clock, contact

LAG = 30


class Setting(Protocol):
    clock: Clock
    ledger: Claims


def claim(setting: Setting, email: str = "ada@example.com", delivery_id: str = "") -> Claim:
    held = setting.ledger.claim(contact(email), delivery_id)
    assert isinstance(held, Claim)
    return held


class LedgerContract:
    def test_the_first_claim_is_fresh(self, setting: Setting) -> None:
        held = claim(setting)
        assert held.fresh
        assert held.since == pytest.approx(setting.clock.now)

    def test_p3_a_second_claim_is_refused_while_the_first_is_held(self, setting: Setting) -> None:
        claim(setting)
        with pytest.raises(Busy) as refusal:
            claim(setting)
        assert 1 <= refusal.value.retry_after <= 5

    def test_p3_case_makes_no_other_contact(self, setting: Setting) -> None:
        claim(setting)
        with pytest.raises(Busy):
            claim(setting, "ADA@Example.com")

    def test_other_people_other_types_and_other_deliveries_are_claimed_apart(self, setting: Setting) -> None:
        assert claim(setting).fresh
        assert claim(setting, "bo@example.com").fresh
        assert claim(setting, delivery_id="one").fresh
        vendor = setting.ledger.claim(contact(type="vendor"), "")
        assert isinstance(vendor, Claim)
        assert vendor.fresh

    def test_p3_a_created_contact_stays_known(self, setting: Setting) -> None:
        setting.ledger.created(claim(setting), "c1")
        setting.clock.advance(400 * 86_400)
        assert setting.ledger.claim(contact(), "") == Created("c1")

    def test_a_released_claim_leaves_no_trace(self, setting: Setting) -> None:
        setting.ledger.release(claim(setting))
        setting.clock.advance(10)
        again = claim(setting)
        assert again.fresh
        assert again.since == pytest.approx(setting.clock.now)

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
        setting.ledger.unknown(claim(setting))
        setting.clock.advance(5)
        again = claim(setting)
        assert not again.fresh
        assert not again.looked
        assert again.since == pytest.approx(began)

    def test_p3_what_a_look_up_did_not_find_is_decided_when_the_search_has_caught_up(
        self, setting: Setting
    ) -> None:
        setting.ledger.unknown(claim(setting))
        setting.ledger.unseen(claim(setting))
        with pytest.raises(Busy) as refusal:
            claim(setting)
        assert refusal.value.retry_after == pytest.approx(LAG)
        setting.clock.advance(LAG)
        decides = claim(setting)
        assert decides.looked
        assert not decides.fresh

    def test_p3_a_new_unknown_outcome_is_not_decided_by_an_old_look_up(self, setting: Setting) -> None:
        setting.ledger.unknown(claim(setting))
        setting.ledger.unseen(claim(setting))
        setting.clock.advance(LAG)
        setting.ledger.unknown(claim(setting))
        assert not claim(setting).looked

    def test_p3_nor_is_that_of_a_holder_who_died(self, setting: Setting) -> None:
        setting.ledger.unknown(claim(setting))
        setting.ledger.unseen(claim(setting))
        setting.clock.advance(LAG)
        claim(setting)
        setting.clock.advance(LEASE_SECONDS)
        assert not claim(setting).looked

    def test_p3_a_claim_whose_holder_died_counts_as_unknown(self, setting: Setting) -> None:
        claim(setting)
        setting.clock.advance(LEASE_SECONDS - 1)
        with pytest.raises(Busy):
            claim(setting)
        setting.clock.advance(1)
        assert not claim(setting).fresh

    def test_p3_unresolved_stays_unknown_but_may_be_tried_at_once(self, setting: Setting) -> None:
        setting.ledger.unknown(claim(setting))
        setting.ledger.unresolved(claim(setting))
        again = claim(setting)
        assert not again.fresh
        assert not again.looked

    def test_p3_unresolved_keeps_what_a_look_up_had_found_out(self, setting: Setting) -> None:
        setting.ledger.unknown(claim(setting))
        setting.ledger.unseen(claim(setting))
        setting.clock.advance(LAG)
        setting.ledger.unresolved(claim(setting))
        assert claim(setting).looked

    def test_p3_who_lost_the_claim_cannot_settle_it(self, setting: Setting) -> None:
        late = claim(setting)
        setting.clock.advance(LEASE_SECONDS)
        claim(setting)
        setting.ledger.release(late)
        with pytest.raises(Busy):
            claim(setting)

    def test_p3_no_two_submissions_reserve_one_contact(self, setting: Setting) -> None:
        one, other = claim(setting, delivery_id="one"), claim(setting, delivery_id="two")
        assert setting.ledger.reserve(one, "c1")
        assert not setting.ledger.reserve(other, "c1")
        assert setting.ledger.reserve(one, "c1")
        assert setting.ledger.reserve(other, "c2")

    def test_p3_a_contact_that_came_late_is_still_recorded(self, setting: Setting) -> None:
        late = claim(setting)
        setting.clock.advance(LEASE_SECONDS)
        claim(setting)
        setting.ledger.created(late, "c1")
        assert setting.ledger.claim(contact(), "") == Created("c1")
