"""`<document>.metadata.json`: attributes to filter by, in both forms of Bedrock Knowledge Bases.

https://docs.aws.amazon.com/bedrock/latest/userguide/kb-metadata.html: a value alone, or
`{"value": {"type": "STRING", "stringValue": "search"}, "includeForEmbedding": true}`.
"""

import json
from codecs import BOM_UTF8
from typing import Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    StringConstraints,
    ValidationError,
)

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


class TypedText(FrozenModel):
    type: Literal["STRING"]
    stringValue: Text  # noqa: N815  # their spelling, as below


class TypedNumber(FrozenModel):
    type: Literal["NUMBER"]
    numberValue: StrictInt | Annotated[StrictFloat, Field(allow_inf_nan=False)]  # noqa: N815


class TypedBool(FrozenModel):
    type: Literal["BOOLEAN"]
    booleanValue: StrictBool  # noqa: N815


class LongForm(FrozenModel):
    """OpenAI embeds no attributes, so whether to embed is read and means nothing."""

    value: Annotated[TypedText | TypedNumber | TypedBool, Field(discriminator="type")]
    includeForEmbedding: bool = False  # noqa: N815

    @property
    def plain(self) -> Attribute:
        match self.value:
            case TypedText():
                return self.value.stringValue
            case TypedNumber():
                return self.value.numberValue
            case TypedBool():
                return self.value.booleanValue


def _plain(value: Any) -> Any:
    return LongForm.model_validate(value).plain if isinstance(value, dict) else value


class Sidecar(FrozenModel):
    """The whole file; no other field is allowed."""

    metadataAttributes: Annotated[  # noqa: N815  # their spelling
        dict[Name, Annotated[Attribute, BeforeValidator(_plain)]],
        Field(max_length=MAX_ATTRIBUTES),
    ]


def document_of(name: str) -> str | None:
    """The document that a sidecar describes; None if it is no sidecar."""
    return name.removesuffix(SUFFIX) if name.endswith(SUFFIX) and name != SUFFIX else None


def read_sidecar(content: bytes) -> tuple[Attributes, str]:
    """The attributes, and what is wrong with what to write instead, or an empty text."""
    try:
        found = Sidecar.model_validate_json(content.removeprefix(BOM_UTF8)).metadataAttributes
    except ValidationError as error:
        first = mistakes(error)[0]
        where = ".".join(first.path[:2])
        return {}, f"{where + ': ' if where else ''}{first.message}; {REMEDY}"
    if len(json.dumps(found, ensure_ascii=False).encode()) > MAX_BYTES:
        return {}, f"the attributes are longer than {MAX_BYTES:,} bytes; {REMEDY}"
    return found, ""
