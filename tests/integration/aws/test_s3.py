"""S3 as a stream: spans, servers that ignore a range, uploads that are whole or not there."""

import io
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from shared.aws.s3 import S3Store, decoded
from shared.errors import NotFound, TryLater
from shared.objects import Source, Span
from shared.settings import Settings
from tests.support.names import DATA
from tests.support.sessions import Session
from tests.support.world import World

PIECE = Settings().upload_piece_bytes

CONTENT = bytes(range(256)) * 40


@pytest.fixture
def stored(world: World) -> str:
    """The version of an object."""
    return str(world.s3.put_object(Bucket=DATA, Key="thing", Body=CONTENT)["VersionId"])


def whole(world: World, span: Span | Source) -> bytes:
    return b"".join(world.edges.s3.chunks(span))


def ignore_ranges(world: World) -> None:
    """Makes the server send all of a version, whatever the range."""

    def forget(request: Any, **_: Any) -> None:
        del request.headers["Range"]

    world.s3.meta.events.register("before-sign.s3.GetObject", forget)
    world.edges.s3 = S3Store(world.s3, DATA, PIECE)


SPANS = pytest.mark.parametrize(("start", "length"), [(0, 10240), (0, 1), (300, 1000), (10239, 1)])


@SPANS
def test_read_of_a_span_is_exact_to_the_byte(
    world: World, stored: str, start: int, length: int
) -> None:
    span = Span(bucket=DATA, key="thing", version=stored, start=start, length=length)

    assert whole(world, span) == CONTENT[start : start + length]


@SPANS
def test_read_of_a_span_is_exact_if_the_server_ignores_ranges(
    world: World, stored: str, start: int, length: int
) -> None:
    ignore_ranges(world)
    span = Span(bucket=DATA, key="thing", version=stored, start=start, length=length)

    assert whole(world, span) == CONTENT[start : start + length]


def test_read_of_a_span_that_ends_early_raises_try_later(world: World, stored: str) -> None:
    span = Span(bucket=DATA, key="thing", version=stored, start=10_000, length=1_000)

    with pytest.raises(TryLater, match="ended 760 bytes early"):
        whole(world, span)


def test_reader_of_a_span_seeks_to_its_end_and_back(world: World, stored: str) -> None:
    reader = world.edges.s3.open(Span(bucket=DATA, key="thing", start=100, length=50))

    assert reader.seek(0, io.SEEK_END) == 50
    assert reader.seek(0) == 0
    assert reader.read() == CONTENT[100:150]
    assert reader.read(10) == b""
    assert reader.readable()


def test_reader_of_a_whole_object_cannot_seek_to_its_end(world: World) -> None:
    with pytest.raises(io.UnsupportedOperation):
        world.edges.s3.open(Source(bucket=DATA, key="thing")).seek(0, io.SEEK_END)


def test_read_of_a_missing_object_raises_not_found(world: World) -> None:
    with pytest.raises(NotFound):
        world.edges.s3.read("nothing")


@pytest.mark.parametrize("size", [0, 1, PIECE - 1, PIECE, PIECE + 1, 7 * PIECE + 3])
def test_write_of_any_size_stores_the_same_bytes(world: World, size: int) -> None:
    content = bytes(size)
    chunks = [content[at : at + 1_000_003] for at in range(0, size, 1_000_003)]

    assert world.edges.s3.write("big", chunks) == size
    assert world.read("big") == content


def test_write_of_a_stream_that_breaks_leaves_no_object(world: World) -> None:
    def chunks() -> Any:
        yield bytes(PIECE + 1)
        raise TryLater("broken")

    with pytest.raises(TryLater):
        world.edges.s3.write("broken", chunks())

    assert world.keys() == []
    assert "Uploads" not in world.s3.list_multipart_uploads(Bucket=DATA)


@pytest.mark.parametrize(
    ("kept", "meant"),
    [
        ("=?UTF-8?B?R3LDvMOfZQ==?=", "Grüße"),
        ("=?UTF-8?Q?Gr=C3=BC=C3=9Fe_an?=", "Grüße an"),
        ("=?utf-8?b?R3LDvA==?= =?utf-8?b?w59l?=", "Grüße"),
        ("=?iso-8859-1?Q?Gr=FC?= x", "Grü x"),
        ("plain", "plain"),
        ("=?nonsense?B?R3LDvMOfZQ==?=", "=?nonsense?B?R3LDvMOfZQ==?="),
        ("=?UTF-8?B?/w==?=", "=?UTF-8?B?/w==?="),
        ('{"a": "=?b"}', '{"a": "=?b"}'),
    ],
)
def test_metadata_that_is_not_ascii_is_decoded(kept: str, meant: str) -> None:
    assert decoded(kept) == meant


class Cut:
    """A body whose connection breaks after a few bytes."""

    def __init__(self, body: Any) -> None:
        self._body, self._read = body, False

    def read(self, amount: int | None = None) -> bytes:
        if self._read:
            raise ReadTimeoutError(endpoint_url="s3")
        self._read = True
        return bytes(self._body.read(min(amount or 100, 100)))


def break_connections(world: World, times: int) -> list[str]:
    """The ranges that are asked for, while the first so many bodies break."""
    client, asked = Session().client("s3"), list[str]()

    def cut(parsed: dict[str, Any], **_: Any) -> None:
        if len(asked) <= times:
            parsed["Body"] = Cut(parsed["Body"])

    client.meta.events.register(
        "before-sign.s3.GetObject",
        lambda request, **_: asked.append(str(request.headers.get("Range", ""))),
    )
    client.meta.events.register("after-call.s3.GetObject", cut)
    world.edges.s3 = S3Store(client, DATA, PIECE)
    return asked


def test_read_goes_on_where_its_connection_broke(world: World, stored: str) -> None:
    span = Span(bucket=DATA, key="thing", version=stored, start=50, length=1_000)
    asked = break_connections(world, times=2)

    assert whole(world, span) == CONTENT[50:1_050]
    assert asked == ["bytes=50-1049", "bytes=150-1049", "bytes=250-1049"]
