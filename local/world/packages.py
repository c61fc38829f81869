"""Packages of the functions for this machine, named by a hash of their sources."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from local.paths import ROOT
from local.world.workspace import WORLDS, locked

BUILDS = WORLDS / "builds"
KEPT = 4  # the newest builds: another run may be deploying one of them
SAM = ROOT / ".venvs" / "sam" / "bin" / "sam"
SAM_ENVIRONMENT = {  # SAM would note in the home directory that its telemetry is on
    "SAM_CLI_TELEMETRY": "0",
    "__SAM_CLI_APP_DIR": str(ROOT / ".venvs" / "sam" / "settings"),
}
# `sam build` calls make itself.
OUTER_MAKE = {"MAKEFLAGS", "MAKELEVEL", "MFLAGS", "FILE", "OUT", "RECIPE"}
SOURCES = (
    "template.yaml",
    "uv.lock",
    "functions",
    "shared",
    "local/build/packages.mk",
    "local/world/packages.py",
    "local/build/trim_packages.py",
)


def built_template(say: Callable[[str], None]) -> Path:
    """The template with its packages, built again if a source of theirs has changed."""
    build = BUILDS / _fingerprint()
    with locked(WORLDS / "builds.lock"):
        if not (build / "done").exists():
            say("Building the functions' packages for this machine …")
            _build(build)
        os.utime(build)
        _remove_old()
    return build / "template.yaml"


def _fingerprint() -> str:
    return _digest(_files(), ROOT, sys.version)


def _digest(files: Iterable[Path], root: Path, start: str = "") -> str:
    digest = hashlib.sha256(start.encode())
    for path in files:
        digest.update(f"\0{path.relative_to(root)}\0{path.stat().st_size}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _files() -> Iterator[Path]:
    for source in SOURCES:
        path = ROOT / source
        found = sorted(path.rglob("*")) if path.is_dir() else [path]
        yield from (f for f in found if f.is_file() and "__pycache__" not in f.parts)


def _build(build: Path) -> None:
    """`sam build`, then each package zipped once: `sam deploy` would do it again every time."""
    shutil.rmtree(build, ignore_errors=True)
    command = [str(SAM), "build", "--build-dir", str(build)]
    environment = {k: v for k, v in os.environ.items() if k not in OUTER_MAKE}
    environment |= {"PACKAGE_FOR": "here", "PYTHON": sys.executable, **SAM_ENVIRONMENT}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"sam build failed:\n{done.stdout}{done.stderr}")
    template = build / "template.yaml"
    text = template.read_text()
    for package in build.glob("*Function"):
        archive = _zipped(package).name
        text = re.sub(rf"(?m)^( +CodeUri: ){package.name}$", rf"\g<1>{archive}", text)
    template.write_text(text)
    (build / "done").touch()


def _zipped(package: Path) -> Path:
    """Named by a hash of its files, so SAM uploads equal packages once."""
    files = sorted(path for path in package.rglob("*") if path.is_file())
    archive = package.parent / f"{_digest(files, package)}.zip"
    if not archive.exists():
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as into:
            for path in files:
                into.write(path, path.relative_to(package))
    return archive


def _remove_old() -> None:
    builds = sorted(BUILDS.iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)
    for old in [path for path in builds if path.is_dir()][KEPT:]:
        shutil.rmtree(old)
