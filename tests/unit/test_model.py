"""P1, P3, P4 under every interleaving: two workers, crashes between any two steps, lost answers, late effects, time.

Calls to Clemta, to the ledger and to the queues are the steps. Hypothesis chooses who takes the next one and what
happens to it, and when the operator deletes or edits the contact in Clemta; then the faults end, what was parked as
poison is replayed, and everything runs out. The seeded bugs at the end show that the model would notice.

Each submission says something of its own of the same person: a name, and a field that no other fills.
"""

import threading
from collections.abc import Callable, Mapping
from copy import replace
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from clemta_intake.contacts import ContactRequest
from clemta_intake.deadlines import Deadline
from clemta_intake.delivery import Delivery, DeliverySettings, Lists, Neighbours
from clemta_intake.dynamo.claim_states import LEASE_SECONDS
from clemta_intake.errors import (
    ClaimHeld,
    ConfigError,
    NotApplied,
    OutcomeUnknown,
    Permanent,
    Retryable,
    Unavailable,
)
from clemta_intake.model import Claim, Created, Envelope, MappedSubmission, Outcome, Policy, Submission
from clemta_intake.redeliver import _POISON_RECEIVES
from clemta_intake.retry import RetryPolicy
from tests.support.examples import examples
from tests.support.fakes import SEARCHES, Clock, FakeClemta, FakeLedger, FakeQueues, Search, contact

type Before = Literal["", "made", "deleted"]
LAG = 30.0
ADDRESSES = ("ada+tag@example.com", "Ada+Tag@Example.COM")  # one person's, as two submissions write it
STRANGER = {**contact("x@example.net", ADDRESSES[0]).body(), "id": "stranger", "created_at": 0}
INVOCATION_SECONDS = LEASE_SECONDS  # no invocation lives longer: Lambda kills it


class Crash(BaseException):
    """The process is gone: nothing after this runs, no handler and no clean-up."""


class Worker:
    """One invocation, in a thread of its own that stops before each call to the outside until told what happens."""

    def __init__(self, work: Callable[[], None], ended: Callable[[bool], None], began: float) -> None:
        self.began = began
        self._ended = ended
        self._done = False
        self.fate = "go"
        self.alive = True
        self._work = work
        self._may_go = threading.Semaphore(0)
        self._stopped = threading.Semaphore(0)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self._stopped.acquire()

    def _run(self) -> None:
        CURRENT.worker = self
        try:
            self.pause()
            self._work()
            self._done = True
        except (Crash, Unavailable):  # nobody acknowledged anything, nothing is completed
            self._done = False
        finally:
            self.alive = False
            self._stopped.release()

    def pause(self) -> str:
        """Before a step: gives way, and returns what is to happen to it."""
        self._stopped.release()
        self._may_go.acquire()
        if self.fate == "crash":
            raise Crash
        return self.fate

    def step(self, fate: str) -> None:
        self.fate = fate
        self._may_go.release()
        self._stopped.acquire()
        if not self.alive:
            self._thread.join()
            self._ended(self._done)


CURRENT = threading.local()


def outside(method: Callable[..., Any]) -> Callable[..., Any]:
    """A call that leaves the process: something may happen before it, after it, and to its answer."""

    def call(self: Any, *given: Any, **named: Any) -> Any:
        worker: Worker = CURRENT.worker
        fate = worker.pause()
        if fate == "lost before":
            raise self.trouble
        answer = method(self, *given, **named)
        if fate == "lost after":
            raise self.trouble
        if worker.pause() == "lost after":
            raise self.trouble
        return answer

    return call


