"""`<document>.metadata.json`: attributes to filter by, in the format of Bedrock Knowledge Bases."""

import json
from typing import Annotated

from pydantic import Field, StrictBool, StrictFloat, StrictInt, StringConstraints, ValidationError

from shared.model import FrozenModel, mistakes

SUFFIX = ".metadata.json"
MAX_SIDECAR_BYTES = 64 << 10
MAX_ATTRIBUTES = 16
MAX_BYTES = 6_000  # of all attributes together: one item of the ledger holds them
REMEDY = (
    'write {"metadataAttributes": {"team": "search", "year": 2026}}: at most 16 names of at most '
    f"64 characters; each value a text of at most 512, a number, true or false; at most "
    f"{MAX_BYTES:,} bytes in all"
)

Text = Annotated[str, StringConstraints(max_length=512, strict=True)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Attribute = StrictBool | StrictInt | Annotated[StrictFloat, Field(allow_inf_nan=False)] | Text
Attributes = Annotated[dict[Name, Attribute], Field(max_length=MAX_ATTRIBUTES)]


class Sidecar(FrozenModel):
    """The whole file; no other field is allowed."""

    metadataAttributes: Attributes  # noqa: N815  # their spelling


def document_of(name: str) -> str | None:
    """The document that a sidecar describes; None if it is no sidecar."""
    return name.removesuffix(SUFFIX) if name.endswith(SUFFIX) and name != SUFFIX else None


def read_sidecar(content: bytes) -> tuple[Attributes, str]:
    """The attributes, and what is wrong with what to write instead, or an empty text."""
    try:
        found = Sidecar.model_validate_json(content).metadataAttributes
    except ValidationError as error:
        first = mistakes(error)[0]
        where = ".".join(first.path[:2])
        return {}, f"{where + ': ' if where else ''}{first.message}; {REMEDY}"
    if len(json.dumps(found, ensure_ascii=False).encode()) > MAX_BYTES:
        return {}, f"the attributes are longer than {MAX_BYTES:,} bytes; {REMEDY}"
    return found, ""
