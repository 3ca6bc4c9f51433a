"""The figures of a run, for a person at a terminal."""

from typing import Any

from rich.console import Console
from rich.table import Table


def show(result: dict[str, Any], console: Console) -> None:
    """Prints one table for each scenario."""
    console.print(_storm(result["chaos"]), _latency(result["latency"]))
    burst = result["burst"]
    console.print(
        f"burst: {burst['signups']} sign-ups in {burst['sent_in_seconds']} s against {burst['limit']} calls a minute: "
        f"at most {burst['most_calls_in_a_minute']} in any 60 s, {burst['refused_with_429']} refused, "
        f"drained in {burst['drained_in_seconds']} s ({burst['pace']:.0%} of the limit's pace)",
        soft_wrap=True,
    )


def _storm(storm: dict[str, Any]) -> Table:
    replayed = storm["after_replay"]
    faults = sum(storm["clemta_faults"].values()), sum(storm["aws_faults"].values()), storm["killed"]
    rows = {
        "people": storm["people"],
        "deliveries, requests": f"{storm['deliveries']}, {storm['requests']}",
        "answers": _counts(storm["answers"]),
        "acknowledged": storm["acknowledged"],
        "faults of Clemta, faults of AWS, killed processes": ", ".join(map(str, faults)),
        "a sender's wait, p50 and p99": f"{storm['p50']:.2f} s, {storm['p99']:.2f} s",
        "contacts": storm["contacts"],
        "duplicates": storm["duplicates"],
        "lost": storm["lost"],
        "dead letters": _counts(storm["dead_letters"]) or "none",
        "after the replay": f"{replayed['contacts']} contacts, {replayed['duplicates']} duplicates",
        "deleted by hand, not created again": f"{replayed['deleted_by_hand']}, {replayed['not_made_again']}",
        "updated, overwritten by an older event": f"{replayed['updated']}, {replayed['overwritten_by_older']}",
        "edited by hand, edits lost": f"{replayed['edited_by_hand']}, {replayed['edits_lost']}",
    }
    table = Table(show_header=False)
    for name, value in rows.items():
        table.add_row(name, str(value))
    return table


def _latency(rows: list[dict[str, Any]]) -> Table:
    table = Table("fault", "answers", "p50 s", "p99 s")
    for row in rows:
        table.add_row(row["fault"], _counts(row["answers"]), f"{row['p50']:.2f}", f"{row['p99']:.2f}")
    return table


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items())
