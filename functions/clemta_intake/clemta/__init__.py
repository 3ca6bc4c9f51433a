"""Clemta's API: the protocol without I/O, and the client."""
