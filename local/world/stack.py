"""The laptop's world: a local AWS, an OpenAI, and the template that users deploy, deployed."""

import json
import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from boto3.session import Session
from botocore.config import Config
from botocore.session import Session as BareSession

from local.world.packages import SAM, SAM_ENVIRONMENT, built_template
from local.world.servers import start_aws, start_openai
from shared.jobs.ledger import Ledger

STACK = "batchdrop"
REGION = "us-east-1"
KEY_PARAMETER = "/batchdrop/openai-api-key"
MADE_UP_KEY = "sk-made-up-for-the-small-openai"
FUNCTION_TIMEOUT = (
    "120"  # a function that died is followed by the next in three minutes, not in sixteen
)

DIRECT = Config(proxies={})  # whatever proxy the user needs for the world outside

Say = Callable[[str], None]


@dataclass(frozen=True)
class Wishes:
    """How the world should be."""

    real: bool = False  # OpenAI's own API, with the key in OPENAI_API_KEY
    port: int = 0  # of the local AWS; 0: any free one
    openai: Sequence[str] = ("--speed", "10")  # arguments of the small OpenAI
    parameters: Mapping[str, str] = field(default_factory=dict)  # of the template, beside ours


@dataclass(frozen=True)
class World:
    """Where everything is."""

    endpoint: str
    openai: str
    real: bool
    outputs: dict[str, str]
    parameters: dict[str, str] = field(default_factory=dict)

    def client(self, service: Any) -> Any:
        return _session().client(service, endpoint_url=self.endpoint, config=DIRECT)

    @property
    def ledger(self) -> Ledger:
        dynamodb = _session().resource("dynamodb", endpoint_url=self.endpoint, config=DIRECT)
        return Ledger(dynamodb.Table(self.outputs["LedgerTableName"]))

    def save(self, home: Path) -> None:
        (home / "world.json").write_text(json.dumps(asdict(self)))

    @classmethod
    def load(cls, home: Path) -> "World":
        return cls(**json.loads((home / "world.json").read_text()))


def make_world(
    home: Path, wishes: Wishes, say: Say, build: Callable[[Say], Path] = built_template
) -> World:
    """Both servers start while the packages are built; then `sam deploy`, as on AWS."""
    with ThreadPoolExecutor() as at_once:
        aws = at_once.submit(start_aws, home, wishes.port, wishes.real)
        openai = at_once.submit(_openai, home, wishes)
        template = build(say)
        endpoint, base_url = aws.result(), openai.result()
    say(f"AWS, the part of it we use, is at {endpoint}")
    say(f"{'OpenAI' if wishes.real else 'A small OpenAI'} is at {base_url}")
    world = World(endpoint, base_url, wishes.real, {}, dict(wishes.parameters))
    _put_key(world)
    return deploy(home, world, template, say)


def deploy(home: Path, world: World, template: Path, say: Say) -> World:
    """`sam deploy` of the very template; the world with the stack's outputs."""
    say(f"Deploying template.yaml as the stack {STACK} …")
    log = home / "deploy.log"
    with log.open("wb") as into:
        done = subprocess.run(
            [*_sam_deploy(template), "--parameter-overrides", *_parameters(world)],
            cwd=home,
            env=aws_environment(world.endpoint),
            stdin=subprocess.DEVNULL,
            stdout=into,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if done.returncode:
        raise SystemExit(f"sam deploy failed:\n{log.read_text()}")
    stack = world.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"][0]
    outputs = {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}
    return replace(world, outputs=outputs)


def _openai(home: Path, wishes: Wishes) -> str:
    if not wishes.real:
        return start_openai(home, wishes.openai)
    if not os.environ.get("OPENAI_API_KEY"):
        raise SystemExit("--real needs a project key in OPENAI_API_KEY")
    return os.environ.get("OPENAI_BASE_URL") or "https://api.openai.com/v1"


def _put_key(world: World) -> None:
    key = os.environ["OPENAI_API_KEY"] if world.real else MADE_UP_KEY
    world.client("ssm").put_parameter(
        Name=KEY_PARAMETER, Value=key, Type="SecureString", Overwrite=True
    )


def _sam_deploy(template: Path) -> list[str]:
    return [
        *(str(SAM), "deploy", "--template-file", str(template), "--stack-name", STACK),
        *("--capabilities", "CAPABILITY_IAM", "--resolve-s3", "--no-confirm-changeset"),
        *("--no-fail-on-empty-changeset", "--no-progressbar"),
    ]


def _session() -> Session:
    """Made-up keys, and neither profile nor files of the user's."""
    nobody = {"profile": (None, None, None, None), "config_file": (None, None, os.devnull, None)}
    return Session("test", "test", region_name=REGION, botocore_session=BareSession(nobody))


def aws_environment(endpoint: str) -> dict[str, str]:
    """For `sam`: no profile or endpoint of the user's, and the stack's events as they come."""
    return {name: value for name, value in os.environ.items() if name[:4] != "AWS_"} | {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_SECRET_ACCESS_KEY": "test",
        "NO_PROXY": "127.0.0.1,localhost",
        "SAM_CLI_POLL_DELAY": "0.3",
        **SAM_ENVIRONMENT,
    }


def _parameters(world: World) -> list[str]:
    wanted = {
        "FunctionTimeoutSeconds": FUNCTION_TIMEOUT,
        "OpenAIBaseUrl": world.openai.rstrip("/"),
        "OpenAIKeyParameter": KEY_PARAMETER,
    }
    if world.real:
        wanted |= {
            "OpenAIOrganization": os.environ.get("OPENAI_ORG_ID", ""),
            "OpenAIProject": os.environ.get("OPENAI_PROJECT_ID", ""),
        }
    wanted |= world.parameters
    return [f"{name}={value}" for name, value in wanted.items() if value]
