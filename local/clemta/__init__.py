"""A stand-in for the Clemta contacts API: real HTTP on 127.0.0.1, and a switch for every failure of a call.

In a test: `with StandIn() as clemta: clemta.fault("timeout_after", on="create", seconds=5)`.
On a laptop: `python -m local.clemta --port 8788`; `GET /_stand-in/faults` lists the switches.

answers, settings, validation, search, rate_limit: the rules of the API    faults: the table of failures
api: its state, without HTTP    server: HTTP on the wire    stand_in: start, stop and the control endpoints
"""

from local.clemta.faults import FAULTS
from local.clemta.settings import DEFAULT_API_KEY, DEFAULT_COMPANY_ID
from local.clemta.stand_in import StandIn

__all__ = ["DEFAULT_API_KEY", "DEFAULT_COMPANY_ID", "FAULTS", "StandIn"]
