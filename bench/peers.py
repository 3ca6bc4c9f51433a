"""The same job by what people would use instead: Node-RED and n8n, and by the reference handlers.

A webhook comes in, is mapped and posted to Clemta's stand-in with the key, and is answered. The peers keep no ledger,
ask for no proof and lose what fails; ours keeps every promise, its ledger in the emulator's DynamoDB over loopback.
"""

import http.client
import json
import os
import shutil
import socket
import statistics
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from bench.bundles import BENCH, OURS
from bench.handlers import PYTHON, Bench, Wrong
from bench.setting import COMPANY
from local.clemta import DEFAULT_API_KEY
from local.processes import HOST, ROOT

NODE = "24.21.0"  # n8n runs on no older major; npm brings it
PINNED = {"node-red": "5.0.7", "n8n": "2.41.0"}
NODE_GYP = "12.4.0"
FOLDER = BENCH / "peers"
ROUNDS = 3
ALONE, TOGETHER = 300, 600  # requests by one client, and by eight
CLIENTS = 8
START_SECONDS = 90
STEADY_SECONDS = 3


@dataclass(frozen=True)
class Peer:
    """Something that takes a sign-up: `prepared` makes its folder; `command` is for a free port."""

    name: str
    path: str
    command: Callable[[int], list[str]]
    environment: Mapping[str, str]
    prepared: Callable[[], object] = field(default=lambda: None)


def install() -> str:
    """Why the peers cannot be measured here, "" if they can; npm brings them and their Node, two gigabytes.

    Packages' own install scripts stay off: n8n has dozens that download or compile what is not used here. Of them all
    it needs SQLite, which is compiled, so a C++ compiler must be there.
    """
    if not shutil.which("npm"):
        return "npm is not installed"
    if (FOLDER / "complete").exists():
        return ""
    shutil.rmtree(FOLDER, ignore_errors=True)
    install = ["install", "--no-audit", "--no-fund"]
    pinned = [f"{name}@{version}" for name, version in PINNED.items()]
    gyp = ["exec", "--yes", f"node-gyp@{NODE_GYP}", "--", "rebuild"]
    try:
        _npm(FOLDER / "node", *install, f"node@{NODE}")
        _npm(FOLDER, *install, "--ignore-scripts", *pinned)
        sqlite = FOLDER / "node_modules" / "sqlite3"
        _npm(FOLDER / "node", *gyp, "--directory", str(sqlite), f"--nodedir={_home()}")
    except subprocess.CalledProcessError as error:
        return f"npm could not install them: {error.stderr.strip()[-300:]}"
    (FOLDER / "complete").touch()
    return ""


def _npm(folder: Path, *arguments: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "package.json").exists():
        (folder / "package.json").write_text('{"private": true}')
    command = [str(shutil.which("npm")), *arguments]
    environment = _with_node(os.environ) | {"npm_config_loglevel": "error"}
    subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True)


def _home() -> Path:
    """Where npm put Node, its headers with it."""
    found = (FOLDER / "node" / "node_modules").glob("**/node-*/include")
    return next((include.parent for include in found), FOLDER)


