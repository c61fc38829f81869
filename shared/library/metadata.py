"""`<document>.metadata.json`: attributes to filter by, as Bedrock Knowledge Bases has them."""

import json
from typing import Annotated

from pydantic import Field, StrictBool, StrictFloat, StrictInt, StringConstraints, ValidationError

from shared.model import FrozenModel

SUFFIX = ".metadata.json"
LONGEST = 64 << 10  # bytes of a sidecar that are read at all
MOST = 16
MOST_BYTES = 6_000  # of all attributes together: they lie in one item of the ledger
REMEDY = (
    'write {"metadataAttributes": {"team": "search", "year": 2026}}: at most 16 names of at most '
    f"64 characters; each value a text of at most 512, a number, true or false; at most "
    f"{MOST_BYTES:,} bytes in all"
)

Text = Annotated[str, StringConstraints(max_length=512, strict=True)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Attribute = StrictBool | StrictInt | Annotated[StrictFloat, Field(allow_inf_nan=False)] | Text
Attributes = Annotated[dict[Name, Attribute], Field(max_length=MOST)]


class Sidecar(FrozenModel):
    """The file as a whole; nothing else may stand in it."""

    metadataAttributes: Attributes  # noqa: N815  # their spelling


def document_of(name: str) -> str | None:
    """The document that a sidecar stands beside; None: it is no sidecar."""
    return name.removesuffix(SUFFIX) if name.endswith(SUFFIX) and name != SUFFIX else None


def read_sidecar(content: bytes) -> tuple[Attributes, str]:
    """The attributes, or what is wrong and what to write instead."""
    try:
        found = Sidecar.model_validate_json(content).metadataAttributes
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(step) for step in first["loc"][:2])
        return {}, f"{where + ': ' if where else ''}{first['msg']}; {REMEDY}"
    if len(json.dumps(found, ensure_ascii=False).encode()) > MOST_BYTES:
        return {}, f"the attributes are longer than {MOST_BYTES:,} bytes; {REMEDY}"
    return found, ""
