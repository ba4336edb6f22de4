"""Where frames begin and end, however the bytes come."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gamesession.gateway.frames import BINARY, CLOSE, PING, PONG, TEXT, Frames, close, ping

LENGTHS = [0, 1, 125, 126, 127, 65535, 65536, 70000]


def frame(opcode: int, size: int, *, masked: bool) -> bytes:
    """A frame whose payload looks like the heads of others."""
    head = bytes((0x80 | opcode,))
    bit = 0x80 if masked else 0
    if size < 126:
        head += bytes((bit | size,))
    elif size < 2**16:
        head += bytes((bit | 126,)) + struct.pack("!H", size)
    else:
        head += bytes((bit | 127,)) + struct.pack("!Q", size)
    return head + (b"mask" if masked else b"") + b"\x88\x7f" * (size // 2) + b"\x88" * (size % 2)


frames = st.lists(
    st.tuples(
        st.sampled_from([TEXT, BINARY, 0, PING, PONG]), st.sampled_from(LENGTHS), st.booleans()
    ),
    max_size=6,
)


@given(frames=frames, cuts=st.lists(st.integers(0, 300_000), max_size=12))
def test_every_end_of_a_frame_is_known(
    frames: list[tuple[int, int, bool]], cuts: list[int]
) -> None:
    whole, ends = b"", {0}
    for opcode, size, masked in frames:
        whole += frame(opcode, size, masked=masked)
        ends.add(len(whole))
    reader, at = Frames(), 0
    places = sorted({min(cut, len(whole)) for cut in cuts} | {len(whole)})
    for place in places:
        found = reader.feed(whole[at:place])
        inside = [end for end in ends if at < end <= place]
        assert found == (min(inside) - at if inside else -1)
        assert reader.between == (place in ends)
        at = place
    assert reader.data == sum(opcode in (TEXT, BINARY, 0) for opcode, _, _ in frames)
    assert not reader.closed


def test_byte_by_byte_too() -> None:
    reader = Frames()
    whole = frame(TEXT, 300, masked=True) + close(1000, "bye", masked=True)
    ends = [at for at in range(len(whole)) if reader.feed(whole[at : at + 1]) == 1]
    assert ends == [len(frame(TEXT, 300, masked=True)) - 1, len(whole) - 1]
    assert reader.closed


@pytest.mark.parametrize("masked", [True, False])
def test_our_own_frames_are_whole(masked: bool) -> None:
    for made, opcode in ((close(4410, "over", masked=masked), CLOSE), (ping(), PING)):
        reader = Frames()
        assert reader.feed(made) == len(made)
        assert reader.between
        assert made[0] == 0x80 | opcode


def test_a_close_says_code_and_words() -> None:
    assert close(1012, "bye", masked=False) == b"\x88\x05\x03\xf4bye"
    head, mask, payload = (lambda made: (made[:2], made[2:6], made[6:]))(
        close(1012, "bye", masked=True)
    )
    assert head == b"\x88\x85"
    assert bytes(x ^ mask[at % 4] for at, x in enumerate(payload)) == b"\x03\xf4bye"


def test_words_that_do_not_fit_are_cut_between_characters() -> None:
    made = close(1000, "x" + "é" * 200, masked=False)
    assert len(made) <= 2 + 125
    assert made[4:].decode() == "x" + "é" * 61