@dataclass
class SteppedClemta(FakeClemta):
    """`lag`: how far the search is behind; `late`: how long a call whose caller has gone may take to its effect.

    `shouts`: it keeps a name in capitals.
    """

    lag = late = 0.0
    shouts = False
    trouble: Exception = field(default_factory=lambda: OutcomeUnknown("no_answer"))
    search_trouble: Exception = field(default_factory=lambda: NotApplied("no_answer"))
    coming: list[tuple[float, str, dict[str, Any]]] = field(default_factory=list)

    @outside
    def create(self, contact: ContactRequest, deadline: Deadline) -> str:
        contact_id = super().create(contact, deadline)
        if self.shouts:
            self.stored[contact_id]["full_name"] = contact.full_name.upper()
        if CURRENT.worker.fate == "late":
            self.stored[contact_id]["created_at"] += self.late
            raise self.trouble
        return contact_id

    def find(self, contact: ContactRequest, deadline: Deadline) -> list[dict[str, Any]]:
        try:
            found: list[dict[str, Any]] = self._find(contact, deadline)
        except OutcomeUnknown:
            raise self.search_trouble from None  # a look-up changes nothing
        return found

    @outside
    def _find(self, contact: ContactRequest, deadline: Deadline) -> list[dict[str, Any]]:
        self.catch_up()
        seen = super().find(contact, deadline)
        return [dict(entry) for entry in seen if entry["created_at"] + self.lag <= self.clock.now]

    def get(self, contact_id: str, deadline: Deadline, reserve_next: int = 0) -> dict[str, Any]:
        try:
            found: dict[str, Any] = self._get(contact_id, deadline)
        except OutcomeUnknown:
            raise self.search_trouble from None
        return found

    @outside
    def _get(self, contact_id: str, deadline: Deadline) -> dict[str, Any]:
        self.catch_up()
        return super().get(contact_id, deadline)

    @outside
    def update(self, contact_id: str, body: Mapping[str, Any], deadline: Deadline) -> None:
        self.catch_up()
        if CURRENT.worker.fate == "late":
            self.coming.append((self.clock.now + self.late, contact_id, dict(body)))
            raise self.trouble
        super().update(contact_id, body, deadline)

    def catch_up(self) -> None:
        """What was to come by now takes effect."""
        for due in [one for one in self.coming if one[0] <= self.clock.now]:
            self.coming.remove(due)
            self.stored.get(due[1], {}).update(due[2])


class SteppedLedger(FakeLedger):
    trouble: Exception = NotApplied("ledger_unavailable")

    @outside
    def claim(self, contact: ContactRequest, delivery_id: str, resent_as: str = "") -> Claim | Created:
        return super().claim(contact, delivery_id, resent_as)

    @outside
    def reclaim(self, known: Created, holder: Claim | None = None) -> Claim:
        return super().reclaim(known, holder)

    @outside
    def claim_update(self, known: Created, happened_at: float) -> Claim | None:
        return super().claim_update(known, happened_at)

    @outside
    def record_created(self, *given: Any, **named: Any) -> None:
        super().record_created(*given, **named)

    @outside
    def adopt_for_update(self, claim: Claim, contact_id: str) -> None:
        super().adopt_for_update(claim, contact_id)

    @outside
    def reserve_contact(self, claim: Claim, contact_id: str) -> bool:
        return super().reserve_contact(claim, contact_id)

    @outside
    def finish_update(self, claim: Claim, seen_at: float, happened_at: float) -> None:
        super().finish_update(claim, seen_at, happened_at)

    def record_seen(self, known: Created, seen_at: float | None = None) -> None:
        self._quietly("record_seen", known, seen_at)

    def release_update(self, claim: Claim) -> None:
        self._quietly("release_update", claim)

    def mark_update_unknown(self, claim: Claim) -> None:
        self._quietly("mark_update_unknown", claim)

    def mark_unknown(self, claim: Claim) -> None:
        self._quietly("mark_unknown", claim)

    def mark_not_found(self, claim: Claim) -> None:
        self._quietly("mark_not_found", claim)

    def restore(self, claim: Claim) -> None:
        self._quietly("restore", claim)

    def release(self, claim: Claim) -> None:
        self._quietly("release", claim)

    def _quietly(self, name: str, *given: Any) -> None:
        try:
            self._step(name, *given)
        except Retryable:
            return  # as the real ledger: the lease runs out by itself

    @outside
    def _step(self, name: str, *given: Any) -> Any:
        return getattr(FakeLedger, name)(self, *given)


class SteppedQueues(FakeQueues):
    trouble: Exception = Unavailable("queue_unavailable")

    @outside
    def retry(self, envelope: Envelope, delay: float) -> None:
        super().retry(envelope, delay)

    @outside
    def park(self, envelope: Envelope) -> None:
        super().park(envelope)


