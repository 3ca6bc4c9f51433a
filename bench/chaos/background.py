"""A loop beside the main thread."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def repeating(action: Callable[[], object], pause: float) -> Iterator[None]:
    """Repeats the action in a thread, after a pause each time, until the block ends; then raises the action's error."""
    ended = threading.Event()
    errors: list[Exception] = []

    def loop() -> None:
        try:
            while not ended.wait(pause):
                action()
        except Exception as error:
            errors.append(error)

    thread = threading.Thread(target=loop, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
    if errors:
        raise errors[0]
