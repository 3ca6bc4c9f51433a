"""The ledger: one DynamoDB item for each contact that was ever asked for, claimed before Clemta is called.

    free -> claimed -> created
             |  ^
             v  |
           unknown          a claim whose lease ran out counts as unknown too: its holder may have called Clemta

A claim is one conditional write. Items hold keyed hashes and Clemta's contact id, no personal data. The same table
keeps the request budget, which all functions share.
"""

import hmac
import json
import secrets
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from .contacts import ContactRequest
from .delivery import Claim, Created
from .errors import Busy, RateLimited, Temporary, TooMany

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

LEASE_SECONDS = 60  # longer than any invocation lives: nobody works on under a claim that has lapsed
_BUSY_SECONDS = 5
_WINDOW_SECONDS = 60
_TRIES = 8  # writes for one call, where many functions call at once
_DAY_SECONDS = 86_400
_FORGET_SECONDS = 30 * _DAY_SECONDS  # items that led to no contact; created ones stay

_BUDGET = "budget"
_CLAIM = (
    "SET #state = :claimed, #owner = :owner, lease_until = :lease_until, expires_at = :expires_at,"
    " claimed_at = if_not_exists(claimed_at, :now)"
)
_CLAIMABLE = (
    "attribute_not_exists(pk) OR #state = :free OR (#state IN (:claimed, :unknown) AND lease_until <= :now)"
)


