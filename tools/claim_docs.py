"""The tables of a claim's states and transitions in docs/architecture.md, from claim_states.py."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from clemta_intake.dynamo.claim_states import ATTRIBUTES, STATES, TRANSITIONS, VALUES, Transition

PAGE = Path(__file__).resolve().parents[1] / "docs" / "architecture.md"


def states() -> str:
    """A row for each state."""
    return _table(("state", "meaning"), [(f"`{state}`", meaning) for state, meaning in STATES.items()])


def transitions() -> str:
    """A row for each method of the ledger that makes a transition."""
    rows = [(f"`{one.event}`", one.when, _from(one), _to(one), one.then) for one in TRANSITIONS]
    return _table(("method", "when", "from", "to", "the caller's next step"), rows)


def attributes() -> str:
    """A row for each attribute: what it means, and which methods set and remove it."""
    return _table(
        ("attribute", "meaning", "set by", "removed by"),
        [
            (f"`{name}`", meaning, _setters(name), _names(one for one in TRANSITIONS if name in one.removes))
            for name, meaning in ATTRIBUTES.items()
        ],
    )


def _from(transition: Transition) -> str:
    """The states that it starts from, those with the same guards together."""
    groups: dict[str, list[str]] = {}
    for state, guards in transition.allowed.items():
        words = " and ".join(guard.words for guard in guards)
        groups.setdefault(words, []).append("any" if state == "any" else f"`{state}`")
    return "; ".join(
        ", ".join(states) + (f" if {words}" if words else "") for words, states in groups.items()
    )


def _to(transition: Transition) -> str:
    """The state that it leads to."""
    if transition.to:
        return f"`{transition.to}`"
    first = transition.sets_once.get("state")
    return f"unchanged; `absent` becomes `{first}`" if first else "unchanged"


def _setters(attribute: str) -> str:
    """Who sets it to what, those who set the same together."""
    if attribute == "state":
        return "each method with a new state"
    groups: dict[str, list[Transition]] = {}
    for one in TRANSITIONS:
        values = [one.adds.get(attribute), one.sets.get(attribute), one.sets_once.get(attribute)]
        words = ", ".join(VALUES[value] for value in values if value)
        if attribute in one.sets_once:
            words += ", if it is missing"
        if words:
            groups.setdefault(words, []).append(one)
    return "; ".join(f"{_names(setters)}: {words}" for words, setters in groups.items())


def _names(transitions: Iterable[Transition]) -> str:
    return ", ".join(f"`{one.event}`" for one in transitions)


def _table(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    head, *lines = ("| " + " | ".join(cells) + " |" for cells in [heads, *rows])
    return "\n".join([head, "|---" * len(heads) + "|", *lines]) + "\n"


def tables() -> dict[Path, dict[str, str]]:
    """The three tables, in their page."""
    parts = {"claim-states": states(), "claim-transitions": transitions(), "claim-attributes": attributes()}
    return {PAGE: parts}
