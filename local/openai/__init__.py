"""A small OpenAI over real HTTP, with the oddities of the real one, for laptops and tests."""

from local.openai.batches.batch import Batch
from local.openai.files.api import File
from local.openai.http.messages import Call
from local.openai.http.transport import SmallTransport
from local.openai.inference.outcomes import OUTCOMES
from local.openai.quirks import QUIRKS
from local.openai.serving.app import SmallOpenAI
from local.openai.serving.serve import serving
from local.openai.settings import SmallSettings

__all__ = [
    "OUTCOMES",
    "QUIRKS",
    "Batch",
    "Call",
    "File",
    "SmallOpenAI",
    "SmallSettings",
    "SmallTransport",
    "serving",
]
