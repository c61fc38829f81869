"""A local world: a local AWS, an OpenAI, and the template that users deploy, deployed there."""

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
ADMIN_KEY_PARAMETER = "/batchdrop/openai-admin-key"
MADE_UP_ADMIN_KEY = "sk-admin-made-up-for-the-small-openai"
FUNCTION_TIMEOUT = "120"  # seconds; so a killed function is retried after 3 minutes, not 16

DIRECT = Config(proxies={})  # the user may need a proxy for the internet

Say = Callable[[str], None]


@dataclass(frozen=True)
class WorldOptions:
    """What world to make."""

    real: bool = False  # OpenAI's own API, with the key in OPENAI_API_KEY
    port: int = 0  # of the local AWS; 0: any free one
    openai: Sequence[str] = ("--speed", "10")  # arguments of the small OpenAI
    parameters: Mapping[str, str] = field(default_factory=dict)  # of the template, besides ours


@dataclass(frozen=True)
class World:
    """The addresses of a world that is running."""

    endpoint: str
    openai: str
    real: bool
    outputs: dict[str, str]
    parameters: dict[str, str] = field(default_factory=dict)
    stack: str = STACK

    def client(self, service: Any) -> Any:
        return _session().client(service, endpoint_url=self.endpoint, config=DIRECT)

    def resource(self, service: Any) -> Any:
        return _session().resource(service, endpoint_url=self.endpoint, config=DIRECT)

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.resource("dynamodb").Table(self.outputs["LedgerTableName"]))

    def save(self, home: Path) -> None:
        (home / "world.json").write_text(json.dumps(asdict(self)))

    @classmethod
    def load(cls, home: Path) -> "World":
        return cls(**json.loads((home / "world.json").read_text()))


def make_world(
    home: Path, options: WorldOptions, say: Say, build: Callable[[Say], Path] = built_template
) -> World:
    """Starts both servers while it builds the packages; then `sam deploy`, as on AWS."""
    with ThreadPoolExecutor() as at_once:
        aws = at_once.submit(start_aws, home, options.port, options.real)
        openai = at_once.submit(_openai, home, options)
        template = build(say)
        endpoint, base_url = aws.result(), openai.result()
    say(f"A local AWS is at {endpoint}")
    say(f"{'OpenAI' if options.real else 'A small OpenAI'} is at {base_url}")
    world = World(endpoint, base_url, options.real, {}, dict(options.parameters))
    _put_keys(world)
    return deploy(home, world, template, say)


def deploy(home: Path, world: World, template: Path, say: Say) -> World:
    """`sam deploy`; the world with the stack's outputs."""
    say(f"Deploying template.yaml as the stack {world.stack} …")
    log = home / "deploy.log"
    with log.open("wb") as into:
        done = subprocess.run(
            [*_sam_deploy(template, world.stack), "--parameter-overrides", *_parameters(world)],
            cwd=home,
            env=aws_environment(world.endpoint),
            stdin=subprocess.DEVNULL,
            stdout=into,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if done.returncode:
        raise SystemExit(f"sam deploy failed:\n{log.read_text()}")
    stack = world.client("cloudformation").describe_stacks(StackName=world.stack)["Stacks"][0]
    outputs = {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}
    return replace(world, outputs=outputs)


def _openai(home: Path, options: WorldOptions) -> str:
    if not options.real:
        return start_openai(home, options.openai)
    if not os.environ.get("OPENAI_API_KEY"):
        raise SystemExit("--real needs a project key in OPENAI_API_KEY")
    return os.environ.get("OPENAI_BASE_URL") or "https://api.openai.com/v1"


def _put_keys(world: World) -> None:
    keys = {KEY_PARAMETER: os.environ["OPENAI_API_KEY"] if world.real else MADE_UP_KEY}
    if not world.real:
        keys[ADMIN_KEY_PARAMETER] = MADE_UP_ADMIN_KEY
    for name, key in keys.items():
        world.client("ssm").put_parameter(Name=name, Value=key, Type="SecureString", Overwrite=True)


def _sam_deploy(template: Path, stack: str) -> list[str]:
    return [
        *(str(SAM), "deploy", "--template-file", str(template), "--stack-name", stack),
        *("--capabilities", "CAPABILITY_IAM", "--resolve-s3", "--no-confirm-changeset"),
        *("--no-fail-on-empty-changeset", "--no-progressbar"),
    ]


def _session() -> Session:
    """Made-up keys, without the user's profile and configuration files."""
    nobody = {"profile": (None, None, None, None), "config_file": (None, None, os.devnull, None)}
    return Session("test", "test", region_name=REGION, botocore_session=BareSession(nobody))


def aws_environment(endpoint: str) -> dict[str, str]:
    """For `sam`: without the user's profile and endpoint; it reports the stack's events at once."""
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
        "RetryPauseSeconds": "5",
        "OpenAIKeyParameter": KEY_PARAMETER,
    }
    if world.real:
        wanted |= {
            "OpenAIOrganization": os.environ.get("OPENAI_ORG_ID", ""),
            "OpenAIProject": os.environ.get("OPENAI_PROJECT_ID", ""),
        }
    else:
        wanted |= {"Prices": "openai"}  # so that its reports look like the real ones
    wanted |= world.parameters
    return [f"{name}={value}" for name, value in wanted.items() if value]
