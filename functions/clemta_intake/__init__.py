"""clemta-intake: a sign-up becomes exactly one contact in Clemta, or one message in a queue that says why."""

__version__ = "0.1.0"
