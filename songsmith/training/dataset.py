"""Songs become blocks of tokens: split by song, planned, tokenised, packed. Knows no network."""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from songsmith.errors import TrainingError
from songsmith.lyrics import Section, Song
from songsmith.markup import ARTIST, END, LINE, RHYME, SECTIONS, SYLLABLES, TITLE, LinePlan, MarkupFormat, song_pieces
from songsmith.model.tokenizer import Tokenizer
from songsmith.training.options import TrainingOptions, Unit

# Letters in shapes: N = tokens of all songs, T = tokens in a block.

IGNORED = -100
"""Target of a place that counts for nothing: padding, or what was given."""

Planner = Callable[[str], LinePlan]


@dataclass(frozen=True, kw_only=True)
class TrainingSong:
    """A song to learn from."""

    id: str
    """What decides on which side of the split it falls."""
    song: Song
    copies: int = 1
    """Times it is read in an epoch."""
    source: str = ""
    """Where it came from."""


@dataclass(frozen=True, kw_only=True)
class Split:
    """Songs to learn from, and songs to judge by."""

    train: tuple[TrainingSong, ...]
    validation: tuple[TrainingSong, ...]


def split_songs(songs: Iterable[TrainingSong], *, share: float, seed: int) -> Split:
    """Keep a share of songs back, drawn by their ids: the same songs and seed, the same split, in whatever order they come.

    Raises:
        TrainingError: there are not two songs with words.
    """
    ranked = sorted(
        (song for song in songs if song.song.lines),
        key=lambda song: hashlib.sha256(f"{seed}:{song.id}".encode("utf-8", "surrogatepass")).digest(),
    )
    if len(ranked) < 2:
        raise TrainingError(
            f"There {'is only one song' if ranked else 'are no songs'} with words to train on; training needs at least two.",
            "One to train on, one held out: import or fetch more songs.",
        )
    kept_back = min(max(1, round(share * len(ranked))), len(ranked) - 1)
    return Split(train=tuple(ranked[kept_back:]), validation=tuple(ranked[:kept_back]))


# What a token is there for: text and structure always, the others only where the plan of their line, or the artist, is told.
_ALWAYS, _SYLLABLES, _RHYME, _ARTIST = range(4)


@dataclass(frozen=True, kw_only=True)
class TokenizedSongs:
    """Songs as tokens with every plan in them, of which each epoch drops some."""

    tokens: NDArray[np.int32]
    """(N,) of all songs, one after the other."""
    roles: NDArray[np.uint8]
    """(N,) what each token is there for."""
    lines: NDArray[np.int32]
    """(N,) which line a token belongs to, counted over all songs; for the artist, which song."""
    starts: NDArray[np.int64]
    """(songs + 1,) where each song begins."""
    copies: NDArray[np.int64]
    """(songs,) times each is read in an epoch."""
    end: int
    """Token of `<|endoftext|>`."""


def tokenize(
    songs: Sequence[TrainingSong], tokenizer: Tokenizer, planner: Planner, *, unit: Unit = Unit.SONG
) -> TokenizedSongs:
    """Turn songs into tokens, every line with its plan.

    Args:
        songs: in the order they are to be numbered.
        tokenizer: one that has every mark.
        planner: says what the plan of a line is.
        unit: for `line`, each line is a song by itself, without title or section.
    """
    tokens: list[int] = []
    roles = bytearray()
    lines: list[int] = []
    starts, copies = [0], []
    line = -1
    marks = tokenizer.id_of_mark
    rhymes: dict[str, list[int]] = {}

    def put(ids: Sequence[int], role: int, of: int) -> None:
        tokens.extend(ids)
        roles.extend(bytes([role]) * len(ids))
        lines.extend([of] * len(ids))

    def close(song: TrainingSong) -> None:
        starts.append(len(tokens))
        copies.append(song.copies)

    for song in songs:
        texts = [f"{line.text}\n" for line in song.song.lines]
        title, artist = (" ".join(text.split()) for text in (song.song.name, song.song.artist))
        encoded = tokenizer.encode_all([*texts, title, artist, "\n"])
        *written, title_ids, artist_ids, newline = encoded
        waiting = iter(zip(song.song.lines, written, strict=True))
        if unit is Unit.SONG:
            put([marks[END], marks[TITLE], *title_ids], _ALWAYS, 0)
            if artist:
                put([marks[ARTIST], *artist_ids], _ARTIST, len(starts) - 1)
            put(newline, _ALWAYS, 0)
        for section in song.song.sections:
            if unit is Unit.SONG:
                put([marks[SECTIONS[section.kind]], *newline], _ALWAYS, 0)
            for _ in section.lines:
                text, ids = next(waiting)
                plan = planner(text.text)
                line += 1
                if unit is Unit.LINE:
                    put([marks[END]], _ALWAYS, 0)
                if plan.syllables is not None:
                    put([marks[SYLLABLES[plan.syllables - 1]]], _SYLLABLES, line)
                if plan.rhyme is not None:
                    if plan.rhyme not in rhymes:
                        rhymes[plan.rhyme] = tokenizer.encode(plan.rhyme)
                    put([marks[RHYME], *rhymes[plan.rhyme]], _RHYME, line)
                put([marks[LINE], *ids], _ALWAYS, line)
                if unit is Unit.LINE:
                    close(song)
        if unit is Unit.SONG:
            close(song)
    return TokenizedSongs(
        tokens=np.array(tokens, dtype=np.int32),
        roles=np.frombuffer(bytes(roles), dtype=np.uint8),
        lines=np.array(lines, dtype=np.int32),
        starts=np.array(starts, dtype=np.int64),
        copies=np.array(copies, dtype=np.int64),
        end=marks[END],
    )


