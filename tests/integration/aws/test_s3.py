"""S3 as a stream: spans, cuts, servers that ignore a range, uploads whole or not at all."""

import io
from typing import Any

import pytest

from shared.aws.s3 import WHOLE, S3Store
from shared.errors import NotFound, TryLater
from shared.objects import Source, Span
from tests.support.world import DATA, World

CONTENT = bytes(range(256)) * 40


@pytest.fixture
def stored(world: World) -> str:
    """The version of an object."""
    return str(world.s3.put_object(Bucket=DATA, Key="thing", Body=CONTENT)["VersionId"])


def whole(world: World, span: Span | Source) -> bytes:
    return b"".join(world.edges.s3.chunks(span))


def ignore_ranges(world: World) -> None:
    """As a server that sends all of a version, whatever range was asked for."""

    def forget(request: Any, **_: Any) -> None:
        del request.headers["Range"]

    world.s3.meta.events.register("before-sign.s3.GetObject", forget)
    world.edges.s3 = S3Store(world.s3, DATA)


SPANS = pytest.mark.parametrize(("start", "length"), [(0, 10240), (0, 1), (300, 1000), (10239, 1)])


@SPANS
def test_a_span_is_read_to_the_byte(world: World, stored: str, start: int, length: int) -> None:
    span = Span(bucket=DATA, key="thing", version=stored, start=start, length=length)

    assert whole(world, span) == CONTENT[start : start + length]


@SPANS
def test_a_span_is_read_to_the_byte_from_a_server_that_ignores_ranges(
    world: World, stored: str, start: int, length: int
) -> None:
    ignore_ranges(world)
    span = Span(bucket=DATA, key="thing", version=stored, start=start, length=length)

    assert whole(world, span) == CONTENT[start : start + length]


def test_a_span_that_ends_early_is_not_taken_for_whole(world: World, stored: str) -> None:
    span = Span(bucket=DATA, key="thing", version=stored, start=10_000, length=1_000)

    with pytest.raises(TryLater, match="ended 760 bytes early"):
        whole(world, span)


def test_a_span_knows_its_length_and_can_be_read_again(world: World, stored: str) -> None:
    reader = world.edges.s3.open(Span(bucket=DATA, key="thing", start=100, length=50))

    assert reader.seek(0, io.SEEK_END) == 50
    assert reader.seek(0) == 0
    assert reader.read() == CONTENT[100:150]
    assert reader.read(10) == b""
    assert reader.readable()


def test_an_object_of_unknown_length_can_not_be_searched_for_its_end(world: World) -> None:
    with pytest.raises(io.UnsupportedOperation):
        world.edges.s3.open(Source(bucket=DATA, key="thing")).seek(0, io.SEEK_END)


def test_what_is_not_there_is_gone(world: World) -> None:
    with pytest.raises(NotFound):
        world.edges.s3.read("nothing")


@pytest.mark.parametrize("size", [0, 1, WHOLE - 1, WHOLE, WHOLE + 1, 7 * WHOLE + 3])
def test_what_is_written_in_pieces_or_whole_is_the_same(world: World, size: int) -> None:
    content = bytes(size)
    chunks = [content[at : at + 1_000_003] for at in range(0, size, 1_000_003)]

    assert world.edges.s3.write("big", chunks) == size
    assert world.read("big") == content


def test_a_stream_that_breaks_leaves_no_object_behind(world: World) -> None:
    def chunks() -> Any:
        yield bytes(WHOLE + 1)
        raise TryLater("cut")

    with pytest.raises(TryLater):
        world.edges.s3.write("broken", chunks())

    assert world.keys() == []
    assert "Uploads" not in world.s3.list_multipart_uploads(Bucket=DATA)
