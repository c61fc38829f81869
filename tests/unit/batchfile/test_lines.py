"""Every byte of a file is read once, in whole lines, or the file is refused with a reason."""

import gzip
import io
import random
import tracemalloc
from collections.abc import Callable
from itertools import chain, repeat

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from shared.batchfile.lines import (
    BLOCK,
    GIVE_UP_BYTES,
    MAX_LINE_BYTES,
    SLICE,
    TOO_LONG,
    UTF8_MARK,
    Block,
    blocks,
    misencoded_at,
    unpacked,
)
from shared.batchfile.refusals import UnreadableFile
from tests.support.batch_files import chats
from tests.support.splits import PLENTY, ShortReads, bounded, reader

MEGABYTE = 1 << 20
ZEROS = b"\0" * BLOCK
PACK: dict[str, Callable[[bytes], bytes]] = {"a.gz": gzip.compress, "a.zst": zstandard.compress}
frames = st.tuples(st.binary(max_size=2000), st.integers(0, 300_000), st.booleans(), st.booleans())


def read(data: bytes, limit: int = PLENTY, sizes: tuple[int, ...] = (BLOCK,)) -> list[Block]:
    return list(blocks(ShortReads(data, sizes), limit))


def read_short_lines(data: bytes, sizes: tuple[int, ...] = (BLOCK,)) -> list[Block]:
    """With lines of a megabyte at most."""
    return list(blocks(ShortReads(data, sizes), PLENTY, max_line_bytes=MEGABYTE))


def split(found: list[Block]) -> list[bytes]:
    return [line for block in found for line in block.data.split(b"\n")]


def content(data: bytes, name: str) -> bytes:
    """All of a file's lines, as a pass over it sees them."""
    return b"".join(
        block.data + b"\n" for block in blocks(unpacked(io.BytesIO(data), name), PLENTY)
    )


def decompressed(packed: bytes) -> bytes:
    source = unpacked(io.BytesIO(packed), "a.zst")
    return b"".join(iter(lambda: source.read(BLOCK), b""))


