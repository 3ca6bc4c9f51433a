"""The retry rule, case by case."""

from copy import replace

import pytest

from clemta_intake.errors import (
    ClaimHeld,
    ConfigError,
    DataError,
    Deferred,
    KeyRefused,
    LookupInconclusive,
    NotApplied,
    OutcomeUnknown,
    Permanent,
    RateLimited,
    Retryable,
    Throttled,
)
from clemta_intake.model import Envelope, Failure, Submission
from clemta_intake.retry import MAX_DELAY, Park, Requeue, RetryPolicy, decide

NOW = 1_800_000_000.0
HOUR, DAY = 3600, 86_400
SUBMISSION = Submission("s1", "website", NOW - 5, b"\x00\xffraw", "text/plain", {"x-id": "1"}, {"q": "2"})
OUTAGE = Failure("outage", 500, "INTERNAL_ERROR", "")
LONGEST = RetryPolicy(jitter=lambda low, high: high)
SHORTEST = RetryPolicy(jitter=lambda low, high: low)


def failed(attempt: int = 1, seconds: float = 0, waited: float | None = None) -> Envelope:
    """A submission whose first failure, and whose first time in a queue, was so many seconds ago."""
    waited = seconds if waited is None else waited
    return Envelope(SUBMISSION, attempt, NOW - seconds, OUTAGE, waiting_since=NOW - waited)


def requeued(
    error: Retryable, earlier: Envelope | None = None, policy: RetryPolicy = LONGEST, now: float = NOW
) -> Requeue:
    decision = decide(policy, SUBMISSION, earlier, error, now)
    assert isinstance(decision, Requeue)
    return decision


def parked(error: Retryable | Permanent, earlier: Envelope | None = None, now: float = NOW) -> Envelope:
    decision = decide(LONGEST, SUBMISSION, earlier, error, now)
    assert isinstance(decision, Park)
    return decision.envelope


def test_p1_first_failure_is_retried_with_the_whole_submission() -> None:
    assert requeued(NotApplied("INTERNAL_ERROR", "oh", status=500)) == Requeue(
        Envelope(SUBMISSION, 1, NOW, Failure("outage", 500, "INTERNAL_ERROR", "oh"), NOW, "", NOW), 30
    )


def test_the_delay_doubles_with_each_attempt_up_to_900_s() -> None:
    delays, earlier = [], None
    for _ in range(8):
        decision = requeued(NotApplied("x"), earlier)
        earlier = decision.envelope
        delays.append(decision.delay)
    assert delays == [30, 60, 120, 240, 480, 900, 900, 900]
    assert earlier is not None
    assert earlier.attempt == 8


def test_a_very_high_attempt_has_the_longest_delay() -> None:
    assert requeued(NotApplied("x"), failed(attempt=10**9)).delay == MAX_DELAY


def test_the_policy_sets_the_base_and_the_longest_delay() -> None:
    policy = LONGEST._replace(base_delay=1, max_delay=3)
    assert [requeued(NotApplied("x"), failed(n), policy).delay for n in range(4)] == [1, 2, 3, 3]


def test_jitter_is_full_between_zero_and_the_backoff() -> None:
    asked: list[tuple[float, float]] = []

    def jitter(low: float, high: float) -> float:
        asked.append((low, high))
        return 7

    decision = requeued(NotApplied("x", retry_after=5), failed(attempt=2), LONGEST._replace(jitter=jitter))
    assert asked == [(0, 120)]
    assert decision.delay == 12


def test_jitter_is_random_by_default() -> None:
    delays = {requeued(NotApplied("x"), policy=RetryPolicy()).delay for _ in range(20)}
    assert len(delays) > 1
    assert all(0 <= delay <= 30 for delay in delays)


@pytest.mark.parametrize("policy", [LONGEST, SHORTEST], ids=["most jitter", "no jitter"])
@pytest.mark.parametrize("seconds", [5, 3600])
def test_a_retry_never_comes_before_retry_after(policy: RetryPolicy, seconds: float) -> None:
    decision = requeued(Throttled("RATE_LIMIT_EXCEEDED", status=429, retry_after=seconds), policy=policy)
    assert decision.delay >= seconds
    assert decision.envelope.not_before == NOW + seconds


@pytest.mark.parametrize(
    ("kind", "slot", "delay"),
    [
        (ClaimHeld, "", 5 + 30),
        (LookupInconclusive, "", 5 + 30),
        (RateLimited, "", 5 + 30),
        (RateLimited, "open:3", 5),
    ],
)
def test_deferral_is_not_an_attempt_and_its_slot_gets_no_jitter(
    kind: type[Deferred], slot: str, delay: float
) -> None:
    decision = requeued(kind("x", retry_after=5, slot=slot))
    assert decision.envelope.slot == slot
    assert decision.envelope.attempt == 0
    assert decision.delay == delay


def test_a_429_that_got_a_slot_is_an_attempt_without_jitter() -> None:
    decision = requeued(Throttled("RATE_LIMIT_EXCEEDED", retry_after=9, slot="open_late:2"))
    assert (decision.envelope.attempt, decision.envelope.slot, decision.delay) == (1, "open_late:2", 9)


