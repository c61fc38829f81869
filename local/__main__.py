"""`python -m local COMMAND`: the laptop's version of the world, never shipped."""

import sys
from collections.abc import Sequence
from importlib import import_module

COMMANDS = {
    "run": ("local.cli.run", "drop a file in a world made for it, wait, fetch the results"),
    "up": ("local.world.up_down", "make a world and leave it running"),
    "down": ("local.world.up_down", "stop the world that is up"),
    "openai": ("local.openai.serving.command", "the small OpenAI alone"),
    "audit": ("local.demos.audit_demo", "a theft that the audit function rings for"),
    "library": ("local.demos.library_demo", "a folder of documents, kept in sync and asked"),
    "parameters": (
        "local.build.update_reference",
        "renew the table of parameters in docs/reference.md",
    ),
    "prices": ("local.build.update_prices", "renew the table of OpenAI's batch prices"),
    "adopt": ("local.ops.import_resources", "a deleted stack's buckets and tables into a new one"),
    "replay": ("local.ops.replay_audit", "audit events through the detections, touching nothing"),
}


def main(argv: Sequence[str]) -> int:
    if not argv or argv[0] not in COMMANDS:
        print("usage: python -m local COMMAND …  (each knows --help)", file=sys.stderr)
        for name, (_, does) in COMMANDS.items():
            print(f"  {name:12}{does}", file=sys.stderr)
        return 2
    command, *rest = argv
    module = import_module(COMMANDS[command][0])  # the others' imports are not paid for
    status: int = module.main(argv if module.__name__ == "local.world.up_down" else rest)
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
