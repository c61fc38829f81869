"""`make nag`: cdk-nag's rules for serverless stacks and solutions, on the transformed template.

What is not followed has its reason in the template's own metadata (`cdk_nag`, in the form that
cdk-nag writes). A finding without a reason fails, and so does a reason without a finding. Needs
node and npm.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from local.build.transformed import transformed
from local.paths import ROOT

SOURCE = ROOT / "local" / "build" / "nag"
HOME = ROOT / ".venvs" / "nag"


def main() -> int:
    template = transformed()
    found = findings(template)
    wrong = [*unexplained(template, found), *idle(template, found)]
    print(*wrong, sep="\n")
    print(f"{len(found)} findings of cdk-nag, {len(wrong)} without their reason or it without them")
    return 1 if wrong else 0


def findings(template: Any) -> list[dict[str, str]]:
    if not shutil.which("npm"):
        raise SystemExit("make nag needs node and npm")
    _install()
    ran = subprocess.run(
        ["node", "nag.js"],
        cwd=HOME,
        input=json.dumps(template),
        capture_output=True,
        text=True,
        check=True,
    )
    found: list[dict[str, str]] = json.loads(ran.stdout)
    return found


def _install() -> None:
    """In an environment of its own, anew when the pinned versions change."""
    HOME.mkdir(parents=True, exist_ok=True)
    pinned, there = SOURCE / "package.json", HOME / "package.json"
    if not there.exists() or there.read_bytes() != pinned.read_bytes():
        shutil.copy(pinned, HOME / "package.json.new")
        shutil.copy(pinned, there)
        quiet = ("--no-audit", "--no-fund", "--no-package-lock", "--silent")
        try:
            subprocess.run(["npm", "install", *quiet], cwd=HOME, check=True)
        except subprocess.CalledProcessError:
            there.unlink()
            raise
    shutil.copy(SOURCE / "nag.js", HOME)


def unexplained(template: Any, found: list[dict[str, str]]) -> Iterator[str]:
    for each in found:
        if not any(_is_about(reason, each) for reason in _reasons(template)):
            yield f"{each['resource']}: {each['rule']}: {each['text']}"


def idle(template: Any, found: list[dict[str, str]]) -> Iterator[str]:
    for reason in _reasons(template):
        if not any(_is_about(reason, each) for each in found):
            yield f"template.yaml gives a reason for {reason['id']}, which finds nothing"


def _reasons(template: Any) -> list[dict[str, Any]]:
    reasons: list[dict[str, Any]] = template["Metadata"]["cdk_nag"]["rules_to_suppress"]
    return reasons


def _is_about(reason: dict[str, Any], finding: dict[str, str]) -> bool:
    """A rule's finer points stand in brackets; the reason is about all of them."""
    return Path(finding["rule"].partition("[")[0]).name == reason["id"] and (
        finding["resource"] in reason["applies_to"]
    )


if __name__ == "__main__":
    sys.exit(main())
