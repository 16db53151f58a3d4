"""Which searches find an artist's songs at LRCLIB, and what its entries say. Sends no request itself.

LRCLIB has a search and no lists. It needs words of a title, or of any field; it returns twenty entries at most; and one song
has as many entries as it has albums and durations.
"""

import re
from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from songsmith.corpus.formats.lrc import TAG, read_line
from songsmith.corpus.records import MetadataValue
from songsmith.corpus.sites.sources import SongOrder, SourceSong, UnavailableError, Wanted, fold_name, nearest
from songsmith.words import COMPARED_WORD

Query = tuple[tuple[str, str], ...]
Entry = Mapping[str, Any]

FULL = 20
"""How many entries a search returns at most; if there are fewer, those are all."""
MOST_SEARCHES = 200
"""How many searches are made for one list at most: some minutes without delays."""
_BARREN = 40
"""After this many searches in a row without a new song, the search ends."""
_PATIENT = 12
"""Searches after which a name counts as unknown."""
# One of these is in most titles, whatever the language.
_COMMON_WORDS = (
    "the", "you", "i", "a", "me", "love", "my", "to", "of", "in", "it", "on", "and", "is", "your", "for", "we", "all",
    "no", "la", "de", "el", "que", "un", "le", "je", "mi", "te", "ich", "du", "der", "und", "não", "é", "o", "愛", "の",
)  # fmt: skip
# Separators before guests. Others (`&`, `,`) may be part of a name: Earth, Wind & Fire.
_GUESTS = re.compile(r"\s*;\s*|\s*[(\[]?\b(?:feat|ft|featuring)\b\.?\s*", re.IGNORECASE)
_COMPANY = re.compile(r"\s*[,;/&+×()\[\]]\s*|\s+(?:feat|ft|featuring|with|and|x|vs)\b\.?\s*", re.IGNORECASE)


