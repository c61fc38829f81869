"""What an event holds beside who and when, type by type.

The API writes what was done under `data`, what was asked for under `changes_requested`, and the
docs use one where the schema says the other; so they are read as one, and the models are flat.
Every field may be missing. Fields: official SDK 3.54.0; `tenant.*` payloads are not documented.
"""

from collections.abc import Mapping
from typing import Any

from shared.audit.lenient import Lenient, Texts


class Payload(Lenient, frozen=True):
    """The least that every payload has; all that is read of an unknown one."""

    id: str | None = None
    name: str | None = None


class ApiKey(Payload, frozen=True):
    """`id` is the tracking id. Scopes that are absent mean an unrestricted key."""

    scopes: Texts | None = None
    expires_in_seconds: float | None = None


class Invite(Payload, frozen=True):
    email: str | None = None
    role: str | None = None


class Failure(Payload, frozen=True):
    """A login or logout that failed."""

    error_code: str | None = None
    error_message: str | None = None


class Organization(Payload, frozen=True):
    title: str | None = None
    description: str | None = None
    threads_ui_visibility: str | None = None
    usage_dashboard_visibility: str | None = None
    api_call_logging: str | None = None
    api_call_logging_project_ids: str | None = None


class Project(Payload, frozen=True):
    title: str | None = None


class RateLimit(Payload, frozen=True):
    max_requests_per_1_minute: float | None = None
    max_tokens_per_1_minute: float | None = None
    max_images_per_1_minute: float | None = None
    max_audio_megabytes_per_1_minute: float | None = None
    max_requests_per_1_day: float | None = None
    batch_1_day_max_input_tokens: float | None = None


class Account(Payload, frozen=True):
    """A user or a service account. The docs call the id of user.updated a project's id."""

    role: str | None = None
    email: str | None = None
    user_id: str | None = None


class Allowlist(Payload, frozen=True):
    allowed_ips: Texts | None = None
    configs: tuple[Payload, ...] = ()


class Certificates(Payload, frozen=True):
    certificates: tuple[Payload, ...] = ()
    certificate: str | None = None  # a deleted one's PEM


class Checkpoint(Payload, frozen=True):
    project_id: str | None = None
    fine_tuned_model_checkpoint: str | None = None


class External(Payload, frozen=True):
    """A customer's key or storage."""

    geography: str | None = None
    provider: dict[str, Any] | str | None = None


class Group(Payload, frozen=True):
    group_name: str | None = None


class Member(Payload, frozen=True):
    """Of a group, which `id` names; whose keys the docs do not give."""

    group_id: str | None = None
    group_name: str | None = None
    user_id: str | None = None
    member_id: str | None = None
    principal_id: str | None = None
    email: str | None = None


class Role(Payload, frozen=True):
    role_name: str | None = None
    description: str | None = None
    resource_type: str | None = None
    resource_id: str | None = None
    permissions: Texts | None = None
    permissions_added: Texts | None = None
    permissions_removed: Texts | None = None


class Assignment(Payload, frozen=True):
    """A person's role. The id holds the role's name: role_assignment_<role>__<resource>_<who>."""

    principal_id: str | None = None
    principal_type: str | None = None
    user_id: str | None = None
    resource_id: str | None = None
    resource_type: str | None = None
    role: str | None = None
    role_id: str | None = None
    role_name: str | None = None


class Binding(Payload, frozen=True):
    """A role bound to a resource, such as a connector."""

    role_id: str | None = None
    resource_id: str | None = None
    resource_type: str | None = None
    permissions: Texts | None = None
    connector_id: str | None = None
    connector_name: str | None = None
    enabled: bool | None = None
    source: str | None = None
    workspace_id: str | None = None


class WorkloadIdentity(Payload, frozen=True):
    identity_provider_id: str | None = None
    project_id: str | None = None
    service_account_id: str | None = None
    issuer: str | None = None
    issuer_url: str | None = None


PAYLOADS: Mapping[str, type[Payload]] = {
    "api_key.created": ApiKey,
    "api_key.updated": ApiKey,
    "api_key.deleted": ApiKey,
    "certificates.activated": Certificates,
    "certificates.deactivated": Certificates,
    "checkpoint.permission.created": Checkpoint,
    "checkpoint.permission.deleted": Checkpoint,
    "external_key.registered": External,
    "external_key.removed": External,
    "external_storage.registered": External,
    "external_storage.removed": External,
    "group.created": Group,
    "group.updated": Group,
    "group.deleted": Group,
    "invite.sent": Invite,
    "invite.accepted": Invite,
    "invite.deleted": Invite,
    "ip_allowlist.created": Allowlist,
    "ip_allowlist.updated": Allowlist,
    "ip_allowlist.deleted": Allowlist,
    "ip_allowlist.config.activated": Allowlist,
    "ip_allowlist.config.deactivated": Allowlist,
    "login.failed": Failure,
    "logout.failed": Failure,
    "organization.updated": Organization,
    "project.created": Project,
    "project.updated": Project,
    "project.archived": Project,
    "rate_limit.updated": RateLimit,
    "rate_limit.deleted": RateLimit,
    "role.created": Role,
    "role.updated": Role,
    "role.assignment.created": Assignment,
    "role.assignment.deleted": Assignment,
    "role.bound_to_resource": Binding,
    "role.unbound_from_resource": Binding,
    "certificate.deleted": Certificates,
    "tenant.group.member.added": Member,
    "tenant.group.member.removed": Member,
    "service_account.created": Account,
    "service_account.updated": Account,
    "service_account.deleted": Account,
    "user.added": Account,
    "user.updated": Account,
    "user.deleted": Account,
    "workload_identity_provider.created": WorkloadIdentity,
    "workload_identity_provider.updated": WorkloadIdentity,
    "workload_identity_provider.deleted": WorkloadIdentity,
    "workload_identity_provider_mapping.created": WorkloadIdentity,
    "workload_identity_provider_mapping.updated": WorkloadIdentity,
    "workload_identity_provider_mapping.deleted": WorkloadIdentity,
}


def payload_of(event: Mapping[str, Any], type_: str | None) -> dict[str, Any]:
    """The property named after the type; some collectors write its dots as underscores."""
    if type_ is None:
        return {}
    found = event.get(type_)
    if found is None:
        found = event.get(type_.replace(".", "_"))
    return found if isinstance(found, dict) else {}


def flat(payload: Mapping[str, Any]) -> dict[str, Any]:
    """What was done and what was asked for, side by side; the payload's own fields win."""
    asked = payload.get("changes_requested")
    settings = asked.get("settings") if isinstance(asked, dict) else None  # the older spec's
    parts = (payload.get("data"), settings, asked, payload)
    return {name: value for part in parts if isinstance(part, dict) for name, value in part.items()}
