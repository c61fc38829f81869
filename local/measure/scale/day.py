"""A busy day, second by second: the write units of each partition of the ledger."""

import heapq
import random
from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

DAY = 86_400  # seconds
JOBS, PARTS = 10_000, 3
OPEN = 1_000  # batches at OpenAI on the average
AT_THE_HOUR = 0.4  # of all jobs: many people schedule theirs on the hour
AT_ONCE = {"intake": 10, "submit": 5, "land": 10}  # MaximumConcurrency in the template
TAKES = {"intake": 1, "submit": 1, "land": 1}  # seconds; small parts are the hard case here
WINDOW, WINDOW_BATCHES = 300, 153  # as submit counts them: 2,000 an hour, any hour

Writes = Mapping[str, int]


@dataclass
class Busy:
    """What happened in the busiest second and on the whole day."""

    seconds: dict[str, Counter[int]] = field(default_factory=dict)  # units by partition and second
    most_open: int = 0
    longest: Counter[str] = field(default_factory=Counter)  # messages in a queue at most
    batches: Counter[int] = field(default_factory=Counter)  # by window
    landed: int = 0

    def write(self, second: int, writes: Writes) -> None:
        for key, units in writes.items():
            self.seconds.setdefault(key, Counter())[second] += units

    def peak(self, key: str) -> int:
        return max(self.seconds[key].values())

    def day(self, key: str) -> int:
        return self.seconds[key].total()


def simulate(traced: Mapping[str, Writes], seed: int = 1) -> Busy:
    """Functions take from their queues as fast as they may; poll runs once a minute."""
    chance, busy = random.Random(seed), Busy()
    arrivals = Counter(_arrivals(chance))
    queues: dict[str, deque[int]] = {function: deque() for function in AT_ONCE}
    at_openai: list[float] = []
    for second in range(2 * DAY):
        queues["intake"].extend([second] * arrivals[second])
        for _ in _taken(queues["intake"], "intake"):
            busy.write(second, traced["intake"])
            queues["submit"].extend([second] * PARTS)
        allowed = WINDOW_BATCHES - busy.batches[second // WINDOW]
        for _ in _taken(queues["submit"], "submit", allowed):
            busy.write(second, traced["submit"])
            busy.batches[second // WINDOW] += 1
            heapq.heappush(at_openai, second + chance.expovariate(JOBS * PARTS / DAY / OPEN))
        if second % 60 == 0:
            while at_openai and at_openai[0] <= second:
                heapq.heappop(at_openai)
                busy.write(second, traced["poll"])
                queues["land"].append(second)
        for _ in _taken(queues["land"], "land"):
            busy.write(second, traced["land"])
            busy.landed += 1
        busy.most_open = max(busy.most_open, len(at_openai))
        for function, queue in queues.items():
            busy.longest[function] = max(busy.longest[function], len(queue))
    return busy


def _arrivals(chance: random.Random) -> Iterable[int]:
    for n in range(JOBS):
        if n < JOBS * AT_THE_HOUR:
            yield chance.randrange(24) * 3_600 + int(chance.expovariate(1 / 20)) % 600
        else:
            yield chance.randrange(DAY)


def _taken(queue: deque[int], function: str, most: int | None = None) -> Iterable[int]:
    limit = AT_ONCE[function] // TAKES[function]
    for _ in range(min(limit, len(queue), limit if most is None else most)):
        yield queue.popleft()
