"""Sign-ups over kept connections, by one client or by several at once."""

import http.client
import threading
import time
from collections.abc import Iterator
from urllib.parse import urlencode

from bench.runner import MeasurementError
from local.processes import HOST


class Client:
    """One client with one kept connection."""

    def __init__(self, port: int, path: str, people: Iterator[int]) -> None:
        self._connection = http.client.HTTPConnection(HOST, port, timeout=30)
        self._path = path
        self._people = people

    def answered(self) -> bool:
        """Whether a sign-up is answered with 200."""
        try:
            return self.post() == 200
        except (OSError, http.client.HTTPException):
            self._connection.close()
            return False

    def post(self) -> int:
        """One sign-up; the status of its answer."""
        body = urlencode({"full_name": "Ada Example", "email": f"peer{next(self._people)}@example.com"})
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        self._connection.request("POST", self._path, body, headers)
        answer = self._connection.getresponse()
        answer.read()
        return answer.status


def send(
    port: int, path: str, people: Iterator[int], clients: int, requests: int
) -> tuple[list[float], float]:
    """The seconds that each request took, and all of them together."""
    took: list[float] = []
    failed: list[object] = []

    def run() -> None:
        client = Client(port, path, people)
        for _ in range(requests // clients):
            began = time.monotonic()
            status = client.post()
            took.append(time.monotonic() - began)
            if status != 200:
                failed.append(status)

    threads = [threading.Thread(target=run) for _ in range(clients)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed or len(took) < requests:
        raise MeasurementError(f"{len(failed)} of {len(took)} sign-ups were refused: {failed[:3]}")
    return took, time.monotonic() - began