def pack_epoch(songs: TokenizedSongs, options: TrainingOptions, epoch: int) -> NDArray[np.int32]:
    """Shuffle songs, drop plans at random, and cut the stream into blocks. A function of songs, options and epoch alone.

    Returns:
        (blocks, T + 1): a row's first T tokens are read, its last T are what they should predict; the rows overlap by one
        token, so each token but the first is foretold once. What is left of the last row is IGNORED.
    """
    draw = np.random.Generator(np.random.PCG64([options.seed, epoch]))
    count = 1 + max(int(songs.lines.max(initial=0)), len(songs.copies))
    rates = {_SYLLABLES: options.syllable_plan_rate, _RHYME: options.rhyme_plan_rate, _ARTIST: options.artist_rate}
    keep = songs.roles == _ALWAYS
    for role, rate in rates.items():
        told = draw.random(count) < rate
        keep |= (songs.roles == role) & told[songs.lines]
    order = draw.permutation(np.repeat(np.arange(len(songs.copies)), songs.copies))
    kept_before = np.concatenate([[0], np.cumsum(keep)])
    kept, starts = songs.tokens[keep], kept_before[songs.starts]
    stream = np.concatenate([*(kept[starts[song] : starts[song + 1]] for song in order), [songs.end]])
    size = options.block_size_tokens
    blocks = np.full((-(-(len(stream) - 1) // size), size + 1), IGNORED, dtype=np.int32)
    for row, block in enumerate(blocks):
        piece = stream[row * size : row * size + size + 1]
        block[: len(piece)] = piece
    return blocks


@dataclass(frozen=True, kw_only=True)
class MeasuredRow:
    """A piece of a song to be foretold by a model."""

    tokens: tuple[int, ...]
    """What is read."""
    targets: tuple[int, ...]
    """What should be foretold, token by token; IGNORED where it was given, or counts in another row."""
    text_bytes: int
    """UTF-8 bytes of lyric that the song holds; 0 in all rows of a song but its first."""


def lyric_bytes(song: Song) -> int:
    """Return the UTF-8 bytes of a song's words: every line with its line break, a line break between sections, no headers."""
    gaps = max(0, len(song.sections) - 1)
    return gaps + sum(len(f"{line.text}\n".encode("utf-8", "surrogatepass")) for line in song.lines)


def measured_rows(
    song: Song, tokenizer: Tokenizer, *, window: int, format: MarkupFormat = MarkupFormat.MARKUP
) -> list[MeasuredRow]:
    """Lay a song out to be judged: its title is given, nothing is planned, and all the rest counts, structure too.

    What does not fit the window is read in further windows, each of which begins with half of the one before.
    """
    if format is MarkupFormat.LINES:
        rows: list[MeasuredRow] = []
        for line in song.lines:
            ids = tokenizer.encode_pieces([END, LINE, f"{line.text}\n", END])
            rows += _windows(ids, 1, window, len(f"{line.text}\n".encode("utf-8", "surrogatepass")))
        return rows
    if format is MarkupFormat.MARKUP:
        bare = Song(song.name, tuple(Section(section.kind, section.lines) for section in song.sections))
        given = len(tokenizer.encode_pieces(song_pieces(replace(bare, sections=()))))
        ids = tokenizer.encode_pieces([*song_pieces(bare), END])
    else:
        lyric = "\n".join("".join(f"{line.text}\n" for line in section.lines) for section in song.sections)
        head = tokenizer.encode_pieces([END, f"{song.name}\n\n"])
        given, ids = len(head), [*head, *tokenizer.encode(lyric), *tokenizer.encode_pieces([END])]
    return _windows(ids, given, window, lyric_bytes(song))


def _windows(ids: Sequence[int], given: int, window: int, text_bytes: int) -> list[MeasuredRow]:
    rows: list[MeasuredRow] = []
    counted = given
    # A title that does not fit is given all the same: begin where half a window of it is in sight.
    start = 0 if given <= window else given - 1 - window // 2
    while counted < len(ids):
        piece = ids[start : start + window + 1]
        targets = [token if start + place + 1 >= counted else IGNORED for place, token in enumerate(piece[1:])]
        rows.append(MeasuredRow(tokens=tuple(piece[:-1]), targets=tuple(targets), text_bytes=0 if rows else text_bytes))
        counted = start + len(piece)
        start = counted - 1 - window // 2
    return rows
