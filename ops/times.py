"""Times and durations as text."""

import time
from datetime import UTC, datetime

DAY = 86_400.0


def duration(seconds: float) -> str:
    """The duration as text: 45 s, 12 min, 3 h, 5 days."""
    for size, unit in ((86_400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(0, seconds):.0f} s"


def at(moment: float) -> str:
    """A unix time as text: the time, and how long ago it is."""
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%dT%H:%M:%SZ} ({ago(moment)} ago)"


def ago(moment: float) -> str:
    """How long ago a unix time is, as text."""
    return duration(time.time() - moment)
