"""What the template promises beyond being well formed, which cfn-lint sees to."""

from collections.abc import Iterator
from typing import Any

import pytest

from local.template import read_template
from shared.audit.edges import AuditSettings
from shared.settings import Settings

TEMPLATE: dict[str, Any] = read_template()
RESOURCES: dict[str, Any] = TEMPLATE["Resources"]


def of_type(kind: str) -> dict[str, Any]:
    return {name: each for name, each in RESOURCES.items() if each["Type"] == kind}


FUNCTIONS = of_type("AWS::Serverless::Function")
QUEUES = of_type("AWS::SQS::Queue")
NOTHING = {"Ref": "AWS::NoValue"}
OWN_KEY = {"Fn::If": ["OwnKey", {"Ref": "EncryptionKeyArn"}, NOTHING]}
KNOWN = {"AuditFunction": AuditSettings}
TIMEOUTS = TEMPLATE["Parameters"]["FunctionTimeoutSeconds"]["AllowedValues"]


@pytest.mark.parametrize("section", ["Parameters", "Resources", "Outputs"])
def test_a_section_is_in_alphabetical_order(section: str) -> None:
    assert list(TEMPLATE[section]) == sorted(TEMPLATE[section])


@pytest.mark.parametrize("timeout", TIMEOUTS)
def test_a_claim_outlives_its_function_and_a_message_the_claim(timeout: str) -> None:
    patience = {
        name: int(value) for name, value in TEMPLATE["Mappings"]["Patience"][timeout].items()
    }

    assert int(timeout) < patience["Lease"] < patience["Visibility"]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_is_given_variables_that_the_settings_know(function: str) -> None:
    given = _variables(TEMPLATE["Globals"]["Function"]) | _variables(
        FUNCTIONS[function]["Properties"]
    )

    known = KNOWN.get(function, Settings).model_fields
    unknown = {name for name in given if name.lower() not in known}
    assert unknown == {
        "POWERTOOLS_LOG_LEVEL",
        "POWERTOOLS_METRICS_NAMESPACE",
        "POWERTOOLS_SERVICE_NAME",
        "POWERTOOLS_TRACE_DISABLED",
    }


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_has_a_role_and_a_log_of_its_own(function: str) -> None:
    name = function.removesuffix("Function")
    properties = FUNCTIONS[function]["Properties"]

    assert properties["Role"] == {"Fn::GetAtt": [f"{name}Role", "Arn"]}
    assert properties["LoggingConfig"]["LogGroup"] == {"Ref": f"{name}Log"}
    assert RESOURCES[f"{name}Log"]["Properties"]["RetentionInDays"]


def test_no_right_has_a_star_but_for_traces_which_know_no_resources() -> None:
    granted = list(_granted())

    assert granted
    assert not [right for _, right in granted if "*" in str(right["Action"])]
    starred = {name for name, right in granted if right["Resource"] == "*"}
    assert starred == {"TraceRights"}


def test_the_admin_key_is_read_by_the_audit_function_alone() -> None:
    readers = {name for name, right in _granted() if "OpenAIAdminKey" in str(right["Resource"])}

    assert readers == {"AuditRole"}
    assert {"Ref": "OpenAIKeyRights"} not in _policies("Audit")


@pytest.mark.parametrize("function", ["Land", "Poll", "Submit"])
def test_the_project_key_is_read_where_openai_is_called(function: str) -> None:
    assert {"Ref": "OpenAIKeyRights"} in _policies(function)


def test_intake_reads_no_key() -> None:
    assert {"Ref": "OpenAIKeyRights"} not in _policies("Intake")


@pytest.mark.parametrize("queue", QUEUES)
def test_a_queue_is_encrypted_and_gives_its_dead_letters_two_weeks(queue: str) -> None:
    properties = QUEUES[queue]["Properties"]

    assert properties["SqsManagedSseEnabled"] == {"Fn::If": ["OwnKey", NOTHING, True]}
    assert properties["KmsMasterKeyId"] == OWN_KEY
    assert properties["MessageRetentionPeriod"] == 1_209_600
    assert ("RedrivePolicy" in properties) == (not queue.endswith("DeadLetters"))


def _variables(function: dict[str, Any]) -> set[str]:
    return set(function["Environment"]["Variables"])


def _policies(function: str) -> list[Any]:
    found: list[Any] = RESOURCES[f"{function}Role"]["Properties"]["ManagedPolicyArns"]
    return found


def _granted() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every statement of every role and policy of our functions, with its resource."""
    for name, role in of_type("AWS::IAM::Role").items():
        for policy in role["Properties"]["Policies"]:
            yield from ((name, _stated(each)) for each in policy["PolicyDocument"]["Statement"])
    for name, policy in of_type("AWS::IAM::ManagedPolicy").items():
        document = policy["Properties"]["PolicyDocument"]
        yield from ((name, _stated(each)) for each in document["Statement"])


def _stated(statement: dict[str, Any]) -> dict[str, Any]:
    """One that depends on a condition, as it is where that holds."""
    stated: dict[str, Any] = statement.get("Fn::If", [None, statement])[1]
    return stated
