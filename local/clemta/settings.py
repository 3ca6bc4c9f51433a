"""How the stand-in behaves while no fault is on."""

from collections.abc import Collection
from dataclasses import dataclass

DEFAULT_API_KEY = "clemta_local_key"
DEFAULT_COMPANY_ID = "64b8f1a2e4b0c8d9f0123456"
SEARCH_PATTERNS = ("text", "regex", "like")


@dataclass(frozen=True)
class Settings:
    """The settings of a stand-in; `search_lag` and `rate_window` are seconds.

    `search_pattern`, one of SEARCH_PATTERNS, says how a search term is matched; `search_names` includes names in
    the search. Without `sorts_lists`, `sort` and `order` are ignored: the oldest contact comes first. ValueError if a
    value is wrong.
    """

    search_lag: float = 0.0
    search_pattern: str = "text"
    search_case_sensitive: bool = False
    search_names: bool = True
    sorts_lists: bool = True
    rate_limit: int = 100
    rate_window: float = 60.0
    api_keys: Collection[str] = (DEFAULT_API_KEY,)
    companies: Collection[str] = (DEFAULT_COMPANY_ID,)
    forbidden: Collection[str] = ()
    reject_duplicates: bool = False
    tidy_names: bool = False  # stores a name with single spaces and each word capitalized

    def __post_init__(self) -> None:
        require(is_number(self.search_lag), "search_lag: seconds from 0")
        require(is_number(self.rate_limit, int, 1), "rate_limit: a count from 1")
        require(is_number(self.rate_window) and self.rate_window > 0, "rate_window: seconds above 0")
        require(
            self.search_pattern in SEARCH_PATTERNS, f"search_pattern: one of {', '.join(SEARCH_PATTERNS)}"
        )
        for name in (
            "search_case_sensitive",
            "search_names",
            "sorts_lists",
            "reject_duplicates",
            "tidy_names",
        ):
            require(isinstance(getattr(self, name), bool), f"{name}: true or false")
        for name in ("api_keys", "companies", "forbidden"):
            values = getattr(self, name)
            is_list = isinstance(values, list | tuple | set | frozenset)
            require(is_list and all(isinstance(value, str) for value in values), f"{name}: a list of strings")
            object.__setattr__(self, name, tuple(values))


def require(condition: bool, message: str) -> None:
    """ValueError with the message unless the condition holds."""
    if not condition:
        raise ValueError(message)


def is_number(value: object, kind: type = float, least: float = 0) -> bool:
    """Whether JSON gave a number of this kind, from `least` to below 10^9."""
    kinds = (int,) if kind is int else (int, float)
    return isinstance(value, kinds) and not isinstance(value, bool) and least <= value < 1e9
