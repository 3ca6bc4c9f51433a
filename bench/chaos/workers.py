"""The processes in which the emulator runs the functions."""

import os
import random
import signal
import time
from contextlib import suppress

from bench import processes
from local.stack import Stack


class Workers:
    """Kills function processes."""

    def __init__(self, stack: Stack, seed: int) -> None:
        self.killed = 0
        self._stack = stack
        self._random = random.Random(seed)

    def kill_one(self) -> None:
        """Kills one process, chosen at random, if any runs."""
        workers = processes.children(self._stack.emulator_pid())
        if not workers:
            return
        victim = self._random.choice(workers)
        with suppress(ProcessLookupError):
            os.kill(victim, signal.SIGKILL)
            self.killed += 1

    def make_cold(self) -> None:
        """Kills the receiving function's processes, so that its next invocation is a cold start."""
        workers = processes.children(self._stack.emulator_pid())
        receivers = [pid for pid in workers if "ReceiveFunction" in processes.kernel_file(pid, "environ")]
        for pid in receivers:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        while any(processes.is_running(pid) for pid in receivers):  # the emulator would still invoke them
            time.sleep(0.01)
