"""The stand-in: the simulated API behind a server that starts and stops, and its control endpoints."""

import itertools
import ssl
import threading
from dataclasses import asdict
from typing import Any, Self

from local.clemta.answers import Json
from local.clemta.api import ClemtaApi
from local.clemta.faults import FAULTS
from local.clemta.server import HOST, Server
from local.processes import free_port


class StandIn(ClemtaApi):
    """A Clemta on 127.0.0.1 between `start` and `stop`; contacts, requests and settings survive a stop."""

    def __init__(
        self, port: int = 0, *, certfile: str = "", keyfile: str = "", log: bool = False, **settings: Any
    ) -> None:
        super().__init__(**settings)
        self.port, self.log = port, log
        self.tls: ssl.SSLContext | None = None
        if certfile:
            self.tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            self.tls.load_cert_chain(certfile, keyfile or None)
        self.connections = itertools.count(1)
        self._server: Server | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Listen on `port`; port 0 takes a free one and keeps it for later starts."""
        self.port = self.port or free_port()
        self._server = Server(self.port, self, self.control, self.connections, tls=self.tls, log=self.log)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        """Stop listening, end all waits, close every connection, and return when the handlers have ended."""
        if self._server is not None:
            self._server.shutdown()
            self.clear_faults()
            self._server.server_close()
            self._server = None

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://{HOST}:{self.port}"

    def control(self, method: str, name: str, body: Json) -> tuple[int, Json]:
        """Status and answer of a control endpoint; Refusal, TypeError or ValueError if the input is wrong."""
        collection, _, contact_id = name.partition("/")
        match method, name:
            case "DELETE", _ if collection == "contacts" and contact_id:
                self.delete_contact(contact_id)
            case "PATCH", _ if collection == "contacts" and contact_id:
                return 200, self.edit_contact(contact_id, **body)
            case "GET", "health":
                return 200, {"url": self.url, "contacts": len(self.contacts()), "peak": self.peak}
            case "GET", "contacts":
                return 200, {"contacts": self.contacts()}
            case "GET", "requests":
                return 200, {"requests": [asdict(request) for request in self.requests]}
            case "GET", "faults":
                known = {fault: kind.meaning for fault, kind in FAULTS.items()}
                return 200, {"faults": self.faults(), "known": known}
            case "POST", "faults":
                return 200, self.fault(**body).report()
            case "DELETE", "faults":
                self.clear_faults()
            case "POST", "settings":
                self.configure(**body)
            case "POST", "reset":
                self.reset()
            case "GET", "settings":
                pass
            case _:
                return 404, {"error": "no such control endpoint"}
        return 200, asdict(self.settings)