class Harvest:
    """The songs of an artist or an album, or one song, as far as searches find them; each once."""

    def __init__(self, wanted: Wanted) -> None:
        """Begin with no songs, and the one search that a name allows."""
        self.artist, self.album = wanted.artist, wanted.album
        """As LRCLIB spells them, once found."""
        self.songs: dict[tuple[str, str], SourceSong] = {}
        self.searches = 0
        self._wanted = wanted
        self._barren = 0
        self._met: set[tuple[str, str]] = set()
        """Artist and name of results that were not asked for."""
        self._handed: set[tuple[str, str]] = set()
        self._planned: set[Query] = set()
        # Albums find most; words of known titles find more than common words.
        self._first, self._albums, self._words, self._common = (deque[Query]() for _ in range(4))
        if wanted.song:
            self._plan(self._first, track_name=wanted.song, artist_name=wanted.artist)
        self._plan(self._first, q=f"{wanted.artist} {wanted.song or wanted.album}")

    @property
    def next_query(self) -> Query | None:
        """The next search; None when everything has been found, or nothing more will be."""
        limit = MOST_SEARCHES if self.songs else _PATIENT
        if self.searches >= limit or self._barren >= _BARREN:
            return None
        return next((queue[0] for queue in (self._first, self._albums, self._words, self._common) if queue), None)

    def take(self, query: Query, entries: Sequence[Entry]) -> None:
        """Add the results of the next search, and plan the searches that follow from them."""
        # Entries with plain lyrics come first: of one song, the first is kept.
        entries = sorted(entries, key=lambda entry: (not entry.get("plainLyrics"), not entry.get("syncedLyrics")))
        if not self.artist:
            self._learn_artist(entries)
        new = [song for entry in entries if (song := self._read(entry)) and self._is_news(song)]
        for queue in (self._first, self._albums, self._words, self._common):
            if queue and queue[0] == query:
                queue.popleft()
        self.searches += 1
        self._barren = 0 if new else self._barren + 1
        if self._wanted.song:
            if self.songs:
                self._first.clear()
        elif self.searches > 1 or len(entries) >= FULL:  # otherwise every entry of that name was among them
            self._plan_around(new)

    def hand_over(self, order: SongOrder, *, is_last: bool) -> tuple[SourceSong, ...]:
        """Return songs that were not returned before. Those without lyrics come at the end, as an entry with lyrics may follow.

        Sorted by title, all come at the end. LRCLIB knows no popularity: otherwise they come in the order found.
        """
        ready = [song for key, song in self.songs.items() if key not in self._handed and (is_last or song.text)]
        if order is SongOrder.TITLE:
            ready = sorted(ready, key=lambda song: song.title.casefold()) if is_last else []
        self._handed.update(song.same for song in ready)
        return tuple(ready)

    def nothing(self) -> UnavailableError:
        """Return the error that there is nothing of the name, with what else was found."""
        wanted = self._wanted
        kind, title = ("song", wanted.song) if wanted.song else ("album", wanted.album)
        if not title:
            what, names = f"artist called '{wanted.artist}'", {artist: artist for artist, _ in self._met}
        else:
            by = f" by {wanted.artist}" if wanted.artist else ""
            what, names = f"{kind} '{title}'{by}", {name: f"'{name}' by {artist}" for artist, name in self._met}
        step = nearest(title or wanted.artist, names) or "Look for the name at https://lrclib.net."
        return UnavailableError(f"LRCLIB has no {what}.", step)

    def _plan(self, queue: deque[Query], **words: str) -> None:
        query = tuple((name, text.strip()) for name, text in words.items() if text.strip())
        if query and query not in self._planned:
            self._planned.add(query)
            queue.append(query)

    def _plan_around(self, new: Iterable[SourceSong]) -> None:
        near = {"artist_name": self.artist} | ({"album_name": self.album} if self.album else {})
        for word in _COMMON_WORDS:
            self._plan(self._common, track_name=word, **near)
        if self.album:
            self._plan(self._albums, q=f"{self.artist} {self.album}")
        for song in new:
            if not self.album and (album := song.metadata.get("album")):
                self._plan(self._albums, q=f"{self.artist} {album}")
            for word in COMPARED_WORD.findall(song.title.casefold()):
                self._plan(self._words, track_name=word, **near)

    def _learn_artist(self, entries: Iterable[Entry]) -> None:
        """Set the artist to the one who has most entries of the title that was asked for."""
        key, title = ("trackName", self._wanted.song) if self._wanted.song else ("albumName", self.album)
        whose = Counter(
            _name(entry, "artistName") for entry in entries if fold_name(_name(entry, key)) == fold_name(title)
        )
        if whose:
            self.artist = whose.most_common(1)[0][0]

    def _read(self, entry: Entry) -> SourceSong | None:
        """Return the song of an entry, if it was asked for."""
        artist, title, album = _name(entry, "artistName"), _name(entry, "trackName"), _name(entry, "albumName")
        wanted = self._wanted
        right = not wanted.song or fold_name(title) == fold_name(wanted.song)
        right = right and (not self.album or fold_name(album) == fold_name(self.album))
        is_feature = self._is_feature(artist)
        if is_feature is None or not right or not title:
            if name := title if wanted.song else album if wanted.album else artist:
                self._met.add((artist, name))
            return None
        if not self.songs and not is_feature:
            self.artist = _GUESTS.split(artist)[0] or artist
            self.album = album if self.album else ""
        guests = [] if is_feature or fold_name(artist) == fold_name(self.artist) else _GUESTS.split(artist)[1:]
        return _read_entry(entry, artist=artist if is_feature else self.artist, guests=guests, is_feature=is_feature)

    def _is_feature(self, artist: str) -> bool | None:
        """Return whether the wanted artist only takes part in a song by `artist`; None if not even that."""
        wanted = fold_name(self.artist)
        if not wanted:
            return None
        if wanted in (fold_name(artist), fold_name(_GUESTS.split(artist)[0])):
            return False
        return True if wanted in map(fold_name, _COMPANY.split(artist)) else None

    def _is_news(self, song: SourceSong) -> bool:
        """Add a song; an entry with lyrics replaces one without."""
        known = self.songs.get(song.same)
        if known is None or (song.text and not known.text):
            self.songs[song.same] = song
        return known is None


def _name(entry: Entry, key: str) -> str:
    return str(entry[key] or "").strip()


def _read_entry(entry: Entry, *, artist: str, guests: Sequence[str], is_feature: bool) -> SourceSong:
    number, text = int(entry["id"]), read_words(entry)
    metadata: dict[str, MetadataValue] = {"lrclib_id": number}
    if album := _name(entry, "albumName").strip("- "):
        metadata["album"] = album
    if duration := entry.get("duration"):
        metadata["duration_s"] = float(duration)
    if guests := [guest.strip(" )]") for guest in guests if guest.strip(" )]")]:
        metadata["featured_artists"] = ", ".join(guests)
    reason = "it is an instrumental" if entry.get("instrumental") else "its entry has no lyrics"
    return SourceSong(
        id=f"lrclib:{number}",
        title=_name(entry, "trackName"),
        artist=artist,
        url=f"https://lrclib.net/api/get/{number}",
        is_feature=is_feature,
        no_lyrics="" if text else reason,
        text=text,
        metadata=metadata,
    )


def read_words(entry: Entry) -> str:
    """Return the lyrics of an entry: the plain ones, or else the synced ones without times."""
    text = str(entry.get("plainLyrics") or "").strip() or str(entry.get("syncedLyrics") or "")
    return strip_times(text)


def strip_times(synced: str) -> str:
    """Return lyrics without the time stamps and tags of LRC; lines without any are unchanged."""
    kept = []
    for line in synced.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        if not TAG.fullmatch(line.strip()):
            times, words = read_line(line)
            kept.append(words if times else line)  # a time alone is a gap between stanzas
    return "\n".join(kept).strip()
