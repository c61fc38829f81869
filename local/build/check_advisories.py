"""Whether a shipped dependency has a known vulnerability, as far as pip-audit has data."""

import json
import os
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
    verdict = verdict_on(done.stdout, done.stderr, in_ci=bool(os.environ.get("CI")))
    print(verdict.text)
    return verdict.status


def verdict_on(found: str, printed: str, *, in_ci: bool = False) -> Verdict:
    """pip-audit succeeds when it could look up nothing: that proves nothing, and in CI it fails."""
    nothing = 1 if in_ci else 0
    try:
        packages = json.loads(found)["dependencies"]
    except ValueError:
        last_line = printed.strip().rpartition("\n")[2]
        return Verdict(nothing, _unknown(last_line or "pip-audit printed nothing"))
    vulnerable = [_line(each, vuln) for each in packages for vuln in each.get("vulns", [])]
    skipped = [each for each in packages if "skip_reason" in each]
    if vulnerable:
        return Verdict(1, "\n".join(vulnerable))
    if skipped:
        return Verdict(nothing, _unknown(f"no data for {len(skipped)} of {len(packages)} packages"))
    return Verdict(0, f"{len(packages)} shipped packages, none with a known vulnerability")


def _unknown(why: str) -> str:
    return f"NOT AUDITED: {why}. uv.lock pins what is shipped; more is not known."


def _line(package: dict[str, str], vulnerability: dict[str, Sequence[str]]) -> str:
    fixed = ", ".join(vulnerability["fix_versions"]) or "no version yet"
    return f"{package['name']} {package['version']}: {vulnerability['id']}, fixed in {fixed}"


if __name__ == "__main__":
    sys.exit(main())
