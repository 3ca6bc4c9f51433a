"""What both functions are told, how long they have, and which error is whose."""

import time

import pytest

from clemta_intake import errors
from clemta_intake.deadlines import ANSWER_SECONDS, RESERVE_SECONDS, Deadline
from clemta_intake.settings import Settings
from tests.support.fakes import Clock

ENVIRONMENT = {
    "CLEMTA_BASE_URL": "https://api.example.com/",
    "CLEMTA_SECRET_ID": "clemta",
    "SIGNING_SECRET_ID": "signing",
    "LEDGER_PEPPER_ID": "pepper",
    "LEDGER_TABLE": "ledger",
    "RETRY_QUEUE_URL": "https://sqs.example.com/retry",
    "DEAD_LETTER_QUEUE_URL": "https://sqs.example.com/dead",
    "HELD_QUEUE_URL": "https://sqs.example.com/held",
    "DEFAULT_COMPANY_ID": "64b8f1a2e4b0c8d9f0123456",
    "RETRY_BASE_SECONDS": "30",
    "GIVE_UP_HOURS": "72",
    "SEARCH_LAG_SECONDS": "1.5",
    "RECHECK_SECONDS": "300",
    "CLEMTA_REQUESTS_PER_MINUTE": "100",
    "PROVEN_EVERY": "5",
    "LIST_SECONDS": "10",
}
NUMBERS = [
    "RETRY_BASE_SECONDS",
    "GIVE_UP_HOURS",
    "SEARCH_LAG_SECONDS",
    "RECHECK_SECONDS",
    "CLEMTA_REQUESTS_PER_MINUTE",
    "PROVEN_EVERY",
    "LIST_SECONDS",
]


class TestSettings:
    def test_settings_come_from_the_environment(self) -> None:
        read = Settings.read({**ENVIRONMENT, "AWS_SECRET_ACCESS_KEY": "not ours"})
        assert read.clemta_base_url == "https://api.example.com"
        assert read.clemta_secret_id == "clemta"
        assert read.signing_secret_id == "signing"
        assert read.ledger_table == "ledger"
        assert read.retry_queue_url == "https://sqs.example.com/retry"
        assert read.dead_letter_queue_url == "https://sqs.example.com/dead"
        assert read.default_company_id == "64b8f1a2e4b0c8d9f0123456"
        assert (read.retry_base_seconds, read.give_up_hours, read.search_lag_seconds) == (30, 72, 1.5)
        assert (read.recheck_seconds, read.clemta_requests_per_minute) == (300, 100)
        assert (read.proven_every, read.list_seconds) == (5, 10)

    def test_a19_settings_detect_sam_local(self) -> None:
        assert Settings.read(ENVIRONMENT | {"AWS_SAM_LOCAL": "true"}).sam_local
        assert not Settings.read(ENVIRONMENT | {"AWS_SAM_LOCAL": ""}).sam_local
        assert not Settings.read(ENVIRONMENT).sam_local

    @pytest.mark.parametrize("name", ENVIRONMENT)
    def test_missing_setting_is_named(self, name: str) -> None:
        with pytest.raises(KeyError, match=name):
            Settings.read({key: value for key, value in ENVIRONMENT.items() if key != name})

    @pytest.mark.parametrize("name", NUMBERS)
    @pytest.mark.parametrize("value", ["", "clemta_key_in_the_wrong_place", "1,5"])
    def test_p8_wrong_setting_is_named_without_its_value(self, name: str, value: str) -> None:
        with pytest.raises(ValueError, match=rf"^{name} is not a number$") as caught:
            Settings.read(ENVIRONMENT | {name: value})
        assert caught.value.__suppress_context__, "a traceback would print float's own error, with the value"


