"""Ctrl-C between two steps instead of within one."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def deferred_interrupt() -> Iterator[Callable[[], bool]]:
    """While it is open, the first Ctrl-C (or Jupyter's stop button) only sets a flag; a second one raises at once.

    Yields a function that tells whether Ctrl-C came. Outside of the main thread Python delivers no signals, and
    nothing is changed.
    """
    came = False

    def note(number: int, frame: object) -> None:
        nonlocal came
        if came:
            raise KeyboardInterrupt
        came = True

    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    before = signal.signal(signal.SIGINT, note)
    try:
        yield lambda: came
    finally:
        if before is not None:  # None stands for a handler that was not set from Python
            signal.signal(signal.SIGINT, before)