@pytest.mark.parametrize("error", [NotApplied("x"), OutcomeUnknown("x"), ClaimHeld("claimed")])
def test_p6_a_submission_keeps_its_slot_unless_it_gets_another(error: Retryable) -> None:
    earlier = replace(failed(), slot="open:9")
    assert requeued(error, earlier).envelope.slot == "open:9"
    assert requeued(RateLimited("x", slot="open:12"), earlier).envelope.slot == "open:12"


def test_p6_waiting_for_a_slot_never_counts_as_a_failure() -> None:
    waited = requeued(RateLimited("budget_used_up"), now=NOW - 100 * HOUR).envelope
    assert requeued(RateLimited("budget_used_up"), waited).envelope.attempt == 0
    decision = requeued(NotApplied("x"), waited)
    assert (decision.envelope.attempt, decision.envelope.first_failure_at) == (1, NOW)
    assert decision.envelope.waiting_since == NOW - 100 * HOUR


@pytest.mark.parametrize("error", [ClaimHeld("claimed"), NotApplied("x")])
@pytest.mark.parametrize(
    ("seconds", "kind"), [(14 * DAY - 1, Requeue), (14 * DAY, Park), (14 * DAY + 1, Park)]
)
def test_p4_waiting_ends_after_14_days_and_not_before(
    error: Retryable, seconds: float, kind: type[Requeue | Park]
) -> None:
    earlier = failed(attempt=1, seconds=60, waited=seconds)
    assert isinstance(decide(LONGEST, SUBMISSION, earlier, error, NOW), kind)


def test_p4_a_slot_beyond_14_days_is_waited_for_14_days_only() -> None:
    decision = requeued(RateLimited("budget_used_up", retry_after=1e9, slot="open:9"))
    assert decision.envelope.not_before == NOW + 14 * DAY


def test_p4_a_submission_that_waited_too_long_is_parked_as_an_outage_and_a_replay_starts_afresh() -> None:
    earlier = replace(failed(0, waited=14 * DAY), slot="open:9", not_before=NOW)
    envelope = parked(ClaimHeld("claimed"), earlier)
    assert (envelope.failure.failure_class, envelope.failure.code) == ("outage", "claimed")
    assert (envelope.slot, envelope.waiting_since, envelope.not_before) == ("", 0, 0)


@pytest.mark.parametrize(
    ("seconds", "kind"),
    [(60, Requeue), (72 * HOUR - 1, Requeue), (72 * HOUR, Park), (72 * HOUR + 1, Park)],
)
@pytest.mark.parametrize("error", [NotApplied("x"), OutcomeUnknown("x"), Throttled("x", status=429)])
def test_p4_a_submission_that_fails_is_given_up_after_72_hours_and_not_before(
    error: Retryable, seconds: float, kind: type[Requeue | Park]
) -> None:
    assert isinstance(decide(LONGEST, SUBMISSION, failed(2, seconds), error, NOW), kind)


def test_p4_a_deferral_is_not_given_up_after_72_hours_of_failing() -> None:
    assert requeued(ClaimHeld("claimed"), failed(2, 73 * HOUR)).envelope.attempt == 2


@pytest.mark.parametrize(
    "error", [Throttled("RATE_LIMIT_EXCEEDED", status=429), NotApplied("RATE_LIMIT_EXCEEDED", status=503)]
)
def test_p4_a_submission_that_is_given_up_is_parked_as_an_outage_with_its_attempts(error: Retryable) -> None:
    earlier = failed(40, 72 * HOUR)
    assert parked(error, earlier) == Envelope(
        SUBMISSION,
        41,
        earlier.first_failure_at,
        Failure("outage", error.status, "RATE_LIMIT_EXCEEDED", "RATE_LIMIT_EXCEEDED"),
    )


@pytest.mark.parametrize("earlier", [None, failed(2, 60)], ids=["at once", "after a failure"])
@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ConfigError("ACCESS_DENIED", status=403), "config"),
        (KeyRefused("INVALID_API_KEY", status=401), "config"),
        (DataError("VALIDATION_FAILED", "email", status=400), "data"),
    ],
)
def test_p4_a_permanent_failure_is_parked_with_its_class(
    error: Permanent, expected: str, earlier: Envelope | None
) -> None:
    envelope = parked(error, earlier)
    assert envelope.submission == SUBMISSION
    assert (envelope.failure.failure_class, envelope.failure.code) == (expected, error.code)
    assert envelope.failure.status == error.status
    assert envelope.attempt == (3 if earlier else 1)
    assert envelope.first_failure_at == (NOW - 60 if earlier else NOW)


@pytest.mark.parametrize("error", [DataError("x", "y" * 10_000), NotApplied("x", "y" * 10_000)])
def test_a_long_message_is_cut_to_500_characters(error: Retryable | Permanent) -> None:
    assert decide(LONGEST, SUBMISSION, None, error, NOW).envelope.failure.message == "y" * 500