class TestDeadlines:
    def left(self, began: object) -> float:
        return Deadline.of_request({"requestContext": {"requestTimeEpoch": began}}).remaining()

    def test_p7_deadline_counts_from_api_gateways_receipt(self) -> None:
        began = (time.time() - 1.5) * 1000
        assert self.left(began) == pytest.approx(ANSWER_SECONDS - 1.5, abs=0.5)
        assert self.left(int(began)) == pytest.approx(ANSWER_SECONDS - 1.5, abs=0.5)

    def test_p7_a_sender_that_waited_too_long_has_no_time_left(self) -> None:
        assert self.left((time.time() - 10) * 1000) < 0

    def test_p7_event_older_than_api_gateways_timeout_is_a_replayed_event(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        clock = Clock()
        monkeypatch.setattr(time, "time", clock)
        monkeypatch.setattr(time, "monotonic", lambda: 0.0)
        for waited, left in ((28.9, ANSWER_SECONDS - 0.1 - 28.9), (29, ANSWER_SECONDS - 0.1)):
            assert round(self.left((clock.now - waited) * 1000), 3) == round(left, 3)

    def test_p7_no_call_starts_with_less_than_0_3_s_left(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(time, "monotonic", lambda: 0.0)
        assert Deadline(0.3).check() == 0.3
        with pytest.raises(errors.Retryable, match="no_time_left"):
            Deadline(0.29).check()

    def test_a19_the_frozen_clock_of_sam_local_start_api_takes_no_time_from_a_request(self) -> None:
        event = {"requestContext": {"requestTimeEpoch": (time.time() - 10) * 1000}}
        left = Deadline.of_request(event, sam_local=True).remaining()
        assert left == pytest.approx(ANSWER_SECONDS, abs=0.5)

    @pytest.mark.parametrize(
        "began", [None, "1800000000000", 0, 1_500_000_000_000, 4_000_000_000_000], ids=str
    )
    def test_impossible_start_time_counts_as_now(self, began: object) -> None:
        assert self.left(began) == pytest.approx(ANSWER_SECONDS, abs=0.5)

    @pytest.mark.parametrize("event", [{}, {"requestContext": None}])
    def test_event_without_a_start_time_counts_as_new(self, event: dict[str, object]) -> None:
        assert Deadline.of_request(event).remaining() == pytest.approx(ANSWER_SECONDS, abs=0.5)

    def test_earlier_deadline_reserves_time(self) -> None:
        whole = Deadline.after(ANSWER_SECONDS)
        assert whole.at - whole.earlier(RESERVE_SECONDS).at == pytest.approx(RESERVE_SECONDS)

    def test_deadline_can_be_past(self) -> None:
        assert Deadline.after(-1).remaining() == pytest.approx(-1, abs=0.5)


class TestErrors:
    @pytest.mark.parametrize(
        ("refusal", "status"),
        [
            (errors.UnknownSource, 404),
            (errors.Unauthentic, 401),
            (errors.ForeignOrigin, 403),
            (errors.TooLarge, 413),
            (errors.UnsupportedMedia, 415),
            (errors.Unreadable, 400),
        ],
    )
    def test_each_refusal_has_its_http_status(self, refusal: type[errors.Refused], status: int) -> None:
        error = refusal("a_word")
        assert isinstance(error, errors.Refused)
        assert (error.status, error.code, str(error)) == (status, "a_word", "a_word")

    def test_unmappable_error_names_all_wrong_fields(self) -> None:
        error = errors.Unmappable([("email", "is required"), ("full_name", "must be text")])
        assert (error.status, error.code) == (422, "invalid_fields")
        assert error.fields == [("email", "is required"), ("full_name", "must be text")]
        assert str(error) == "email: is required; full_name: must be text"

    def test_retryable_error_has_its_retry_after(self) -> None:
        error = errors.OutcomeUnknown("timeout", "no answer", status=504, retry_after=60)
        assert isinstance(error, errors.Retryable)
        assert (error.status, error.retry_after, str(error)) == (504, 60, "no answer")
        assert errors.ClaimHeld("claimed").retry_after == 0

    @pytest.mark.parametrize("wait", [errors.ClaimHeld, errors.RateLimited])
    def test_deferral_is_not_a_failure(self, wait: type[errors.Retryable]) -> None:
        assert issubclass(wait, errors.Deferred)

    @pytest.mark.parametrize(
        ("error", "failure_class"),
        [(errors.ConfigError, "config"), (errors.KeyRefused, "config"), (errors.DataError, "data")],
    )
    def test_permanent_error_has_its_failure_class(
        self, error: type[errors.Permanent], failure_class: str
    ) -> None:
        assert error("a_word", status=400).status == 400
        assert error.failure_class == failure_class
