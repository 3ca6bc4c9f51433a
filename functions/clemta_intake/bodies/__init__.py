"""Parses bodies by their content type, and writes them again without redacted fields. Pure."""
