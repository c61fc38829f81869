"""What a function needs, by the calls it makes, and what the template lets it do.

A right is an action and a resource by its name in the template: `s3:PutObject` on
`DataBucket/parts/*`. Nothing here knows a function by name.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from shared.jobs.keys import RECIPE
from tests.support.aws import template
from tests.support.names import AUDIT, DATA, INBOX
from tests.support.sessions import Session

Scenario = Mapping[str, bool]  # the template's conditions

WITH_PARAMETERS = {  # the usual
    "KeyIsSecret": False,
    "AdminKeyIsSecret": False,
    "HasExtraHeaders": False,
    "OwnKey": False,
    "KeysHaveAKey": False,
    "TracingIsOn": False,
    "AuditIsOn": True,
}

NAMES = {
    INBOX: "InboxBucket",
    DATA: "DataBucket",
    AUDIT: "AuditBucket",
    "ledger": "Ledger",
    "AuditEvents": "AuditEvents",
    "AuditState": "AuditState",
    "intake": "IntakeQueue",
    "submit": "SubmitQueue",
    "land": "LandQueue",
    "library": "LibraryQueue",
    "bus": "Bus",
    "notifications": "Topic",
    "alerts": "AlertTopic",
    "/openai-api-key": "OpenAIKey",
    "/openai-admin-key": "OpenAIAdminKey",
    "/webhook-secret": "WebhookSecret",
}
OF_TRACES = ("PutTelemetryRecords", "PutTraceSegments")
OF_OPENAI = frozenset({"OpenAIKey", "OpenAIAdminKey", "WebhookSecret"})
WRITES = frozenset({"s3:PutObject", "sqs:SendMessage", "sns:Publish"})
NAMED_BY = {  # action, the parameter that names its resource, and what stands before the name
    "sns:Publish": ("sns:Publish", "TopicArn", ":"),
    "sns:PublishBatch": ("sns:Publish", "TopicArn", ":"),
    "sqs:SendMessage": ("sqs:SendMessage", "QueueUrl", "/"),
    "sqs:SendMessageBatch": ("sqs:SendMessage", "QueueUrl", "/"),
    "ssm:GetParameter": ("ssm:GetParameter", "Name", "/batchdrop"),
}
OF_ITEMS = {
    "Put": "dynamodb:PutItem",
    "Update": "dynamodb:UpdateItem",
    "Delete": "dynamodb:DeleteItem",
    "ConditionCheck": "dynamodb:ConditionCheckItem",
}


class Right(NamedTuple):
    action: str
    resource: str


class Call(NamedTuple):
    """A call to AWS as the code made it."""

    service: str
    operation: str
    params: Mapping[str, Any]


class TracedSession(Session):
    """A session that writes down every call of every client made by it."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[Call] = []
        self.events.register_first("provide-client-params.*.*", self._note)

    def _note(self, params: Mapping[str, Any], model: Any, **_: Any) -> None:
        service = model.service_model.service_name
        self.calls.append(Call(service, model.name, dict(params)))


def needed(call: Call) -> Iterator[Right]:
    """The rights that AWS asks for such a call."""
    params = call.params
    match call.service, call.operation:
        case "s3", operation:
            yield from _of_s3(operation, params)
        case "dynamodb", operation:
            yield from _of_dynamodb(operation, params)
        case "events", "PutEvents":
            yield from (
                Right("events:PutEvents", NAMES[e["EventBusName"]]) for e in params["Entries"]
            )
        case service, operation if f"{service}:{operation}" in NAMED_BY:
            action, parameter, mark = NAMED_BY[f"{service}:{operation}"]
            yield Right(action, NAMES[params[parameter].rpartition(mark)[2]])
        case _:
            raise AssertionError(f"say here which rights {call.service} {call.operation} needs")


def _of_dynamodb(operation: str, params: Mapping[str, Any]) -> Iterator[Right]:
    match operation:
        case "TransactWriteItems":
            for write in params["TransactItems"]:
                yield from (Right(OF_ITEMS[k], NAMES[w["TableName"]]) for k, w in write.items())
        case "BatchGetItem":
            for table in params["RequestItems"]:
                yield Right("dynamodb:BatchGetItem", NAMES[table])
        case _:
            table, index = NAMES[params["TableName"]], params.get("IndexName")
            yield Right(f"dynamodb:{operation}", f"{table}/index/{index}" if index else table)


def _of_s3(operation: str, params: Mapping[str, Any]) -> Iterator[Right]:
    bucket = NAMES[params["Bucket"]]
    is_all = bucket == NAMES[AUDIT] and "VersionId" not in params  # one function has all of it
    key = params.get("Key", "")
    folder = "" if is_all else f"/{key.partition('/')[0]}"
    objects = f"{bucket}{folder}/*{RECIPE if key.endswith(f'/{RECIPE}') else ''}"
    match operation:
        case "GetObject" | "HeadObject":
            version = "Version" if params.get("VersionId") else ""
            yield Right(f"s3:GetObject{version}", objects)
            yield Right("s3:ListBucket", bucket)  # else what is missing is called forbidden
        case "CreateMultipartUpload":
            yield Right("s3:PutObject", objects)
            yield Right("s3:AbortMultipartUpload", objects)  # when it fails half-way
        case "PutObject" | "UploadPart" | "CompleteMultipartUpload":
            yield Right("s3:PutObject", objects)
        case "DeleteObject":
            yield Right("s3:DeleteObject", objects)
        case "ListObjectVersions":
            yield Right("s3:ListBucketVersions", bucket)
        case "ListObjectsV2":
            yield Right("s3:ListBucket", bucket)
        case _:
            raise AssertionError(f"say here which rights s3 {operation} needs")


