"""How a seed's OpenAI and functions are set, as its profile wants."""

from local.openai import SmallOpenAI, SmallSettings
from local.openai.webhooks.delivery import Post
from shared.settings import Settings
from tests.simulation.faults import Faults
from tests.support.clock import Clock
from tests.support.names import DATA, INBOX

WEBHOOK_SECRET = "/batchdrop/webhook-secret"
LIMIT = 400  # enqueued prompt tokens; a part has up to about 400


def token_limit(faults: Faults) -> int | None:
    """Enqueued tokens that may never be exceeded, as the functions know from the start."""
    return LIMIT if faults.profile.capacity == "configured" else None


def make_small_openai(faults: Faults, clock: Clock, post: Post) -> SmallOpenAI:
    skew = faults.profile.skew
    learnt = faults.profile.capacity == "learnt"
    return SmallOpenAI(
        clock=lambda: clock.seconds() + skew,
        seed=faults.seed,
        post=post,
        settings=SmallSettings(
            working=faults.draw.choice((5, 60, 300)),
            window=faults.draw.choice((7_200, 14_400)),
            enqueued_limits={"*": LIMIT} if learnt else {},
        ),
    )


def make_settings(faults: Faults) -> Settings:
    configured = token_limit(faults)
    return Settings(
        ledger_table="ledger",
        inbox_bucket=INBOX,
        data_bucket=DATA,
        intake_queue_url="https://sqs.test/intake",
        submit_queue_url="https://sqs.test/submit",
        land_queue_url="https://sqs.test/land",
        library_queue_url="https://sqs.test/library",
        bus_name="bus",
        topic_arn="topic",
        openai_key_secret="/batchdrop/key",
        webhook_secret=WEBHOOK_SECRET,
        uploads_at_once=1,
        upload_piece_bytes=faults.profile.piece,
        max_part_requests=faults.draw.choice((2, 3, 4, 50)),
        lease_seconds=faults.profile.lease,
        stuck_hours=1,
        monthly_budget=faults.draw.choice(("", "", "0.004", "0.02")),
        enqueued_limits=f"*={configured}" if configured else "",
    )
