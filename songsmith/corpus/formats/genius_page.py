"""Read songs from saved web pages of Genius, of every layout since 2014. Fetches nothing.

A page is read in one pass of its own, in linear time: html.parser, and so Beautiful Soup, takes minutes for
a hundred kilobytes of unclosed tags.
"""

import html
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from songsmith.corpus.formats.json_songs import Place
from songsmith.corpus.records import MetadataValue, RawRecord, SetAside, has_words, identify

# A tag ends at the first `>` outside quotation marks; one that never ends includes the rest of the page.
_SIGN = re.compile(r"<(?=[a-zA-Z/!?])")
_TAG = re.compile(r"<(/?)([a-zA-Z][^\s/>]*)((?:[^\"'>]|\"[^\"]*\"|'[^']*')*+)>")
_ATTRIBUTE = re.compile(r"([^\s\"'>/=]++)\s*+(?:=\s*+(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]++)))?")
_STATE = re.compile(r"__PRELOADED_STATE__\s*=\s*JSON\.parse\('((?:[^'\\]|\\.)*+)'\)", re.DOTALL)
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|.)", re.DOTALL)
_CONTROLS = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}
_NO_TEXT = {"script", "style", "noscript", "template", "svg", "button"}
_VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
_RAW = {"script", "style"}
_BLOCKS = {"div", "p", "section", "ul", "ol", "li", "h1", "h2", "h3"}
_TOLD = {"div", "section", "lyrics", "meta", "link", "h1", "a"}
_SONG_ADDRESS = re.compile(r"(?:genius://songs/|/songs/)(\d{1,18})(?!\d)", re.ASCII)


def read_genius_page(content: str, place: Place) -> RawRecord | SetAside:
    """Return the song of a page."""
    page = _Page(content)
    title, artist = page.title or place.name, page.artist or place.artist
    if not has_words(page.lyrics):
        reason = (
            "a page that says there are no lyrics" if page.has_placeholder else "no page of Genius with lyrics in it"
        )
        return SetAside(id=page.id or place.label, title=title, reason=reason)
    metadata: dict[str, MetadataValue] = {"genius_id": int(page.id.removeprefix("genius:"))} if page.id else {}
    return RawRecord(
        id=page.id or identify(title=title, artist=artist, text=page.lyrics), title=title, artist=artist,
        text=page.lyrics, source="genius", url=page.url or place.url, fetched_at=place.fetched_at, metadata=metadata,
    )  # fmt: skip


class _Page:
    """What is read from a page."""

    def __init__(self, content: str) -> None:
        self.title = self.artist = self.url = self.id = ""
        self.has_placeholder = False
        self._state: dict[str, Any] = {}
        boxes: list[_Words] = []
        box: _Words | None = None
        heading: tuple[str, _Words] | None = None
        for kind, name, value in _tokens(content):
            if kind == "script":
                self._read_state(value)
            elif kind == "start":
                attributes = _attributes(value) if name in _TOLD else {}
                if box is None and _holds_lyrics(name, attributes):
                    boxes.append(box := _Words())
                elif box is None:
                    heading = self._read_head(name, attributes) or heading
            for words in filter(None, (box, heading[1] if heading else None)):
                words.take(kind, name, value)
            if box is not None and box.closed:
                box = None
            if heading is not None and heading[1].closed:
                self._say(heading[0], heading[1].text)
                heading = None
        self._read_song()
        self.lyrics = _in_lines("\n".join(words.text for words in boxes)) or self._lyrics_of_state()

    def _say(self, what: str, value: str) -> None:
        """Keep the first value: it is higher on the page."""
        if value and not getattr(self, what):
            setattr(self, what, " ".join(value.split()))

    def _read_head(self, name: str, attributes: Mapping[str, str]) -> "tuple[str, _Words] | None":
        """Read what an element says about the song; return what to read inside it, if anything."""
        about, said = attributes.get("property") or attributes.get("name"), attributes.get("content", "")
        classes = attributes.get("class", "")
        if name == "link" and attributes.get("rel") == "canonical":
            self._say("url", attributes.get("href", ""))
        elif name == "meta" and about == "og:url":
            self._say("url", said)
        elif name == "meta" and about in ("og:title", "twitter:title"):
            artist, dash, title = said.removesuffix(" Lyrics").partition(" – ")
            self._say("title", title if dash else "")
            self._say("artist", artist if dash else "")
        elif name == "meta" and attributes.get("itemprop") == "page_data":
            self._state.update(_object(said))
        elif "LyricsPlaceholder" in classes:
            self.has_placeholder = True
        elif name == "h1" and "primary_info-title" in classes:
            return "title", _Words()
        elif name == "a" and "primary_info-primary_artist" in classes:
            return "artist", _Words()
        if name == "meta" and (number := _SONG_ADDRESS.search(said)):
            self._say("id", f"genius:{number[1]}")
        return None

    def _read_state(self, script: str) -> None:
        if state := _STATE.search(script):
            self._state.update(_object(_ESCAPE.sub(_unescape, state[1])))

    def _read_song(self) -> None:
        """Read what the data embedded in the page say about the song: names there are exact."""
        page = _part(self._state, "songPage")
        number = page.get("song", _part(self._state, "song").get("id"))
        song = _part(self._state, "song") or _part(_part(self._state, "entities"), "songs").get(str(number))
        if isinstance(number, int) and not isinstance(number, bool):
            self.id = f"genius:{number}"
        if not isinstance(song, dict):
            return
        artist = song.get("primary_artist") or song.get("primaryArtist")
        name = artist.get("name") if isinstance(artist, dict) else song.get("primaryArtistNames")
        for what, value in (("title", song.get("title")), ("artist", name), ("url", song.get("url"))):
            if isinstance(value, str) and value:
                setattr(self, what, " ".join(value.split()))

    def _lyrics_of_state(self) -> str:
        body = _part(_part(_part(self._state, "songPage"), "lyricsData"), "body").get("html")
        words = _Words()
        for kind, name, value in _tokens(body if isinstance(body, str) else ""):
            words.take(kind, name, value)
        return _in_lines(words.text)


