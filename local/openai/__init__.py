"""A small OpenAI: files, batches and their oddities over real HTTP, for laptops and tests."""

from local.openai.batches.batch import Batch
from local.openai.batches.scripted_outcomes import OUTCOMES
from local.openai.files.api import File
from local.openai.http.app import SmallOpenAI
from local.openai.http.router import Call
from local.openai.http.serve import serving
from local.openai.http.transport import SmallTransport
from local.openai.quirks import QUIRKS
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
