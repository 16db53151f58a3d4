"""Takes: what a model wrote, and everything needed to write it again. Made by generation, stored by the library."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any


class FinishReason(StrEnum):
    """Why a take ended."""

    END_OF_SONG = "end_of_song"
    END_OF_SECTION = "end_of_section"
    MAX_LINES = "max_lines"
    MAX_TOKENS = "max_tokens"
    STOPPED = "stopped"


def new_id() -> str:
    """Return an id that no other song or take has, in this library or any other."""
    return os.urandom(16).hex()


def now() -> str:
    """Return the time in UTC as ISO 8601 text, to the millisecond. Clocks are set back: nothing may be sorted by it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


@dataclass(frozen=True, kw_only=True)
class Take:
    """One continuation a model wrote, with its provenance.

    Same model, prompt, options and seed on the same machine give the same text.
    """

    text: str
    """The lyric the model wrote; joined behind `prompt_text` it is the song."""
    prompt_text: str
    """The lyric it was shown."""
    title: str
    """The title it was shown, or chose itself."""
    model: str
    """Name of the model."""
    model_sha256: str
    """Hash of the model's weights, in hexadecimal."""
    device: str
    """Where it ran, such as `cpu` or `cuda:0`."""
    options: Mapping[str, Any]
    """The generation options as JSON values, the seed among them."""
    seed: int
    """Start of the take's own random stream."""
    finish: FinishReason
    """Why it ended."""
    tokens: int
    """Tokens the model wrote."""
    elapsed_s: float
    """Seconds from the request to the last token."""
    version: str
    """The songsmith that made it."""
    parent_id: str | None = None
    """The take this one grew from: the one it continues, or stands in place of."""
    id: str = field(default_factory=new_id)
    created_at: str = field(default_factory=now)