@dataclass(frozen=True)
class Message:
    """A submission that comes at `at`, from its sender or, `receives` times before, from the retry queue."""

    submission_id: str
    at: float = 0
    earlier: Envelope | None = None
    receives: int = 0


FIELDS = (
    "phone",
    "tax_id",
    "district",
    "state",
    "address_1",
    "address_2",
)  # each submission fills one of its own


@dataclass
class World:
    """The queue's messages and who works on them; a message is gone only when its work came to an end.

    `newest_first`: the first submission to come tells of the last event. `forms`: a person posts, else a sender
    delivers. `alike`: all say the same name. `before`: the contact was made in peace, or deleted
    since, and two more sign up.
    """

    make_ledger: Callable[[Clock], FakeLedger] = lambda clock: SteppedLedger(clock, LAG)
    make_clemta: type[SteppedClemta] = SteppedClemta
    make_delivery: type[Delivery] = Delivery
    search: Search = SEARCHES["text, any case, names too"]
    policy: Policy = "skip"
    submissions: int = 2
    lag: float = LAG
    shouts: bool = False
    newest_first: bool = False
    forms: bool = False
    alike: bool = False
    before: Before = ""
    weak: frozenset[str] = frozenset({"description"})
    clock: Clock = field(default_factory=Clock)
    workers: list[Worker] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.messages = [Message(f"s{number}") for number in range(self.submissions)]
        self.clemta = self.make_clemta(self.clock, {"stranger": dict(STRANGER)}, search=self.search)
        self.clemta.lag, self.clemta.late = self.lag, LAG - self.lag
        self.clemta.shouts = self.shouts
        self.queues = SteppedQueues()
        self.statuses: dict[str, str] = {}
        self.newcomers: set[str] = set()  # since the operator last deleted something
        self.edited: set[str] = set()
        self.began = self.clock.now
        self.ledger = self.make_ledger(self.clock)
        self.delivery = self.make_delivery(
            Neighbours(self.clemta, self.ledger, self.queues, self.lists()),
            DeliverySettings(search_lag=LAG, recheck=0, retry=RetryPolicy(base_delay=1)),
            self.clock,
        )

    def lists(self) -> Lists | None:
        """Each new contact is looked up; test_list_model.py has the other way."""
        return None

    def comes(self, submission_id: str = "") -> None:
        """One more submission, now; or a delivery of one that came before."""
        if not submission_id:
            submission_id = f"s{self.submissions}"
            self.submissions += 1
            self.newcomers.add(submission_id)
        self.messages.append(Message(submission_id, self.clock.now))

    def deletes(self) -> None:
        """The operator deletes what is there in Clemta."""
        self.clock.advance(0.001)  # no two things happen in the same instant
        there = [key for key, stored in self.theirs.items() if stored["created_at"] <= self.clock.now]
        for contact_id in there:
            del self.clemta.stored[contact_id]
            self.newcomers.clear()
        self.clock.advance(0.001)

    def edits(self) -> None:
        """The operator writes something to what is there in Clemta."""
        self.clemta.catch_up()
        for contact_id, stored in self.theirs.items():
            stored["description"] = "call after 5 pm"
            self.edited.add(contact_id)

    def due(self) -> list[Message]:
        return [message for message in self.messages if message.at <= self.clock.now]

    def start(self) -> None:
        message = self.due()[0]
        self.messages.remove(message)

        def ended(done: bool) -> None:
            self.workers.remove(worker)
            while self.queues.retried:
                envelope, delay = self.queues.retried.pop()
                again = Message(envelope.submission.submission_id, self.clock.now + delay, envelope)
                self.messages.append(again)
            if not done:  # its sender, or the queue that nobody told of an end, brings it again
                receives = message.receives + 1
                self.messages.append(replace(message, at=self.clock.now + 360, receives=receives))

        worker = Worker(lambda: self.deliver(message), ended, self.clock.now)
        self.workers.append(worker)

    def deliver(self, message: Message) -> None:
        """What the two functions do with it."""
        earlier = message.earlier
        received_at = earlier.submission.received_at if earlier else self.clock.now
        submission = Submission(message.submission_id, "website", received_at, b"")
        if earlier and message.receives + 1 >= _POISON_RECEIVES:
            reading = self.reading(message.submission_id, received_at)
            if message.receives + 1 == _POISON_RECEIVES and self.delivery.is_delivered(reading, self.policy):
                self.statuses[message.submission_id] = "duplicate"
            else:
                self.delivery.park_poison(earlier, "crashed")
            return
        try:
            outcome = self.delivery.deliver(
                self.reading(message.submission_id, received_at), self.policy, Deadline.after(1_000)
            )
        except (Retryable, Permanent) as error:
            self.delivery.requeue_or_park(submission, error, earlier)
        else:
            self.statuses[message.submission_id] = outcome.status

    def reading(self, submission_id: str, received_at: float) -> MappedSubmission:
        """What this submission says; the events' times lie before anything is received."""
        number = int(submission_id[1:])
        happened_at = self.began - 100 + self.age(number)
        wanted = contact(
            ADDRESSES[number % len(ADDRESSES)],
            name="Ada Example" if self.alike else f"Ada Number {number}",
            description="Signed up through website",
            billing={FIELDS[number % len(FIELDS)]: f"of {number}"},
        )
        return MappedSubmission(wanted, submission_id, received_at, happened_at, not self.forms, self.weak)

    def age(self, number: int) -> int:
        """The order of the events."""
        return -number if self.newest_first else number

    def replay(self) -> None:
        """The operator replays what was parked as poison."""
        while self.queues.parked:
            envelope = self.queues.parked.pop()
            assert envelope.failure.failure_class == "poison"
            again = replace(envelope, attempt=0)
            self.messages.append(Message(envelope.submission.submission_id, self.clock.now, again))

    @property
    def theirs(self) -> dict[str, dict[str, Any]]:
        """The contacts of whom the submissions are about: all but the stranger's."""
        return {key: stored for key, stored in self.clemta.stored.items() if key != "stranger"}

    def advance(self, seconds: float) -> None:
        self.clock.advance(seconds)
        for worker in [*self.workers]:
            if self.clock.now - worker.began >= INVOCATION_SECONDS:
                worker.step("crash")

    def run_out(self) -> None:
        """No more faults: everybody finishes, every message comes again."""
        for _ in range(200):
            while self.workers:
                self.workers[0].step("go")
            if not self.messages:
                self.clemta.catch_up()
                return
            if self.due():
                self.start()
            else:
                self.advance(min(message.at for message in self.messages) - self.clock.now)
        raise AssertionError("it does not come to an end")


