"""The queues between functions: messages come twice, late, in any order, again on failure."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tests.simulation.faults import Faults

MOST_RECEIVES = 5  # as template.yaml says; then a message is a dead letter
AFTER_LEASE = timedelta(seconds=30)


@dataclass
class Message:
    queue: str
    body: str
    visible_at: datetime
    receives: int = 0


@dataclass
class Queues:
    faults: Faults
    now: Callable[[], datetime]
    waiting: list[Message] = field(default_factory=list)
    dead: list[Message] = field(default_factory=list)

    def send(self, queue: str, body: str) -> None:
        copies = 2 if self.faults.doubled() else 1
        if copies > 1:
            self.faults.inject("message doubled", queue)
        for _ in range(copies):
            late = self.faults.delay()
            if late:
                self.faults.inject("message late", f"{queue} {late}s")
            at = self.now() + timedelta(seconds=late)
            self.waiting.append(Message(queue, body, at))

    def due(self) -> list[Message]:
        return [each for each in self.waiting if each.visible_at <= self.now()]

    def next_at(self) -> datetime | None:
        return min((each.visible_at for each in self.waiting), default=None)

    def received(self, message: Message) -> None:
        """Given out: nobody else sees it until its function must be dead."""
        message.receives += 1
        message.visible_at = self.now() + timedelta(seconds=self.faults.profile.lease) + AFTER_LEASE

    def done(self, message: Message) -> None:
        if message in self.waiting:
            self.waiting.remove(message)

    def failed(self, message: Message) -> None:
        if message.receives >= MOST_RECEIVES and message in self.waiting:
            self.waiting.remove(message)
            self.dead.append(message)
            self.faults.inject("message dead", message.queue)

    def redrive(self) -> None:
        """What an operator does with dead letters."""
        for message in self.dead:
            self.waiting.append(Message(message.queue, message.body, self.now()))
        self.dead.clear()
