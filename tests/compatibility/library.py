"""What becomes of a library on the server at OPENAI_BASE_URL: one JSON object.

python -m tests.compatibility.library, with OPENAI_API_KEY: deploys the stack on this machine.
"""

import json
import sys
import time
from typing import Any

from local.paths import ROOT
from local.world.stack import World, WorldOptions, make_world
from local.world.workspace import temporary_home

NAMES = ("CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")
REPORT = "libraries/handbook/report.json"
LONGEST = 240.0  # seconds
PACE = "2"  # seconds between two attachings


def main() -> int:
    options = WorldOptions(real=True, parameters={"LibraryPaceSeconds": PACE})
    with temporary_home() as home:
        world = make_world(home, options, lambda text: print(text, file=sys.stderr))
        for name in NAMES:
            world.client("s3").put_object(
                Bucket=world.outputs["InboxBucketName"],
                Key=f"libraries/handbook/{name}",
                Body=(ROOT / name).read_bytes(),
            )
        print(json.dumps(_seen(world)))
    return 0


def _seen(world: World) -> dict[str, Any]:
    """The last report: in sync, or with the reason why it is not."""
    began = time.monotonic()
    report: dict[str, Any] = {}
    while time.monotonic() - began < LONGEST:
        name = world.outputs["PollFunctionName"]
        world.client("lambda").invoke(FunctionName=name, Payload=b"{}")
        report = _report(world) or report
        if report.get("in_sync") and len(report["documents"]) == len(NAMES):
            break
        time.sleep(5)
    states = [each["state"] for each in report.get("documents", [])]
    return {
        "in_sync": report.get("in_sync", False),
        "seconds": round(time.monotonic() - began),
        "states": {state: states.count(state) for state in sorted(set(states))},
        "reasons": sorted(_reasons(report)),
    }


def _reasons(report: dict[str, Any]) -> set[str]:
    errors = {str(each["error"]) for each in report.get("documents", [])}
    return (errors | {str(report.get("reason", "no report was written"))}) - {""}


def _report(world: World) -> dict[str, Any] | None:
    s3 = world.client("s3")
    try:
        found = s3.get_object(Bucket=world.outputs["DataBucketName"], Key=REPORT)["Body"].read()
    except s3.exceptions.NoSuchKey:
        return None
    report: dict[str, Any] = json.loads(found)
    return report


if __name__ == "__main__":
    sys.exit(main())
