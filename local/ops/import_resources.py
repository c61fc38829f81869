"""`batchdrop adopt`: imports a deleted stack's buckets and tables into a new stack.

`sam delete` keeps them, and CloudFormation will not make a bucket that is there. So before the next
`make deploy` they are imported, with a template that holds nothing else: an import may make and
change nothing. The deploy that follows adds the rest around them.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import boto3
from botocore.exceptions import ClientError

from local.ops.deploy_stack import parameters_of
from local.template import read_template

BUCKET, TABLE = "AWS::S3::Bucket", "AWS::DynamoDB::Table"
ELSEWHERE = ("Condition", "DependsOn", "Metadata")  # the resources must not depend on others
CHANGE = "adopt"


def main(stack: str, tables: Mapping[str, str]) -> int:
    session = boto3.Session()
    last = newest_deleted(session, stack)
    had = parameters_of(session, last) if last else {}
    had_tables = tables_of(session, last) if last else {}
    for logical, name in adopt(session, stack, {**had_tables, **tables}, had).items():
        print(f"{stack} has {logical} again: {name}")
    for name, value in sorted(had.items()):
        print(f"{stack} has its parameter again: {name}={value}")
    if not last:
        print("CloudFormation forgets a stack's parameters after 90 days: give them again")
    print(f"Now: make deploy STACK={stack}")
    return 0


def newest_deleted(session: boto3.Session, stack: str) -> str | None:
    """The id of the last stack of that name; CloudFormation knows it for 90 days."""
    cloudformation = session.client("cloudformation")
    pages = cloudformation.get_paginator("list_stacks").paginate(
        StackStatusFilter=["DELETE_COMPLETE"]
    )
    deleted = [each for page in pages for each in page["StackSummaries"]]
    named = [each for each in deleted if each["StackName"] == stack]
    return max(named, key=lambda each: each["CreationTime"])["StackId"] if named else None


def tables_of(session: boto3.Session, stack: str) -> dict[str, str]:
    """The ones it had that still exist, by their names in the template: a restore makes more."""
    existing = set(_tables(session))
    pages = session.client("cloudformation").get_paginator("list_stack_resources")
    return {
        each["LogicalResourceId"]: each["PhysicalResourceId"]
        for page in pages.paginate(StackName=stack)
        for each in page["StackResourceSummaries"]
        if each["ResourceType"] == TABLE and each["PhysicalResourceId"] in existing
    }


def adopt(
    session: boto3.Session,
    stack: str,
    tables: Mapping[str, str],
    parameters: Mapping[str, str],
) -> dict[str, str]:
    """The names of the imported resources, by their names in the template."""
    kept = remaining(read_template())
    found = _found(session, stack, kept["Resources"], tables)
    kept["Resources"] = {name: kept["Resources"][name] for name in found}
    cloudformation = session.client("cloudformation")
    cloudformation.create_change_set(
        StackName=stack,
        ChangeSetName=CHANGE,
        ChangeSetType="IMPORT",
        TemplateBody=json.dumps(kept),
        Parameters=[
            {"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()
        ],
        ResourcesToImport=[
            {
                "ResourceType": kept["Resources"][name]["Type"],
                "LogicalResourceId": name,
                "ResourceIdentifier": {_identifier(kept["Resources"][name]): each},
            }
            for name, each in found.items()
        ],
    )
    created = cloudformation.get_waiter("change_set_create_complete")
    created.wait(StackName=stack, ChangeSetName=CHANGE)
    cloudformation.execute_change_set(StackName=stack, ChangeSetName=CHANGE)
    cloudformation.get_waiter("stack_import_complete").wait(StackName=stack)
    return found


def remaining(template: dict[str, Any]) -> dict[str, Any]:
    """The template with only the resources that a deleted stack retains."""
    kept = {
        name: {key: value for key, value in each.items() if key not in ELSEWHERE}
        for name, each in template["Resources"].items()
        if each.get("DeletionPolicy") in {"Retain", "RetainExceptOnCreate"}
    }
    for each in kept.values():
        each["Properties"].pop("NotificationConfiguration", None)  # the queue comes later
    sections = ("AWSTemplateFormatVersion", "Parameters", "Mappings", "Conditions")
    return {section: template[section] for section in sections} | {"Resources": kept}


def _found(
    session: boto3.Session, stack: str, kept: Mapping[str, Any], tables: Mapping[str, str]
) -> dict[str, str]:
    """The ones that exist. A bucket has a known name; a table's name starts with its stack's."""
    account = session.client("sts").get_caller_identity()["Account"]
    s3, names = session.client("s3"), list(_tables(session))
    found: dict[str, str] = {}
    for logical, each in kept.items():
        if each["Type"] == TABLE:
            found |= _table(stack, logical, tables.get(logical), names)
            continue
        name = each["Properties"]["BucketName"]["Fn::Sub"]
        for variable, value in {
            "AWS::StackName": stack,
            "AWS::AccountId": account,
            "AWS::Region": session.region_name,
        }.items():
            name = name.replace(f"${{{variable}}}", value)
        if _is_there(s3, name):
            found[logical] = name
    if not found:
        raise SystemExit(f"nothing of a stack {stack} was left behind in {session.region_name}")
    return found


def _table(stack: str, logical: str, named: str | None, names: Sequence[str]) -> dict[str, str]:
    """CloudFormation's names end in random characters."""
    pattern = re.compile(rf"{re.escape(stack)}-{logical}-[A-Za-z0-9]+")
    fitting = [named] if named else [name for name in names if pattern.fullmatch(name)]
    if len(fitting) > 1:
        raise SystemExit(
            f"{logical} may be any of {', '.join(fitting)}: say which with --table {logical}=…"
        )
    return {logical: fitting[0]} if fitting else {}


def _tables(session: boto3.Session) -> Iterator[str]:
    for page in session.client("dynamodb").get_paginator("list_tables").paginate():
        yield from page["TableNames"]


def _is_there(s3: Any, bucket: str) -> bool:
    try:
        s3.head_bucket(Bucket=bucket)
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") in {"404", "NoSuchBucket"}:
            return False
        raise
    return True


def _identifier(resource: Mapping[str, Any]) -> str:
    return "BucketName" if resource["Type"] == BUCKET else "TableName"