FATES = st.sampled_from(["go"] * 12 + ["crash", "lost before", "lost after", "lost after", "late"])
# Who goes on: worker 0 or 1, a new one (2), or time (3); or what else happens.
DELETES, EDITS, COMES = 4, 5, 6
CHOICES = [0, 0, 0, 0, 1, 1, 1, 2, 2, 3]


def actions_of(choices: list[int]) -> st.SearchStrategy[list[tuple[int, str, float]]]:
    """Lists of who goes on, what happens to that step, and how long time passes."""
    seconds = st.sampled_from([0.5, 1, 5, 29, 31, 61, 95])
    return st.lists(st.tuples(st.sampled_from(choices), FATES, seconds), min_size=10, max_size=50)


ACTIONS = actions_of(CHOICES)
OPERATED = actions_of([*CHOICES, DELETES, EDITS, COMES])
EDITED = actions_of([*CHOICES, EDITS, COMES])
BEFORE: st.SearchStrategy[Before] = st.sampled_from(["", "made", "deleted"])


def disturb(world: World, actions: list[tuple[int, str, float]]) -> None:
    """Plays the actions, then lets everything run out."""
    for action in actions:
        step(world, action)
    world.run_out()


def step(world: World, action: tuple[int, str, float]) -> None:
    """Plays one action."""
    choice, fate, seconds = action
    if choice < len(world.workers):
        world.workers[choice].step(fate)
    elif choice == 2 and world.due():
        world.start()
    elif choice == 3:
        world.advance(seconds)
    elif choice == DELETES:
        world.deletes()
    elif choice == EDITS:
        world.edits()
    elif choice == COMES and world.submissions < len(FIELDS) - 1:
        world.comes()


