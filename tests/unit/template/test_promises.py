"""What stands in the template because something would go wrong without it: each test says what."""

import json
import re
from typing import Any

import pytest

from local.template import read_template
from shared.schedule import SCHEDULED

TEMPLATE: dict[str, Any] = read_template()
RESOURCES: dict[str, Any] = TEMPLATE["Resources"]


def of_type(kind: str) -> dict[str, dict[str, Any]]:
    return {name: each for name, each in RESOURCES.items() if each["Type"] == kind}


BUCKETS = of_type("AWS::S3::Bucket")
TABLES = of_type("AWS::DynamoDB::Table")
FUNCTIONS = of_type("AWS::Serverless::Function")
QUEUES = {n: q for n, q in of_type("AWS::SQS::Queue").items() if not n.endswith("DeadLetters")}
INBOX = "arn:${AWS::Partition}:s3:::${AWS::StackName}-inbox-${AWS::AccountId}-${AWS::Region}"
RULE = (
    "arn:${AWS::Partition}:events:${AWS::Region}:${AWS::AccountId}:rule/${AWS::StackName}-misplaced"
)


def statements(policy: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = RESOURCES[policy]["Properties"]["PolicyDocument"]["Statement"]
    return found


# Access


@pytest.mark.parametrize("bucket", BUCKETS)
def test_what_is_sent_in_the_clear_is_refused_whoever_sends_it(bucket: str) -> None:
    (policy,) = (
        each
        for each in of_type("AWS::S3::BucketPolicy").values()
        if each["Properties"]["Bucket"] == {"Ref": bucket}
    )
    (only,) = policy["Properties"]["PolicyDocument"]["Statement"]

    assert (only["Effect"], only["Principal"], only["Action"]) == ("Deny", "*", "s3:*")
    assert only["Condition"] == {"Bool": {"aws:SecureTransport": False}}
    every = [{"Fn::GetAtt": [bucket, "Arn"]}, {"Fn::Sub": f"${{{bucket}.Arn}}/*"}]
    assert only["Resource"] == every


@pytest.mark.parametrize("topic", of_type("AWS::SNS::Topic"))
def test_nobody_publishes_in_the_clear(topic: str) -> None:
    *_, last = statements(f"{topic}Policy")

    assert (last["Effect"], last["Principal"], last["Action"]) == ("Deny", "*", "sns:Publish")
    assert last["Condition"] == {"Bool": {"aws:SecureTransport": False}}
    assert RESOURCES[f"{topic}Policy"]["Properties"]["Topics"] == [{"Ref": topic}]


@pytest.mark.parametrize("queue", of_type("AWS::SQS::Queue"))
def test_nobody_uses_a_queue_in_the_clear(queue: str) -> None:
    denied = [
        each
        for policy in of_type("AWS::SQS::QueuePolicy").values()
        for each in policy["Properties"]["PolicyDocument"]["Statement"]
        if {"Ref": queue} in policy["Properties"]["Queues"]
        and each["Effect"] == "Deny"
        and each["Resource"] == {"Fn::GetAtt": [queue, "Arn"]}
    ]

    (only,) = denied
    assert (only["Principal"], only["Action"]) == ("*", "sqs:*")
    assert only["Condition"] == {"Bool": {"aws:SecureTransport": False}}


@pytest.mark.parametrize("queue", QUEUES)
def test_dead_letters_come_from_their_own_queue_alone(queue: str) -> None:
    name = QUEUES[queue]["Properties"]["QueueName"]["Fn::Sub"]
    letters = RESOURCES[queue.removesuffix("Queue") + "DeadLetters"]["Properties"]

    arn = "arn:${AWS::Partition}:sqs:${AWS::Region}:${AWS::AccountId}:"
    assert letters["RedriveAllowPolicy"] == {
        "redrivePermission": "byQueue",
        "sourceQueueArns": [{"Fn::Sub": f"{arn}{name}"}],
    }


@pytest.mark.parametrize("holder", ["OpenAIKeyRights", "AuditRole"])
def test_a_key_of_ones_own_is_used_through_the_stores_of_keys_alone(holder: str) -> None:
    properties = RESOURCES[holder]["Properties"]
    document = properties.get("PolicyDocument") or properties["Policies"][0]["PolicyDocument"]
    conditional = [each["Fn::If"] for each in document["Statement"] if "Fn::If" in each]

    ((_, right, _),) = [each for each in conditional if each[0] == "KeysHaveAKey"]
    assert right["Action"] == "kms:Decrypt"
    assert right["Resource"] == {"Ref": "KeyParameterKmsKeyArn"}
    stores = right["Condition"]["StringEquals"]["kms:ViaService"]
    assert [each["Fn::Sub"].split(".")[0] for each in stores] == ["ssm", "secretsmanager"]


@pytest.mark.parametrize(
    ("url", "is_allowed"),
    [
        ("https://api.openai.com/v1", True),
        ("https://gateway.example.com", True),
        ("http://127.0.0.1:8080/v1", True),
        ("http://localhost/v1", True),
        ("http://[::1]:8080/v1", True),
        ("http://api.openai.com/v1", False),
        ("http://127.0.0.1.evil.test/v1", False),
        ("http://localhost.evil.test", False),
        ("https://api.openai.com/v1/", False),
        ("ftp://api.openai.com", False),
    ],
)
def test_a_key_never_travels_in_the_clear(url: str, is_allowed: bool) -> None:
    pattern = TEMPLATE["Parameters"]["OpenAIBaseUrl"]["AllowedPattern"]

    assert bool(re.fullmatch(pattern, url)) is is_allowed


@pytest.mark.parametrize("bucket", BUCKETS)
def test_no_bucket_is_ever_public(bucket: str) -> None:
    properties = BUCKETS[bucket]["Properties"]

    wanted = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
    assert properties["PublicAccessBlockConfiguration"] == dict.fromkeys(wanted, True)
    (rule,) = properties["OwnershipControls"]["Rules"]
    assert rule == {"ObjectOwnership": "BucketOwnerEnforced"}


@pytest.mark.parametrize("queue", ["Intake", "Library"])
def test_only_this_stacks_inbox_sends_to_its_queues(queue: str) -> None:
    first, *others = statements(f"{queue}QueuePolicy")

    assert (first["Effect"], first["Action"]) == ("Allow", "sqs:SendMessage")
    assert first["Principal"] == {"Service": "s3.amazonaws.com"}
    assert first["Resource"] == {"Fn::GetAtt": [f"{queue}Queue", "Arn"]}
    assert first["Condition"] == {
        "ArnEquals": {"aws:SourceArn": {"Fn::Sub": INBOX}},
        "StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}},
    }
    allowed = [each for each in others if each["Effect"] == "Allow"]
    assert [each["Condition"] for each in allowed] == (
        [{"ArnEquals": {"aws:SourceArn": {"Fn::Sub": RULE}}}] if queue == "Intake" else []
    )


def test_only_this_stacks_alarms_publish_to_the_alarm_topic() -> None:
    allowed, denied = statements("AlarmTopicPolicy")

    assert allowed["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert allowed["Condition"]["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
    assert denied["Effect"] == "Deny"


# Data


@pytest.mark.parametrize("kept", [*BUCKETS, *TABLES])
def test_what_people_paid_for_outlives_the_stack(kept: str) -> None:
    policies = RESOURCES[kept]["DeletionPolicy"], RESOURCES[kept]["UpdateReplacePolicy"]

    # A bucket's name is the stack's: one that a failed first deployment left would block the next.
    on_failure = "RetainExceptOnCreate" if kept in BUCKETS else "Retain"
    assert policies == (on_failure, "Retain")


@pytest.mark.parametrize("table", TABLES)
def test_nobody_deletes_a_table_by_a_slip(table: str) -> None:
    assert TABLES[table]["Properties"]["DeletionProtectionEnabled"] is True


@pytest.mark.parametrize("table", TABLES)
def test_a_table_is_encrypted_with_a_key_that_costs_only_if_one_is_given(table: str) -> None:
    key = {"KMSMasterKeyId": {"Ref": "EncryptionKeyArn"}, "SSEEnabled": True, "SSEType": "KMS"}

    given = TABLES[table]["Properties"]["SSESpecification"]
    assert given == {"Fn::If": ["OwnKey", key, {"Ref": "AWS::NoValue"}]}


@pytest.mark.parametrize("bucket", BUCKETS)
def test_a_job_reads_the_version_it_was_dropped_as(bucket: str) -> None:
    assert BUCKETS[bucket]["Properties"]["VersioningConfiguration"] == {"Status": "Enabled"}


@pytest.mark.parametrize("bucket", BUCKETS)
def test_only_parts_and_odd_webhooks_expire(bucket: str) -> None:
    rules = BUCKETS[bucket]["Properties"]["LifecycleConfiguration"]["Rules"]

    expiring = [each.get("Prefix") for each in rules if "ExpirationInDays" in each]
    assert expiring == (["parts/", "webhooks/"] if bucket == "DataBucket" else [])
    assert {each["Status"] for each in rules} == {"Enabled"}
    replaced = [each.get("NoncurrentVersionExpiration") for each in rules if "Prefix" not in each]
    for_a_while = {"NoncurrentDays": {"Ref": "PartsRetentionDays"}}
    assert replaced == [None if bucket == "AuditBucket" else for_a_while]  # evidence stays


@pytest.mark.parametrize("table", TABLES)
def test_a_table_comes_back_and_forgets_what_has_expired(table: str) -> None:
    properties = TABLES[table]["Properties"]

    recovery = properties["PointInTimeRecoverySpecification"]
    assert recovery == {"PointInTimeRecoveryEnabled": True}
    ttl = {"AttributeName": "expires_at", "Enabled": True}
    assert properties["TimeToLiveSpecification"] == ttl
    assert properties["BillingMode"] == "PAY_PER_REQUEST"


def test_the_index_of_open_rows_holds_them_whole_and_longest_due_first() -> None:
    (index,) = RESOURCES["Ledger"]["Properties"]["GlobalSecondaryIndexes"]

    keys = [(each["AttributeName"], each["KeyType"]) for each in index["KeySchema"]]
    assert (index["IndexName"], keys) == ("open", [("open", "HASH"), ("due", "RANGE")])
    assert index["Projection"] == {"ProjectionType": "ALL"}


# Queues


@pytest.mark.parametrize("queue", QUEUES)
def test_a_message_has_five_tries_and_is_not_given_out_while_its_function_lives(
    queue: str,
) -> None:
    properties = QUEUES[queue]["Properties"]

    redrive = properties["RedrivePolicy"]
    assert redrive["maxReceiveCount"] == 5
    letters = queue.removesuffix("Queue") + "DeadLetters"
    assert redrive["deadLetterTargetArn"] == {"Fn::GetAtt": [letters, "Arn"]}
    visibility = ["Patience", {"Ref": "FunctionTimeoutSeconds"}, "Visibility"]
    assert properties["VisibilityTimeout"] == {"Fn::FindInMap": visibility}


@pytest.mark.parametrize(
    ("function", "batch", "at_once"),
    [("Intake", 1, 10), ("Submit", 1, 5), ("Land", 1, 10), ("Library", 10, 5)],
)
def test_one_message_that_fails_takes_no_other_along(
    function: str, batch: int, at_once: int
) -> None:
    (event,) = FUNCTIONS[f"{function}Function"]["Properties"]["Events"].values()
    properties = event["Properties"]

    assert properties["Queue"] == {"Fn::GetAtt": [f"{function}Queue", "Arn"]}
    assert properties["BatchSize"] == batch
    assert properties["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert properties["ScalingConfig"] == {"MaximumConcurrency": at_once}


def test_whatever_is_put_into_the_inbox_is_heard_of() -> None:
    properties = RESOURCES["InboxBucket"]["Properties"]
    found = [
        (each["Event"], each["Filter"]["S3Key"]["Rules"], each["Queue"]["Fn::GetAtt"][0])
        for each in properties["NotificationConfiguration"]["QueueConfigurations"]
    ]

    under = {name: [{"Name": "prefix", "Value": f"{name}/"}] for name in ("inbox", "libraries")}
    assert found == [
        ("s3:ObjectCreated:*", under["inbox"], "IntakeQueue"),
        ("s3:ObjectCreated:*", under["libraries"], "LibraryQueue"),
        ("s3:ObjectRemoved:*", under["libraries"], "LibraryQueue"),
        ("s3:LifecycleExpiration:*", under["libraries"], "LibraryQueue"),
    ]
    rule = RESOURCES["MisplacedRule"]["Properties"]
    others = rule["EventPattern"]["detail"]["object"]["key"]
    assert others == [{"anything-but": {"prefix": ["inbox/", "libraries/"]}}]
    assert rule["EventPattern"]["detail"]["bucket"] == {"name": [{"Ref": "InboxBucket"}]}
    assert rule["Targets"][0]["Arn"] == {"Fn::GetAtt": ["IntakeQueue", "Arn"]}
    assert properties["NotificationConfiguration"]["EventBridgeConfiguration"] == {
        "EventBridgeEnabled": True
    }
    assert RULE.endswith(rule["Name"]["Fn::Sub"])


# Time, disk, memory, events


def test_functions_run_as_long_as_the_lease_says_but_for_those_of_the_clock() -> None:
    usual = TEMPLATE["Globals"]["Function"]
    own = {
        n: f["Properties"]["Timeout"] for n, f in FUNCTIONS.items() if "Timeout" in f["Properties"]
    }

    assert usual["Timeout"] == {"Ref": "FunctionTimeoutSeconds"}
    assert own == {"AuditFunction": 55, "PollFunction": 300, "WebhookFunction": 15}
    lease = ["Patience", {"Ref": "FunctionTimeoutSeconds"}, "Lease"]
    assert usual["Environment"]["Variables"]["LEASE_SECONDS"] == {"Fn::FindInMap": lease}
    audit = FUNCTIONS["AuditFunction"]["Properties"]
    assert int(audit["Environment"]["Variables"]["AUDIT_LEASE_SECONDS"]) > audit["Timeout"]


def test_the_clock_ticks_every_minute_and_sweeps_every_day() -> None:
    events = FUNCTIONS["PollFunction"]["Properties"]["Events"]
    rates = {n: e["Properties"].get("ScheduleExpression") for n, e in events.items()}

    paced = ["Every", {"Ref": "PollEveryMinutes"}, "Rate"]
    assert rates["Tick"] == {"Fn::FindInMap": paced}
    assert TEMPLATE["Parameters"]["PollEveryMinutes"]["Default"] == "1"
    assert TEMPLATE["Mappings"]["Every"]["1"]["Rate"] == "rate(1 minute)"
    assert rates["EveryDay"] == "rate(1 day)"
    assert events["EveryDay"]["Properties"]["Input"] == '{"sweep": true}'
    tick = FUNCTIONS["AuditFunction"]["Properties"]["Events"]["Tick"]["Properties"]
    due = json.dumps({SCHEDULED: "<aws.scheduler.scheduled-time>"})  # Scheduler fills it in
    assert events["Tick"]["Properties"]["Input"] == tick["Input"] == due
    every = ["Every", {"Ref": "AuditEveryMinutes"}, "Rate"]
    assert tick["ScheduleExpression"] == {"Fn::FindInMap": every}


@pytest.mark.parametrize("minutes", TEMPLATE["Parameters"]["AuditEveryMinutes"]["AllowedValues"])
def test_the_audit_clock_says_the_same_in_every_unit(minutes: str) -> None:
    row = TEMPLATE["Mappings"]["Every"][minutes]

    unit = "minute" if minutes == "1" else "minutes"
    assert row["Rate"] == f"rate({minutes} {unit})"
    assert int(row["Seconds"]) == int(minutes) * 60
    assert int(row["Silence"]) >= 3 * int(row["Seconds"])
    assert int(row["Slow"]) >= max(3_600, 3 * int(row["Seconds"]))


def test_an_operators_word_reaches_poll_and_is_tried_again() -> None:
    asked = FUNCTIONS["PollFunction"]["Properties"]["Events"]["OperatorAsked"]["Properties"]

    assert asked["EventBusName"] == {"Ref": "Bus"}
    assert asked["Pattern"] == {
        "detail-type": ["Cancel Job", "Approve Job"],
        "source": ["operator"],  # so that a policy can say who may
    }
    assert asked["RetryPolicy"]["MaximumRetryAttempts"] == 5


@pytest.mark.parametrize("function", ["AuditFunction", "PollFunction"])
def test_what_lambda_could_not_run_at_once_is_not_forgotten_within_a_minute(function: str) -> None:
    """Ticks that come late are skipped by the function itself."""
    config = FUNCTIONS[function]["Properties"]["EventInvokeConfig"]

    assert config["MaximumEventAgeInSeconds"] == 3_600
    assert config["MaximumRetryAttempts"] == 2


def test_an_event_that_reaches_no_function_is_kept_and_nobody_else_may_send() -> None:
    kept = {"Fn::GetAtt": ["EventDeadLetters", "Arn"]}
    poll = FUNCTIONS["PollFunction"]["Properties"]
    failed = poll["EventInvokeConfig"]["DestinationConfig"]["OnFailure"]
    (misplaced,) = RESOURCES["MisplacedRule"]["Properties"]["Targets"]
    allowed, _ = statements("EventDeadLettersPolicy")

    assert failed == {"Destination": kept, "Type": "SQS"}
    assert poll["Events"]["OperatorAsked"]["Properties"]["DeadLetterConfig"] == {"Arn": kept}
    assert misplaced["DeadLetterConfig"] == {"Arn": kept}
    assert (allowed["Principal"], allowed["Action"]) == (
        {"Service": "events.amazonaws.com"},
        "sqs:SendMessage",
    )
    rules = [each["Fn::Sub"] for each in allowed["Condition"]["ArnLike"]["aws:SourceArn"]]
    assert rules == [RULE, RULE.replace("-misplaced", "/*")]  # on the account's bus, and on ours
    assert RESOURCES["EventDeadLetters"]["Properties"]["RedriveAllowPolicy"] == {
        "redrivePermission": "denyAll"
    }


def test_disk_and_processor_are_there_for_what_needs_them() -> None:
    intake, land = (FUNCTIONS[f"{each}Function"]["Properties"] for each in ("Intake", "Land"))

    assert intake["EphemeralStorage"] == {"Size": 10_240}
    assert land["EphemeralStorage"] == {"Size": {"Ref": "LandStorageMegabytes"}}
    assert (intake["MemorySize"], land["MemorySize"]) == (1_769, 1_769)


def test_one_kind_of_work_leaves_room_for_the_others() -> None:
    """Of the account's concurrency, and of the batches that OpenAI lets one make in an hour."""
    most = {
        name.removesuffix("Function"): each["Properties"]["ScalingConfig"]["MaximumConcurrency"]
        for name, function in FUNCTIONS.items()
        for each in function["Properties"].get("Events", {}).values()
        if each["Type"] == "SQS"
    }

    assert most == {"Intake": 10, "Land": 10, "Library": 5, "Submit": 5}


def test_every_role_stays_within_the_boundary() -> None:
    wanted = {"Fn::If": ["HasBoundary", {"Ref": "PermissionsBoundaryArn"}, {"Ref": "AWS::NoValue"}]}
    roles = [each["Properties"] for each in of_type("AWS::IAM::Role").values()]
    schedules = [
        each["Properties"]
        for function in FUNCTIONS.values()
        for each in function["Properties"].get("Events", {}).values()
        if each["Type"] == "ScheduleV2"
    ]

    assert [each.get("PermissionsBoundary") for each in roles + schedules] == [wanted] * 10


def test_whoever_is_on_call_hears_alarms_and_watchers_of_the_log_hear_alerts() -> None:
    assert RESOURCES["AlarmOnCall"]["Properties"]["TopicArn"] == {"Ref": "AlarmTopic"}
    audit = FUNCTIONS["AuditFunction"]["Properties"]["Environment"]["Variables"]
    assert audit["TOPIC_ARN"] == {"Ref": "AlertTopic"}


def test_evidence_that_is_locked_is_locked_for_everybody() -> None:
    lock = RESOURCES["AuditBucket"]["Properties"]["ObjectLockConfiguration"]["Fn::If"][1]

    assert lock["Rule"]["DefaultRetention"]["Mode"] == "COMPLIANCE"


@pytest.mark.parametrize("log", of_type("AWS::Logs::LogGroup"))
def test_a_log_is_kept_as_long_as_the_parameter_says(log: str) -> None:
    assert RESOURCES[log]["Properties"]["RetentionInDays"] == {"Ref": "LogRetentionDays"}


def test_functions_write_lines_of_json_and_trace_only_if_asked() -> None:
    shared = TEMPLATE["Globals"]["Function"]
    variables = shared["Environment"]["Variables"]

    assert shared["LoggingConfig"]["LogFormat"] == "JSON"
    assert shared["Tracing"] == {"Fn::If": ["TracingIsOn", "Active", "PassThrough"]}
    disabled = variables["POWERTOOLS_TRACE_DISABLED"]
    assert disabled == {"Fn::If": ["TracingIsOn", "false", "true"]}
    assert variables["POWERTOOLS_SERVICE_NAME"] == {"Ref": "AWS::StackName"}
    namespaces = {a["Properties"]["Namespace"] for a in of_type("AWS::CloudWatch::Alarm").values()}
    assert variables["POWERTOOLS_METRICS_NAMESPACE"] in namespaces


@pytest.mark.parametrize("output", TEMPLATE["Outputs"])
def test_an_output_is_of_what_it_is_named_after(output: str) -> None:
    value = TEMPLATE["Outputs"][output]["Value"]
    named = re.sub(r"(TableName|BucketName|Name|Arn|Url|Uri)$", "", output)

    assert re.search(rf"\b{named}", str(value)), (output, value)


# Environment


KEY = {"EXTRA_HEADERS", "OPENAI_BASE_URL", "OPENAI_KEY_SECRET"}
KEY |= {"OPENAI_ORGANIZATION", "OPENAI_PROJECT"}
AUDIT = {"EVENTS_TABLE", "FIRST_DAYS", "INTERVAL_SECONDS", "KEPT_DAYS", "LEASE_SECONDS"}
AUDIT |= {"BUCKET", "STATE_TABLE"}
NEEDED = {
    "Audit": {
        "AUDIT_BUCKET",
        "TOPIC_ARN",
        "OPENAI_ADMIN_KEY_SECRET",
        "OPENAI_BASE_URL",
        "AUDIT_STATE_TABLE",
    }
    | {f"AUDIT_{each}" for each in AUDIT},
    "Intake": {"COMPLETION_WINDOWS", "DATA_BUCKET", "ENDPOINTS", "MAX_PART_BYTES"}
    | {"HELD_DAYS", "INTAKE_QUEUE_URL", "MAX_COST_PER_JOB", "MONTHLY_BUDGET", "OPENAI_BASE_URL"}
    | {"PRICES", "SUBMIT_QUEUE_URL"},
    "Land": KEY
    | {"DATA_BUCKET", "ENQUEUED_LIMITS", "LAND_QUEUE_URL", "MONTHLY_BUDGET", "PRICES"}
    | {"RETRY_PAUSE_SECONDS", "SUBMIT_QUEUE_URL"},
    "Library": KEY
    | {"DATA_BUCKET", "LIBRARY_PACE_SECONDS", "LOST_ANSWER_SECONDS"}
    | {"INTAKE_QUEUE_URL", "SUBMIT_QUEUE_URL"},
    "Poll": KEY
    | {"ENQUEUED_LIMITS", "INTAKE_QUEUE_URL", "LAND_QUEUE_URL", "LIBRARY_QUEUE_URL"}
    | {"ALERT_TOPIC_ARN", "HELD_DAYS", "MONTHLY_BUDGET", "POLL_EVERY_MINUTES", "SUBMIT_QUEUE_URL"},
    "Submit": KEY
    | {"DATA_BUCKET", "ENQUEUED_LIMITS", "HELD_DAYS", "LAND_QUEUE_URL", "LOST_ANSWER_SECONDS"}
    | {"SUBMIT_QUEUE_URL"},
    "Webhook": {"DATA_BUCKET", "LAND_QUEUE_URL", "WEBHOOK_SECRET"},
}


@pytest.mark.parametrize("function", NEEDED)
def test_a_function_is_told_where_everything_is(function: str) -> None:
    variables = FUNCTIONS[f"{function}Function"]["Properties"]["Environment"]["Variables"]

    assert set(variables) == NEEDED[function]
    queues = {name: value for name, value in variables.items() if name.endswith("QUEUE_URL")}
    for name, value in queues.items():
        assert value == {"Ref": f"{name.removesuffix('_QUEUE_URL').title()}Queue"}


def test_every_function_is_told_of_ledger_inbox_bus_and_topic() -> None:
    variables = TEMPLATE["Globals"]["Function"]["Environment"]["Variables"]

    assert variables["LEDGER_TABLE"] == {"Ref": "Ledger"}
    assert variables["BUS_NAME"] == {"Ref": "Bus"}
    assert variables["TOPIC_ARN"] == {"Ref": "Topic"}
    assert variables["INBOX_BUCKET"] == RESOURCES["InboxBucket"]["Properties"]["BucketName"]


# Alarms: when they fire


FAILS = ("Sum", "GreaterThanOrEqualToThreshold", 3, 900, "notBreaching")
SILENCE, SLOW = (
    {"Fn::FindInMap": ["Every", {"Ref": "AuditEveryMinutes"}, each]} for each in ("Silence", "Slow")
)
POLL_SILENCE = {"Fn::FindInMap": ["Every", {"Ref": "PollEveryMinutes"}, "Silence"]}
ANY = ("Sum", "GreaterThanThreshold", 0, 300, "notBreaching")
DEAD = ("Maximum", "GreaterThanThreshold", 0, 300, "notBreaching")
STUCK = ("Maximum", "GreaterThanThreshold", 7_200, 300, "notBreaching")
LATE = {"Fn::FindInMap": ["Patience", {"Ref": "FunctionTimeoutSeconds"}, "Late"]}
ALARMS: dict[str, tuple[object, ...]] = {
    "action-required": ("Sum", "GreaterThanThreshold", 0, 300, "notBreaching"),
    "alerts-undelivered": ANY,
    "audit-errors": ("Sum", "GreaterThanOrEqualToThreshold", 3, SILENCE, "notBreaching"),
    "audit-losses": ANY,
    "aws-throttles": ANY,
    "event-dead-letters": DEAD,
    "notifications-undelivered": ANY,
    "sweep-not-done": ("Sum", "LessThanThreshold", 1, 86_400, "breaching"),
    **{f"{each}-errors": FAILS for each in ("intake", "land", "library", "submit", "webhook")},
    "poll-errors": ("Sum", "GreaterThanOrEqualToThreshold", 3, POLL_SILENCE, "notBreaching"),
    **{f"{each}-dead-letters": DEAD for each in ("intake", "land", "library", "submit")},
    **{f"{each}-oldest-message": STUCK for each in ("intake", "land", "library", "submit")},
    **{
        f"{each}-time-left": ("Maximum", "GreaterThanThreshold", LATE, 300, "notBreaching")
        for each in ("intake", "land", "library", "submit")
    },
    "audit-time-left": ("Maximum", "GreaterThanThreshold", 49_500, 300, "notBreaching"),
    "poll-time-left": ("Maximum", "GreaterThanThreshold", 270_000, 300, "notBreaching"),
    "audit-behind": ("Minimum", "GreaterThanThreshold", 3_600, SLOW, "breaching"),
    "audit-no-events": ("Sum", "LessThanThreshold", 1, 86_400, "breaching"),
    "audit-not-run": ("Sum", "LessThanThreshold", 1, SILENCE, "breaching"),
    "poll-not-run": ("Sum", "LessThanThreshold", 1, POLL_SILENCE, "breaching"),
    "webhook-time-left": ("Maximum", "GreaterThanThreshold", 13_500, 300, "notBreaching"),
    "oldest-job": ("Maximum", "GreaterThanThreshold", 172_800, 3_600, "notBreaching"),
    "throttles": ("Sum", "GreaterThanThreshold", 0, 900, "notBreaching"),
}


LOOKED_AT = {
    "action-required": (2, 1),  # what waits asks again every five minutes: one of two is enough
    "aws-throttles": (3, 2),  # boto tries again by itself: only what goes on is worth a word
    "sweep-not-done": (2, 2),  # a sweep a little after its hour leaves one day empty
}


def test_an_alarm_fires_when_its_runbook_says() -> None:
    found = {}
    for each in of_type("AWS::CloudWatch::Alarm").values():
        p = each["Properties"]
        name = p["AlarmName"]["Fn::Sub"].removeprefix("${AWS::StackName}-")
        when = p["Statistic"], p["ComparisonOperator"], p["Threshold"], p["Period"]
        found[name] = (*when, p["TreatMissingData"])
        looked_at = p["EvaluationPeriods"], p.get("DatapointsToAlarm", p["EvaluationPeriods"])
        assert looked_at == LOOKED_AT.get(name, (1, 1))

    assert found == ALARMS


# Webhooks


def test_the_webhooks_url_is_open_and_holds_back_strangers_by_a_concurrency_of_its_own() -> None:
    properties = FUNCTIONS["WebhookFunction"]["Properties"]

    assert properties["FunctionUrlConfig"] == {"AuthType": "NONE"}
    own = ["WebhookHasItsOwn", {"Ref": "WebhookConcurrency"}, {"Ref": "AWS::NoValue"}]
    assert properties["ReservedConcurrentExecutions"] == {"Fn::If": own}
    assert TEMPLATE["Parameters"]["Webhook"]["Default"] == "off"
    conditions = {n: e.get("Condition") for n, e in RESOURCES.items() if n.startswith("Webhook")}
    assert set(conditions.values()) == {"WebhookIsOn", "WebhookAlarmsAreOn"}
