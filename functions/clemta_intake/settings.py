"""The environment, read by name, once."""

from collections.abc import Mapping
from typing import NamedTuple


class Settings(NamedTuple):
    """What the template passes to the functions."""

    clemta_base_url: str
    clemta_secret_id: str
    signing_secret_id: str
    ledger_table: str
    ledger_pepper_id: str
    retry_queue_url: str
    dead_letter_queue_url: str
    held_queue_url: str
    default_company_id: str
    retry_base_seconds: float
    give_up_hours: float
    search_lag_seconds: float
    recheck_seconds: float
    clemta_requests_per_minute: float
    proven_every: float
    list_seconds: float  # the age of Clemta's list that saves a look-up; 0 for none
    event_bus: str = ""  # that contacts are announced on; "" for none
    cognito_source: str = ""  # the source of Amazon Cognito's trigger; its function alone has one
    sam_local: bool = False  # under `sam local`, which sets it; not the template's

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> "Settings":
        """Reads the template's variables; KeyError or ValueError names a missing or wrong one, never a value."""
        return cls(
            clemta_base_url=environ["CLEMTA_BASE_URL"].rstrip("/"),
            clemta_secret_id=environ["CLEMTA_SECRET_ID"],
            signing_secret_id=environ["SIGNING_SECRET_ID"],
            ledger_table=environ["LEDGER_TABLE"],
            ledger_pepper_id=environ["LEDGER_PEPPER_ID"],
            retry_queue_url=environ["RETRY_QUEUE_URL"],
            dead_letter_queue_url=environ["DEAD_LETTER_QUEUE_URL"],
            held_queue_url=environ["HELD_QUEUE_URL"],
            default_company_id=environ["DEFAULT_COMPANY_ID"],
            retry_base_seconds=_number(environ, "RETRY_BASE_SECONDS"),
            give_up_hours=_number(environ, "GIVE_UP_HOURS"),
            search_lag_seconds=_number(environ, "SEARCH_LAG_SECONDS"),
            recheck_seconds=_number(environ, "RECHECK_SECONDS"),
            clemta_requests_per_minute=_number(environ, "CLEMTA_REQUESTS_PER_MINUTE"),
            proven_every=_number(environ, "PROVEN_EVERY"),
            list_seconds=_number(environ, "LIST_SECONDS"),
            event_bus=environ.get("EVENT_BUS", ""),
            cognito_source=environ.get("COGNITO_SOURCE", ""),
            sam_local=bool(environ.get("AWS_SAM_LOCAL")),
        )


class DailyMailSettings(NamedTuple):
    """What the template passes to the daily mail's function."""

    dead_letter_queue_url: str
    held_queue_url: str
    alarm_topic: str
    log_groups: tuple[str, ...]
    stack_name: str
    region: str

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> "DailyMailSettings":
        """Reads the variables; KeyError names a missing one."""
        return cls(
            dead_letter_queue_url=environ["DEAD_LETTER_QUEUE_URL"],
            held_queue_url=environ["HELD_QUEUE_URL"],
            alarm_topic=environ["ALARM_TOPIC"],
            log_groups=tuple(environ["LOG_GROUPS"].split(",")),
            stack_name=environ["POWERTOOLS_SERVICE_NAME"],
            region=environ["AWS_REGION"],
        )


def _number(environ: Mapping[str, str], name: str) -> float:
    try:
        return float(environ[name])
    except ValueError:
        raise ValueError(f"{name} is not a number") from None  # float's own error would quote the value
