"""P1, P3, P4 under every interleaving: two workers, crashes between any two steps, lost answers, late effects, time.

Calls to Clemta, to the ledger and to the queues are the steps. Hypothesis chooses who takes the next one and what
happens to it; then the faults end and everything runs out. The seeded bugs at the end show that the model would notice.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from clemta_intake.contacts import ContactRequest
from clemta_intake.deadlines import Deadline
from clemta_intake.delivery import Claim, Created, Delivery, Policy
from clemta_intake.errors import Busy, ConfigError, OutcomeUnknown, Permanent, Temporary, Unavailable
from clemta_intake.ledger import LEASE_SECONDS
from clemta_intake.queues import Envelope
from clemta_intake.submissions import Submission
from tests.fakes import SEARCHES, Clock, FakeClemta, FakeLedger, FakeQueues, Search, contact

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

    def call(self: Any, *given: Any) -> Any:
        worker: Worker = CURRENT.worker
        fate = worker.pause()
        if fate == "lost before":
            raise self.trouble
        answer = method(self, *given)
        if fate == "lost after":
            raise self.trouble
        if worker.pause() == "lost after":
            raise self.trouble
        return answer

    return call


class SteppedClemta(FakeClemta):
    """`lag`: how far the search is behind; `late`: how long a call whose caller has gone may take to its effect."""

    lag = late = 0.0
    trouble: Exception = OutcomeUnknown("no_answer")
    search_trouble: Exception = Temporary("no_answer")

    @outside
    def create(self, contact: ContactRequest, deadline: Deadline) -> str:
        contact_id = super().create(contact, deadline)
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
        seen = super().find(contact, deadline)
        return [entry for entry in seen if entry["created_at"] + self.lag <= self.clock.now]


class SteppedLedger(FakeLedger):
    trouble: Exception = Temporary("ledger_unavailable")

    @outside
    def claim(self, contact: ContactRequest, delivery_id: str) -> Claim | Created:
        return super().claim(contact, delivery_id)

    def created(self, claim: Claim, contact_id: str) -> None:
        self._step("created", claim, contact_id)

    def reserve(self, claim: Claim, contact_id: str) -> bool:
        return bool(self._step("reserve", claim, contact_id))

    def unknown(self, claim: Claim) -> None:
        self._quietly("unknown", claim)

    def unseen(self, claim: Claim) -> None:
        self._quietly("unseen", claim)

    def unresolved(self, claim: Claim) -> None:
        self._quietly("unresolved", claim)

    def release(self, claim: Claim) -> None:
        self._quietly("release", claim)

    def _quietly(self, name: str, claim: Claim) -> None:
        try:
            self._step(name, claim)
        except Temporary:
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
    """A submission that comes at `at`, from its sender or from the retry queue."""

    submission_id: str
    at: float = 0
    earlier: Envelope | None = None


@dataclass
class World:
    """The queue's messages and who works on them; a message is gone only when its work came to an end."""

    make_ledger: Callable[[Clock], FakeLedger] = lambda clock: SteppedLedger(clock, LAG)
    make_clemta: type[SteppedClemta] = SteppedClemta
    make_delivery: type[Delivery] = Delivery
    search: Search = SEARCHES["text, any case, names too"]
    policy: Policy = "skip"
    submissions: int = 2
    lag: float = LAG
    clock: Clock = field(default_factory=Clock)
    workers: list[Worker] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.messages = [Message(f"s{number}") for number in range(self.submissions)]
        self.clemta = self.make_clemta(self.clock, {"stranger": dict(STRANGER)}, search=self.search)
        self.clemta.lag, self.clemta.late = self.lag, LAG - self.lag
        self.queues = SteppedQueues()
        self.delivery = self.make_delivery(
            self.clemta,
            self.make_ledger(self.clock),
            self.queues,
            retry_base=1,
            give_up=72,
            search_lag=LAG,
            clock=self.clock,
        )

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
                self.messages.append(replace(message, at=self.clock.now + 360))

        worker = Worker(lambda: self.deliver(message), ended, self.clock.now)
        self.workers.append(worker)

    def deliver(self, message: Message) -> None:
        submission = Submission(message.submission_id, "website", 0.0, b"")
        try:
            one = contact(ADDRESSES[int(message.submission_id[1:]) % len(ADDRESSES)])
            self.delivery.deliver(one, self.policy, message.submission_id, Deadline.after(1_000))
        except (Temporary, Permanent) as error:
            self.delivery.keep(submission, error, message.earlier)

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
                return
            if self.due():
                self.start()
            else:
                self.advance(min(message.at for message in self.messages) - self.clock.now)
        raise AssertionError("it does not come to an end")


FATES = st.sampled_from(["go"] * 12 + ["crash", "lost before", "lost after", "lost after", "late"])
# Who goes on: worker 0 or 1, a new one (2), or time (3).
CHOICES = st.sampled_from([0, 0, 0, 0, 1, 1, 1, 2, 2, 3])
ACTIONS = st.lists(
    st.tuples(CHOICES, FATES, st.sampled_from([0.5, 1, 5, 29, 31, 61, 95])), min_size=10, max_size=50
)


def disturb(world: World, actions: list[tuple[int, str, float]]) -> None:
    """Plays the actions, then lets everything run out."""
    for choice, fate, seconds in actions:
        if choice < len(world.workers):
            world.workers[choice].step(fate)
        elif choice == 2 and world.due():
            world.start()
        elif choice == 3:
            world.advance(seconds)
    world.run_out()


