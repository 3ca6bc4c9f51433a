"""The command's error."""


class OpsError(Exception):
    """The command cannot be done; the text is one line that says why, and what to do."""