class Table:
    """The DynamoDB table; its own trouble is Temporary."""

    def __init__(self, client: Callable[[], "DynamoDBClient"], name: str) -> None:
        self._client = client
        self._name = name

    def update(self, pk: str, update: str, condition: str | None, values: dict[str, Any]) -> dict[str, Any]:
        """One UpdateItem; the item as it was. Raises _NotMet, with the item as it is, if `condition` does not hold."""
        names = {"#state": "state", "#owner": "owner"}
        used = {name: word for name, word in names.items() if name in f"{update} {condition}"}
        request: dict[str, Any] = {
            "TableName": self._name,
            "Key": {"pk": {"S": pk}},
            "UpdateExpression": update,
            "ExpressionAttributeValues": {name: _attribute(value) for name, value in values.items()},
            "ReturnValues": "ALL_OLD",
        }
        if used:
            request["ExpressionAttributeNames"] = used
        if condition:
            request |= {"ConditionExpression": condition, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
        try:
            return _plain(self._client().update_item(**request).get("Attributes", {}))
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") == "ConditionalCheckFailedException":
                raise _NotMet(_plain(error.response.get("Item", {}))) from None
            raise Temporary("ledger_unavailable", str(error.response.get("Error", {}).get("Code"))) from error
        except BotoCoreError as error:
            raise Temporary("ledger_unavailable", type(error).__name__) from error


class Ledger:
    """Claims and their fates; `pepper` keys the hashes, `search_lag` in seconds, `clock` gives unix seconds."""

    def __init__(
        self, table: Table, pepper: Callable[[], str], search_lag: float, clock: Callable[[], float]
    ) -> None:
        self._table = table
        self._pepper = pepper
        self._search_lag = search_lag
        self._clock = clock

    def claim(self, contact: ContactRequest, delivery_id: str) -> Claim | Created:
        """The claim on this contact, or what became of it; Busy while somebody else holds it.

        `delivery_id` is "" where one e-mail is one contact, the sender's id where each submission is one.
        """
        now = self._clock()
        claim_id = secrets.token_hex(8)
        pk = _key(self._pepper(), contact, delivery_id)
        try:
            old = self._table.update(
                pk,
                _CLAIM,
                _CLAIMABLE,
                {
                    ":claimed": "claimed",
                    ":free": "free",
                    ":unknown": "unknown",
                    ":owner": claim_id,
                    ":now": now,
                    ":lease_until": now + LEASE_SECONDS + self._search_lag,
                    ":expires_at": int(now) + _FORGET_SECONDS,
                },
            )
        except _NotMet as refusal:
            return self._held(pk, claim_id, refusal.item, now)
        fresh = old.get("state") in (None, "free")
        return Claim(pk, claim_id, fresh, now if fresh else float(old.get("claimed_at", now)))

    def _held(self, pk: str, claim_id: str, item: dict[str, Any], now: float) -> Claim | Created:
        if item.get("state") == "created":
            return Created(item["contact_id"])
        if item.get("owner") == claim_id:  # our own write, whose answer was lost and which the SDK repeated
            return Claim(pk, claim_id, False, float(item.get("claimed_at", now)))
        left = float(item.get("lease_until", now)) - now
        # Its holder is done within seconds, as a rule; an outcome that is unknown stays so until its time has come.
        raise Busy(
            "claimed",
            retry_after=max(1.0, left if item.get("state") == "unknown" else min(left, _BUSY_SECONDS)),
        )

    def created(self, claim: Claim, contact_id: str) -> None:
        """The contact exists; this is for ever."""
        self._table.update(
            claim.key,
            "SET #state = :created, contact_id = :contact_id REMOVE #owner, lease_until, expires_at, claimed_at",
            None,
            {":created": "created", ":contact_id": contact_id},
        )

    def unknown(self, claim: Claim) -> None:
        """The contact may exist: the next claim is given when a look-up can see it, and must begin with one."""
        self._settle(
            claim, "SET #state = :state, lease_until = :until", {":until": self._clock() + self._search_lag}
        )

    def unresolved(self, claim: Claim) -> None:
        """No call was made under this claim, but an earlier one's outcome is still unknown."""
        self._settle(claim, "SET #state = :state, lease_until = :until", {":until": self._clock()})

    def release(self, claim: Claim) -> None:
        """Nothing took effect: the next claim starts afresh."""
        self._settle(claim, "SET #state = :state REMOVE claimed_at", {}, state="free")

    def _settle(self, claim: Claim, update: str, values: dict[str, Any], state: str = "unknown") -> None:
        values = {":state": state, ":owner": claim.id, **values}
        with suppress(_NotMet, Temporary):  # the lease runs out by itself, and what then comes is a look-up
            self._table.update(claim.key, update, "#owner = :owner", values)


class Budget:
    """At most `per_minute` calls to Clemta in any 60 s, by whichever function.

    One item counts the calls of each second that is still in the window; a call is one conditional write, which fails
    if somebody else wrote meanwhile and then brings the newer state along. All of the limit may be used at once.
    """

    def __init__(self, table: Table, per_minute: float, clock: Callable[[], float]) -> None:
        self._limit = int(per_minute)
        self._table = table
        self._clock = clock
        self._state: dict[str, Any] = {}  # the item as last seen

    def take(self) -> None:
        """Returns if a call may be made now; RateLimited says when its turn comes."""
        for _ in range(_TRIES):
            now = self._clock()
            calls = self._calls_in_window(now)
            calls[int(now)] = calls.get(int(now), 0) + 1
            revision = secrets.token_hex(8)
            values = {":calls": json.dumps(calls), ":revision": revision}
            condition = "attribute_not_exists(revision)"
            if "revision" in self._state:
                values[":seen"], condition = self._state["revision"], "revision = :seen"
            try:
                self._table.update(_BUDGET, "SET calls = :calls, revision = :revision", condition, values)
            except _NotMet as newer:
                self._state = newer.item
            else:
                self._state |= {"calls": values[":calls"], "revision": revision}
                return
        raise RateLimited("budget_contended", retry_after=1)

    def _calls_in_window(self, now: float) -> dict[int, int]:
        """Calls by second; RateLimited if they are as many as there may be."""
        blocked = float(self._state.get("blocked_until", 0)) - now
        if blocked > 0:
            raise RateLimited("clemta_limit", retry_after=blocked)
        known: dict[str, int] = json.loads(self._state.get("calls", "{}"))
        # A second counts until its last instant is a minute old.
        calls = {
            int(second): count for second, count in known.items() if now < int(second) + 1 + _WINDOW_SECONDS
        }
        if sum(calls.values()) >= self._limit:
            raise RateLimited("budget_used_up", retry_after=min(calls) + 1 + _WINDOW_SECONDS - now)
        return calls

    def exhausted(self, seconds: float) -> None:
        """Clemta refused for the rate, somebody else's perhaps: nobody calls for so many seconds."""
        values = {":until": self._clock() + seconds, ":revision": secrets.token_hex(8)}
        later = "attribute_not_exists(blocked_until) OR blocked_until < :until"
        with suppress(_NotMet, Temporary):  # it is later already, or the next call is refused again
            self._table.update(_BUDGET, "SET blocked_until = :until, revision = :revision", later, values)


class DailyCap:
    """How many sign-ups a source takes in a day, by UTC; while the table is out of reach it takes them all."""

    def __init__(self, table: Table, clock: Callable[[], float]) -> None:
        self._table = table
        self._clock = clock

    def take(self, source: str, most: int) -> None:
        """One more; TooMany if the day has had its `most`."""
        day, spent = divmod(self._clock(), _DAY_SECONDS)
        values = {":one": 1, ":most": most, ":expires_at": int((day + 2) * _DAY_SECONDS)}
        update = "SET expires_at = :expires_at ADD taken :one"
        condition = "attribute_not_exists(taken) OR taken < :most"
        with suppress(Temporary):
            try:
                self._table.update(f"cap#{source}#{int(day)}", update, condition, values)
            except _NotMet:
                raise TooMany("max_per_day", retry_after=_DAY_SECONDS - spent) from None


class _NotMet(Exception):
    def __init__(self, item: dict[str, Any]) -> None:
        super().__init__("condition not met")
        self.item = item


def _key(pepper: str, contact: ContactRequest, delivery_id: str) -> str:
    """Keyed, so that an e-mail address cannot be tested against a table that leaked."""
    parts = (contact.company_id, contact.type, contact.email.casefold(), delivery_id)
    return "contact#" + hmac.new(pepper.encode(), "\n".join(parts).encode(), "sha256").hexdigest()


def _attribute(value: str | float) -> Any:
    return {"S": value} if isinstance(value, str) else {"N": format(value, "f")}


def _plain(item: Any) -> dict[str, Any]:
    return {name: next(iter(value.values())) for name, value in item.items()}
