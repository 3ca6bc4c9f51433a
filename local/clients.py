"""Clients of the servers on this machine: they ignore this environment's proxies, AWS profiles and endpoints."""

from http.client import HTTPException
from typing import Any
from urllib.request import ProxyHandler, build_opener

import boto3
import botocore.session
from botocore.config import Config

REGION = "us-east-1"
KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}  # the emulator's root user
DIRECT = build_opener(ProxyHandler({}))


def aws_client(service: str, endpoint: str, authorities: str | None = None) -> Any:
    """A boto3 client of the emulator; `authorities` is a file of CA certificates, for https."""
    session = boto3.Session(
        botocore_session=botocore.session.Session({"profile": (None, None, None, None)}),
        aws_access_key_id=KEYS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=KEYS["AWS_SECRET_ACCESS_KEY"],
        region_name=REGION,
    )
    config = Config(proxies={}, retries={"total_max_attempts": 2}, connect_timeout=5, read_timeout=30)
    options = {"endpoint_url": endpoint, "config": config, "verify": authorities}
    return session.client(service, **options)  # type: ignore[call-overload]


def answered(url: str, containing: str = "") -> bool:
    """Whether the URL answers with status 200 and a body that contains this text."""
    try:
        with DIRECT.open(url, timeout=10) as answer:
            return containing in answer.read().decode()
    except (OSError, HTTPException):
        return False