def functions() -> dict[str, Any]:
    """Every function of the template by the function's name, such as `intake`."""
    return {
        name.removesuffix("Function").lower(): each["Properties"]
        for name, each in template()["Resources"].items()
        if each["Type"] == "AWS::Serverless::Function"
    }


def or_more(right: Right, granted: set[Right]) -> Right:
    """The right to a folder's recipes, or the one to all that lies there, if that is granted."""
    whole = right._replace(resource=right.resource.removesuffix(RECIPE))
    return whole if right not in granted and whole in granted else right


def of_the_platform(function: str) -> Iterator[Right]:
    """What Lambda does in a function's name: hears its queue, writes its log and traces."""
    properties = functions()[function]
    for event in properties.get("Events", {}).values():
        if event["Type"] == "SQS":
            queue = _resource(event["Properties"]["Queue"])
            for action in ("DeleteMessage", "GetQueueAttributes", "ReceiveMessage"):
                yield Right(f"sqs:{action}", queue)
    if failed := properties.get("EventInvokeConfig", {}).get("DestinationConfig"):
        yield Right("sqs:SendMessage", _resource(failed["OnFailure"]["Destination"]))
    for action in ("CreateLogStream", "PutLogEvents"):
        yield Right(f"logs:{action}", properties["LoggingConfig"]["LogGroup"]["Ref"])


def in_scenario(rights: set[Right], scenario: Scenario) -> set[Right]:
    """The same where keys are secrets, and where a customer's key encrypts."""
    found = {_by_secret(right, scenario) for right in rights}
    if scenario["HasExtraHeaders"] and any(each.resource == "OpenAIKey" for each in rights):
        found.add(Right("ssm:GetParameter", "ExtraHeaders"))
    if scenario["TracingIsOn"]:
        found |= {Right(f"xray:{each}", "*") for each in OF_TRACES}
    if scenario["KeysHaveAKey"] and any(each.resource in OF_OPENAI for each in rights):
        found.add(Right("kms:Decrypt", "KeyParameterKmsKey"))
    if scenario["OwnKey"]:
        found.add(
            Right("kms:Decrypt", "EncryptionKey")
        )  # the function's environment, if nothing else
        if any(right.action in WRITES for right in rights):
            found.add(Right("kms:GenerateDataKey", "EncryptionKey"))
    return found


def _by_secret(right: Right, scenario: Scenario) -> Right:
    secret = {"OpenAIKey": "KeyIsSecret", "OpenAIAdminKey": "AdminKeyIsSecret"}
    if scenario.get(secret.get(right.resource, ""), False):
        return Right("secretsmanager:GetSecretValue", right.resource)
    return right


def granted(function: str, scenario: Scenario) -> set[Right]:
    """What a function's role may do."""
    return {
        Right(action, _resource(resource))
        for statement in _statements(function, scenario)
        for action in _each(_chosen(statement["Action"], scenario), scenario)
        for resource in _each(_chosen(statement["Resource"], scenario), scenario)
    }


def _statements(function: str, scenario: Scenario) -> Iterator[Any]:
    resources = template()["Resources"]
    role = resources[functions()[function]["Role"]["Fn::GetAtt"][0]]["Properties"]
    for policy in role.get("Policies", []):
        yield from _each(policy["PolicyDocument"]["Statement"], scenario)
    for policy in _each(role.get("ManagedPolicyArns", []), scenario):
        document = resources[policy["Ref"]]["Properties"]["PolicyDocument"]
        yield from _each(document["Statement"], scenario)


def _each(some: Any, scenario: Scenario) -> Iterator[Any]:
    """One or many, as IAM has it; what a condition leaves out is left out."""
    for each in some if isinstance(some, list) else [some]:
        chosen = _chosen(each, scenario)
        if chosen != {"Ref": "AWS::NoValue"}:
            yield chosen


def _chosen(node: Any, scenario: Scenario) -> Any:
    if isinstance(node, dict) and "Fn::If" in node:
        condition, yes, no = node["Fn::If"]
        return _chosen(yes if scenario[condition] else no, scenario)
    return node


def _resource(node: Any) -> str:
    """An ARN in the template by the name of what it is of."""
    match node:
        case str():
            return node
        case {"Fn::GetAtt": [name, "Arn"]}:
            return str(name)
        case {"Ref": str(name)}:
            return name.removesuffix("SecretArn").removesuffix("Arn")
        case {"Fn::Sub": str(text)} if found := re.search(r":parameter\$\{(\w+)\}$", text):
            return found[1].removesuffix("Parameter")
        case {"Fn::Sub": str(text)}:
            return re.sub(r"\$\{(\w+)\.Arn\}", r"\1", text)
    raise AssertionError(f"a resource that says nothing: {node}")


def table(scenario: Scenario) -> str:
    """What each function may do, as docs/reference.md shows it, without its own log and traces."""
    may = {
        function: {
            r for r in granted(function, scenario) if not r.action.startswith(("logs:", "xray:"))
        }
        for function in functions()
    }
    resources = sorted({right.resource for rights in may.values() for right in rights})
    rows = [
        ["", *may],
        ["---"] * (len(may) + 1),
        *([f"`{each}`", *(_may(rights, each) for rights in may.values())] for each in resources),
    ]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _may(rights: set[Right], resource: str) -> str:
    actions = sorted(right.action for right in rights if right.resource == resource)
    return ", ".join(action.partition(":")[2] for action in actions)
