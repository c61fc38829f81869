"""Types of events that no detection looks at by themselves, each with the reason.

All of them are stored, and whoever acts in a session is looked at by A4 to A6 whatever they do.
"""

_TAKEN_AWAY = "takes access away"
_A_NAME = "a name or a description; who belongs to it has events of its own"
_ACCEPTED = "the invitation was looked at when it was sent"
_MADE_ALONE = "gives nobody anything until it is used, which has events of its own"
_OPENAIS = "OpenAI's own doing"

RECORDED_ONLY = {
    "certificate.created": _MADE_ALONE,
    "certificate.updated": _A_NAME,
    "certificates.activated": "asks more of those who connect, not less",
    "checkpoint.permission.deleted": _TAKEN_AWAY,
    "group.created": _MADE_ALONE,
    "group.updated": _A_NAME,
    "invite.accepted": _ACCEPTED,
    "invite.deleted": _TAKEN_AWAY,
    "logout.failed": "nobody gains anything by it",
    "logout.succeeded": "nobody gains anything by it",
    "project.created": _MADE_ALONE,
    "project.updated": _A_NAME,
    "role.unbound_from_resource": _TAKEN_AWAY,
    "tenant.ads_account.onboarding.redemption": "of OpenAI's advertising, not of the platform",
    "tenant.api_organization_invite.deleted": _TAKEN_AWAY,
    "tenant.billing.info.updated": "who pays, and not how much",
    "tenant.group.created": _MADE_ALONE,
    "tenant.group.updated": _A_NAME,
    "tenant.membership.accepted": _ACCEPTED,
    "tenant.membership.declined": "gives nobody anything",
    "tenant.metadata.updated": _A_NAME,
    "tenant.migration.completed": _OPENAIS,
    "tenant.migration_rollout.status.updated": _OPENAIS,
    "tenant.migration_rollout.tier.updated": _OPENAIS,
    "tenant.principal_authentication_policy.resolved": "a policy was looked up, none was changed",
    "tenant.resource_access.deleted": _TAKEN_AWAY,
    "tenant.resource_share_grant.declined": "gives nobody anything",
    "tenant.resource_share_grant.deleted": _TAKEN_AWAY,
    "tenant.resource_share_grant.revoked": _TAKEN_AWAY,
    "tenant.role.metadata.updated": _A_NAME,
    "tenant.trusted_access.application.submitted": "asks OpenAI for something",
    "tenant.trusted_access.business_verification.started": "asks OpenAI for something",
    "tenant.user.looked_up": "reads, and happens whenever somebody searches for a person",
    "tenant.workload_identity.access_token.issued": "each use of a trust; K6 sees it made",
    "tenant.workload_identity.principal.provisioned": "the first use of a trust; as above",
    "tenant.workspace_invite_email_settings.updated": "what invitations look like",
    "workload_identity_provider.deleted": _TAKEN_AWAY,
    "workload_identity_provider_mapping.deleted": _TAKEN_AWAY,
}
