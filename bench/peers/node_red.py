"""Node-RED with one flow: webhook, function, HTTP request, answer."""

import json
from pathlib import Path
from typing import Any

from bench.peers import node
from bench.peers.peer import Peer
from bench.setting import COMPANY
from local.clemta import DEFAULT_API_KEY
from local.processes import HOST


def node_red(clemta_url: str, certificate: Path, folder: Path) -> Peer:
    """Node-RED 5 with its default settings; it keeps its connections to Clemta."""
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
    red = str(node.FOLDER / "node_modules" / "node-red" / "red.js")

    def prepare() -> None:
        folder.mkdir()
        (folder / "flows.json").write_text(json.dumps(flows))
        settings = {"uiHost": HOST, "flowFile": "flows.json", "logging": {"console": {"level": "warn"}}}
        (folder / "settings.js").write_text(f"module.exports = {json.dumps(settings)}")

    return Peer(
        f"Node-RED {node.PACKAGES['node-red']}",
        "/signups/website",
        lambda port: node.command(
            red, "--port", str(port), "--userDir", str(folder), "--settings", str(folder / "settings.js")
        ),
        node.environment(folder, certificate),
        prepare,
    )
