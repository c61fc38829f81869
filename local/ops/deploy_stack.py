"""`make deploy`: asks what it must, deploys, and protects what people would not want to lose.

A stack that stands keeps its parameters: they are what SAM proposes, whoever deploys from wherever.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import boto3
from botocore.exceptions import ClientError

from local.ops.stack_names import problems
from local.template import read_template
from local.world.packages import SAM, SAM_ENVIRONMENT
from shared.aws.failures import code_of

# What lies in these is gone or unreachable once one of them is replaced.
KEPT = ["AWS::DynamoDB::Table", "AWS::S3::Bucket", "AWS::SQS::Queue"]
POLICY: dict[str, Any] = {
    "Statement": [
        {"Effect": "Allow", "Principal": "*", "Action": "Update:*", "Resource": "*"},
        {
            "Effect": "Deny",
            "Principal": "*",
            "Action": ["Update:Delete", "Update:Replace"],
            "Resource": "*",
            "Condition": {"StringEquals": {"ResourceType": KEPT}},
        },
    ]
}


def main(stack: str, *more: str) -> int:
    """more: further options of `sam deploy`."""
    session = boto3.Session()
    if wrong := problems(stack, session.region_name or ""):
        print(*wrong, sep="\n", file=sys.stderr)
        return 1
    given = parameters_of(session, stack)
    done = subprocess.run(
        [str(SAM), "deploy", "--stack-name", stack, *overrides(given), *more],
        env=os.environ | SAM_ENVIRONMENT,
        check=False,
    )
    if done.returncode == 0:
        protect(session, stack)
        print(f"{stack} is protected against deletion, its buckets, tables and queues against")
        print(f"replacement. Is all well? .venv/bin/batchdrop doctor --stack {stack}")
    return done.returncode


def parameters_of(session: boto3.Session, stack: str) -> dict[str, str]:
    """What it was given, of what the template still asks for; nothing if there is none."""
    try:
        (found,) = session.client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
    except ClientError as error:
        if code_of(error) != "ValidationError":
            raise
        return {}
    return known({p["ParameterKey"]: p["ParameterValue"] for p in found.get("Parameters", [])})


def known(parameters: Mapping[str, str]) -> dict[str, str]:
    asked = read_template()["Parameters"]
    return {name: value for name, value in parameters.items() if name in asked}


def overrides(parameters: Mapping[str, str]) -> list[str]:
    """As SAM reads them: a value in quotes, with its own quotes escaped."""
    if not parameters:
        return []
    return [
        "--parameter-overrides",
        *(f"{k}={json.dumps(v, ensure_ascii=False)}" for k, v in parameters.items()),
    ]


def protect(session: boto3.Session, stack: str) -> None:
    """Nobody deletes the stack by a slip, and no update replaces what holds data."""
    cloudformation = session.client("cloudformation")
    cloudformation.update_termination_protection(StackName=stack, EnableTerminationProtection=True)
    cloudformation.set_stack_policy(StackName=stack, StackPolicyBody=json.dumps(POLICY))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
