"""P3 under every interleaving with Clemta's list in place of look-ups: readings, crashes, lost answers, additions.

The steps are those of test_model.py, and the list's own: its pages, its marks in the ledger and its state. Another
person's sign-ups keep the list busy. The seeded bugs at the end show that the model would notice.
"""

from collections.abc import Callable
from copy import replace
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from clemta_intake import contact_list, contact_lists
from clemta_intake.contact_list import ContactList
from clemta_intake.contact_lists import ContactLists, ListSettings
from clemta_intake.deadlines import Deadline
from clemta_intake.delivery import Delivery, Lists
from clemta_intake.dynamo.keys import contact_key
from clemta_intake.errors import NotApplied, OutcomeUnknown
from clemta_intake.model import ListState, Outcome, Policy
from tests.support.examples import examples
from tests.support.fakes import FakeLedger, FakeListStates, contact
from tests.unit.test_model import (
    CHOICES,
    LAG,
    QUICK,
    Message,
    SteppedClemta,
    SteppedLedger,
    World,
    actions_of,
    outside,
    step,
)

LIST_SECONDS = 10.0
OTHERS = 3  # contacts that the company has besides
ADDS, OTHER_COMES, FINISHES, DELETES = 7, 8, 9, 4


class ListedClemta(SteppedClemta):
    """Its list is as far behind as its search."""

    def newest(self, company_id: str, skip: int, deadline: Deadline) -> tuple[list[Any], int | None]:
        try:
            page: tuple[list[Any], int | None] = self._newest(skip)
        except OutcomeUnknown:
            raise self.search_trouble from None
        return page

    @outside
    def _newest(self, skip: int) -> tuple[list[Any], int | None]:
        self.catch_up()
        every = [one for one in self.stored.values() if one["created_at"] + self.lag <= self.clock.now]
        every.sort(key=lambda one: one["created_at"], reverse=self.ordered)
        return [dict(one) for one in every[skip : skip + self.page_size]], len(every)


class ListedLedger(SteppedLedger):
    @outside
    def record_listed(self, *given: Any) -> None:
        FakeLedger.record_listed(self, *given)


class SteppedListStates(FakeListStates):
    trouble: Exception = NotApplied("ledger_unavailable")

    @outside
    def read(self, company_id: str) -> ListState:
        return super().read(company_id)

    @outside
    def take_lease(self, company_id: str, known: ListState, now: float, until: float) -> bool:
        return super().take_lease(company_id, known, now, until)

    @outside
    def record(self, company_id: str, state: ListState) -> bool:
        return super().record(company_id, state)


class TwoProcesses:
    """Two processes, each with what it remembers of the list; a worker runs in one of them."""

    def __init__(self, processes: list[ContactLists], chosen: Callable[[], int]) -> None:
        self._processes = processes
        self._chosen = chosen

    def __getattr__(self, name: str) -> Any:
        return getattr(self._processes[self._chosen() % len(self._processes)], name)


@dataclass
class ListWorld(World):
    """One person signs up, others too; somebody adds and deletes that person's contact by hand.

    `by_hand`: it was there from the beginning, as the oldest. `unordered`: Clemta does not sort its list.
    """

    make_ledger: Callable[[Any], FakeLedger] = lambda clock: ListedLedger(clock, LAG)
    make_clemta: type[SteppedClemta] = ListedClemta
    make_lists: type[ContactLists] = ContactLists
    make_states: Callable[["ListWorld"], FakeListStates] = lambda _: SteppedListStates()
    by_hand: bool = False
    unordered: bool = False
    delivering: dict[int, str] = field(default_factory=dict)  # worker -> submission
    others: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        self.clemta.ordered, self.clemta.page_size = not self.unordered, 2
        self.clemta.stored.clear()
        if self.by_hand:
            self._add(-1_000)
        for number in range(OTHERS):
            self._store(f"other{number}", f"other{number}@example.com", number - 500)

    def lists(self) -> Lists:
        states = self.make_states(self)
        how = ListSettings(LIST_SECONDS, LAG)
        processes = [self.make_lists(self.clemta, self.ledger, states, how, self.clock) for _ in range(2)]
        chosen: Lists = TwoProcesses(processes, lambda: len(self.messages))
        return chosen

    @property
    def theirs(self) -> dict[str, dict[str, Any]]:
        every = self.clemta.stored.items()
        return {key: one for key, one in every if one["email"].casefold() == "ada+tag@example.com"}

    def start(self) -> None:
        submission_id = self.due()[0].submission_id
        super().start()
        self.delivering[id(self.workers[-1])] = submission_id

    def adds(self) -> None:
        """Somebody adds the contact in Clemta by hand, if nobody is about to create it; the list shows it in time."""
        busy = {self.delivering[id(worker)][0] for worker in self.workers}
        if "s" in busy or self.theirs:
            return
        self._add(0)
        self.advance(self.lag + LIST_SECONDS + 1)

    def other_comes(self) -> None:
        """Another person signs up."""
        self.messages.insert(0, Message(f"o{self.others}", self.clock.now))
        self.others += 1

    def finish(self) -> None:
        """Whoever is at work comes to an end."""
        while self.workers:
            self.workers[0].step("go")

    def reading(self, submission_id: str, received_at: float) -> Any:
        if submission_id[0] == "s":
            return super().reading(submission_id, received_at)
        ours = super().reading("s0", received_at)
        return replace(ours, contact=contact(f"bo{submission_id}@example.com"), delivery_id=submission_id)

    def _add(self, age: float) -> None:
        self._store(f"by hand {self.clock.now}", "Ada+Tag@example.com", age)

    def _store(self, contact_id: str, email: str, age: float) -> None:
        created_at = int(self.clock.now + age)
        body = contact(email).body() | {"description": "Signed up through website"}
        self.clemta.stored[contact_id] = {**body, "email": email, "id": contact_id, "created_at": created_at}


