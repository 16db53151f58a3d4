"""The records of a corpus: raw songs, clean songs, and what was set aside. Reads and writes no file."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self, TypeVar

from songsmith.corpus.storage.journal import encode_row
from songsmith.lyrics import Song, parse

MetadataValue = str | int | float | bool | None
"""What a source says of a song besides its words."""
# The fields of records in the order in which files hold them, each with its key there: metadata are stored as `facts`.
_RAW, _CLEAN, _SET_ASIDE = (
    {name: "facts" if name == "metadata" else name for name in names.split()}
    for names in (
        "id title artist source url fetched_at metadata text", "id title artist source url metadata text", "id title reason"
    )
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class RawRecord:
    """A song exactly as it came."""

    id: str
    """Its identity within a corpus: the source's own, such as `genius:123`, else what `identify` returns for its words."""
    text: str
    """The lyric as it came, with whatever else the page had."""
    title: str = ""
    artist: str = ""
    source: str = ""
    """Where it came from: a file, a book, a site."""
    url: str = ""
    fetched_at: str = ""
    """When it came, in UTC as ISO 8601 text."""
    metadata: Mapping[str, MetadataValue] = field(default_factory=dict)
    """What else the source gave: year, kind, form, and so on."""

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values, empty fields left out."""
        return _as_json(self, _RAW)

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Self:
        """Return the record that `as_json` gave; see `_read` for what else may be in it."""
        return cls(**_read(_RAW, row))


@dataclass(frozen=True, kw_only=True)
class CleanRecord:
    """A song as models are trained on it."""

    id: str
    """That of its raw record."""
    text: str
    """The song text: one line per row, stanzas separated by blank lines, headers in brackets."""
    title: str = ""
    artist: str = ""
    source: str = ""
    url: str = ""
    metadata: Mapping[str, MetadataValue] = field(default_factory=dict)

    @property
    def song(self) -> Song:
        """The song with its sections and lines; what nobody sings, such as a solo, is left out."""
        song = parse(self.text, title=self.title, artist=self.artist)
        return replace(song, sections=tuple(section for section in song.sections if section.lines))

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values, empty fields left out."""
        return _as_json(self, _CLEAN)

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Self:
        """Return the record that `as_json` gave; see `_read` for what else may be in it."""
        return cls(**_read(_CLEAN, row))


@dataclass(frozen=True, kw_only=True)
class SetAside:
    """A record that is not used, and why."""

    id: str
    """That of the record; where none could be read, the file and the line."""
    title: str = ""
    reason: str = ""
    """A few words, the same for all records with this reason, so that they can be counted."""

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values, empty fields left out."""
        return _as_json(self, _SET_ASIDE)

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Self:
        """Return what `as_json` gave; see `_read` for what else may be in it."""
        return cls(**_read(_SET_ASIDE, row))


Stored = TypeVar("Stored", RawRecord, CleanRecord, SetAside)


def identify(*, title: str, artist: str, text: str) -> str:
    """Return the id of a song whose source gives it none: the same words, the same id."""
    return hashlib.sha256("\0".join((artist, title, text)).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def hash_words(record: RawRecord) -> str:
    """Return a short digest of title, artist and text, by which songs with the same id can be told apart."""
    words = {"title": record.title, "artist": record.artist, "text": record.text}
    try:
        "".join(words.values()).encode()
    except UnicodeEncodeError:
        words = {name: mend_text(value) for name, value in words.items()}
    return identify(**words)[:8]


def has_words(text: str) -> bool:
    """Return whether a text has at least one letter, of any script."""
    return re.search(r"[^\W\d_]", text) is not None


def flatten(record: RawRecord | CleanRecord) -> dict[str, Any]:
    """Return a record as the one flat JSON object that an import reads back without loss."""
    row: dict[str, Any] = {"id": record.id, "title": record.title, "artist": record.artist, "source": record.source}
    row["url"] = record.url
    if isinstance(record, RawRecord) and record.fetched_at:
        row["fetched_at"] = record.fetched_at
    return row | {name: value for name, value in record.metadata.items() if name not in row} | {"text": record.text}


def mend(record: Stored) -> Stored:
    """Return the record with half characters (lone surrogates, from a broken paste) replaced: UTF-8 has no place for them."""
    values: dict[str, Any] = {}
    for name, value in vars(record).items():
        if isinstance(value, str):
            values[name] = mend_text(value)
        elif isinstance(value, Mapping):
            values[name] = {
                mend_text(key): mend_text(fact) if isinstance(fact, str) else fact for key, fact in value.items()
            }
    return replace(record, **values)


def encode(record: Stored) -> bytes:
    """Return the line of JSON that stores a record, mended if necessary."""
    try:
        return encode_row(record.as_json())
    except UnicodeEncodeError:
        return encode_row(mend(record).as_json())


def mend_text(text: str) -> str:
    """Return a text with its half characters replaced."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _as_json(record: object, keys: Mapping[str, str]) -> dict[str, Any]:
    return {key: value for name, key in keys.items() if (value := getattr(record, name)) or name == "text"}


def _read(keys: Mapping[str, str], row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of a record in a row. Unknown keys are ignored: a later version may add some.

    Raises:
        TypeError: a value has the wrong type.
    """
    values = {name: row[key] for name, key in keys.items() if key in row}
    for name, value in values.items():
        if not isinstance(value, dict if name == "metadata" else str):
            raise TypeError(f"{name} cannot be {value!r}")
    return values