def compressed(frame: tuple[bytes, int, bool, bool]) -> tuple[bytes, bytes]:
    """Text, zeros and noise in one zstd frame, which may state a size and a checksum or not."""
    text, count, sized, checked = frame
    plain = text + b"0" * count + random.Random(count).randbytes(count // 9)
    compressor = zstandard.ZstdCompressor(write_content_size=sized, write_checksum=checked)
    return plain, compressor.compress(plain)


@bounded
@given(
    st.lists(st.sampled_from([b"a", b"\n", b"\r\n", b"longer than a read", b" "])),
    st.lists(st.integers(1, 20), min_size=1),
    st.sampled_from([b"", UTF8_MARK]),
)
def test_blocks_hold_all_lines_in_order_whatever_the_sizes_of_reads(
    pieces: list[bytes], sizes: list[int], mark: bytes
) -> None:
    data = b"".join(pieces)

    found = read(mark + data, sizes=tuple(sizes))

    expected = data.removesuffix(b"\n").split(b"\n") if data else []
    assert split(found) == expected
    assert [b.offset for b in found[1:]] == [b.offset + b.size for b in found[:-1]]
    assert [block.marked for block in found] == [bool(mark), *[False] * len(found)][: len(found)]
    assert [block.offset for block in found[:1]] == [len(mark)][: len(found)]


@pytest.mark.parametrize("data", [b"", UTF8_MARK, UTF8_MARK[:2][:0]])
def test_empty_file_has_no_lines(data: bytes) -> None:
    assert read(data, sizes=(1,)) == []


@pytest.mark.parametrize(
    ("opening", "code", "message"),
    [
        (b"\xff\xfe", "invalid_encoding", "The file is UTF-16."),
        (b"\xfe\xff", "invalid_encoding", "The file is UTF-16."),
        (b"\x1f\x8b", "invalid_encoding", "gzip.* its name does not say so"),
        (b"\x28\xb5\x2f\xfd", "invalid_encoding", "zstd.* its name does not say so"),
    ],
)
def test_file_that_does_not_begin_as_text_is_refused_at_once(
    opening: bytes, code: str, message: str
) -> None:
    with pytest.raises(UnreadableFile, match=message) as caught:
        read(opening + b"{}\n", sizes=(1,))

    assert caught.value.code == code
    assert caught.value.remedy


def test_file_one_byte_over_the_limit_is_refused() -> None:
    assert split(read(b"a\nbc", limit=4)) == [b"a", b"bc"]
    with pytest.raises(UnreadableFile, match="more than 3 bytes") as caught:
        read(b"a\nbc", limit=3)
    assert caught.value.code == "file_too_large"


@pytest.mark.parametrize("size", [BLOCK, BLOCK - 7, 100_003])
@pytest.mark.parametrize("more", [0, 1])
def test_line_one_byte_over_the_limit_is_marked_too_long(size: int, more: int) -> None:
    long = b"x" * (MEGABYTE + more)

    found = read_short_lines(b"a\n" + long + b"\nb\nc", sizes=(size,))

    assert split(found) == [b"a", [long, TOO_LONG][more], b"b", b"c"]
    assert [block.data is TOO_LONG for block in found].count(True) == more
    assert found[-1].offset + found[-1].size == 2 + len(long) + len(b"\nb\nc\n")


def test_last_line_may_be_too_long() -> None:
    (found,) = read_short_lines(b"x" * (MEGABYTE + 1))

    assert found.data is TOO_LONG


def test_line_of_two_gigabytes_is_refused_in_bounded_memory() -> None:
    source = reader(repeat(ZEROS, (2 << 30) // BLOCK))
    tracemalloc.start()

    with pytest.raises(UnreadableFile, match=f"more than {GIVE_UP_BYTES:,} bytes") as caught:
        list(blocks(source, PLENTY))

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert caught.value.code == "line_too_long"
    assert peak < MAX_LINE_BYTES + 4 * MEGABYTE


def test_line_of_many_megabytes_is_in_memory_twice_at_most() -> None:
    source = reader(chain(repeat(b"x" * BLOCK, 128), [b"\n"]))
    tracemalloc.start()

    sizes = [block.size for block in blocks(source, PLENTY)]

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sizes == [128 * BLOCK + 1]
    assert peak < 2 * 128 * BLOCK + 4 * MEGABYTE


@pytest.mark.parametrize(
    ("data", "place"),
    [
        (b"", None),
        ("ä€😀".encode(), None),
        (b"a\xffb", 1),
        (b"\xed\xa0\x80", 0),
        (b"a\xf0\x9f\x98", 1),
        ("ä".encode() * SLICE + b"\x80", 2 * SLICE),
        (b"a" + "😀".encode() * SLICE, None),
        (b"a" + "😀".encode() * SLICE + b"\xf0\x9f", 1 + 4 * SLICE),
    ],
)
def test_misencoded_at_finds_the_first_byte_that_is_not_utf8(
    data: bytes, place: int | None
) -> None:
    assert misencoded_at(data) == place
    assert Block(0, data).is_utf8() == (place is None)


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz", "A.JSONL.GZ", "a.jsonl.zst", "a.Zst"])
def test_suffix_says_how_a_file_is_compressed(name: str) -> None:
    whole = chats(5000)
    packed = {"jsonl": whole, "gz": gzip.compress(whole), "zst": zstandard.compress(whole)}

    assert content(packed[name.lower().rsplit(".", 1)[1]], name) == whole


@pytest.mark.parametrize("name", ["a.gz", "a.zst"])
def test_compressed_files_may_be_concatenated(name: str) -> None:

    assert content(PACK[name](chats(5)) + PACK[name](chats(2)), name) == chats(5) + chats(2)


def test_zst_file_may_hold_skippable_frames() -> None:
    packed = zstandard.compress(chats(5))
    note = b"\x50\x2a\x4d\x18" + (4).to_bytes(4, "little") + b"note"

    assert content(note + packed + note + packed, "a.zst") == chats(5) * 2


@pytest.mark.parametrize(
    ("packed", "name"),
    [
        (gzip.compress(chats(5), mtime=0)[:-1], "a.gz"),
        (gzip.compress(chats(5), mtime=0)[:40], "a.gz"),
        (gzip.compress(chats(5), mtime=0)[:1], "a.gz"),
        (gzip.compress(chats(5), mtime=0) + b"garbage", "a.gz"),
        (gzip.compress(chats(5), mtime=0)[:-8] + b"\0" * 8, "a.gz"),
        (gzip.compress(chats(5), mtime=0)[:20] + b"\xff" * 20, "a.gz"),
        (zstandard.compress(chats(5)) + b"garbage", "a.zst"),
        (zstandard.compress(chats(5))[:-1], "a.zst"),
        (zstandard.compress(chats(5))[:30] + b"\xff" * 20, "a.zst"),
    ],
)
def test_damaged_compressed_file_is_refused(packed: bytes, name: str) -> None:
    with pytest.raises(UnreadableFile) as caught:
        content(packed, name)

    assert caught.value.code == "invalid_compression"
    assert caught.value.message.startswith("The compressed file ")


@bounded
@given(st.lists(frames, min_size=1, max_size=2), st.integers(1))
def test_truncated_zst_file_is_never_read_as_complete(
    frames: list[tuple[bytes, int, bool, bool]], cut: int
) -> None:
    plain, packed = map(b"".join, zip(*map(compressed, frames), strict=True))
    last = len(compressed(frames[-1])[1])
    short = packed[: -1 - cut % (last - 1)]

    assert decompressed(packed) == plain
    with pytest.raises(zstandard.ZstdError):
        decompressed(short)


def test_zeros_after_a_gzip_file_are_padding() -> None:
    assert content(gzip.compress(chats(5), mtime=0) + b"\0" * 512, "a.gz") == chats(5)


@pytest.mark.parametrize("name", ["a.gz", "a.zst"])
def test_compression_bomb_stops_at_the_limit_in_bounded_memory(name: str) -> None:
    plain = b"x" * 127 + b"\n"
    packed = PACK[name](plain * (1 << 20))
    tracemalloc.start()

    with pytest.raises(UnreadableFile, match="unpacks to more than 100,000,000 bytes"):
        list(map(len, (b.data for b in blocks(unpacked(io.BytesIO(packed), name), 100_000_000))))

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(packed) < 2 * MEGABYTE
    assert peak < 30 * MEGABYTE


def test_error_of_the_reader_itself_is_not_hidden() -> None:
    source = reader(map(int.__truediv__, [1], [0]))  # type: ignore[arg-type]

    with pytest.raises(ZeroDivisionError):
        list(blocks(source, PLENTY))
