"""How many examples a property test tries."""

from hypothesis import settings

FULL = 100  # Hypothesis' own number, without a profile


def examples(full: int) -> int:
    """`full` in `make test`; fewer in Hypothesis' profile `quick`, with which `make quick` and `make mutants` run."""
    return max(1, full * settings().max_examples // FULL)
