"""`batchdrop rules`: tries a folder of rules, and exports our own detections as Sigma rules."""

import sys
from pathlib import Path

from shared.audit.sigma.export import exported
from shared.audit.sigma.folder import SUFFIXES, Tried, try_folder


def test(folder: Path) -> int:
    """Prints each rule with its tests; a mistake by file, line and field."""
    tried = list(try_folder(folder))
    if not tried:
        print(f"{folder}: no rules here: files ending in {' or '.join(SUFFIXES)}", file=sys.stderr)
        return 2
    for each in tried:
        _print(each)
    broken = sum(bool(each.mistakes) for each in tried)
    usable = len(tried) - broken
    print(f"{usable} of {len(tried)} rules can be used" + (f"; {broken} can't" if broken else ""))
    return 1 if broken else 0


def _print(tried: Tried) -> None:
    print(f"{'FAILED' if tried.mistakes else 'ok':<7} {tried.file}")
    for test in tried.tests:
        said = test.failure or "; ".join(test.titles) or "no alert"
        print(f"        {'FAILED' if test.failure else 'ok':<7} {test.name}: {said}")
    if not tried.tests and not tried.mistakes:
        print("        it has no tests")
    for mistake in tried.mistakes:
        print(f"        {mistake}")


def export(folder: Path) -> int:
    """Writes a file for each detection of one event."""
    folder.mkdir(parents=True, exist_ok=True)
    rules = exported()
    for name, text in rules.items():
        (folder / name).write_text(text)
    print(f"{len(rules)} Sigma rules are in {folder}")
    return 0
