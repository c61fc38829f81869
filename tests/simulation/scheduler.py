"""Invocations that take turns: each runs alone, and may hand over at any call it makes."""

import threading
from collections.abc import Callable
from datetime import datetime

from tests.support.interrupts import Killed


class Invocation:
    """One run of one function, on a thread of its own that runs only while it has the turn."""

    def __init__(self, name: str, act: Callable[[], object], deadline: datetime) -> None:
        self.name = name
        self.deadline = deadline
        self.shares = False  # whether it ever hands over
        self.faulted = False  # whether anything went wrong in one of its calls
        self.killed_for = ""
        self.over = False
        self.outcome: object = None
        self.error: BaseException | None = None
        self._act = act
        self._turn, self._end_of_turn = threading.Semaphore(0), threading.Semaphore(0)
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def resume(self) -> None:
        """Gives it the turn, and comes back when it hands over or is over."""
        self._turn.release()
        self._end_of_turn.acquire()
        if self.over:
            self._thread.join()

    def is_here(self) -> bool:
        """Whether it is the function itself that calls, and not a thread it works with."""
        return threading.current_thread() is self._thread

    def hand_over(self) -> None:
        """Called by the invocation itself, between two calls."""
        if self.shares:
            self._end_of_turn.release()
            self._turn.acquire()
        if self.killed_for:
            raise Killed(self.killed_for)

    def kill(self, why: str) -> None:
        self.killed_for, self.shares = why, False
        while not self.over:
            self.resume()

    def _run(self) -> None:
        self._turn.acquire()
        try:
            if self.killed_for:
                raise Killed(self.killed_for)
            self.outcome = self._act()
        except BaseException as error:  # noqa: BLE001  # who runs it looks at it
            self.error = error
        self.over = True
        self._end_of_turn.release()
