"""Events while takes are written: a token was added, text was withdrawn, a take failed. Values only."""

from dataclasses import dataclass

from songsmith.errors import SongsmithError
from songsmith.takes import FinishReason


@dataclass(frozen=True, kw_only=True)
class TokenChunk:
    """What one token added to one take."""

    take: int
    """Which take, counted from 0."""
    text: str
    """Lyric that became visible: whole characters, often none."""
    tokens: int
    """Tokens of this take so far."""
    token: int
    """Id of the token."""
    elapsed_s: float
    """Seconds since the take was asked for."""
    title: str = ""
    """Title the model has given the song so far, where it was not given one."""
    window_slid: bool = False
    """The oldest lines have just left the model's context window."""
    fewer_at_once: bool = False
    """Memory has just run out: from here on fewer takes are written side by side."""
    settled: bool = True
    """No text told so far of this take can be withdrawn any more. Always so where no constraint was given."""
    finish: FinishReason | None = None
    """Why the take ended; None while it goes on."""


@dataclass(frozen=True, kw_only=True)
class TextWithdrawn:
    """A constraint rejected the line that a take was writing: it is written again. Nothing up to the last settled chunk is gone."""

    take: int
    """Which take, counted from 0."""
    text: str
    """End of the text told so far, which is gone."""
    tokens: int
    """Tokens of this take that are left; the next chunk counts on from here."""
    elapsed_s: float
    """Seconds since the take was asked for."""
    title: str = ""
    """Title the model has given the song, as far as it is left."""


StreamEvent = TokenChunk | TextWithdrawn


@dataclass(frozen=True, kw_only=True)
class TakeFailed:
    """A take ended because the network failed, or because its options leave no token to write."""

    take: int
    error: SongsmithError
    """What to tell the user; its cause is what the network raised."""
