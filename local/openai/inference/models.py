"""Which models there are: those that the official client's own types name, and more by setting.

The list is as old as the client in the lock file (openai 3.57.0: November 2026).
"""

import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any, get_args

from local.openai.http.messages import Json, Refusal

DATED = re.compile(r".*-\d{4}-\d{2}-\d{2}")
FINE_TUNED = re.compile(r"ft:([^:]+):.+")
COMPLETIONS = ("gpt-3.5-turbo-instruct", "davinci-002", "babbage-002")
MADE_AT = 1_686_588_896  # seconds; the date of most models is not published


@cache
def known_models() -> frozenset[str]:
    """Imported late: the client's types take a second to load."""
    from openai.types import EmbeddingModel, ImageModel, ModerationModel, VideoModel
    from openai.types.shared.all_models import AllModels

    kinds = (AllModels, EmbeddingModel, ModerationModel, ImageModel, VideoModel)
    return frozenset(name for kind in kinds for name in _literals(kind)).union(COMPLETIONS)


class Models:
    """All that an organization may use."""

    def __init__(self, more: Iterable[str] = ()) -> None:
        self.more = frozenset(more)

    def __contains__(self, model: str) -> bool:
        return self._is_base(tuned[1] if (tuned := FINE_TUNED.fullmatch(model)) else model)

    def all(self) -> list[str]:
        return sorted(known_models() | (self.more - {"*"}))

    def check(self, model: str) -> None:
        """Refuses an unknown one, as OpenAI does outside batches."""
        if model not in self:
            raise Refusal(
                f"The model `{model}` does not exist or you do not have access to it.",
                status=404,
                code="model_not_found",
            )

    def view(self, model: str) -> Json:
        owner = "system" if model in known_models() else "organization-owner"
        return {"id": model, "object": "model", "created": MADE_AT, "owned_by": owner}

    def _is_base(self, model: str) -> bool:
        return "*" in self.more or model in self.more or model in known_models()


def dated(model: str, date: str) -> str:
    """The snapshot that answers in a model's name."""
    return model if DATED.fullmatch(model) or FINE_TUNED.fullmatch(model) else f"{model}-{date}"


def _literals(found: Any) -> Iterator[str]:
    for part in get_args(found):
        yield from [part] if isinstance(part, str) else _literals(part)