def play(world: World, actions: list[tuple[int, str, float]]) -> None:
    """Holds what comes of the actions to the promises."""
    disturb(world, actions)
    world.replay()
    world.run_out()
    wanted = world.submissions if world.policy == "create" else 1
    assert len(world.theirs) == wanted, "exactly one contact (P3), and none lost (P1, P4)"
    assert not world.queues.parked
    if world.policy == "create" and not world.alike:
        names = sorted(stored["full_name"].casefold() for stored in world.theirs.values())
        assert names == [f"ada number {number}" for number in range(wanted)], "each its own (P3)"


def play_operated(world: World, actions: list[tuple[int, str, float]]) -> None:
    """The same while the operator deletes and edits: one contact of who signed up since, as the newest event says."""
    if world.before:
        world.run_out()
        if world.before == "deleted":
            world.deletes()
        world.comes()
        world.comes()
    disturb(world, actions)
    world.replay()
    world.run_out()
    world.advance(LAG)
    world.clemta.catch_up()
    assert len(world.theirs) <= 1, "exactly one contact (P3): never two"
    assert world.theirs or not world.newcomers, "exactly one contact (P3) of who signed up again"
    deletes = world.before == "deleted" or DELETES in {choice for choice, *_ in actions}
    if world.policy == "update" and not deletes:
        [stored] = world.theirs.values()
        newest = max(range(world.submissions), key=world.age)
        assert stored["full_name"] == f"Ada Number {newest}", "the newest was applied last (P3)"
        for number in range(world.submissions):
            if world.statuses[f"s{number}"] != "duplicate":
                assert stored["billing"].get(FIELDS[number]) == f"of {number}", "no update is lost (P3)"
    world.comes()
    world.run_out()
    assert len(world.theirs) == 1, "exactly one contact (P3), now"
    [(contact_id, stored)] = world.theirs.items()
    kept = "call after 5 pm" if contact_id in world.edited else "Signed up through website"
    assert stored["description"] == kept, "no default overwrites (P3)"


def play_redelivered(world: World, actions: list[tuple[int, str, float]]) -> None:
    """Who repeats what was acknowledged does not bring back what was deleted; a new sign-up does."""
    world.run_out()
    world.deletes()
    for number in range(world.submissions):
        world.comes(f"s{number}")
    disturb(world, actions)
    world.replay()
    world.run_out()
    assert not world.theirs, "what was deleted stays deleted (P3)"
    world.comes()
    world.run_out()
    assert len(world.theirs) == 1, "exactly one contact (P3), again"


QUICK = settings(
    max_examples=examples(500),
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
    database=None,
)


@pytest.mark.parametrize("policy", ["skip", "update", "create"])
@pytest.mark.parametrize("submissions", [1, 2])
def test_p1_p3_p4_two_workers_make_one_contact_in_every_interleaving(
    policy: Policy, submissions: int
) -> None:
    @QUICK
    @given(
        *(ACTIONS, st.sampled_from([0, 10, LAG]), st.sampled_from(list(SEARCHES.values()))),
        *(st.booleans(), st.booleans()),
    )
    def whatever_happens(
        actions: list[tuple[int, str, float]], lag: float, search: Search, shouts: bool, alike: bool
    ) -> None:
        world = World(
            policy=policy, submissions=submissions, lag=lag, search=search, shouts=shouts, alike=alike
        )
        play(world, actions)

    whatever_happens()


@pytest.mark.parametrize("policy", ["skip", "update"])
@pytest.mark.parametrize("newest_first", [False, True])
def test_p3_two_workers_keep_the_contact_current_while_the_operator_changes_it(
    policy: Policy, newest_first: bool
) -> None:
    @settings(QUICK, max_examples=examples(250))
    @given(OPERATED | EDITED, st.sampled_from([0, 10, LAG]), st.booleans(), BEFORE)
    def whatever_happens(
        actions: list[tuple[int, str, float]], lag: float, forms: bool, before: Before
    ) -> None:
        world = World(policy=policy, lag=lag, newest_first=newest_first, forms=forms, before=before)
        play_operated(world, actions)

    whatever_happens()


