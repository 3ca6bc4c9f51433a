"""The command: a stand-in on a port, until SIGTERM or Ctrl-C."""

import argparse
import signal
import threading

from local.clemta.faults import FAULTS
from local.clemta.server import CONTROL
from local.clemta.settings import DEFAULT_API_KEY
from local.clemta.stand_in import StandIn


def main(argv: list[str] | None = None) -> None:
    """Serve until SIGTERM or Ctrl-C."""
    table = "\n".join(f"  {name:<16}{kind.meaning}" for name, kind in FAULTS.items())
    parser = argparse.ArgumentParser(
        prog="python -m local.clemta",
        description="A stand-in for the Clemta contacts API on 127.0.0.1.",
        epilog=f"faults, switched on with POST {CONTROL}faults:\n{table}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--port", type=int, default=8788, help="0 takes a free one (default: %(default)s)")
    parser.add_argument(
        "--api-key", default=DEFAULT_API_KEY, help="the key it accepts (default: %(default)s)"
    )
    options = parser.parse_args(argv)
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    try:
        with StandIn(options.port, log=True, api_keys=[options.api_key]) as clemta:
            print(f"Clemta's stand-in is at {clemta.url}", flush=True)
            stopped.wait()
    except (OSError, OverflowError) as error:
        parser.exit(1, f"port {options.port}: {error}\n")


if __name__ == "__main__":
    main()
