"""What the environment says, as one typed value; each function is given only what it needs."""

import os
from datetime import timedelta
from typing import Literal, Self

from shared.dollars import millionths
from shared.model import ExternalModel


class Settings(ExternalModel):
    """A variable's name is the field's in capitals; what a function was not given is empty.

    The template leaves `batches_per_hour`, `max_file_bytes`, `max_part_requests`, `stuck_hours`,
    `upload_piece_bytes` and `uploads_at_once` alone. They are settings so that tests and
    measurements can make them small.
    """

    ledger_table: str = ""
    inbox_bucket: str = ""
    data_bucket: str = ""
    intake_queue_url: str = ""
    submit_queue_url: str = ""
    land_queue_url: str = ""
    library_queue_url: str = ""
    bus_name: str = ""
    topic_arn: str = ""
    alert_topic_arn: str = ""
    openai_base_url: str = "https://api.openai.com/v1"
    prices: Literal["auto", "openai", "none"] = "auto"  # auto: OpenAI's at OpenAI's own base URL
    openai_key_secret: str = ""  # an SSM parameter's name or a Secrets Manager ARN
    webhook_secret: str = ""  # an SSM parameter's name: what OpenAI signs webhooks with
    poll_every_minutes: int = 1
    extra_headers: str = ""  # an SSM parameter's name: a JSON object of headers for every call
    openai_organization: str = ""
    openai_project: str = ""
    endpoints: str = ""  # with commas between; empty: OpenAI's
    completion_windows: str = "24h"  # the first is for files that ask for none
    max_file_bytes: int = 100_000_000_000  # of one dropped file, after unpacking
    max_part_bytes: int = 0  # 0: what is safe at OpenAI
    max_part_requests: int = 0  # 0: as many as OpenAI takes
    enqueued_limits: str = ""  # prompt tokens by model: "gpt-5-mini=5000000,*=90000"
    batches_per_hour: int = 2_000  # OpenAI's limit on making them
    stuck_hours: int = 20  # of a batch that does not end, of a window of 24
    max_cost_per_job: str = ""  # dollars; empty: no limit
    monthly_budget: str = ""  # dollars; empty: no limit
    held_days: int = 7  # that a held job waits for a word
    lease_seconds: int = 900  # longer than the longest function may run
    retry_pause_seconds: int = 300  # before a request is sent again; hours from the second time on
    lost_answer_seconds: int = 300  # given to what was made, its answer lost, to show up in a list

    upload_piece_bytes: int = 8 << 20  # an object this large goes to S3 in pieces of about that
    uploads_at_once: int = 8  # documents of one library
    library_pace_seconds: int = 60  # between two attachings, and given to a rename's other half

    @classmethod
    def load(cls) -> Self:
        present = {k: v for k in cls.model_fields if (v := os.environ.get(k.upper(), "")) != ""}
        return cls.model_validate(present)

    @property
    def windows(self) -> tuple[str, ...]:
        return tuple(self.completion_windows.split(","))

    @property
    def lease(self) -> timedelta:
        return timedelta(seconds=self.lease_seconds)

    @property
    def max_cost(self) -> int | None:
        """Millionths of a dollar."""
        return millionths(self.max_cost_per_job)

    @property
    def budget(self) -> int | None:
        """Of a month, in millionths of a dollar."""
        return millionths(self.monthly_budget)

    @property
    def held_for(self) -> timedelta:
        return timedelta(days=self.held_days)

    @property
    def lost_answer(self) -> timedelta:
        return timedelta(seconds=self.lost_answer_seconds)

    @property
    def retry_pause(self) -> timedelta:
        return timedelta(seconds=self.retry_pause_seconds)

    @property
    def library_pace(self) -> timedelta:
        return timedelta(seconds=self.library_pace_seconds)

    def enqueued_limit(self, model: str) -> int | None:
        """Estimated prompt tokens that may be enqueued, where it is configured."""
        pairs = (each.rpartition("=") for each in self.enqueued_limits.split(",") if "=" in each)
        known = {name.strip(): int(tokens) for name, _, tokens in pairs}
        return known.get(model, known.get("*"))
