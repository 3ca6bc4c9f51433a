"""The deployed stack, with everything that a scenario does to it."""

from dataclasses import dataclass
from typing import Self

from bench.aws_faults import AwsFaults
from bench.chaos.clemta import ClemtaControl
from bench.chaos.faults import Faults
from bench.chaos.queues import Queues
from bench.chaos.senders import Senders
from bench.chaos.workers import Workers
from local.stack import Stack


@dataclass(frozen=True)
class Rig:
    """One deployment under test."""

    clemta: ClemtaControl
    queues: Queues
    faults: Faults
    senders: Senders
    workers: Workers

    @classmethod
    def deploy(cls, stack: Stack, aws: AwsFaults, seed: int) -> Self:
        """Starts the stack, or changes it if it runs; the functions reach AWS through `aws`."""
        deployed = stack.up()
        aws.forward_to(deployed.aws_endpoint_url)
        clemta = ClemtaControl(deployed.clemta_url)
        return cls(
            clemta,
            Queues(deployed),
            Faults(deployed, clemta, aws, seed),
            Senders(deployed.api_url),
            Workers(stack, seed),
        )
