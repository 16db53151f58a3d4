"""Turn songs into blocks of tokens (split, planned, tokenised, packed), and into rows for evaluation. Knows no network."""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from songsmith.errors import TrainingError
from songsmith.lyrics import Song
from songsmith.markup import END, LinePlan, Mark, MarkupFormat, Role, join_spans, write_documents
from songsmith.model.tokenizer import Tokenizer
from songsmith.training.options import TrainingOptions

# Letters in shapes: N = tokens of all documents, T = tokens in a block.

IGNORED = -100
"""Target of a position without a loss: padding, or a token that was given."""

Planner = Callable[[str], LinePlan]


@dataclass(frozen=True, kw_only=True)
class TrainingSong:
    """A song to train on, or to validate with."""

    id: str
    """Decides on which side of the split it falls."""
    song: Song
    copies: int = 1
    """Times it is read in an epoch."""
    source: str = ""
    """Where it came from, for the manifest."""


@dataclass(frozen=True, kw_only=True)
class Split:
    """The training set and the validation set."""

    train: tuple[TrainingSong, ...]
    validation: tuple[TrainingSong, ...]


def split_songs(songs: Iterable[TrainingSong], *, share: float, seed: int) -> Split:
    """Split songs into a training and a validation set, by a hash of their ids.

    The same songs and seed give the same split, in whatever order the songs come.

    Args:
        songs: those without words are left out.
        share: of the songs that go into the validation set, 0 to 1; at least one does.
        seed: of the split.

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
            "One to train on, one for the validation set: import or fetch more songs.",
        )
    held_out = min(max(1, round(share * len(ranked))), len(ranked) - 1)
    return Split(train=tuple(ranked[held_out:]), validation=tuple(ranked[:held_out]))


@dataclass(frozen=True, kw_only=True)
class TokenizedSongs:
    """Songs as tokens, with all plans; each epoch drops some of these."""

    tokens: NDArray[np.int32]
    """(N,) ids of all documents, one after the other."""
    roles: NDArray[np.uint8]
    """(N,) the `Role` of each token."""
    groups: NDArray[np.int32]
    """(N,) tokens with the same role and group are dropped together. A group is a line, counted over all songs; for the
    artist, a document."""
    starts: NDArray[np.int64]
    """(documents + 1,) where each document begins."""
    copies: NDArray[np.int64]
    """(documents,) times each is read in an epoch."""
    end: int
    """Id of `<|endoftext|>`."""


def tokenize(
    songs: Sequence[TrainingSong], tokenizer: Tokenizer, planner: Planner, *, format: MarkupFormat = MarkupFormat.MARKUP
) -> TokenizedSongs:
    """Turn songs into tokens, with a plan for each line.

    Args:
        songs: kept in this order.
        tokenizer: one that has every mark.
        planner: returns the plan that a line fulfils.
        format: of the text; in `lines`, each line is a document of its own.
    """
    tokens: list[int] = []
    roles = bytearray()
    groups: list[int] = []
    starts, copies = [0], []
    first_line = 0
    for song in songs:
        lines = song.song.lines
        documents = write_documents(song.song, format, [planner(line.text) for line in lines])
        pieces = (piece for document in documents for piece in document.pieces)
        texts = list(dict.fromkeys(piece for piece in pieces if not isinstance(piece, Mark)))
        ids_of_text = dict(zip(texts, tokenizer.encode_all(texts), strict=True))
        for document in documents:
            for span in document.spans:
                before = len(tokens)
                for piece in span.pieces:
                    tokens += [tokenizer.id_of_mark[piece]] if isinstance(piece, Mark) else ids_of_text[piece]
                count = len(tokens) - before
                roles += bytes([span.role]) * count
                groups += [len(starts) - 1 if span.role is Role.ARTIST else first_line + span.line] * count
            starts.append(len(tokens))
            copies.append(song.copies)
        first_line += len(lines)
    return TokenizedSongs(
        tokens=np.array(tokens, dtype=np.int32),
        roles=np.frombuffer(bytes(roles), dtype=np.uint8),
        groups=np.array(groups, dtype=np.int32),
        starts=np.array(starts, dtype=np.int64),
        copies=np.array(copies, dtype=np.int64),
        end=tokenizer.id_of_mark[END],
    )


def pack_epoch(songs: TokenizedSongs, options: TrainingOptions, epoch: int) -> NDArray[np.int32]:
    """Shuffle documents, drop plans at random, and cut the stream into blocks. The result depends only on the arguments.

    Returns:
        (blocks, T + 1): the first T tokens of a row are its inputs, the last T its targets. Rows overlap by one token, so
        each token but the first is predicted once. The last row is padded with IGNORED.
    """
    random = np.random.Generator(np.random.PCG64([options.seed, epoch]))
    count = 1 + max(int(songs.groups.max(initial=0)), len(songs.copies))
    rates = {
        Role.SYLLABLES: options.syllable_plan_rate,
        Role.RHYME: options.rhyme_plan_rate,
        Role.ARTIST: options.artist_rate,
    }
    keep = songs.roles == Role.TEXT
    for role, rate in rates.items():
        shown = random.random(count) < rate
        keep |= (songs.roles == role) & shown[songs.groups]
    order = random.permutation(np.repeat(np.arange(len(songs.copies)), songs.copies))
    kept_before = np.concatenate([[0], np.cumsum(keep)])
    kept, starts = songs.tokens[keep], kept_before[songs.starts]
    stream = np.concatenate([*(kept[starts[document] : starts[document + 1]] for document in order), [songs.end]])
    size = options.block_size_tokens
    blocks = np.full((-(-(len(stream) - 1) // size), size + 1), IGNORED, dtype=np.int32)
    for row, block in enumerate(blocks):
        piece = stream[row * size : row * size + size + 1]
        block[: len(piece)] = piece
    return blocks


@dataclass(frozen=True, kw_only=True)
class MeasuredRow:
    """One window of a document, to evaluate a model with."""

    tokens: tuple[int, ...]
    """Inputs."""
    targets: tuple[int, ...]
    """The next token at each position; IGNORED where it was given, or is counted in another row."""
    text_bytes: int
    """UTF-8 bytes of lyric in the document; 0 in all its rows but the first."""


def measured_rows(
    song: Song, tokenizer: Tokenizer, *, window: int, format: MarkupFormat = MarkupFormat.MARKUP
) -> list[MeasuredRow]:
    """Return the rows that evaluation reads of a song: its title is given, there are no plans, everything else is predicted.

    A document longer than the window takes several rows; each begins with the second half of the one before.

    Args:
        song: one with words.
        tokenizer: of the model.
        window: context window, in tokens.
        format: of the model's text.
    """
    rows: list[MeasuredRow] = []
    for document in write_documents(replace(song, title=song.name, artist=""), format, headers=False):
        head = tokenizer.encode_pieces(join_spans(document.head))
        ids = [*head, *tokenizer.encode_pieces([*join_spans(document.body), END])]
        rows += _windows(ids, len(head), window, len(document.lyric.encode("utf-8", "surrogatepass")))
    return rows


def _windows(ids: Sequence[int], given: int, window: int, text_bytes: int) -> list[MeasuredRow]:
    rows: list[MeasuredRow] = []
    counted = given
    # Of a title longer than the window, the last half window is the context of the first predicted token.
    start = 0 if given <= window else given - 1 - window // 2
    while counted < len(ids):
        piece = ids[start : start + window + 1]
        targets = [token if start + place + 1 >= counted else IGNORED for place, token in enumerate(piece[1:])]
        rows.append(MeasuredRow(tokens=tuple(piece[:-1]), targets=tuple(targets), text_bytes=0 if rows else text_bytes))
        counted = start + len(piece)
        start = counted - 1 - window // 2
    return rows
