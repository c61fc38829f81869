"""`make run-library`: a folder becomes a vector store, changes, and is asked questions."""

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from rich.console import Console
from rich.text import Text

from local.paths import ROOT
from local.world.stack import World, WorldOptions, make_world
from local.world.workspace import logs_kept_on_failure, temporary_home
from shared.jobs.model import job_id

LIBRARY = "handbook"
FOLDER = ("BENCHMARKS.md", "CHANGELOG.md", "DECISIONS.md", "docs/audit.md", "docs/operations.md")
BROKEN = b"%PDF-1.4 broken off"
MENDED = b"""%PDF-1.4
1 0 obj
<< /Type /Catalog /Pages 2 0 R >>
endobj
2 0 obj
<< /Type /Pages /Kids [3 0 R] /Count 1 >>
endobj
3 0 obj
<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 144] /Contents 4 0 R /Resources <<
/Font << /F1 5 0 R >> >> >>
endobj
4 0 obj
<< /Length 60 >>
stream
BT /F1 18 Tf 10 100 Td (The scanner is on floor two.) Tj ET
endstream
endobj
5 0 obj
<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>
endobj
trailer
<< /Size 6 /Root 1 0 R >>
%%EOF
"""
CHANGED = b"# Operations\n\nThe siren sounds at noon for a test; nobody has to get up for it.\n"
QUESTIONS = (
    "When does the siren sound for a test?",
    "Why may MiniStack ignore a Range?",
    "Which password spray is a detection?",
)
TIMEOUT = 120.0  # seconds
COLOURS = {"searchable": "green", "failed": "red"}


def main() -> int:
    console = Console(highlight=False, soft_wrap=True)
    options = WorldOptions(parameters={"LibraryPaceSeconds": "2"})
    with temporary_home() as home, logs_kept_on_failure(home):
        world = make_world(home, options, lambda text: console.print(text, markup=False))
        Demo(world, console).play()
    return 0


class Demo:
    """Drops documents, waits for the library's report, asks questions."""

    def __init__(self, world: World, console: Console) -> None:
        self._world = world
        self._console = console
        self._s3 = world.client("s3")
        self._inbox = world.outputs["InboxBucketName"]
        self._data = world.outputs["DataBucketName"]
        self._files: dict[str, str] = {}

    def play(self) -> None:
        self._print_heading(
            f"\n{len(FOLDER)} Markdown files and a broken PDF under libraries/{LIBRARY}/"
        )
        documents = {name: (ROOT / name).read_bytes() for name in FOLDER}
        self._show(self._put({**documents, "scan.pdf": BROKEN}), set(documents) | {"scan.pdf"})
        self._print_heading("\ndocs/operations.md is changed, BENCHMARKS.md is deleted")
        versions = self._put({"docs/operations.md": CHANGED})
        self._s3.delete_object(Bucket=self._inbox, Key=self._key("BENCHMARKS.md"))
        self._show(versions, (set(documents) | {"scan.pdf"}) - {"BENCHMARKS.md"})
        self._print_heading("\nscan.pdf is mended, and dropped again")
        names = (set(documents) | {"scan.pdf"}) - {"BENCHMARKS.md"}
        self._show(self._put({"scan.pdf": MENDED}), names)
        self._print_heading(f"\nThe same as a page: {self._page()}")
        self._print_heading(
            f'\nA file of questions, with "vector_store_ids": ["library:{LIBRARY}"]'
        )
        self._ask()

    def _put(self, documents: Mapping[str, bytes]) -> dict[str, str]:
        """Each one's version."""
        return {
            name: self._s3.put_object(Bucket=self._inbox, Key=self._key(name), Body=content)[
                "VersionId"
            ]
            for name, content in documents.items()
        }

    def _show(self, versions: Mapping[str, str], names: set[str]) -> None:
        def is_there(report: dict[str, Any]) -> bool:
            shown = {each["document"]: each.get("version") for each in report["documents"]}
            return report["in_sync"] and set(shown) == names and versions.items() <= shown.items()

        report = self._until(self._report, is_there)
        self._files = {
            each["file_id"]: each["document"] for each in report["documents"] if "file_id" in each
        }
        for each in report["documents"]:
            line = Text(f"  {each['state']:<11}", style=COLOURS.get(each["state"], ""))
            self._console.print(line.append(each["document"], style="default"))
            if each["error"]:
                self._console.print(Text(f"             {each['error']}", style="dim"))
                self._console.print(Text(f"             what to do: {each['remedy']}"))

    def _page(self) -> str:
        """Its key; it lies beside the report, in the data bucket."""
        key = f"libraries/{LIBRARY}/report.html"
        if not self._read(key):
            raise SystemExit(f"there is no {key}")
        return key

    def _ask(self) -> None:
        content = b"".join(json.dumps(_request(each)).encode() + b"\n" for each in QUESTIONS)
        key = "inbox/questions.jsonl"
        version = self._s3.put_object(Bucket=self._inbox, Key=key, Body=content)["VersionId"]
        results = f"results/questions/{job_id(self._inbox, key, version)}/results.jsonl"
        found = self._until(lambda: self._read(results), bool)
        for line in found.splitlines():
            self._show_answer(json.loads(line))

    def _show_answer(self, result: dict[str, Any]) -> None:
        """The report names the document behind each cited File."""
        text = result["response"]["body"]["output"][-1]["content"][0]
        cited = [self._files[each["file_id"]] for each in text["annotations"]]
        self._console.print(f"  {result['custom_id']}")
        self._console.print(Text(f"    {text['text'][:96]}…", style="dim"))
        self._console.print(Text(f"    cites {', '.join(cited)}", style="green"))

    def _until(self, read: Callable[[], Any], is_enough: Callable[[Any], bool]) -> Any:
        """Starts poll twice a second, because nobody wants to wait a minute for its schedule."""
        until = time.monotonic() + TIMEOUT
        while True:
            found = read()
            if found and is_enough(found):
                return found
            if time.monotonic() > until:
                raise SystemExit(f"no success within two minutes; last seen: {found}")
            name = self._world.outputs["PollFunctionName"]
            self._world.client("lambda").invoke(FunctionName=name, Payload=b"{}")
            time.sleep(0.5)

    def _report(self) -> Any:
        found = self._read(f"libraries/{LIBRARY}/report.json")
        return json.loads(found) if found else None

    def _read(self, key: str) -> bytes:
        try:
            body: bytes = self._s3.get_object(Bucket=self._data, Key=key)["Body"].read()
        except self._s3.exceptions.NoSuchKey:
            return b""
        return body

    def _key(self, name: str) -> str:
        return f"libraries/{LIBRARY}/{name}"

    def _print_heading(self, text: str) -> None:
        self._console.print(Text(text, style="bold"))


def _request(question: str) -> dict[str, Any]:
    tool = {"type": "file_search", "vector_store_ids": [f"library:{LIBRARY}"]}
    body = {"model": "gpt-5-mini", "input": question, "tools": [tool]}
    return {"custom_id": question, "method": "POST", "url": "/v1/responses", "body": body}
