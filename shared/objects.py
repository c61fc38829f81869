"""Plain values that features and vendors pass on: objects in S3, names of parts."""

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

    def span(self, start: int, length: int) -> "Span":
        return Span(
            bucket=self.bucket, key=self.key, version=self.version, start=start, length=length
        )


class Span(FrozenModel):
    """A run of bytes of an object: the whole of it, or the lines that lie side by side in it."""

    bucket: str
    key: str
    version: str | None = None
    start: int = 0
    length: int


class PartRef(FrozenModel):
    """Names a part. As a message, it asks a function to work on that part."""

    job: str
    part: int = Field(ge=0)


class BatchRef(FrozenModel):
    """Names a batch at OpenAI. As a message, it asks for a look at it."""

    batch: str
    looks: int = Field(default=0, ge=0)  # that found it running still
