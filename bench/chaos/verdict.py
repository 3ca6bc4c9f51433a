"""Which promises the figures of a run break."""

from collections.abc import Iterator
from typing import Any

ANSWER_SECONDS = 4.0  # P7
SERVER_ERRORS = ("500", "502", "504")  # P2
SLOWEST_PACE = 0.9  # of the limit's
ENOUGH_PEOPLE = 100  # for a change by hand to happen for certain


def broken_promises(result: dict[str, Any]) -> list[str]:
    """One sentence for each; empty if every promise held."""
    return [*_storm(result["chaos"]), *_latency(result["latency"]), *_burst(result["burst"])]


def _storm(storm: dict[str, Any]) -> Iterator[str]:
    replayed = storm["after_replay"]
    for when, figures in (("", storm), (" after the replay", replayed)):
        if figures["duplicates"]:
            yield f"P3: {figures['duplicates']} duplicates{when}"
        if figures["lost"]:
            yield f"P4: {figures['lost']} lost{when}"
    if replayed["not_made_again"]:
        yield f"P3: {replayed['not_made_again']} contacts deleted by hand were not created again"
    if replayed["overwritten_by_older"]:
        yield f"P3: {replayed['overwritten_by_older']} contacts were overwritten by an older event"
    if replayed["edits_lost"]:
        yield f"P3: {replayed['edits_lost']} edits by hand were lost"
    if storm["people"] >= ENOUGH_PEOPLE and not (replayed["deleted_by_hand"] and replayed["edited_by_hand"]):
        yield "no contact was deleted or edited by hand, so this run proves nothing about it"
    if replayed["dead_letters"]:
        yield f"P4: dead letters are left after the replay: {replayed['dead_letters']}"
    if storm["acknowledged"] < storm["people"]:
        yield f"{storm['people'] - storm['acknowledged']} people were never acknowledged"


def _latency(rows: list[dict[str, Any]]) -> Iterator[str]:
    for row in rows:
        if row["p99"] > ANSWER_SECONDS:
            yield f"P7: p99 of {row['p99']} s under {row['fault']}"
        yield from (
            f"P2: {status} under {row['fault']}" for status in row["answers"] if status in SERVER_ERRORS
        )


def _burst(burst: dict[str, Any]) -> Iterator[str]:
    if burst["most_calls_in_a_minute"] > burst["limit"] or burst["refused_with_429"]:
        yield "P6: more calls than the limit in a minute"
    if burst["contacts"] < burst["signups"] or burst["dead_letters"]:
        answers = burst.get("answers", "not recorded")
        yield (
            f"P4: the burst made {burst['contacts']} contacts of {burst['signups']}, dead letters: "
            f"{burst['dead_letters']}, answers: {answers}"
        )
    if burst["pace"] < SLOWEST_PACE:
        yield f"P6: the burst drained at {burst['pace']:.0%} of the limit's pace"
