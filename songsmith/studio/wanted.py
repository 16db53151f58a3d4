"""Parse what a user asks to fetch, from names and lists of names. Sends no request."""

import re
from collections.abc import Sequence
from pathlib import Path

from songsmith.corpus.sites.sources import Wanted
from songsmith.errors import InputError, NotFoundError, UsageError

_BETWEEN_ARTIST_AND_TITLE = re.compile(r"\s+[-–—]\s+")


def want(
    *, artists: Sequence[str] = (), albums: Sequence[str] = (), songs: Sequence[str] = (), path: Path | None = None
) -> tuple[Wanted, ...]:
    """Return everything that a person named: albums and songs by one of the artists, or else all of each artist; then a file's.

    Raises:
        UsageError: nothing is named.
        NotFoundError: there is no such file.
        InputError: the file cannot be read.
    """
    whose = tuple(artists)
    wanted = [Wanted(artists=whose, album=title) for title in albums]
    wanted += [Wanted(artists=whose, song=title) for title in songs]
    if not wanted:
        wanted = [Wanted(artists=(artist,)) for artist in whose]
    if path is not None:
        wanted += read_list(path)
    if not wanted:
        raise UsageError(
            "There is nothing to fetch.",
            "Use --artist NAME, --album TITLE, --song TITLE or --from-file",
        )
    return tuple(dict.fromkeys(wanted))


def read_list(path: Path) -> list[Wanted]:
    """Return what the lines of a file name: an artist, or a song as `Artist - Title`; `#` begins a comment.

    Raises:
        NotFoundError: there is no such file.
        InputError: it cannot be read, or names nothing.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except FileNotFoundError as error:
        raise NotFoundError(f"{path} doesn't exist.", "Check the name.") from error
    except (OSError, UnicodeDecodeError) as error:
        why = "it isn't UTF-8" if isinstance(error, UnicodeDecodeError) else (error.strerror or "").lower()
        raise InputError(f"{path} can't be read: {why}.", "Use a text file with one artist per line.") from error
    wanted = []
    for line in lines:
        name = line.strip()
        if name and not name.startswith("#"):
            artist, *title = _BETWEEN_ARTIST_AND_TITLE.split(name, maxsplit=1)
            wanted.append(Wanted(artists=(artist,), song=title[0] if title else ""))
    if not wanted:
        raise InputError(
            f"{path} names no artists or songs.", "Write one artist per line, or a song as: Artist - Title"
        )
    return wanted
