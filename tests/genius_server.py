"""A Genius of our own on a loopback port: search, lists of songs, song pages as they look on the web, and every way to fail."""

import html
import json
import re
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

TOKEN = "a-token-nobody-must-see-7f3d"


class Layout(Enum):
    """How a song page is built."""

    MODERN = auto()
    """Lyrics in two containers, an advertisement between them, the head of the page marked as such."""
    LEAKY = auto()
    """All that lyricsgenius cannot tell from lyrics: contributors, recommendations, the tail."""
    STATE_ONLY = auto()
    """No container: the lyrics are in the page's script."""
    PLACEHOLDER = auto()
    """A page that says that there are no lyrics."""
    EMPTY = auto()
    """A container with nothing in it."""
    OF_2018 = auto()
    """One box for the lyrics, breaks and ends of HTML lines side by side, marks of a server in comments."""
    OF_2020 = auto()
    """Containers that nothing but their class tells apart."""
    OF_2022 = auto()
    """The title's line and the tail in the container."""
    OF_2025 = auto()
    """The head in the container, with a blurb about the song."""
    WALLED = auto()
    """A page that shows its lyrics to subscribers."""
    UNLICENSED = auto()
    """A page that has no licence to show them."""
    CAPTCHA = auto()
    """A question whether anybody is there."""
    CHANGED = auto()
    """What nobody has seen yet."""


class Fault(Enum):
    """How a connection fails."""

    DROPPED = auto()
    """It is closed without an answer."""
    TRUNCATED = auto()
    """Fewer bytes come than were announced."""
    CUT = auto()
    """Nothing was announced, and the body ends in the middle."""
    SILENT = auto()
    """Nothing comes at all."""
    DRIPPING = auto()
    """A byte comes every now and then, and the last one never."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the server says instead of what it should."""

    status: int = 200
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class FakeSong:
    """A song at Genius."""

    id: int
    title: str
    lyrics: str
    artist: tuple[int, str] = (1, "The Old Singers")
    """Whose song it is: number and name."""
    featured: tuple[tuple[int, str], ...] = ()
    state: str = "complete"
    instrumental: bool = False
    released: tuple[int, ...] = (1893, 7, 22)
    album: tuple[int, str] | None = None
    """Number and title."""
    layout: Layout = Layout.MODERN

    @property
    def path(self) -> str:
        """Path of its page."""
        return f"{re.sub('[^a-z0-9]+', '-', f'{self.artist[1]} {self.title}'.lower()).strip('-')}-{self.id}-lyrics"

    def as_json(self) -> dict[str, Any]:
        """Return it as a list of songs shows it."""
        people = [{"_type": "artist", "id": number, "name": name} for number, name in (self.artist, *self.featured)]
        return {
            "id": self.id,
            "title": self.title,
            "full_title": f"{self.title} by {self.artist[1]}",
            "url": f"https://genius.com/{self.path}",
            "path": f"/{self.path}",
            "lyrics_state": self.state,
            "instrumental": self.instrumental,
            "release_date_components": dict(zip(("year", "month", "day"), self.released, strict=False)) or None,
            "primary_artist": people[0],
            "primary_artists": people[:1],
            "featured_artists": people[1:],
        }

    def page(self) -> str:
        """Return its page."""
        return _PAGES[self.layout](self)


@dataclass(frozen=True, kw_only=True)
class Request:
    """What somebody asked for."""

    path: str
    query: dict[str, str]
    token: str
    """What was sent as authorization; empty: nothing."""
    agent: str = ""
    """What asked, as it calls itself."""


