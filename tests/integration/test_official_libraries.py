"""The senders' own libraries judge our verifier and our signers, in both directions, where Node is installed."""

import json
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from clemta_intake.errors import Unauthentic
from clemta_intake.sources.config import Webhook, to_source
from clemta_intake.sources.signatures import SignedPost, authenticate
from ops.signers import URI
from tests.support.fakes import COMPANY
from tests.support.judges import JUDGES, installed
from tests.support.samples import Sample

VERIFYING = [
    *("standard-webhooks", "svix", "clerk", "polar", "stripe", "workos", "paddle", "github", "hubspot"),
    *("shopify", "webflow", "netlify"),
]
SIGNING = ["standard-webhooks", "svix", "stripe", "workos", "github", "hubspot", "netlify"]

type Judge = Callable[..., Any]


@pytest.fixture(scope="module")
def judge() -> Judge:
    """Asks a sender's library."""
    node, folder = installed()
    program = shutil.copy(JUDGES / "judge.mjs", folder)  # beside the libraries that it imports

    def ask(**task: Any) -> Any:
        done = subprocess.run(
            [node, str(program)],
            input=json.dumps({"uri": URI, **task}),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return ask


def compact_body(sample: Sample) -> bytes:
    """The sample's data as compact JSON: WorkOS's library serialises it again before it signs."""
    return json.dumps(json.loads(sample.body), separators=(",", ":"), ensure_ascii=False).encode()


def accepts(name: str, secret: str, body: bytes, headers: Mapping[str, str]) -> bool:
    """Whether our verifier accepts the request."""
    source = to_source(name, {"kind": name, "secret": "x"}, COMPANY)
    assert isinstance(source, Webhook)
    try:
        authenticate(source.auth, (secret,), SignedPost(body, headers, {}, URI), time.time())
    except Unauthentic:
        return False
    return True


@pytest.mark.parametrize("name", VERIFYING)
def test_the_senders_library_accepts_our_signer_and_refuses_a_changed_body(judge: Judge, name: str) -> None:
    sample = Sample(name)
    body = compact_body(sample)
    headers = sample.signed(time.time(), body)
    task = {"name": name, "act": "verify", "secret": sample.secret, "headers": headers}
    assert judge(body=body.decode(), **task) is True
    changed = body.replace(b"example.com", b"example.org", 1)
    assert changed != body
    assert judge(body=changed.decode(), **task) is not True


@pytest.mark.parametrize("name", SIGNING)
def test_our_verifier_accepts_the_senders_library_and_refuses_a_changed_body(judge: Judge, name: str) -> None:
    sample = Sample(name)
    body = compact_body(sample)
    headers = judge(name=name, act="sign", secret=sample.secret, body=body.decode(), now=int(time.time()))
    given = {"content-type": sample.content_type, **sample.headers, **headers}
    assert accepts(name, sample.secret, body, given), headers
    assert not accepts(name, sample.secret, body + b" ", given)
    assert not accepts(name, sample.secret + "x", body, given)
