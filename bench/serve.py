"""A handler behind a local threaded server, without AWS: `python serve.py FOLDER MODULE PORT`.

One request is handled at a time, as one execution environment of Lambda does.
"""

import importlib
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[1]))  # after the handler's own folder

from bench.probe import Context


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    handler: Any
    one_at_a_time = threading.Lock()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        many = {name: [value] for name, value in self.headers.items()}
        event: dict[str, Any] = {
            "resource": "/signups/{source}",
            "path": self.path,
            "httpMethod": "POST",
            "headers": {name: values[-1] for name, values in many.items()},
            "multiValueHeaders": many,
            "queryStringParameters": None,
            "multiValueQueryStringParameters": None,
            "pathParameters": {"source": self.path.rpartition("/")[2]},
            "stageVariables": None,
            "requestContext": {"stage": "v1", "path": f"/v1{self.path}", "requestId": "r"},
            "body": body,
            "isBase64Encoded": False,
        }
        with self.one_at_a_time:
            # On Lambda no request queues for one environment, so the time in this queue does not count.
            event["requestContext"] |= {"requestTimeEpoch": int(time.time() * 1000)}
            answer = type(self).handler(event, Context())
        payload = answer["body"].encode()
        head = f"HTTP/1.1 {answer['statusCode']} .\r\nContent-Type: application/json\r\n"
        self.wfile.write(f"{head}Content-Length: {len(payload)}\r\n\r\n".encode() + payload)

    def log_message(self, *_: Any) -> None:
        pass


def main() -> None:
    """Serves until it is killed."""
    folder, module, port = sys.argv[1:]
    sys.path.insert(0, folder)
    sys.stdout = open("/dev/null", "w")  # noqa: SIM115 - a log line costs no more on Lambda
    _Handler.handler = staticmethod(importlib.import_module(module).handler)
    with ThreadingHTTPServer(("127.0.0.1", int(port)), _Handler) as server:
        server.serve_forever()


if __name__ == "__main__":
    main()