class _Words:
    """The text of an element, from its start tag to its end; what a reader of the page cannot see is left out."""

    def __init__(self) -> None:
        self.closed = False
        self._pieces: list[str] = []
        self._open: tuple[str, int] | None = None
        """The name of the element, and how many of that name are open."""
        self._hidden: tuple[str, int] | None = None
        """The same for an element inside it that is left out."""

    @property
    def text(self) -> str:
        """Its words."""
        return "".join(self._pieces)

    def take(self, kind: str, name: str, value: str) -> None:
        """Process the next piece of the page."""
        self._open = _count(self._open or (name, 0), kind, name)
        self.closed = self._open[1] == 0 and kind == "end"
        if self._hidden:
            self._hidden = _count(self._hidden, kind, name)
            if not self._hidden[1]:
                self._hidden = None
        elif kind == "text":
            self._pieces.append(re.sub(r"[ \t\r\n\f]+", " ", _unescape_html(value)))
        elif name == "br":
            self._pieces.append("\n")
        elif kind == "start" and name not in _VOID and (name in _NO_TEXT or _is_hidden(value)):
            self._hidden = (name, 1)
        elif name in _BLOCKS and self._pieces and not self.closed and not self._pieces[-1].endswith("\n"):
            self._pieces.append("\n\n" if name == "p" else "\n")


def _in_lines(text: str) -> str:
    """Return text in lines as a browser shows it: no space around them, at most one empty line between them."""
    lines = (re.sub(" +", " ", line).strip(" ") for line in text.split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n")


def _count(open_: tuple[str, int], kind: str, name: str) -> tuple[str, int]:
    if name != open_[0] or kind not in ("start", "end"):
        return open_
    return name, open_[1] + (1 if kind == "start" else -1)


def _tokens(content: str) -> Iterator[tuple[str, str, str]]:
    """Yield the pieces of a page: start (name, attributes), end (name), text and script (what it is)."""
    place = 0
    while sign := _SIGN.search(content, place):
        start = sign.start()
        if place < start:
            yield "text", "", content[place:start]
        if content.startswith("<!--", start):
            place = _behind(content, "-->", start)
        elif content.startswith(("<!", "<?"), start):
            place = _behind(content, ">", start)
        elif tag := _TAG.match(content, start):
            name, place = tag[2].lower(), tag.end()
            yield ("end" if tag[1] else "start"), name, tag[3]
            if name in _RAW and not tag[1]:
                closing = re.compile(rf"</{name}", re.IGNORECASE).search(content, place)
                yield "script", name, content[place : closing.start() if closing else None]
                place = closing.start() if closing else len(content)
        elif re.match(r"</[^a-zA-Z]", content[start : start + 3]):
            place = _behind(content, ">", start)
        else:
            return
    if place < len(content):
        yield "text", "", content[place:]


def _behind(content: str, ending: str, start: int) -> int:
    end = content.find(ending, start)
    return len(content) if end < 0 else end + len(ending)


def _attributes(written: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, double, single, bare in _ATTRIBUTE.findall(written):
        found.setdefault(name.lower(), _unescape_html(double or single or bare))
    return found


def _holds_lyrics(name: str, attributes: Mapping[str, str]) -> bool:
    if attributes.get("data-lyrics-container") == "true":
        return True
    classes = attributes.get("class", "").split()
    return name in ("div", "section", "lyrics") and (
        "lyrics" in classes or any(one.startswith("Lyrics__Container") for one in classes)
    )


def _is_hidden(written: str) -> bool:
    """Return whether an element is not part of the lyrics: the page's head, advertisements, what is excluded from selection."""
    if not written.strip():
        return False
    attributes = _attributes(written)
    classes = attributes.get("class", "")
    return attributes.get("data-exclude-from-selection") == "true" or classes.startswith(("LyricsHeader", "Inread"))


def _unescape_html(written: str) -> str:
    try:
        return html.unescape(written)
    except ValueError:  # Python refuses numbers of thousands of digits; no character has one
        return html.unescape(re.sub(r"&#[0-9]{100,};?", "\ufffd", written))


def _unescape(escape: re.Match[str]) -> str:
    sign = escape[1]
    if len(sign) > 1:
        return chr(int(sign[1:], 16))
    return _CONTROLS.get(sign, sign)


def _object(written: str) -> dict[str, Any]:
    try:
        value = json.loads(written, strict=False)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _part(value: Mapping[str, Any], key: str) -> dict[str, Any]:
    part = value.get(key)
    return part if isinstance(part, dict) else {}
