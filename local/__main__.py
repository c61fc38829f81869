"""`python -m local COMMAND`: the laptop's version of the world, never shipped."""

import sys
from collections.abc import Sequence
from importlib import import_module

COMMANDS = {
    "run": ("local.run", "drop a file in a world made for it, wait, fetch the results"),
    "up": ("local.standing", "make a world and leave it running"),
    "down": ("local.standing", "stop the world that is up"),
    "openai": ("local.openai.command", "the small OpenAI alone"),
    "audit": ("local.audit_story", "a theft that the audit door rings for"),
    "library": ("local.library_story", "a folder of documents, kept in sync and asked"),
    "parameters": ("local.parameters", "renew the table of parameters in the README"),
    "prices": ("local.prices", "renew the table of OpenAI's batch prices"),
    "adopt": ("local.adopt", "a deleted stack's buckets and tables into a new one of its name"),
    "replay": ("local.replay", "audit events through the detections, touching nothing"),
}


def main(argv: Sequence[str]) -> int:
    if not argv or argv[0] not in COMMANDS:
        print("usage: python -m local COMMAND …  (each knows --help)", file=sys.stderr)
        for name, (_, does) in COMMANDS.items():
            print(f"  {name:12}{does}", file=sys.stderr)
        return 2
    command, *rest = argv
    module = import_module(COMMANDS[command][0])  # the others' imports are not paid for
    status: int = module.main(argv if module.__name__ == "local.standing" else rest)
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
