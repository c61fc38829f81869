"""`batchdrop openai`: the small OpenAI alone, until you stop it."""

import signal
from collections.abc import Sequence
from threading import Event

from local.openai.inference.outcomes import OUTCOMES
from local.openai.quirks import QUIRKS
from local.openai.serving.app import SmallOpenAI
from local.openai.serving.serve import serving
from local.openai.settings import SmallSettings


def serve(
    settings: SmallSettings, seed: int, quirks: Sequence[str], address: tuple[str, int]
) -> int:
    """Prints its address on the first line and serves until a signal stops it."""
    small = SmallOpenAI(settings=settings, seed=seed)
    for wanted in quirks:
        _misbehave(small, wanted)
    stopped = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    host, port = address
    with serving(small, port, host) as url:
        print(f"small OpenAI at {url}", flush=True)
        stopped.wait()
    return 0


def names() -> str:
    """The quirks and outcomes, as the command's help lists them."""
    quirks = "\n".join(f"  {name:22} {says}" for name, says in QUIRKS.items())
    outcomes = ", ".join(OUTCOMES)
    return (
        f"quirks, by name:\n{quirks}\n\n"
        "A request ends as its metadata, its user or its last user message asks:\n"
        "  small-openai:NAME, small-openai:NAME-once or small-openai:NAME-until-attempt-N,\n"
        f"  where NAME is one of {outcomes}."
    )


def _misbehave(small: SmallOpenAI, wanted: str) -> None:
    head, *pairs = wanted.split(",")
    name, _, times = head.partition(":")
    where = {key: value for key, _, value in (pair.partition("=") for pair in pairs)}
    small.misbehave(name, int(times) if times else None, **where)