class FakeSite:
    """A web server on a loopback port that remembers what it was asked, and fails when it is told to."""

    def __init__(self) -> None:
        """Get ready; `with site:` runs it."""
        self.requests: list[Request] = []
        self.on_request: Callable[[Request], None] = lambda request: None
        """Called before an answer is sent."""
        self.on_answered: Callable[[Request], None] = lambda request: None
        """Called after it."""
        self._faults: dict[str, list[Answer | Fault]] = {}
        self._lock = Lock()
        self._closing = Event()
        site = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # or each answer takes 40 ms

            def do_GET(self) -> None:
                site._answer(self)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = False
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]  # a client was killed
        self.root = f"http://127.0.0.1:{self._server.server_port}"

    def fail(self, path: str, *faults: Answer | Fault) -> None:
        """Let the next requests whose path contains `path` go wrong, one after the other."""
        self._faults.setdefault(path, []).extend(faults)

    def look_up(self, request: Request) -> Answer:
        """Return what there is."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.socket.close()

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        url = urlsplit(handler.path)
        query = {key: values[-1] for key, values in parse_qs(url.query).items()}
        request = Request(
            path=url.path, query=query, token=handler.headers.get("Authorization", ""),
            agent=handler.headers.get("User-Agent", ""),
        )  # fmt: skip
        with self._lock:
            self.requests.append(request)
            faults = next((faults for part, faults in self._faults.items() if part in request.path and faults), [])
            fault = faults.pop(0) if faults else None
        self.on_request(request)
        answer = fault if isinstance(fault, Answer) else self.look_up(request)
        self._send(handler, answer, fault if isinstance(fault, Fault) else None)
        self.on_answered(request)

    def _send(self, handler: BaseHTTPRequestHandler, answer: Answer, fault: Fault | None) -> None:
        if fault is Fault.SILENT:
            self._closing.wait()
        if fault in (Fault.SILENT, Fault.DROPPED):
            handler.close_connection = True
            handler.connection.shutdown(socket.SHUT_RDWR)
            return
        body = answer.body.encode("utf-8", "replace")
        handler.send_response(answer.status)
        for name, value in ({"Content-Type": "text/html; charset=utf-8"} | answer.headers).items():
            handler.send_header(name, value)
        if fault is not Fault.CUT:
            handler.send_header("Content-Length", str(len(body)))
        if fault is not None or self._closing.is_set():
            handler.send_header("Connection", "close")
            handler.close_connection = True
        handler.end_headers()
        if fault is Fault.DRIPPING:
            for byte in body[:-1]:
                handler.wfile.write(bytes([byte]))
                if self._closing.wait(0.02):
                    break
            return
        handler.wfile.write(body[: len(body) * 2 // 3] if fault else body)
        handler.wfile.flush()


class FakeGenius(FakeSite):
    """Genius; `with FakeGenius(songs) as genius` runs it."""

    def __init__(self, songs: list[FakeSong] | None = None, artists: list[tuple[int, str]] | None = None) -> None:
        """Offer these songs, the most popular first."""
        super().__init__()
        self.songs = songs or []
        self.artists = artists or list(dict.fromkeys(song.artist for song in self.songs)) or [(1, "The Old Singers")]
        self.songs_a_page = 50
        self.api, self.web = f"{self.root}/token-api/", f"{self.root}/web/"

    @property
    def environment(self) -> dict[str, str]:
        """Variables that send songsmith here."""
        return {
            "SONGSMITH_GENIUS_API": self.api,
            "SONGSMITH_GENIUS_WEB": self.web,
            "SONGSMITH_GENIUS_PAUSE": "0",
            "GENIUS_ACCESS_TOKEN": TOKEN,
            "NO_PROXY": "127.0.0.1",
        }

    def asked_lyrics(self) -> list[int]:
        """Return the numbers of the songs whose pages were asked for, in order."""
        return [int(match[1]) for request in self.requests if (match := re.search(r"-(\d+)-lyrics$", request.path))]

    def look_up(self, request: Request) -> Answer:
        """Return what Genius has at a path."""
        if request.path == "/web/api/search/artist":
            return _json({"sections": [{"type": "artist", "hits": self._hits(request.query.get("q", ""))}]})
        if searched := re.fullmatch(r"/web/api/search/(album|song)", request.path):
            hits = self._albums() if searched[1] == "album" else [song.as_json() for song in self.songs]
            return _json({"sections": [_section(searched[1], hits, request.query.get("q", ""))]})
        if listed := re.fullmatch(r"/web/api/albums/(\d+)/tracks", request.path):
            return self._tracks(int(listed[1]), request.query)
        if request.path == "/token-api/search":
            return _json({"hits": []}) if request.token == f"Bearer {TOKEN}" else _json_error(401, "invalid_token")
        if listed := re.fullmatch(r"/token-api/artists/(\d+)/songs", request.path):
            if request.token != f"Bearer {TOKEN}":
                return _json_error(401, "invalid_token")
            return self._list(int(listed[1]), request.query)
        for song in self.songs:
            if request.path == f"/web/{song.path}":
                return Answer(body=song.page())
        return Answer(status=404, body="<html><body>Oops! Page not found</body></html>")

    def _hits(self, words: str) -> list[dict[str, Any]]:
        """Return artists the way a forgiving search does: some letters in common are enough."""
        near = [artist for artist in self.artists if set(words.lower().split()) & set(artist[1].lower().split())]
        near += [artist for artist in self.artists if artist not in near and artist[1][:2].lower() == words[:2].lower()]
        return [
            {"index": "artist", "type": "artist", "result": {"_type": "artist", "id": number, "name": name}}
            for number, name in near
        ]

    def _albums(self) -> list[dict[str, Any]]:
        """Return every album as the search shows it."""
        found = {song.album: song.artist for song in reversed(self.songs) if song.album}
        return [
            {"id": number, "name": title, "artist": {"id": artist[0], "name": artist[1]}}
            for (number, title), artist in sorted(found.items())
        ]

    def _tracks(self, album: int, query: dict[str, str]) -> Answer:
        songs = [song for song in self.songs if song.album and song.album[0] == album]
        page, size = int(query["page"]), min(self.songs_a_page, int(query["per_page"]))
        tracks = [{"number": i, "song": song.as_json()} for i, song in enumerate(songs, 1)][(page - 1) * size :][:size]
        return _json({"tracks": tracks, "next_page": page + 1 if page * size < len(songs) else None})

    def _list(self, artist: int, query: dict[str, str]) -> Answer:
        songs = [song for song in self.songs if artist in (song.artist[0], *(number for number, _ in song.featured))]
        if query["sort"] == "title":
            songs.sort(key=lambda song: song.title)
        page, size = int(query["page"]), min(self.songs_a_page, int(query["per_page"]))
        part = songs[(page - 1) * size : page * size]
        following = page + 1 if page * size < len(songs) else None
        return _json({"songs": [song.as_json() for song in part], "next_page": following})


def _json(response: dict[str, Any]) -> Answer:
    body = json.dumps({"meta": {"status": 200}, "response": response})
    return Answer(body=body, headers={"Content-Type": "application/json; charset=utf-8"})


def _section(kind: str, results: list[dict[str, Any]], words: str) -> dict[str, Any]:
    """Return a section of a search: what has a word in common, after something of another kind, as happens."""
    wanted = set(re.findall(r"\w+", words.lower()))
    near = [result for result in results if wanted & set(re.findall(r"\w+", json.dumps(result).lower()))]
    hits = [{"index": kind, "type": kind, "result": result} for result in near]
    return {"type": kind, "hits": [{"index": "video", "type": "video", "result": {"title": words}}, *hits]}


def _json_error(status: int, error: str) -> Answer:
    return Answer(status=status, body=json.dumps({"error": error}), headers={"Content-Type": "application/json"})


def _whole(song: FakeSong, body: str, script: str = "") -> str:
    title = html.escape(f"{song.artist[1]} – {song.title} Lyrics | Genius Lyrics")
    return (
        f"<!doctype html><html><head><title>{title}</title><style>.LyricsPlaceholder__Box{{color:red}}</style></head>"
        f'<body><div id="application">{body}</div><script>{script}</script></body></html>'
    )


def _lines(lyrics: str) -> str:
    return html.escape(lyrics).replace("\n", "<br/>")


def _container(inner: str) -> str:
    return f'<div data-lyrics-container="true" class="Lyrics__Container-sc-1 x">{inner}</div>'


def _modern(song: FakeSong) -> str:
    first, gap, rest = song.lyrics.partition("\n\n")
    head = (
        '<div data-exclude-from-selection="true" class="LyricsHeader__Container-sc-2"><span>27 Contributors</span>'
        f"<ul><li>Deutsch</li><li>Català</li></ul><h2>{html.escape(song.title)} Lyrics</h2></div>"
    )
    advertisement = '<div class="RightSidebar">See The Old Singers Live<br/>Get tickets as low as $79</div>'
    marked = re.sub(r"^(\w+)", r'<a href="/1/x"><span>\1</span></a>', _lines(first), count=1)  # an annotated word
    return _whole(song, _container(head + marked + ("<br/><br/>" if gap else "")) + advertisement + (
        _container(_lines(rest)) if gap else ""))  # fmt: skip


def _leaky(song: FakeSong) -> str:
    first, _, rest = song.lyrics.partition("\n\n")
    dirt = f"27ContributorsTranslationsDeutschCatalà{html.escape(song.title)} Lyrics"
    text = f"{dirt}{_lines(first)}<br/><br/>You might also like{_lines(rest)}270Embed"
    return _whole(song, _container(text))


def _state_only(song: FakeSong) -> str:
    state = {"songPage": {"lyricsData": {"body": {"html": f"<p>{_lines(song.lyrics)}</p>"}}}}
    literal = json.dumps(state).replace("\\", "\\\\").replace("'", "\\'")
    return _whole(song, "<div>Loading</div>", f"window.__PRELOADED_STATE__ = JSON.parse('{literal}');")


def _of_2018(song: FakeSong) -> str:
    lines = html.escape(song.lyrics).replace("\n", "<br>\n")
    return _whole(song, f'<div class="lyrics">\n    <!--sse-->\n    <p>{lines}</p>\n    <!--/sse-->\n  </div>')


def _of_2020(song: FakeSong) -> str:
    first, _, rest = song.lyrics.partition("\n\n")
    box = '<div class="Lyrics__Container-sc-1ynbvzw-6 jYfhrf">{}</div>'
    return _whole(song, box.format(_lines(first) + "<br/>") + "<aside>Ad</aside>" + box.format(_lines(rest)))


def _of_2022(song: FakeSong) -> str:
    return _whole(song, _container(f"{html.escape(song.title)} Lyrics{_lines(song.lyrics)}3Embed"))


def _of_2025(song: FakeSong) -> str:
    head = (
        '<div class="LyricsHeader__Container-sc-5e4b7146-1" data-exclude-from-selection="true">'
        f"<div>12 Contributors</div><h2>{html.escape(song.title)} Lyrics</h2>"
        "<p>A song of the valley, and of who leaves it.… <span>Read More</span></p></div>"
    )
    return _whole(song, _container(head + _lines(song.lyrics)))


def _teaser(song: FakeSong, words: str, script: str = "") -> str:
    return _whole(song, f'<section class="teaser"><p>{words}</p></section>', script)


_PAGES: dict[Layout, Callable[[FakeSong], str]] = {
    Layout.MODERN: _modern,
    Layout.LEAKY: _leaky,
    Layout.STATE_ONLY: _state_only,
    Layout.PLACEHOLDER: lambda song: _whole(
        song, '<div class="LyricsPlaceholder__Box-sc-3"><p>This song is an instrumental</p></div>'
    ),
    Layout.EMPTY: lambda song: _whole(song, _container("")),
    Layout.OF_2018: _of_2018,
    Layout.OF_2020: _of_2020,
    Layout.OF_2022: _of_2022,
    Layout.OF_2025: _of_2025,
    Layout.WALLED: lambda song: _teaser(song, "Subscribe to read the full lyrics", '{"isAccessibleForFree":false}'),
    Layout.UNLICENSED: lambda song: _teaser(song, "Unfortunately, we are not licensed to display these lyrics."),
    Layout.CAPTCHA: lambda song: (
        "<!doctype html><html><head><title>Just a moment...</title></head><body></body></html>"
    ),
    Layout.CHANGED: lambda song: _whole(song, f'<section class="words">{_lines(song.lyrics)}</section>'),
}
