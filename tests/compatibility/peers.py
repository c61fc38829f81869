"""Sends 164 requests through servers that other people wrote, with the small OpenAI as their model.

python -m tests.compatibility.peers [--only REGEX] [--file FILE]: each server in an environment of
its own; the stack is deployed on this machine, as `make run REAL=1` does. Writes docs/servers.md.
"""

import argparse
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from local.openai import SmallOpenAI
from local.openai.serving.serve import serving
from local.openai.settings import SmallSettings
from local.paths import ROOT
from tests.compatibility.environment import Package, environment, installed, version
from tests.compatibility.seen import Sighting, remember

MODEL = "gpt-5-mini"
REQUESTS = 164
STARTING = 120  # seconds
LONGEST = 600

LITELLM = """
model_list:
  - model_name: gpt-5-mini
    litellm_params:
      model: openai/gpt-5-mini
      api_base: os.environ/OPENAI_BASE_URL
      api_key: os.environ/OPENAI_API_KEY
files_settings:
  - custom_llm_provider: openai
    api_base: os.environ/OPENAI_BASE_URL
    api_key: os.environ/OPENAI_API_KEY
general_settings: {master_key: sk-peer}
litellm_settings: {max_retries: 0, num_retries: 0, telemetry: false}
"""
OGX = """
version: 2
distro_name: peer
apis: [batches, file_processors, files, inference, vector_io]
providers:
  inference:
    - provider_id: openai
      provider_type: remote::openai
      config: {api_key: "${env.OPENAI_API_KEY}", base_url: "${env.OPENAI_BASE_URL}"}
  files:
    - provider_id: localfs
      provider_type: inline::localfs
      config:
        storage_dir: ${env.PEER_HOME}/files
        metadata_store: {table_name: files_metadata, backend: sql_default}
  batches:
    - provider_id: reference
      provider_type: inline::reference
      config: {sqlstore: {table_name: batches, backend: sql_default}}
  file_processors:
    - {provider_id: auto, provider_type: "inline::auto"}
  vector_io:
    - provider_id: faiss
      provider_type: inline::faiss
      config: {persistence: {namespace: "vector_io::faiss", backend: kv_default}}
storage:
  backends:
    kv_default: {type: kv_sqlite, db_path: "${env.PEER_HOME}/kv.db"}
    sql_default: {type: sql_sqlite, db_path: "${env.PEER_HOME}/sql.db"}
  stores:
    metadata: {namespace: registry, backend: kv_default}
    inference: {table_name: inference_store, backend: sql_default}
registered_resources:
  models:
    - {model_id: gpt-5-mini, provider_id: openai, provider_model_id: gpt-5-mini, model_type: llm}
    - model_id: text-embedding-3-small
      provider_id: openai
      provider_model_id: text-embedding-3-small
      model_type: embedding
      metadata: {embedding_dimension: 1536}
vector_stores:
  default_provider_id: faiss
  default_embedding_model: {provider_id: openai, model_id: text-embedding-3-small}
server: {port: PORT}
"""


@dataclass(frozen=True)
class Peer:
    name: str
    package: Package
    configuration: str
    command: str  # {file} is the configuration's, {port} where it listens
    model: str  # what it calls ours
    needs: str = ""


PEERS = (
    Peer(
        "OGX",
        # LiteLLM for its copy of the tokenizer's table, which tiktoken looks for in the network.
        Package(
            ["ogx", "faiss-cpu", "chardet", "pypdf", "markitdown[docx,pdf]", "litellm"],
            python="3.12",
        ),
        OGX,
        "ogx run --insecure {file}",
        f"openai/{MODEL}",
        "models by its own names, such as `openai/gpt-5-mini`",
    ),
    Peer(
        "LiteLLM proxy",
        Package(["litellm[proxy]"]),
        LITELLM,
        "litellm --config {file} --port {port}",
        MODEL,
        "`max_retries: 0`, or it may create a batch twice",
    ),
)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", metavar="REGEX", help="of a server's name")
    parser.add_argument("--file", type=Path, help="requests to send instead of made-up ones")
    wanted = parser.parse_args(arguments)
    lines = wanted.file.read_text().splitlines() if wanted.file else _made_up()
    only = re.compile(wanted.only)
    seen = [_sighting(each, lines) for each in PEERS if only.search(each.name)]
    remember("servers", seen)
    return 0 if all(each.answered == each.of for each in seen) else 1


