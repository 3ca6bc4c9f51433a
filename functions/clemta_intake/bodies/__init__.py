"""Bytes and their content type -> data, and back without what must not go on. Pure."""
