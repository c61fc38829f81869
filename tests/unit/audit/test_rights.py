"""What the template allows: the admin key belongs to the audit function alone."""

from functools import cache

import yaml

from local.paths import ROOT


@cache
def resources() -> dict[str, str]:
    """Every resource's text, by name."""
    text = (ROOT / "template.yaml").read_text()
    document = yaml.compose(text, yaml.SafeLoader)
    assert isinstance(document, yaml.MappingNode)
    (section,) = [value for name, value in document.value if name.value == "Resources"]
    return {
        name.value: text[name.start_mark.index : value.end_mark.index]
        for name, value in section.value
    }


def test_only_the_audit_function_and_its_role_name_the_admin_key() -> None:
    named = {name for name, text in resources().items() if "AdminKey" in text}

    assert named == {"AuditFunction", "AuditRole"}


def test_only_the_audit_function_has_the_role_that_reads_the_admin_key() -> None:
    taking = {name for name, text in resources().items() if "!GetAtt AuditRole.Arn" in text}

    assert taking == {"AuditFunction"}
    assert "Service: lambda.amazonaws.com" in resources()["AuditRole"]


def test_no_right_to_read_keys_is_wider_than_one_key() -> None:
    readers = {
        name: text
        for name, text in resources().items()
        if "ssm:GetParameter" in text or "secretsmanager:GetSecretValue" in text
    }

    assert set(readers) == {"AuditRole", "OpenAIKeyRights", "WebhookRole"}
    for text in readers.values():
        assert 'Resource: "*"' not in text
        assert "parameter/*" not in text


def test_the_audit_function_does_not_touch_the_batch_side() -> None:
    role = resources()["AuditRole"]

    assert "Ledger" not in role
    assert "OpenAIKeyRights" not in role
    assert "Inbox" not in role


def test_nothing_is_made_for_the_audit_log_without_an_admin_key() -> None:
    made = {name: text for name, text in resources().items() if name.startswith("Audit")}

    assert made
    guarded = ("Condition: AuditIsOn", "Condition: AuditAlarmsAreOn")  # which asks for both
    assert all(any(guard in text for guard in guarded) for text in made.values())
