"""Every outcome and every failure class, once: what it means, and what an operator does about it. No I/O.

The log, the metrics, the command, the console page and the tables in docs/ take their words from here.
"""

from typing import Literal, NamedTuple

type OutcomeName = Literal[
    "created",
    "updated",
    "duplicate",
    "ignored",
    "queued",
    "held",
    "parked",
    "refused",
    "unauthentic",
    "unavailable",
    "discarded",
    "requeued",
    "postponed",
    "handshake",
    "captcha_unavailable",
]
type State = Literal["good", "waits", "needs_person", "rejected"]
DeadLetterClass = Literal["config", "data", "outage", "poison"]
FailureClass = Literal[DeadLetterClass, "spam"]


class OutcomeInfo(NamedTuple):
    """`counted` outcomes are final and go into the metric Submissions; the others are steps on the way to one."""

    state: State
    meaning: str
    action: str
    counted: bool = True


class FailureInfo(NamedTuple):
    """Why a submission waits for a person, or comes again."""

    meaning: str
    action: str


_NOTHING = "nothing"

OUTCOMES: dict[OutcomeName, OutcomeInfo] = {
    "created": OutcomeInfo("good", "a new contact is in Clemta", _NOTHING),
    "updated": OutcomeInfo("good", "the contact was in Clemta and has the new details", _NOTHING),
    "duplicate": OutcomeInfo(
        "good", "the contact was in Clemta already, or was deleted there after this delivery", _NOTHING
    ),
    "ignored": OutcomeInfo("good", "the source does not accept this event; answered as a success", _NOTHING),
    "queued": OutcomeInfo(
        "waits",
        "Clemta could not take it at once, or its source answers from the queue",
        "nothing: it is tried again until `GiveUpHours` have passed",
    ),
    "held": OutcomeInfo(
        "waits",
        "a form's rule took it for spam (`code` is the rule); answered as a success, it is held for 14 days",
        "`clemta-intake held list`: release what a person sent",
    ),
    "parked": OutcomeInfo(
        "needs_person",
        "it waits 14 days in the dead-letter queue",
        "`clemta-intake dlq show ID` says what its class asks for",
    ),
    "refused": OutcomeInfo(
        "rejected", "the request is wrong (`code` says how); nothing was kept", "the sender must correct it"
    ),
    "unauthentic": OutcomeInfo(
        "rejected",
        "the request does not prove its origin (`code` says how); nothing was kept",
        "compare the signing secret with the sender's: `clemta-intake doctor`",
    ),
    "unavailable": OutcomeInfo(
        "rejected",
        "an AWS service did not answer; nothing was kept, and the sender was asked to send again",
        "`clemta-intake doctor` says what is out of reach",
    ),
    "discarded": OutcomeInfo("good", "an operator deleted it; `reason` says why", _NOTHING, counted=False),
    "requeued": OutcomeInfo("waits", "a further try failed", "nothing: it is tried again", counted=False),
    "postponed": OutcomeInfo(
        "waits", "its message came before its time", "nothing: it comes again", counted=False
    ),
    "handshake": OutcomeInfo("good", "the sender checked the address", _NOTHING, counted=False),
    "captcha_unavailable": OutcomeInfo(
        "needs_person",
        "a form's captcha could not be checked; `captcha_outage` decides what becomes of the form",
        "`clemta-intake doctor` checks the captcha's secret",
        counted=False,
    ),
}

ANSWERED: tuple[OutcomeName, ...] = ("parked", "queued", "created", "updated", "duplicate", "ignored")
"""The statuses of an answer 200, the least settled first: a batch's answer has the first one of its entries'."""

FAILURE_CLASSES: dict[FailureClass, FailureInfo] = {
    "config": FailureInfo(
        "the key, the company or the source is wrong", "fix the key, the company or the source, then replay"
    ),
    "data": FailureInfo(
        "Clemta or the mapping refuses the data",
        "fix the mapping in sources.toml, or the data, then replay; or discard",
    ),
    "outage": FailureInfo(
        "Clemta failed for longer than `GiveUpHours`, it waited for 14 days, or a newer release wrote it",
        "replay",
    ),
    "poison": FailureInfo(
        "it came eight times without an end (a crash, or Lambda throttled it), or is no message of ours",
        "read the logs first; then replay, or discard",
    ),
    "spam": FailureInfo("a form's rule took it for spam", "release it if a person sent it, or discard"),
}
