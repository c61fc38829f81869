"""Runs schemathesis with a copy of OpenAI's public specification against the small OpenAI.

python -m tests.compatibility.fuzz SPEC [--seconds N]: no answer of 500 or above, no connection
that drops, no answer later than ten seconds. The specification is not part of this project.
"""

import argparse
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from local.openai import SmallOpenAI
from local.openai.serving.serve import serving
from local.openai.settings import SmallSettings
from local.paths import ROOT

SCHEMATHESIS = ROOT / ".venvs" / "schemathesis" / "bin" / "schemathesis"
PLACE = re.compile(r"<\w+>")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("spec", type=Path, help="openapi.yaml or openapi.json")
    parser.add_argument("--seconds", type=int, default=300, help="at most, in all")
    wanted = parser.parse_args(arguments)
    if not wanted.spec.is_file():
        print(f"{wanted.spec} is not a file: SPEC=path of OpenAI's openapi.yaml", file=sys.stderr)
        return 2
    small = SmallOpenAI(settings=SmallSettings(speed=1_000))
    with serving(small) as base_url:
        admin = [_fuzzed(wanted, base_url, "sk-admin-made-up", served(small, admin=True), 0.2)]
        return max(*admin, _fuzzed(wanted, base_url, "sk-made-up", served(small), 0.8))


def served(small: SmallOpenAI, admin: bool = False) -> str:
    """A pattern of the specification's paths that are served here."""
    paths = {path for api in small.organization.apis for _, path, _, _ in api.routes()}
    mine = [each for each in paths if ("/organization/" in each) is admin]
    written = (PLACE.sub("[^/]+", each.removeprefix("/v1")) for each in mine)
    return f"^({'|'.join(sorted(written))})$"


def _fuzzed(wanted: argparse.Namespace, base_url: str, key: str, paths: str, share: float) -> int:
    command = [
        *(str(SCHEMATHESIS), "run", str(wanted.spec.resolve()), "--url", base_url),
        *("--header", f"Authorization:Bearer {key}", "--include-path-regex", paths),
        *("--checks", "not_a_server_error", "--phases", "examples,coverage,fuzzing"),
        *("--request-timeout", "10", "--seed", "14", "--generation-database", "none"),
        *("--max-time", str(int(wanted.seconds * share)), "--continue-on-failure"),
        *("--suppress-health-check", "all", "--warnings", "off", "--no-color"),
    ]
    with tempfile.TemporaryDirectory() as folder:  # where it leaves notes
        return subprocess.run(command, cwd=folder, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