@pytest.mark.parametrize("policy", ["skip", "update", "create"])
def test_p3_redelivery_never_brings_a_deleted_contact_back(policy: Policy) -> None:
    @settings(QUICK, max_examples=examples(200))
    @given(ACTIONS)
    def whatever_happens(actions: list[tuple[int, str, float]]) -> None:
        play_redelivered(World(policy=policy), actions)

    whatever_happens()


def test_p3_no_invocation_outlives_the_lease_of_its_claim() -> None:
    """The one thing that the ledger rests on: Lambda ends an invocation before its claim lapses."""
    assert INVOCATION_SECONDS <= LEASE_SECONDS


class CheckThenInsert(SteppedLedger):
    """Reads whether the contact is free, and writes the claim in a second step."""

    def claim(self, contact: ContactRequest, delivery_id: str, resent_as: str = "") -> Claim | Created:
        before = {key: dict(item) for key, item in self.memory.stored.items()}
        CURRENT.worker.pause()
        self.memory.stored = before
        held: Claim | Created = FakeLedger.claim(self, contact, delivery_id, resent_as)
        return held


class LapsedIsFree(SteppedLedger):
    """Takes a claim whose lease ran out for a free one."""

    def claim(self, contact: ContactRequest, delivery_id: str, resent_as: str = "") -> Claim | Created:
        held: Claim | Created = super().claim(contact, delivery_id, resent_as)
        if isinstance(held, Claim):
            return replace(held, fresh=True, lookup_was_empty=False)
        return held


class OneLookDecides(SteppedLedger):
    """Lets the first look-up that finds nothing decide, however lately the call was made."""

    def claim(self, contact: ContactRequest, delivery_id: str, resent_as: str = "") -> Claim | Created:
        held: Claim | Created = super().claim(contact, delivery_id, resent_as)
        if isinstance(held, Claim):
            return replace(held, lookup_was_empty=True)
        return held


class NoLookUp(Delivery):
    """Creates again where the outcome is unknown."""

    def _find_existing(self, *_: Any) -> None:
        return None


class ReleasedOnTimeout(SteppedLedger):
    """Frees the claim of a call that timed out."""

    def mark_unknown(self, claim: Claim) -> None:
        self.release(claim)


class UnresolvedIsFree(SteppedLedger):
    """Frees an unknown outcome when its look-up fails."""

    def restore(self, claim: Claim) -> None:
        self.release(claim)


class AnyoneAdopts(SteppedLedger):
    """Lets each submission take any contact of that person for its own."""

    def reserve_contact(self, claim: Claim, contact_id: str) -> bool:
        return True


class Forgets(Delivery):
    """Acknowledges what somebody else is at, and keeps it nowhere."""

    def requeue_or_park(
        self, submission: Submission, error: Retryable | Permanent, earlier: Envelope | None = None
    ) -> Any:
        return (
            "queued" if isinstance(error, ClaimHeld) else super().requeue_or_park(submission, error, earlier)
        )


class SearchesTheWholeAddress(SteppedClemta):
    """Searches for the address with its `+`, which a regular expression does not take for itself."""

    def term(self, contact: ContactRequest) -> str:
        return contact.email


class SendsTheCaseAsWritten(SteppedClemta):
    """Creates the contact with capitals in its address, and searches for small letters."""

    def create(self, contact: ContactRequest, deadline: Deadline) -> str:
        capitals = contact.model_copy(update={"email": contact.email.upper()})
        contact_id: str = super().create(capitals, deadline)
        return contact_id


class TrustsTheSearch(SteppedClemta):
    """Takes all that the search finds for the person's, a stranger with that name included."""

    def matches(self, entry: Mapping[str, Any], contact: ContactRequest) -> bool:
        return True


class FreshGoesAhead(Delivery):
    """Looks up only what is not fresh, as `create` does: else the look-up hides a claim that was wrongly given."""

    def _find_existing(self, job: Any, claim: Claim) -> Any:
        return None if claim.fresh else super()._find_existing(job, claim)


