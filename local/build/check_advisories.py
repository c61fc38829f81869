"""Whether a shipped dependency has a known hole, as far as pip-audit can get its data."""

import json
import subprocess
import sys
from collections.abc import Sequence
from typing import NamedTuple

from local.paths import ROOT

PIP_AUDIT = ROOT / ".venvs" / "pip-audit" / "bin" / "pip-audit"
UV = ROOT / ".venvs" / "uv" / "bin" / "uv"


class Verdict(NamedTuple):
    status: int
    text: str


def main() -> int:
    export = [str(UV), "export", "-q", "--frozen", "--no-dev", "--no-emit-project"]
    locked = subprocess.run(export, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    audit = [str(PIP_AUDIT), "--disable-pip", "--require-hashes", "--progress-spinner", "off"]
    done = subprocess.run(
        [*audit, "-f", "json", "-r", "/dev/stdin"],
        input=locked,
        capture_output=True,
        text=True,
        check=False,
    )
    verdict = judged(done.stdout, done.stderr)
    print(verdict.text)
    return verdict.status


def judged(found: str, said: str) -> Verdict:
    """pip-audit calls what it could not look up skipped, and ends well: that is no all-clear."""
    try:
        packages = json.loads(found)["dependencies"]
    except ValueError:
        return Verdict(0, _unknown(said.strip().rpartition("\n")[2] or "pip-audit said nothing"))
    holes = [_hole(each, hole) for each in packages for hole in each.get("vulns", [])]
    skipped = [each for each in packages if "skip_reason" in each]
    if holes:
        return Verdict(1, "\n".join(holes))
    if skipped:
        return Verdict(0, _unknown(f"no data for {len(skipped)} of {len(packages)} packages"))
    return Verdict(0, f"{len(packages)} shipped packages, none with a known hole")


def _unknown(why: str) -> str:
    return f"NOT AUDITED: {why}. What is shipped is what uv.lock names by hash; no more is known."


def _hole(package: dict[str, str], hole: dict[str, Sequence[str]]) -> str:
    fixed = ", ".join(hole["fix_versions"]) or "no version yet"
    return f"{package['name']} {package['version']}: {hole['id']}, mended in {fixed}"


if __name__ == "__main__":
    sys.exit(main())
