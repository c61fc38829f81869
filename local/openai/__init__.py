"""A small OpenAI: files, batches and their oddities over real HTTP, for laptops and tests."""

from local.openai.app import SmallOpenAI
from local.openai.batch import Batch
from local.openai.files import File
from local.openai.outcomes import OUTCOMES
from local.openai.quirks import QUIRKS
from local.openai.reception import Call
from local.openai.serve import serving
from local.openai.settings import SmallSettings
from local.openai.transport import SmallTransport

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
