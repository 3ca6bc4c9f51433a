"""Why a run ends early."""


class Failed(Exception):
    """The system did not recover or drain in time; the message says which."""
