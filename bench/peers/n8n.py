"""n8n with one workflow: webhook, HTTP request; its answer is the webhook's."""

import json
import subprocess
from pathlib import Path
from typing import Any

from bench.peers import node
from bench.peers.peer import Peer
from bench.setting import COMPANY
from local.clemta import DEFAULT_API_KEY
from local.processes import HOST


def n8n(clemta_url: str, certificate: Path, folder: Path) -> Peer:
    """n8n 2 with the faster of its two expression engines."""
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
    program = str(node.FOLDER / "node_modules" / "n8n" / "bin" / "n8n")
    environment = node.environment(folder, certificate) | {
        "N8N_USER_FOLDER": str(folder),
        "N8N_LISTEN_ADDRESS": HOST,
        "N8N_DIAGNOSTICS_ENABLED": "false",
        "N8N_VERSION_NOTIFICATIONS_ENABLED": "false",
        "N8N_TEMPLATES_ENABLED": "false",
        "N8N_EXPRESSION_ENGINE": "legacy",
        "N8N_LOG_LEVEL": "error",
    }

    def prepare() -> None:
        folder.mkdir()
        file = folder / "workflow.json"
        file.write_text(json.dumps(workflow))
        for command in (
            ["import:workflow", f"--input={file}"],
            ["publish:workflow", f"--id={workflow['id']}"],
        ):
            subprocess.run(
                node.command(program, *command), env=environment, check=True, capture_output=True, timeout=300
            )

    def command(port: int) -> list[str]:
        return ["env", f"N8N_PORT={port}", *node.command(program, "start")]

    return Peer(f"n8n {node.PACKAGES['n8n']}", "/webhook/signups", command, environment, prepare)
