"""Plain values that every feature and vendor passes on: objects in S3, parts by name."""

from pydantic import Field

from shared.model import FrozenModel


class Source(FrozenModel):
    """One version of one object in S3."""

    bucket: str
    key: str
    version: str | None = None
    etag: str = ""
    sequencer: str = ""
    size: int = 0

    @property
    def identity(self) -> str:
        """The version; without one (a bucket that is not versioned) ETag and sequencer."""
        return self.version or f"{self.etag}-{self.sequencer}"


class Span(FrozenModel):
    """A run of bytes of an object: the whole of it, or the lines that lie side by side in it."""

    bucket: str
    key: str
    version: str | None = None
    start: int = 0
    length: int


class PartRef(FrozenModel):
    """The name of a part, and the message by which one function asks another to look at it."""

    job: str
    part: int = Field(ge=0)