def _made_up() -> list[str]:
    head = {"method": "POST", "url": "/v1/chat/completions"}
    questions = [[{"role": "user", "content": f"Question {at}"}] for at in range(REQUESTS)]
    return [
        json.dumps({"custom_id": f"q/{at}", **head, "body": {"model": MODEL, "messages": asked}})
        for at, asked in enumerate(questions)
    ]


def _sighting(peer: Peer, lines: list[str]) -> Sighting:
    programs = installed(peer.package, peer.package.name)
    found = version(peer.package, peer.package.name)
    answered, library = _tried(peer, programs, [_renamed(line, peer.model) for line in lines])
    print(f"{peer.name} {found}: {answered} of {len(lines)}; a library {library}", flush=True)
    today = datetime.now(UTC).date().isoformat()
    return Sighting(peer.name, found, today, answered, len(lines), peer.needs, library)


def _renamed(line: str, model: str) -> str:
    request = json.loads(line)
    request["body"]["model"] = model
    return json.dumps(request)


def _tried(peer: Peer, programs: Path, lines: list[str]) -> tuple[int, str]:
    """How many requests were answered, and what became of a library of three documents."""
    with tempfile.TemporaryDirectory() as home, _small_openai() as small:
        file = Path(home, "requests.jsonl")
        file.write_text("\n".join(lines) + "\n")
        with _running(peer, programs, Path(home), small) as base_url:
            return _run(file, Path(home, "out"), base_url), _library(base_url)


@contextmanager
def _small_openai() -> Iterator[str]:
    with serving(SmallOpenAI(settings=SmallSettings(speed=20))) as base_url:
        yield base_url


@contextmanager
def _running(peer: Peer, programs: Path, home: Path, small: str) -> Iterator[str]:
    """Its base URL, once it lists batches."""
    port = _free_port()
    configuration = home / "configuration.yaml"
    configuration.write_text(peer.configuration.replace("PORT", str(port)))
    program, *rest = peer.command.format(file=configuration, port=port).split()
    with Path(home, "log").open("w") as log:
        process = subprocess.Popen(
            [str(programs / program), *rest],
            cwd=home,
            env=environment(small, PEER_HOME=str(home), TIKTOKEN_CACHE_DIR=_tokenizer(programs)),
            stdout=log,
            stderr=log,
        )
    try:
        base_url = f"http://127.0.0.1:{port}/v1"
        _wait(base_url, process, Path(home, "log"))
        yield base_url
    finally:
        process.terminate()
        process.wait()


def _tokenizer(programs: Path) -> str:
    found = programs.parent.glob("lib/*/site-packages/litellm/litellm_core_utils/tokenizers")
    return str(next(found, ""))


def _wait(base_url: str, process: "subprocess.Popen[Any]", log: Path) -> None:
    end = time.monotonic() + STARTING
    while time.monotonic() < end and process.poll() is None:
        try:
            headers = {"Authorization": "Bearer sk-peer"}
            if httpx.get(f"{base_url}/batches", headers=headers).is_success:
                return
        except httpx.HTTPError:
            pass
        time.sleep(1)
    raise SystemExit(f"it did not start:\n{log.read_text()[-2_000:]}")


def _run(file: Path, out: Path, base_url: str) -> int:
    done = _in_our_stack(["local", "run", str(file), "--real", "--out", str(out)], base_url)
    if done.returncode:
        print(done.stdout, done.stderr, file=sys.stderr)
    results = out / "results.jsonl"
    lines = results.read_text().splitlines() if results.exists() else []
    return sum(json.loads(line)["response"]["status_code"] == 200 for line in lines)


def _library(base_url: str) -> str:
    done = _in_our_stack(["tests.compatibility.library"], base_url)
    if done.returncode:
        print(done.stderr, file=sys.stderr)
        return "was not tried"
    seen = json.loads(done.stdout.splitlines()[-1])
    if seen["in_sync"]:
        return f"is in sync after {seen['seconds']} s: {_counted(seen['states'])}"
    reasons = "; ".join(seen["reasons"])
    return f"is not in sync, and its report says: {reasons}"


def _in_our_stack(module: list[str], base_url: str) -> "subprocess.CompletedProcess[str]":
    """A module of ours with its arguments, for which the peer is OpenAI."""
    return subprocess.run(
        [sys.executable, "-m", *module],
        cwd=ROOT,
        env=os.environ | {"OPENAI_BASE_URL": base_url, "OPENAI_API_KEY": "sk-peer"},
        capture_output=True,
        text=True,
        timeout=LONGEST,
        check=False,
    )


def _counted(states: dict[str, int]) -> str:
    return ", ".join(f"{number} {state}" for state, number in states.items())


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


if __name__ == "__main__":
    sys.exit(main())
