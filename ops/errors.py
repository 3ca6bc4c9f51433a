"""The error that a person reads."""


class OpsError(Exception):
    """What the operator asked for cannot be done; the text is one line that says why, and what helps."""