def play(world: World, actions: list[tuple[int, str, float]]) -> None:
    """Holds what comes of the actions to the promises."""
    disturb(world, actions)
    wanted = world.submissions if world.policy == "create" else 1
    made = world.clemta.stored.keys() - {"stranger"}
    assert len(made) == wanted, "exactly one contact (P3), and none lost (P1, P4)"
    assert not world.queues.parked


QUICK = settings(
    max_examples=500, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), database=None
)


@pytest.mark.parametrize("policy", ["skip", "update", "create"])
@pytest.mark.parametrize("submissions", [1, 2])
def test_p1_p3_p4_two_workers_make_one_contact_whatever_happens(policy: Policy, submissions: int) -> None:
    @QUICK
    @given(ACTIONS, st.sampled_from([0, 10, LAG]), st.sampled_from(list(SEARCHES.values())))
    def whatever_happens(actions: list[tuple[int, str, float]], lag: float, search: Search) -> None:
        play(World(policy=policy, submissions=submissions, lag=lag, search=search), actions)

    whatever_happens()


def test_p3_a_worker_that_lives_on_after_its_lease_is_impossible() -> None:
    """The one thing that the ledger rests on: Lambda ends an invocation before its claim lapses."""
    assert INVOCATION_SECONDS <= LEASE_SECONDS


class CheckThenInsert(SteppedLedger):
    """Reads whether the contact is free, and writes the claim in a second step."""

    def claim(self, contact: ContactRequest, delivery_id: str) -> Claim | Created:
        before = {key: dict(item) for key, item in self.items.items()}
        CURRENT.worker.pause()
        self.items = before
        held: Claim | Created = FakeLedger.claim(self, contact, delivery_id)
        return held


class LapsedIsFree(SteppedLedger):
    """Takes a claim whose lease ran out for a free one."""

    def claim(self, contact: ContactRequest, delivery_id: str) -> Claim | Created:
        held: Claim | Created = super().claim(contact, delivery_id)
        if isinstance(held, Claim):
            return Claim(held.key, held.id, True, held.since)
        return held


class OneLookDecides(SteppedLedger):
    """Lets the first look-up that finds nothing decide, however lately the call was made."""

    def claim(self, contact: ContactRequest, delivery_id: str) -> Claim | Created:
        held: Claim | Created = super().claim(contact, delivery_id)
        if isinstance(held, Claim):
            return Claim(held.key, held.id, held.fresh, held.since, looked=True)
        return held


class NoLookUp(Delivery):
    """Creates again where the outcome is unknown."""

    def _look_up(self, *_: Any) -> None:
        return None


class ReleasedOnTimeout(SteppedLedger):
    """Frees the claim of a call that timed out."""

    def unknown(self, claim: Claim) -> None:
        self.release(claim)


class UnresolvedIsFree(SteppedLedger):
    """Frees an unknown outcome when its look-up fails."""

    def unresolved(self, claim: Claim) -> None:
        self.release(claim)


class AnyoneAdopts(SteppedLedger):
    """Lets each submission take any contact of that person for its own."""

    def reserve(self, claim: Claim, contact_id: str) -> bool:
        return True


class Forgets(Delivery):
    """Acknowledges what somebody else is at, and keeps it nowhere."""

    def keep(
        self, submission: Submission, error: Temporary | Permanent, earlier: Envelope | None = None
    ) -> Any:
        return "queued" if isinstance(error, Busy) else super().keep(submission, error, earlier)


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

    def _look_up(self, contact: ContactRequest, policy: Policy, claim: Claim, deadline: Deadline) -> Any:
        return None if claim.fresh else super()._look_up(contact, policy, claim, deadline)


@pytest.mark.parametrize(
    "bug",
    [
        {"make_ledger": lambda clock: CheckThenInsert(clock, LAG)},
        {"make_ledger": lambda clock: LapsedIsFree(clock, LAG), "make_delivery": FreshGoesAhead},
        {"make_delivery": NoLookUp},
        {"make_ledger": lambda clock: ReleasedOnTimeout(clock, LAG)},
        {"make_ledger": lambda clock: OneLookDecides(clock, LAG)},
        {"make_ledger": lambda clock: UnresolvedIsFree(clock, LAG), "make_delivery": FreshGoesAhead},
        {"make_ledger": lambda clock: AnyoneAdopts(clock, LAG), "policy": "create"},
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
def test_the_model_notices(bug: dict[str, Any]) -> None:
    @settings(QUICK, max_examples=3_000, phases=[Phase.generate])
    @given(ACTIONS)
    def buggy(actions: list[tuple[int, str, float]]) -> None:
        play(World(**bug), actions)

    with pytest.raises(AssertionError, match="exactly one contact"):
        buggy()


@QUICK
@given(ACTIONS)
def test_p4_what_is_refused_for_good_is_parked_once(actions: list[tuple[int, str, float]]) -> None:
    world = World(submissions=1)
    world.clemta.trouble = world.clemta.search_trouble = ConfigError("ACCESS_DENIED", status=403)
    disturb(world, actions)
    made = world.clemta.stored.keys() - {"stranger"}
    assert len(made) <= 1
    assert len(made) + len(world.queues.parked) >= 1
