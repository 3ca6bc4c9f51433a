"""Opens ports of the stack to containers: forwards connections from another address of this machine to 127.0.0.1."""

import argparse
import asyncio
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from ipaddress import ip_address, ip_network
from typing import Any

from local.processes import HOST, ROOT, StackError

PIECE = 65536


def command(address: str, ports: list[int]) -> list[str]:
    """The command that forwards these ports of the address."""
    return [sys.executable, "-m", "local.bridge", "--address", address, *map(str, ports)]


def checked_address(text: str) -> str | None:
    """LOCAL_HOST's value as an address; None for 127.0.0.1. StackError unless it is one address of this machine."""
    if text in ("", "localhost", HOST):
        return None
    try:
        address = ip_address(text)
    except ValueError:
        raise StackError(f"LOCAL_HOST must be an IP address, not {text!r}") from None
    if address.is_unspecified or address.is_multicast:
        raise StackError(f"LOCAL_HOST must be the address of a container engine's bridge, never all: {text}")
    if not is_here(text):
        raise StackError(f"LOCAL_HOST: this machine has no address {text}")
    return text


def is_here(address: str) -> bool:
    """Whether the address belongs to this machine."""
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as server:
        try:
            server.bind((address, 0))
        except OSError:
            return False
    return True


def engine_address(engine: Any) -> str | None:
    """The address under which a container reaches this machine; None if the engine runs in a virtual machine."""
    import docker

    try:
        [config, *_] = engine.networks.get("bridge").attrs["IPAM"]["Config"]
    except (docker.errors.APIError, ValueError, KeyError, TypeError):
        return None
    # Docker names the gateway only after its first restart; it is the first address of the network.
    address = config.get("Gateway") or str(ip_network(config["Subnet"])[1])
    return address if is_here(address) else None


def is_open(address: str, ports: list[int]) -> bool:
    """Whether something listens on each of the ports."""
    for port in ports:
        try:
            socket.create_connection((address, port), timeout=1).close()
        except OSError:
            return False
    return True


@contextmanager
def opened(address: str, ports: list[int]) -> Iterator[None]:
    """Forwards these ports of the address meanwhile."""
    process = subprocess.Popen(command(address, ports), cwd=ROOT, stdin=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 20
        while not is_open(address, ports):
            if process.poll() is not None or time.monotonic() > deadline:
                raise StackError(f"containers cannot reach this machine: {address} cannot be opened for them")
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait()


async def forward(address: str, ports: list[int], to: str = HOST) -> None:
    """Forwards each port of the address to the same port of `to` until it is cancelled."""
    async with asyncio.TaskGroup() as tasks:
        for port in ports:
            server = await asyncio.start_server(_to(to, port), address, port)
            tasks.create_task(server.serve_forever())


def _to(host: str, port: int) -> Any:
    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there = await asyncio.open_connection(host, port)
        except OSError:  # the server is down: so is this connection
            writer.close()
            return
        await asyncio.gather(_copy(reader, there[1]), _copy(there[0], writer))
        writer.close()
        there[1].close()

    return connect


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while piece := await reader.read(PIECE):
            writer.write(piece)
            await writer.drain()
    with suppress(OSError):
        writer.write_eof()


def main() -> None:
    """Forwards until SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m local.bridge")
    parser.add_argument("--address", required=True)
    parser.add_argument("ports", type=int, nargs="+")
    options = parser.parse_args()
    asyncio.run(forward(options.address, options.ports))


if __name__ == "__main__":
    main()
