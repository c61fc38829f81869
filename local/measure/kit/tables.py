"""The functions' DynamoDB tables, as the template declares them, and what a write to one costs."""

import json
import math
from typing import Any

import boto3

from local.template import read_template

DECLARED = ("AttributeDefinitions", "BillingMode", "GlobalSecondaryIndexes", "KeySchema")
WRITE_UNIT = 1_024  # bytes


def create_table(session: boto3.Session, resource: str, name: str) -> None:
    """The template's resource, without what moto and MiniStack do not know."""
    properties: Any = read_template()["Resources"][resource]["Properties"]
    wanted = {each: properties[each] for each in DECLARED if each in properties}
    session.client("dynamodb").create_table(TableName=name, **wanted)


def write_units(row: Any) -> int:
    return max(1, math.ceil(len(json.dumps(row)) / WRITE_UNIT))
