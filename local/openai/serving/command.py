"""`python -m local openai`: the small OpenAI alone, until you stop it."""

import argparse
import signal
from collections.abc import Sequence
from threading import Event

from local.openai.inference.outcomes import OUTCOMES
from local.openai.quirks import QUIRKS
from local.openai.serving.app import SmallOpenAI
from local.openai.serving.serve import serving
from local.openai.settings import SmallSettings


def main(argv: Sequence[str]) -> int:
    options = _parser().parse_args(argv)
    small = SmallOpenAI(settings=_settings(options), seed=options.seed)
    for wanted in options.quirk:
        _misbehave(small, wanted)
    stopped = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    with serving(small, options.port, options.host) as url:
        print(f"small OpenAI at {url}", flush=True)
        stopped.wait()
    return 0


def _parser() -> argparse.ArgumentParser:
    usual = SmallSettings()
    parser = argparse.ArgumentParser(
        prog="python -m local openai",
        description="A small OpenAI: point the official client's base URL at it.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=_names(),
    )
    parser.add_argument("--port", type=int, default=0, help="0 takes any free one")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--seed", type=int, default=0, help="the same seed, the same answers")
    parser.add_argument(
        "--speed", type=float, default=usual.speed, help="how much faster time passes"
    )
    for name in ("validating", "working", "per-request", "finalizing", "cancelling"):
        default = getattr(usual, name.replace("-", "_"))
        parser.add_argument(f"--{name}", type=float, default=default, metavar="SECONDS")
    parser.add_argument(
        "--answer-padding", type=int, default=0, metavar="BYTES", help="longer chat answers"
    )
    parser.add_argument(
        "--enqueued-limit",
        action="append",
        default=[],
        metavar="MODEL=TOKENS",
        help="prompt tokens that may be enqueued; MODEL is * for every other one",
    )
    parser.add_argument(
        "--quirk",
        action="append",
        default=[],
        metavar="NAME[:TIMES][,KEY=VALUE…]",
        help="misbehave TIMES times, or always",
    )
    return parser


def _names() -> str:
    quirks = "\n".join(f"  {name:22} {says}" for name, says in QUIRKS.items())
    outcomes = ", ".join(OUTCOMES)
    return (
        f"quirks, by name:\n{quirks}\n\n"
        "A request ends as its metadata, its user or its last user message asks:\n"
        "  small-openai:NAME, small-openai:NAME-once or small-openai:NAME-until-attempt-N,\n"
        f"  where NAME is one of {outcomes}."
    )


def _settings(options: argparse.Namespace) -> SmallSettings:
    limits = (wanted.rpartition("=") for wanted in options.enqueued_limit)
    return SmallSettings(
        speed=options.speed,
        validating=options.validating,
        working=options.working,
        per_request=options.per_request,
        finalizing=options.finalizing,
        cancelling=options.cancelling,
        answer_padding=options.answer_padding,
        enqueued_limits={model: int(tokens) for model, _, tokens in limits},
    )


def _misbehave(small: SmallOpenAI, wanted: str) -> None:
    head, *pairs = wanted.split(",")
    name, _, times = head.partition(":")
    where = {key: value for key, _, value in (pair.partition("=") for pair in pairs)}
    small.misbehave(name, int(times) if times else None, **where)