def _with_node(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment with that Node before any other."""
    own = FOLDER / "node" / "node_modules" / ".bin"
    return {**environment, "PATH": f"{own}{os.pathsep}{environment['PATH']}"}


def node(*arguments: str) -> list[str]:
    """A command of that Node."""
    return [str(FOLDER / "node" / "node_modules" / ".bin" / "node"), *arguments]


def node_red(clemta_url: str, certificate: Path, folder: Path) -> Peer:
    """Node-RED 5 as installed; connections to Clemta are kept."""
    key = {"X-API-Key": DEFAULT_API_KEY, "Content-Type": "application/json"}
    person = (
        'type: "customer", full_name: msg.payload.full_name, email: msg.payload.email, '
        f"company_id: {json.dumps(COMPANY)}"
    )
    function = f"msg.payload = {{{person}}}; msg.headers = {json.dumps(key)}; return msg;"
    done = 'return {...msg, headers: {}, statusCode: 200, payload: {status: "created", id: msg.payload.data.id}};'
    in_tab = {"z": "tab"}
    flows: list[dict[str, Any]] = [
        {"id": "tab", "type": "tab", "label": "sign-ups"},
        {
            "id": "in",
            "type": "http in",
            **in_tab,
            "url": "/signups/website",
            "method": "post",
            "wires": [["map"]],
        },
        {"id": "map", "type": "function", **in_tab, "func": function, "outputs": 1, "wires": [["post"]]},
        {
            "id": "post",
            "type": "http request",
            **in_tab,
            "method": "POST",
            "ret": "obj",
            "paytoqs": "ignore",
            "url": f"{clemta_url}/contacts",
            "persist": True,
            "wires": [["done"]],
        },
        {"id": "done", "type": "function", **in_tab, "func": done, "outputs": 1, "wires": [["out"]]},
        {"id": "out", "type": "http response", **in_tab, "wires": []},
    ]
    red = str(FOLDER / "node_modules" / "node-red" / "red.js")

    def prepared() -> None:
        folder.mkdir()
        (folder / "flows.json").write_text(json.dumps(flows))
        settings = {"uiHost": HOST, "flowFile": "flows.json", "logging": {"console": {"level": "warn"}}}
        (folder / "settings.js").write_text(f"module.exports = {json.dumps(settings)}")

    return Peer(
        f"Node-RED {PINNED['node-red']}",
        "/signups/website",
        lambda port: node(
            red, "--port", str(port), "--userDir", str(folder), "--settings", str(folder / "settings.js")
        ),
        _node_environment(folder, certificate),
        prepared,
    )


def n8n(clemta_url: str, certificate: Path, folder: Path) -> Peer:
    """n8n 2 with the engine of expressions that is the faster one."""
    body = (
        '={{ JSON.stringify({type: "customer", full_name: $json.body.full_name, email: $json.body.email, '
        f"company_id: {json.dumps(COMPANY)}}}) }}}}"
    )
    nodes: list[dict[str, Any]] = [
        {
            "id": "in",
            "name": "in",
            "type": "n8n-nodes-base.webhook",
            "typeVersion": 2,
            "position": [0, 0],
            "webhookId": "signups",
            "parameters": {
                "httpMethod": "POST",
                "path": "signups",
                "responseMode": "lastNode",
                "responseData": "firstEntryJson",
                "options": {},
            },
        },
        {
            "id": "post",
            "name": "post",
            "type": "n8n-nodes-base.httpRequest",
            "typeVersion": 4.2,
            "position": [200, 0],
            "parameters": {
                "method": "POST",
                "url": f"{clemta_url}/contacts",
                "sendHeaders": True,
                "headerParameters": {"parameters": [{"name": "X-API-Key", "value": DEFAULT_API_KEY}]},
                "sendBody": True,
                "specifyBody": "json",
                "jsonBody": body,
                "options": {},
            },
        },
    ]
    workflow = {
        "id": "signups0000000000",
        "name": "sign-ups",
        "active": False,
        "nodes": nodes,
        "connections": {"in": {"main": [[{"node": "post", "type": "main", "index": 0}]]}},
        "settings": {"executionOrder": "v1"},
    }
    program = str(FOLDER / "node_modules" / "n8n" / "bin" / "n8n")
    environment = _node_environment(folder, certificate) | {
        "N8N_USER_FOLDER": str(folder),
        "N8N_LISTEN_ADDRESS": HOST,
        "N8N_DIAGNOSTICS_ENABLED": "false",
        "N8N_VERSION_NOTIFICATIONS_ENABLED": "false",
        "N8N_TEMPLATES_ENABLED": "false",
        "N8N_EXPRESSION_ENGINE": "legacy",
        "N8N_LOG_LEVEL": "error",
    }

    def prepared() -> None:
        folder.mkdir()
        file = folder / "workflow.json"
        file.write_text(json.dumps(workflow))
        for command in (
            ["import:workflow", f"--input={file}"],
            ["publish:workflow", f"--id={workflow['id']}"],
        ):
            subprocess.run(
                node(program, *command), env=environment, check=True, capture_output=True, timeout=300
            )

    def command(port: int) -> list[str]:
        return ["env", f"N8N_PORT={port}", *node(program, "start")]

    return Peer(f"n8n {PINNED['n8n']}", "/webhook/signups", command, environment, prepared)


def handlers(bench: Bench, environment: Mapping[str, str]) -> list[Peer]:
    """Ours and the lean handler, behind a local threaded server."""
    serve = str(ROOT / "bench" / "serve.py")

    def peer(name: str, folder: Path, module: str) -> Peer:
        return Peer(
            name,
            "/signups/website",
            lambda port: [*PYTHON, serve, str(folder), module, str(port)],
            dict(environment) | {"PYDANTIC_DISABLE_PLUGINS": "__all__"},
        )

    return [peer("clemta-intake", bench.ours, OURS), peer("lean handler", bench.lean, "lean")]


def compare(bench: Bench, peers: list[Peer]) -> dict[str, dict[str, float]]:
    """Each in turn, three times; medians."""
    found: dict[str, list[dict[str, float]]] = {peer.name: [] for peer in peers}
    for peer in peers:
        peer.prepared()
    people = count()
    for _ in range(ROUNDS):
        for peer in peers:
            bench.clemta.reset()
            try:
                found[peer.name].append(_measured(bench, peer, people))
            except Wrong as error:
                raise Wrong(f"{peer.name}: {error}") from None
    return {
        name: {key: round(statistics.median(run[key] for run in runs), 2) for key in runs[0]}
        for name, runs in found.items()
    }


def _measured(bench: Bench, peer: Peer, people: Iterator[int]) -> dict[str, float]:
    port = _free_port()
    began = time.monotonic()
    with _running(peer.command(port), peer.environment) as pid:
        client = _Client(port, peer.path, people)
        started = _started(client, began)
        idle = _memory(pid)
        cpu, made = _cpu(pid), len(bench.clemta.contacts())
        alone, seconds_alone = _load(port, peer.path, people, 1, ALONE)
        together, seconds_together = _load(port, peer.path, people, CLIENTS, TOGETHER)
        cpu = _cpu(pid) - cpu
        made = len(bench.clemta.contacts()) - made
        if made != ALONE + TOGETHER:
            raise Wrong(f"made {made} contacts of {ALONE + TOGETHER} sign-ups")
        return {
            "start_s": started,
            "idle_mb": idle,
            "loaded_mb": _memory(pid),
            "p50_ms": statistics.median(alone) * 1000,
            "p99_ms": sorted(alone)[int(0.99 * len(alone))] * 1000,
            "per_second_1": ALONE / seconds_alone,
            "per_second_8": TOGETHER / seconds_together,
            "p99_ms_8": sorted(together)[int(0.99 * len(together))] * 1000,
            "cpu_ms": cpu * 1000 / made,
        }


def _started(client: "_Client", began: float) -> float:
    """Seconds to the first answer, of those that did not break off again: n8n takes webhooks back while it starts."""
    first = 0.0
    while not first or time.monotonic() - first < STEADY_SECONDS:
        if time.monotonic() - began > START_SECONDS:
            raise Wrong("does not answer")
        if not client.answered():
            first = 0.0
        elif not first:
            first = time.monotonic()
        time.sleep(0.02)
    return first - began


class _Client:
    """One kept connection."""

    def __init__(self, port: int, path: str, people: Iterator[int]) -> None:
        self._connection = http.client.HTTPConnection(HOST, port, timeout=30)
        self._path = path
        self._people = people

    def answered(self) -> bool:
        """Whether a sign-up is answered with success."""
        try:
            return self.post() == 200
        except (OSError, http.client.HTTPException):
            self._connection.close()
            return False

    def post(self) -> int:
        """One sign-up; the answer's status."""
        body = urlencode({"full_name": "Ada Example", "email": f"peer{next(self._people)}@example.com"})
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        self._connection.request("POST", self._path, body, headers)
        answer = self._connection.getresponse()
        answer.read()
        return answer.status


def _load(
    port: int, path: str, people: Iterator[int], clients: int, requests: int
) -> tuple[list[float], float]:
    """The seconds of each request, and of all."""
    took: list[float] = []
    failed: list[object] = []

    def run() -> None:
        client = _Client(port, path, people)
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
        raise Wrong(f"{len(failed)} of {len(took)} sign-ups were refused: {failed[:3]}")
    return took, time.monotonic() - began


@contextmanager
def _running(command: list[str], environment: Mapping[str, str]) -> Iterator[int]:
    process = subprocess.Popen(
        command,
        env=dict(environment),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield process.pid
    finally:
        for pid in _tree(process.pid):
            with suppress(ProcessLookupError):
                os.kill(pid, 9)
        process.wait()


def _tree(pid: int) -> list[int]:
    """The process and all that it started."""
    found = [pid]
    for parent in found:
        with suppress(FileNotFoundError, ProcessLookupError):
            children = Path(f"/proc/{parent}/task/{parent}/children").read_text()
            found += [int(child) for child in children.split()]
    return found


def _cpu(pid: int) -> float:
    """CPU seconds of the process and of all that it started."""
    ticks = 0
    for one in _tree(pid):
        fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def _memory(pid: int) -> float:
    """Resident MB of the process and of all that it started."""
    kilobytes = 0
    for one in _tree(pid):
        lines = Path(f"/proc/{one}/status").read_text().splitlines()
        kilobytes += int(next(line.split()[1] for line in lines if line.startswith("VmRSS")))
    return kilobytes / 1024


def _node_environment(folder: Path, certificate: Path) -> dict[str, str]:
    variables = {"PATH": os.environ["PATH"], "HOME": str(folder), "NODE_EXTRA_CA_CERTS": str(certificate)}
    return _with_node(variables)


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind((HOST, 0))
        return int(listening.getsockname()[1])
