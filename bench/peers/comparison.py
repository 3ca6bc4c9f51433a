"""Starts each peer in turn, sends sign-ups to it, and takes medians."""

import statistics
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import count

from bench import processes
from bench.peers.load import Client, send
from bench.peers.peer import Peer
from bench.runner import MeasurementError, Runner
from local.processes import free_port

ROUNDS = 3
ALONE, TOGETHER = 300, 600  # requests by one client, and by eight
CLIENTS = 8
START_SECONDS = 90
STEADY_SECONDS = 3


def compare(runner: Runner, peers: list[Peer]) -> dict[str, dict[str, float]]:
    """The medians of each peer's figures, over rounds in which each is measured once."""
    found: dict[str, list[dict[str, float]]] = {peer.name: [] for peer in peers}
    for peer in peers:
        peer.prepare()
    people = count()
    for _ in range(ROUNDS):
        for peer in peers:
            runner.clemta.reset()
            try:
                found[peer.name].append(_measured(runner, peer, people))
            except MeasurementError as error:
                raise MeasurementError(f"{peer.name}: {error}") from None
    return {
        name: {key: round(statistics.median(run[key] for run in runs), 2) for key in runs[0]}
        for name, runs in found.items()
    }


def _measured(runner: Runner, peer: Peer, people: Iterator[int]) -> dict[str, float]:
    port = free_port()
    began = time.monotonic()
    with _running(peer.command(port), peer.environment) as pid:
        client = Client(port, peer.path, people)
        started = _started(client, began)
        idle = processes.resident_mb(pid)
        cpu, made = processes.cpu_seconds(pid), _taken(runner, peer)
        alone, seconds_alone = send(port, peer.path, people, 1, ALONE)
        together, seconds_together = send(port, peer.path, people, CLIENTS, TOGETHER)
        cpu = processes.cpu_seconds(pid) - cpu
        made = _taken(runner, peer) - made
        if made != ALONE + TOGETHER:
            raise MeasurementError(f"took {made} of {ALONE + TOGETHER} sign-ups")
        return {
            "start_s": started,
            "idle_mb": idle,
            "loaded_mb": processes.resident_mb(pid),
            "p50_ms": statistics.median(alone) * 1000,
            "p99_ms": sorted(alone)[int(0.99 * len(alone))] * 1000,
            "per_second_1": ALONE / seconds_alone,
            "per_second_8": TOGETHER / seconds_together,
            "p99_ms_8": sorted(together)[int(0.99 * len(together))] * 1000,
            "cpu_ms": cpu * 1000 / made,
        }


def _taken(runner: Runner, peer: Peer) -> int:
    """How many sign-ups are contacts, or on the retry queue."""
    return runner.queued() if peer.queues else len(runner.clemta.contacts())


def _started(client: "Client", began: float) -> float:
    """Seconds until it answers and goes on answering: while n8n starts, it answers and then refuses again."""
    first = 0.0
    while not first or time.monotonic() - first < STEADY_SECONDS:
        if time.monotonic() - began > START_SECONDS:
            raise MeasurementError(f"does not answer after {START_SECONDS} s")
        if not client.answered():
            first = 0.0
        elif not first:
            first = time.monotonic()
        time.sleep(0.02)
    return first - began


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
        processes.kill_tree(process.pid)
        process.wait()
