"""The settings of the small OpenAI: how fast it works and the limits it enforces."""

from collections.abc import Mapping
from dataclasses import dataclass, field

DAY = 86_400.0
MIB = 1024 * 1024


@dataclass(frozen=True)
class SmallSettings:
    """Durations are seconds of the small OpenAI's own time, which passes `speed` times faster."""

    speed: float = 1.0
    validating: float = 4.0
    working: float = 30.0
    per_request: float = 0.02
    finalizing: float = 2.0
    cancelling: float = 5.0
    window: float = DAY
    windows: tuple[str, ...] = ("24h",)  # what a batch may ask for; each lasts `window`
    enqueued_limits: Mapping[str, int] = field(default_factory=dict)  # by model; "*" for the rest
    organization: str = "org-small"
    project: str = "proj_small"
    snapshot: str = "2025-08-07"  # answers name the dated model, as the real ones do
    models: tuple[str, ...] = ()  # besides those that the official client names; "*" is any
    answer_padding: int = 0  # bytes added to every chat answer, for outputs larger than inputs
    everyday: bool = False  # the audit log holds an invented everyday life, and goes on
    max_requests: int = 50_000
    max_input_bytes: int = 209_715_200  # from a live error text
    max_embedding_inputs: int = 50_000
    max_file_bytes: int = 512 * MIB
    max_errors: int = 100
    uploads_per_minute: int = 1_000
    creations_per_hour: int = 2_000
    indexing: float = 3.0
    per_document: float = 0.01
    max_files_per_batch: int = 2_000
    max_document_tokens: int = 5_000_000
    attach_requests_per_minute: int = 300  # per store
    attached_files_per_minute: int = 2_000  # per organization

    def enqueued_limit(self, model: str) -> int | None:
        return self.enqueued_limits.get(model, self.enqueued_limits.get("*"))
