"""How many prompt tokens are enqueued per model, and whether one more batch fits."""

from local.openai.batches.batch import Batch
from local.openai.batches.input_check import error
from local.openai.http.messages import Json
from local.openai.settings import SmallSettings


class TokenQuota:
    def __init__(self, settings: SmallSettings) -> None:
        self.settings = settings
        self.enqueued: dict[str, int] = {}
        self.peak: dict[str, int] = {}
        self._reserved: dict[str, tuple[str, int]] = {}

    def reserve(self, batch: Batch, model: str) -> Json | None:
        """Enqueue the batch's tokens, or say why they do not fit."""
        limit = self.settings.enqueued_limit(model)
        total = self.enqueued.get(model, 0) + batch.tokens
        if "token_limit" in batch.quirks or (limit is not None and total > limit):
            return self._limit_reached(model, limit or 0)
        self.enqueued[model] = total
        self.peak[model] = max(self.peak.get(model, 0), total)
        self._reserved[batch.id] = model, batch.tokens
        return None

    def release(self, batch_id: str) -> None:
        model, tokens = self._reserved.pop(batch_id, ("", 0))
        if model:
            self.enqueued[model] -= tokens

    def _limit_reached(self, model: str, limit: int) -> Json:
        return error(
            "token_limit_exceeded",
            f"Enqueued token limit reached for {model} in organization "
            f"{self.settings.organization}. Limit: {limit:,} enqueued tokens. Please try again "
            "once some in_progress batches have been completed.",
        )
