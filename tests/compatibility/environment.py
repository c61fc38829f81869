"""An environment of its own for each client and server that somebody else wrote."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from local.paths import ROOT

ENVIRONMENTS = ROOT / ".venvs" / "compatibility"
UV = ROOT / ".venvs" / "uv" / "bin" / "uv"
PARAMETERS = {
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # else it looks for prices in the network
    "TELEMETRY_ENABLED": "false",
    "NO_PROXY": "127.0.0.1",
}


@dataclass(frozen=True)
class Package:
    """From PyPI, or from npm for a program of Node; the first requirement is the one shown."""

    requirements: Sequence[str]
    python: str = "3.11"
    npm: bool = False

    @property
    def name(self) -> str:
        return self.requirements[0].split("==")[0].split("[")[0].strip('"')


def installed(package: Package, folder: str) -> Path:
    """The environment's `bin`, where its programs are; made anew each time."""
    home = ENVIRONMENTS / folder
    if package.npm:
        _quietly(["npm", "install", "--prefix", str(home), *package.requirements])
        return Path(shutil.which("node") or "node").parent
    _quietly([str(UV), "venv", "--clear", "--python", _python(package.python), str(home)])
    python = home / "bin" / "python"
    _quietly([str(UV), "pip", "install", "--python", str(python), *package.requirements])
    return python.parent


def version(package: Package, folder: str) -> str:
    home = ENVIRONMENTS / folder
    if package.npm:
        said = f"console.log(require('./node_modules/{package.name}/package.json').version)"
        return _quietly(["node", "-e", said], home)
    said = f"import importlib.metadata as m; print(m.version({package.name!r}))"
    return _quietly([str(home / "bin" / "python"), "-c", said])


def environment(base_url: str, **more: str) -> dict[str, str]:
    """What a program sees: the small OpenAI or a peer, and nothing of the user's keys."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return kept | PARAMETERS | {"OPENAI_BASE_URL": base_url, "OPENAI_API_KEY": "sk-made-up", **more}


def _python(wanted: str) -> str:
    """The Python that runs this, if it will do; else one that make finds."""
    if sys.version_info[:2] >= tuple(int(part) for part in wanted.split(".")):
        return sys.executable
    for newer in ("3.13", "3.12", "3.14"):
        if found := _quietly(["make", "-s", f"python-{newer}"], ROOT).splitlines():
            return found[-1]
    raise SystemExit(f"Python {wanted} or newer is needed for this one")


def _quietly(command: Sequence[str], folder: Path | None = None) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr}")
    return done.stdout.strip()