@pytest.mark.parametrize(
    "bug",
    [
        {"make_ledger": lambda clock: CheckThenInsert(clock, LAG)},
        {"make_ledger": lambda clock: LapsedIsFree(clock, LAG), "make_delivery": FreshGoesAhead},
        {"make_delivery": NoLookUp},
        {"make_ledger": lambda clock: ReleasedOnTimeout(clock, LAG)},
        {"make_ledger": lambda clock: OneLookDecides(clock, LAG)},
        {"make_ledger": lambda clock: UnresolvedIsFree(clock, LAG), "make_delivery": FreshGoesAhead},
        {"make_ledger": lambda clock: AnyoneAdopts(clock, LAG), "policy": "create", "alike": True},
        {"make_delivery": Forgets, "submissions": 1},
        {"make_clemta": SearchesTheWholeAddress, "search": SEARCHES["a regular expression"]},
        {"make_clemta": SendsTheCaseAsWritten, "search": SEARCHES["case-sensitive"]},
        {"make_clemta": TrustsTheSearch},
    ],
    ids=[
        "check then insert",
        "a lapsed lease is free",
        "no look-up",
        "release on timeout",
        "one look",
        "unresolved is free",
        "anyone adopts",
        "acknowledged and forgotten",
        "the whole address is searched",
        "the case is sent as written",
        "the search is trusted",
    ],
)
def test_the_model_notices_every_seeded_bug_that_makes_none_or_two_contacts(bug: dict[str, Any]) -> None:
    @settings(QUICK, max_examples=3_000, phases=[Phase.generate])
    @given(ACTIONS)
    def buggy(actions: list[tuple[int, str, float]]) -> None:
        play(World(**bug), actions)

    with pytest.raises(AssertionError, match="exactly one contact"):
        buggy()


UPDATES: dict[str, Any] = {"policy": "update", "before": "made"}


class StaysKnown(Delivery):
    """Takes a contact that was made once for one that is there."""

    def _deliver_known(self, job: Any, known: Created) -> Outcome | Claim:
        return Outcome("duplicate", known.contact_id)


class ForgetsDeliveries(SteppedLedger):
    """Takes a redelivery for a new event."""

    def claim(self, contact: ContactRequest, delivery_id: str, resent_as: str = "") -> Claim | Created:
        held: Claim | Created = super().claim(contact, delivery_id)
        return held


class EverybodyMakesItAgain(SteppedLedger):
    """Claims what is gone, whoever is at it."""

    def reclaim(self, known: Created, holder: Claim | None = None) -> Claim:
        self.items[known.key].update(state="created", contact_id=known.contact_id)
        self.items[known.key].pop("owner", None)
        claim: Claim = super().reclaim(known, holder)
        return claim


class SeenWhenWritten(SteppedLedger):
    """Writes down that the contact was there when it wrote it down, not before the call that showed it."""

    def record_created(self, *given: Any, **named: Any) -> None:
        claim, contact_id, _, *rest = given
        super().record_created(claim, contact_id, self.clock.now, *rest, **named)


class AnyOrder(SteppedLedger):
    """Lets an older event overwrite a newer one."""

    def claim_update(self, known: Created, happened_at: float) -> Claim | None:
        self.items[known.key].pop("applied_at", None)
        held: Claim | None = super().claim_update(known, happened_at)
        return held


class NoTurns(SteppedLedger):
    """Lets two update at once."""

    def claim_update(self, known: Created, happened_at: float) -> Claim | None:
        self.items[known.key].pop("owner", None)
        held: Claim | None = super().claim_update(known, happened_at)
        return held


class NeverLate(SteppedLedger):
    """Takes an update without an answer for one that took no effect."""

    def mark_update_unknown(self, claim: Claim) -> None:
        self.release_update(claim)


class TimeIsLost(SteppedLedger):
    """Acknowledges a contact whose time it could not write down."""

    def record_created(self, *given: Any, **named: Any) -> None:
        try:
            super().record_created(*given, **named)
        except Retryable:
            return


