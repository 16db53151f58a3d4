"""Half a character is never left alone: which tokens may follow which."""

from itertools import product

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from songsmith.model.characters import BETWEEN, UNFIT, Characters
from songsmith.model.tokenizer import StreamingDecoder


class Bytes:
    """A vocabulary of any bytes."""

    def __init__(self, entries: list[bytes]) -> None:
        self.entries = entries

    def unusual_bytes(self) -> dict[int, bytes]:
        return {token: added for token, added in enumerate(self.entries) if not added.isascii()}

    def token_bytes(self, token: int) -> bytes:
        return self.entries[token]

    def mark(self, token: int) -> None:
        return None


RESTS = [bytes(rest) for size in range(4) for rest in product((0x80, 0x8F, 0x90, 0xA0, 0xBC), repeat=size)]


def is_whole(data: bytes) -> bool:
    try:
        return "\ufffd" not in data.decode()
    except UnicodeDecodeError:
        return False


def can_become_whole(data: bytes) -> bool:
    """Return whether some bytes behind these make them text without U+FFFD: by trying them, the first and the last of each kind."""
    return any(is_whole(data + rest) for rest in RESTS)


ALL_BYTES = [bytes([byte]) for byte in range(256)]
pieces = st.one_of(
    st.binary(min_size=1, max_size=4),
    st.text(min_size=1, max_size=3).map(lambda text: text.encode("utf-8", "replace")),
    st.sampled_from([b"\xef", b"\xbf", b"\xbd", b"\xef\xbf", b"\xbf\xbd", "\ufffd".encode(), b"\xf0\x9f", b"\xed\xa0", b""]),
)


def test_a_byte_fits_where_it_may_become_a_character() -> None:
    """Checked against Python's own decoder for every beginning of up to three bytes that can come up, and every byte behind it."""
    characters = Characters(Bytes(ALL_BYTES), 256)
    begun = {b""}
    for _ in range(4):
        longer = set()
        for data in begun:
            state = BETWEEN
            for byte in data:
                state = characters.follow(state, byte)
            fitting = {byte for byte in range(256) if not characters.unfit[state, byte]}
            tried = range(256) if len(data) < 3 else (0x41, 0x7F, 0x80, 0x8F, 0x90, 0xBC, 0xBD, 0xBE, 0xBF, 0xC3, 0xFF)
            expected = {byte for byte in tried if can_become_whole(data + bytes([byte]))}
            assert fitting & set(tried) == expected, data
            # Of characters alike, a few stand for all.
            longer |= {data + bytes([byte]) for byte in expected if byte in (0xC2, 0xDF, 0xE0, 0xE1, 0xED, 0xEF, 0xF0, 0xF1,
                       0xF4, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBC, 0xBF) and not is_whole(data + bytes([byte]))}  # fmt: skip
        begun = longer
    assert not begun


@given(st.lists(pieces, min_size=1, max_size=40), st.integers(0, 2**32 - 1), st.booleans())
def test_no_walk_over_any_vocabulary_breaks_a_character(entries: list[bytes], seed: int, all_bytes: bool) -> None:
    vocabulary = Bytes([*entries, *(ALL_BYTES if all_bytes else [])])
    characters = Characters(vocabulary, len(vocabulary.entries) + 3)
    draw = np.random.default_rng(seed)
    state, text = BETWEEN, b""
    decoder = StreamingDecoder(vocabulary, whole_only=True)
    shown = ""
    for _ in range(60):
        fitting = np.flatnonzero(~characters.unfit[state])
        fitting = fitting[fitting < len(vocabulary.entries)]
        if not len(fitting):
            assert state == BETWEEN, "what was begun can always be ended"
            break
        token = int(draw.choice(fitting))
        state = characters.follow(state, token)
        assert state != UNFIT
        text += vocabulary.entries[token]
        shown += "".join(decoder.feed(token))
        if state == BETWEEN:
            assert is_whole(text)
            assert shown == text.decode()
    assert "\ufffd" not in shown + "".join(decoder.close())


@given(st.lists(pieces, max_size=30))
def test_what_broke_is_left_out(entries: list[bytes]) -> None:
    decoder = StreamingDecoder(Bytes(entries), whole_only=True)
    shown = "".join(text for token in range(len(entries)) for text in decoder.feed(token)) + "".join(decoder.close())
    assert "\ufffd" not in shown
    assert shown == b"".join(entries).decode(errors="ignore").replace("\ufffd", "")


def test_marks_and_ids_without_an_entry_stand_between_characters_only() -> None:
    characters = Characters(Bytes([*ALL_BYTES, b""]), 300)
    begun = characters.follow(BETWEEN, 0xC3)
    assert not characters.unfit[BETWEEN, 256:].any()
    assert characters.unfit[begun, 256:].all()