LISTED = actions_of([*CHOICES, ADDS, ADDS, OTHER_COMES, OTHER_COMES, FINISHES, FINISHES, DELETES])


def play(world: ListWorld, actions: list[tuple[int, str, float]]) -> None:
    """Exactly one contact of the person, however the list was read and whatever was added or deleted by hand."""
    for action in actions:
        if action[0] == ADDS:
            world.adds()
        elif action[0] == OTHER_COMES:
            world.other_comes()
        elif action[0] == FINISHES:
            world.finish()
        else:
            step(world, action)
        assert len(world.theirs) <= 1, "exactly one contact (P3): never two"
    world.run_out()
    world.replay()
    world.run_out()
    world.advance(LAG)
    world.comes()
    world.run_out()
    assert len(world.theirs) == 1, "exactly one contact (P3), now"
    assert not world.queues.parked


@pytest.mark.parametrize("policy", ["skip", "update"])
@pytest.mark.parametrize("unordered", [False, True])
def test_p3_one_contact_in_every_interleaving_with_the_list(policy: Policy, unordered: bool) -> None:
    @settings(QUICK, max_examples=examples(250))
    @given(LISTED, st.sampled_from([0, 10]), st.booleans())
    def whatever_happens(actions: list[tuple[int, str, float]], lag: float, by_hand: bool) -> None:
        play(ListWorld(policy=policy, lag=lag, by_hand=by_hand, unordered=unordered), actions)

    whatever_happens()


class TrustsOldList(ContactLists):
    """Relies on a list of any age."""

    def _is_young(self, known: ListState) -> bool:
        return known.is_complete(self._clock())


class EndOfReading(SteppedListStates):
    """Takes the end of a reading for the time that the list is of."""

    def __init__(self, world: ListWorld) -> None:
        super().__init__()
        self._world = world

    def record(self, company_id: str, state: ListState) -> bool:
        recorded: bool = super().record(company_id, state._replace(complete_until=self._world.clock.now))
        return recorded


class FirstPageIsAll(ContactList):
    """Takes the first page for the whole list."""

    def read(self, max_pages: int) -> None:
        self._add({one.id: one for one in map(contact_list._entry, self._read_page(0)[0])}, 0)
        self.is_complete = True


class Unchecked(ContactList):
    """Believes any page."""

    def _read_down_to(self, created_at: float, max_pages: int) -> bool:
        super()._read_down_to(created_at, max_pages)
        return True


class MarkIsContact(Delivery):
    """Takes the mark in the ledger for a contact that is there."""

    def _create_or_adopt(self, job: Any, claim: Any) -> Outcome:
        return Outcome("duplicate", "") if claim.listed else super()._create_or_adopt(job, claim)


class GoneIsNew(Delivery):
    """Trusts the list where a contact was deleted, though the ledger has no mark of its successor."""

    def _is_new(self, job: Any, claim: Any) -> bool:
        return super()._is_new(job, replace(claim, gone=""))


class MarksNobodyAtWork(ListedLedger):
    """Leaves out the mark of a contact that somebody has claimed."""

    def record_listed(self, *given: Any) -> None:
        company_id, person = given
        item = self.items.get(contact_key("pepper", company_id, *person), {})
        if item.get("state") != "claimed":
            super().record_listed(*given)


def doing(*choices: int) -> list[tuple[int, str, float]]:
    """The actions of these choices; nothing happens to any step."""
    return [(choice, "go", 1.0) for choice in choices]


STARTS = 2
ADDED_DURING_A_READING = doing(OTHER_COMES, STARTS, *[0] * 12, ADDS, FINISHES, STARTS, FINISHES)
READ_DURING_A_CLAIM = [
    *doing(ADDS, STARTS, *[0] * 4, OTHER_COMES, STARTS, *[1] * 55),
    *[(0, "lost before", 1.0)] * 2,
    *doing(FINISHES, 3, STARTS, FINISHES, STARTS, FINISHES),
]


@pytest.mark.parametrize(
    ("bug", "found"),
    [
        ({"make_lists": TrustsOldList}, []),
        ({"make_states": EndOfReading}, ADDED_DURING_A_READING),
        ({"list": FirstPageIsAll, "by_hand": True}, []),
        ({"list": Unchecked, "unordered": True}, []),
        ({"make_delivery": MarkIsContact, "by_hand": True}, []),
        ({"make_delivery": GoneIsNew}, []),
        ({"make_ledger": lambda clock: MarksNobodyAtWork(clock, LAG)}, READ_DURING_A_CLAIM),
    ],
    ids=[
        "a stale list is trusted",
        "a list is of the end of its reading",
        "an incomplete list is trusted",
        "the order is not checked",
        "a deleted contact still counts by its mark",
        "a deleted contact's successor is not looked up",
        "a claimed contact is not marked",
    ],
)
def test_the_model_notices_every_seeded_bug_of_the_list(
    bug: dict[str, Any], found: list[tuple[int, str, float]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`found` shows it at once, if the steps are still those; the search would take seconds."""
    bug = dict(bug)
    monkeypatch.setattr(contact_lists, "ContactList", bug.pop("list", ContactList))

    @settings(QUICK, max_examples=3_000, phases=[Phase.explicit, Phase.generate])
    @example(found)
    @given(LISTED)
    def buggy(actions: list[tuple[int, str, float]]) -> None:
        play(ListWorld(lag=0, **bug), actions)

    with pytest.raises(AssertionError, match="exactly one contact"):
        buggy()
