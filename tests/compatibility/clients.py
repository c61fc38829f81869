"""Sends 100 requests through clients that other people wrote, unchanged, to the small OpenAI.

python -m tests.compatibility.clients [--only REGEX]: each in an environment of its own, newest
version unless one is pinned. Writes docs/servers.md.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from local.openai import SmallOpenAI
from local.openai.serving.serve import serving
from local.openai.settings import SmallSettings
from tests.compatibility.environment import (
    ENVIRONMENTS,
    Package,
    environment,
    installed,
    version,
)
from tests.compatibility.seen import Sighting, remember

PROGRAMS = Path(__file__).with_name("programs")
REQUESTS = 100
LONGEST = 300  # seconds


@dataclass(frozen=True)
class Client:
    name: str
    program: str
    package: Package
    quirk: str = ""  # a kindness of the small OpenAI that it can't do without
    needs: str = ""


CLIENTS = (
    Client("openai for Python", "with_official_client.py", Package(["openai"])),
    Client("openai for Node", "with_official_client.mjs", Package(["openai"], npm=True)),
    Client("Curator", "with_curator.py", Package(["bespokelabs-curator==0.1.31"])),
    Client(
        "openai-batch",
        "with_openai_batch.py",
        Package(["openai-batch==0.3.4", "openai<3"]),
        needs="a file of requests: writing one with it fails",
    ),
    Client(
        "batch-openai",
        "with_batch_openai.py",
        Package(["batch-openai"]),
        quirk="null_ids",
        needs='`error_file_id` as null: it downloads the file ""',
    ),
    Client(
        "instructor",
        "with_instructor.py",
        Package(["instructor"]),
        needs="a model that takes `max_tokens`",
    ),
    Client("LiteLLM as a library", "with_litellm.py", Package(["litellm"])),
    Client("langasync", "with_langasync.py", Package(["langasync", "langchain-openai"])),
)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", metavar="REGEX", help="of a client's name")
    only = re.compile(parser.parse_args(arguments).only)
    seen = [_sighting(each) for each in CLIENTS if only.search(each.name)]
    remember("clients", seen)
    return 0 if all(each.answered == each.of for each in seen) else 1


def _sighting(client: Client) -> Sighting:
    folder = Path(client.program).stem + client.program.rpartition(".")[2]
    programs = installed(client.package, folder)
    answered = _answered(client, programs, folder)
    found = version(client.package, folder)
    print(f"{client.name} {found}: {answered} of {REQUESTS}", flush=True)
    today = datetime.now(UTC).date().isoformat()
    return Sighting(client.name, found, today, answered, REQUESTS, client.needs)


def _answered(client: Client, programs: Path, folder: str) -> int:
    small = SmallOpenAI(settings=SmallSettings(speed=20))
    if client.quirk:
        small.misbehave(client.quirk, None)
    with serving(small) as base_url, tempfile.TemporaryDirectory() as home:
        done = subprocess.run(
            _command(client, programs, folder),
            cwd=home,
            env=environment(base_url),
            capture_output=True,
            text=True,
            timeout=LONGEST,
            check=False,
        )
    if done.returncode:
        print(done.stderr[-2_000:], file=sys.stderr)
        return 0
    said = next(line for line in reversed(done.stdout.splitlines()) if line.startswith("{"))
    return int(json.loads(said)["answered"])


def _command(client: Client, programs: Path, folder: str) -> list[str]:
    program = PROGRAMS / client.program
    if not client.package.npm:
        return [str(programs / "python"), str(program)]
    beside = ENVIRONMENTS / folder / program.name  # Node looks for packages beside the program
    beside.write_text(program.read_text())
    return [str(programs / "node"), str(beside)]


if __name__ == "__main__":
    sys.exit(main())