def played(steps: int) -> list[tuple[int, str, float]]:
    """A worker starts and takes these steps, and nothing happens to them."""
    return [(2, "go", 1.0)] + [(0, "go", 1.0)] * steps


@pytest.mark.parametrize(
    ("bug", "actions", "found", "said"),
    [
        ({"make_delivery": StaysKnown}, OPERATED, [*played(6), (DELETES, "go", 1)], "exactly one contact"),
        (
            {"make_ledger": lambda clock: EverybodyMakesItAgain(clock, LAG), "before": "deleted"},
            OPERATED,
            [],
            "never two",
        ),
        (
            {"make_ledger": lambda clock: SeenWhenWritten(clock, LAG), "submissions": 1},
            actions_of([0, 0, 0, 0, 0, 2, DELETES, COMES]),
            [*played(6), (DELETES, "go", 1), (COMES, "go", 1)],
            "signed up again",
        ),
        (
            {"make_ledger": lambda clock: AnyOrder(clock, LAG), **UPDATES, "newest_first": True},
            EDITED,
            [],
            "newest was applied last",
        ),
        (
            {"make_ledger": lambda clock: NoTurns(clock, LAG), **UPDATES},
            actions_of([0, 1, 2]),
            [(2, "go", 1), (2, "go", 1), *[(1, "go", 1)] * 6],
            "P3",
        ),
        (
            {"make_ledger": lambda clock: NeverLate(clock, LAG), "lag": 0, **UPDATES},
            actions_of([0, 0, 0, 1, 2]),
            [*played(7), (0, "late", 1)],
            "newest was applied last",
        ),
        (
            {"make_ledger": lambda clock: TimeIsLost(clock, LAG), "policy": "update", "newest_first": True},
            actions_of([0, 0, 0, 0, 2, 3]),
            [*played(7), (0, "lost before", 1)],
            "newest was applied last",
        ),
        ({"weak": frozenset(), **UPDATES}, EDITED, [], "no default overwrites"),
    ],
    ids=[
        "a deleted contact stays known",
        "everybody makes it again",
        "seen when written",
        "any order",
        "two update at once",
        "an update without an answer is over",
        "the time is lost",
        "a default overwrites",
    ],
)
def test_the_model_notices_every_seeded_bug_of_a_contact_that_the_operator_changes(
    bug: dict[str, Any],
    actions: st.SearchStrategy[list[tuple[int, str, float]]],
    found: list[tuple[int, str, float]],
    said: str,
) -> None:
    """`found` shows it at once, if the steps are still those; the search would take seconds."""

    @settings(QUICK, max_examples=3_000, phases=[Phase.explicit, Phase.generate])
    @example(found)
    @given(actions)
    def buggy(actions: list[tuple[int, str, float]]) -> None:
        play_operated(World(**bug), actions)

    with pytest.raises(AssertionError, match=said):
        buggy()


def test_the_model_notices_a_redelivery_that_is_taken_for_a_new_event() -> None:
    @settings(QUICK, phases=[Phase.generate])
    @given(ACTIONS)
    def buggy(actions: list[tuple[int, str, float]]) -> None:
        play_redelivered(World(make_ledger=lambda clock: ForgetsDeliveries(clock, LAG)), actions)

    with pytest.raises(AssertionError, match="stays deleted"):
        buggy()


def test_the_model_notices_names_that_are_compared_letter_by_letter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clemta_intake.delivery.same_name", str.__eq__)

    @settings(QUICK, max_examples=3_000, phases=[Phase.generate])
    @given(ACTIONS)
    def buggy(actions: list[tuple[int, str, float]]) -> None:
        play(World(policy="create", shouts=True), actions)

    with pytest.raises(AssertionError, match="exactly one contact"):
        buggy()


@QUICK
@given(ACTIONS)
def test_p4_permanently_refused_submission_is_parked(actions: list[tuple[int, str, float]]) -> None:
    world = World(submissions=1)
    world.clemta.trouble = world.clemta.search_trouble = ConfigError("ACCESS_DENIED", status=403)
    disturb(world, actions)
    assert len(world.theirs) <= 1
    assert len(world.theirs) + len(world.queues.parked) >= 1
