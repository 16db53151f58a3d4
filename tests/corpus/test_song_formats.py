"""Songs out of ChordPro, LRC, saved pages and Parquet: words, names and chords as a person reads them there."""

import datetime
import gzip
import io
import itertools
import random
import time
import tracemalloc
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest
from genius_server import FakeSong, Layout
from hypothesis import given
from hypothesis import strategies as st

from songsmith.corpus.formats.chordpro import read_chordpro
from songsmith.corpus.formats.genius_page import read_genius_page
from songsmith.corpus.formats.import_options import ImportOptions
from songsmith.corpus.formats.importers import Importer
from songsmith.corpus.formats.json_songs import Place
from songsmith.corpus.formats.lrc import read_lrc
from songsmith.corpus.formats.reading_limits import ReadingLimits
from songsmith.corpus.records import RawRecord, SetAside
from songsmith.errors import InputError, UsageError
from songsmith.lyrics import parse

PLACE = Place(source="file", name="Name", where="1")

SHEET = """\
# from an old book
{title: Swing Low}
{st: A spiritual}
{artist: Traditional}
{key: D}
{meta: year 1862}
{c: Slowly}

{start_of_chorus}
Swing [D]low, sweet [G]chari[D]ot,

Coming for to carry me [A7]home
{end_of_chorus}

{sov: Verse 1}
I looked over Jordan, [*softly] and what did I see
[D] [G] [D]
{eov}
{chorus}
{comment: Bridge}
If you get there be[D]fore I do
{start_of_tab}
e|--3--2--0--|
{end_of_tab}
"""


def one_chordpro(content: str) -> RawRecord:
    (song,) = read_chordpro(content, PLACE)
    assert isinstance(song, RawRecord)
    return song


def test_chordpro_is_read_as_it_is_sung():
    song = one_chordpro(SHEET)
    assert (song.title, song.artist) == ("Swing Low", "Traditional")
    assert song.text.split("\n") == [
        "[Chorus]", "Swing low, sweet chariot,", "Coming for to carry me home", "",
        "[Verse 1]", "I looked over Jordan, and what did I see", "",
        "[Chorus]", "",
        "[Bridge]", "If you get there before I do",
    ]  # fmt: skip
    assert [section.kind for section in parse(song.text).sections] == ["chorus", "verse", "chorus", "bridge"]
    assert song.metadata == {"key": "D", "year": "1862", "subtitle": "A spiritual", "chords": SHEET.strip("\n")}


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("{t:A}\n[C]One\n\n[G]Two", "One\n\nTwo"),
        ("{start_of_verse: label=\"Verse 2\"}\none\n{end_of_verse}", "[Verse 2]\none"),
        ("{soc: Final}\none\n{eoc}\n{start_of_pre_chorus}\ntwo", "[Chorus: Final]\none\n\n[Pre-Chorus]\ntwo"),
        ("[Verse 1]\n[Am]one\n[Chorus]\ntwo", "[Verse 1]\none\n\n[Chorus]\ntwo"),
        ("{comment-guitar: Intro}\nla [x", "[Intro]\nla [x"),
        ("{not closed\n{x_custom: y}\n{}\n{:}\nla", "{not closed\n{}\n{:}\nla"),
        ("{sot}\nE|--1--\n{eot}\nla\n{sog}\n| A . |\n{eog}\nlo", "la\n\nlo"),
    ],
)  # fmt: skip
def test_chordpro_of_other_hands(content: str, text: str):
    assert one_chordpro(content).text == text


def test_a_chordpro_file_of_several_songs():
    songs = list(read_chordpro("{t: A}\nla\n{ns}\n{t: B}\n[C] [G]\n{new_song}\n{t: C}\nlo", PLACE))
    assert [(type(song), song.title) for song in songs] == [(RawRecord, "A"), (SetAside, "B"), (RawRecord, "C")]


LRC = """\
[ti:Shenandoah [Live]]
[ar: Traditional]
[length:03:00]

[00:21.00][01:05.50]Away, you rolling river
[00:12.00]Oh <00:12.00> Shenandoah, <00:13.20>I long to see you
[00:30.00]
[00:40]Oh Shenandoah
and no stamp here
"""


def test_lrc_is_read_in_the_order_of_time():
    song = read_lrc(LRC, PLACE)
    assert isinstance(song, RawRecord)
    assert (song.title, song.artist) == ("Shenandoah [Live]", "Traditional")
    assert song.text == (
        "Oh Shenandoah, I long to see you\nAway, you rolling river\n\nOh Shenandoah\nand no stamp here\n\n"
        "Away, you rolling river"
    )
    assert song.metadata == {"synced_lyrics": LRC}


@pytest.mark.parametrize("content", ["", "[ti:A]\n[00:01.00]\n[00:02.00]", "[00:01.00]<00:01.00>\n\n"])
def test_lrc_without_words_is_set_aside(content: str):
    song = read_lrc(content, PLACE)
    assert isinstance(song, SetAside)
    assert song.reason == "no words"


LYRICS = "[Verse 1]\nFrom this valley they say you are going\nI’ll miss “you” & señor <3\n\n[Chorus]\nCome and sit\nby my side"
SONG = FakeSong(id=42, title="Valley", lyrics=LYRICS, artist=(1, "The Old Singers"))
OLD_PAGE = """<!doctype html><html><head><title>The Old Singers – Valley Lyrics | Genius Lyrics</title>
<meta content="The Old Singers – Valley" property="og:title">
<link href="https://genius.com/the-old-singers-valley-lyrics" rel="canonical">
<meta content="/songs/42" name="newrelic-resource-path">
<meta itemprop="page_data" content="{&quot;song&quot;: {&quot;title&quot;: &quot;Valley&quot;, &quot;id&quot;: 42}}">
</head><body><h1 class="header_with_cover_art-primary_info-title ">Valley</h1>
<div class="song_body-lyrics"><h2>Valley Lyrics</h2><div initial-content-for="lyrics"><div class="lyrics">
<!--sse-->
<p>[Verse 1]<br>
<a href="/1" class="referent">From this valley they say<br>you</a> are going</p>

<p>[Chorus]<br/>
Come and <i>sit</i></p>
<!--/sse-->
</div></div></div><div class="footer">About</div></body></html>"""


@pytest.mark.parametrize("layout", [Layout.MODERN, Layout.STATE_ONLY])
def test_a_saved_page_of_genius(layout: Layout):
    page = FakeSong(id=42, title="Valley", lyrics=LYRICS, artist=(1, "The Old Singers"), layout=layout).page()
    head = (
        '<meta property="og:title" content="The Old Singers – Valley"/><meta name="a>b" content=\'<div>\'>'
        '<meta property="twitter:app:url:iphone" content="genius://songs/42"/><meta property="og:url" content="https://g/v"/>'
    )
    song = read_genius_page(page.replace("<head>", f"<head>{head}"), PLACE)
    assert isinstance(song, RawRecord)
    assert (song.id, song.title, song.artist, song.url) == ("genius:42", "Valley", "The Old Singers", "https://g/v")
    assert song.text == LYRICS
    assert (song.source, song.metadata) == ("genius", {"genius_id": 42})


def test_a_page_of_the_old_layout():
    song = read_genius_page(OLD_PAGE, PLACE)
    assert isinstance(song, RawRecord)
    assert (song.id, song.title, song.artist) == ("genius:42", "Valley", "The Old Singers")
    assert song.url == "https://genius.com/the-old-singers-valley-lyrics"
    assert song.text == "[Verse 1]\nFrom this valley they say\nyou are going\n\n[Chorus]\nCome and sit"


def test_what_is_no_lyric_on_a_page_is_left_out():
    page = (
        '<div data-lyrics-container="true"><div class="LyricsHeader__Container-1" data-exclude-from-selection="true"><div>'
        "7 Contributors</div></div>one<br>two <b>and</b>\nthree<script>if (a < b) {}</script></div><div>Share</div>"
        '<div class="Lyrics__Container-2">four<!-- <div> --><style>a{}</style><br/>fi&eacute;ve'
        '<div class="InreadContainer__x"><div>Buy</div></div></div><p>About</p>'
    )
    song = read_genius_page(page, PLACE)
    assert isinstance(song, RawRecord)
    assert song.text == "one\ntwo and three\nfour\nfiéve"


@pytest.mark.parametrize("layout", [Layout.PLACEHOLDER, Layout.EMPTY, Layout.CHANGED])
def test_a_page_without_lyrics_is_set_aside(layout: Layout):
    song = read_genius_page(FakeSong(id=42, title="Valley", lyrics=LYRICS, layout=layout).page(), PLACE)
    assert isinstance(song, SetAside)
    assert ("says there are no lyrics" if layout is Layout.PLACEHOLDER else "no page of Genius") in song.reason


def read(path: Path, limits: ReadingLimits | None = None, **options: str) -> list[RawRecord | SetAside]:
    importer = Importer(path, ImportOptions(**options), limits)
    for _ in importer.check():
        pass
    return list(importer.songs())


ROWS: list[dict[str, Any]] = [
    {"Song Title": "A", "lyrics": "la la", "artists": ["Ann", "Ben"], "year": 1896, "share": 0.5, "live": True,
     "released": datetime.date(1896, 5, 1), "vector": [0.1], "harmony": "C G", "blob": b"x"},
    {"Song Title": "B", "lyrics": None, "artists": None, "year": None, "share": None, "live": None, "released": None,
     "vector": None, "harmony": None, "blob": None},
    {"Song Title": "C", "lyrics": "lo lo", "artists": [], "year": 3, "share": float("nan"), "live": False, "released": None,
     "vector": None, "harmony": "", "blob": None},
]  # fmt: skip


def write_parquet(path: Path, rows: list[dict[str, Any]] = ROWS, **options: Any) -> Path:
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path, **options)
    return path


def test_parquet(tmp_path: Path):
    first, second, third = read(write_parquet(tmp_path / "s.parquet", row_group_size=2), chords_column="Harmony")
    assert isinstance(first, RawRecord)
    assert (first.title, first.artist, first.text, first.source) == ("A", "Ann, Ben", "la la", "s.parquet")
    assert first.metadata == {"year": 1896, "share": 0.5, "live": True, "released": "1896-05-01", "chords": "C G"}
    assert second == SetAside(id="s.parquet:row 2", title="B", reason="no lyrics")
    assert isinstance(third, RawRecord)
    assert third.metadata == {"year": 3, "live": False}
    with pytest.raises(
        UsageError, match=r"has no column 'body'\. Choose one with --text-column. Its columns are: Song Title,"
    ):
        read(tmp_path / "s.parquet", text_column="body")


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_chords_of_a_column(tmp_path: Path, kind: str):
    path = tmp_path / f"x.{kind}"
    path.write_text('lyrics,harmony\nla,"[C]la"\n' if kind == "csv" else '{"lyrics": "la", "harmony": ["[C]la", ""]}\n')
    (song,) = read(path, chords_column="harmony")
    assert isinstance(song, RawRecord)
    assert song.metadata == {"chords": "[C]la"}


@pytest.mark.parametrize("keep", [0, 3, 4, 50, -1, -8, -200])
def test_what_is_no_parquet_is_refused(tmp_path: Path, keep: int):
    whole = write_parquet(tmp_path / "s.parquet").read_bytes()
    (tmp_path / "s.parquet").write_bytes(whole[:keep])
    with pytest.raises(InputError, match=r"s\.parquet isn't Parquet, or is damaged\. Download or export it again"):
        read(tmp_path / "s.parquet")


def test_damage_in_the_middle_of_parquet_is_told(tmp_path: Path):
    rows = [{"text": f"line {n}\n" * 9} for n in range(300)]
    whole = write_parquet(tmp_path / "s.parquet", rows, row_group_size=50, compression="zstd").read_bytes()
    chance, told = random.Random(1), 0
    for _ in range(20):
        place = chance.randrange(4, len(whole) * 9 // 10)
        (tmp_path / "s.parquet").write_bytes(whole[:place] + chance.randbytes(30) + whole[place + 30 :])
        try:
            read(tmp_path / "s.parquet")
        except InputError as error:
            told += "damaged" in error.message
    assert told


def test_a_row_of_parquet_that_is_not_text_is_set_aside(tmp_path: Path):
    words = pyarrow.array([b"la la", b"\xff\xfe", b"lo"], pyarrow.binary())
    broken = pyarrow.StringArray.from_buffers(3, words.buffers()[1], words.buffers()[2])
    pyarrow.parquet.write_table(pyarrow.table({"text": broken}), tmp_path / "x.parquet")
    found = read(tmp_path / "x.parquet")
    assert [type(one) for one in found] == [RawRecord, SetAside, RawRecord]


def test_a_folder_holds_files_of_every_kind(tmp_path: Path):
    (tmp_path / "a.cho").write_text(SHEET)
    (tmp_path / "b.LRC").write_text(LRC)
    (tmp_path / "c.html.gz").write_bytes(gzip.compress(OLD_PAGE.encode()))
    (tmp_path / "d.htm").write_text("<p>Nothing")
    (tmp_path / "e.pro").write_text("{title: Empty}\n[C] [G]\n")
    (tmp_path / "f.lrc").write_text("[00:01.00]\n")
    (tmp_path / "g.parquet").write_bytes(b"PAR1")
    write_parquet(tmp_path / "h.parquet")
    found = read(tmp_path)
    assert [one.title for one in found if isinstance(one, RawRecord)] == [
        "Swing Low", "Shenandoah [Live]", "Valley", "A", "C"
    ]  # fmt: skip
    assert {one.id: one.reason for one in found if isinstance(one, SetAside)} == {
        "d.htm:1": "no page of Genius with lyrics in it", "e.pro:1:1": "no line of lyrics", "f.lrc:1": "no words",
        "g.parquet": "isn't Parquet, or is damaged", "h.parquet:row 2": "no lyrics",
    }  # fmt: skip


PIECES = st.sampled_from(
    ["{", "}", "[", "]", "<", ">", "<br>", "<div ", '<div class="lyrics">', "</div>", "<!--", "-->", '"', "'", "&", "&amp;",
     "<script>", "</script>", "=", "[00:01.00]", "<00:01.00>", "[ti:", "{soc}", "{eoc}", "{sot}", "{ns}", "{t:x}", "[Am]",
     "\n", " ", "la", "\x00", "\u202e", "é", "\\u00", "JSON.parse('", "__PRELOADED_STATE__ = JSON.parse('{\\x", "')"]
)  # fmt: skip


@given(content=st.lists(PIECES | st.text(max_size=5)).map("".join))
def test_no_text_is_too_strange(content: str):
    for found in ([read_lrc(content, PLACE)], [read_genius_page(content, PLACE)], list(read_chordpro(content, PLACE))):
        assert found
        for one in found:
            assert one.text.strip() if isinstance(one, RawRecord) else one.reason


@pytest.mark.parametrize(
    "piece",
    ["[", "{", "<", "<!--", "<a ", '<a "', "<a '\"", "&", "<div>", "</div>", "<script>", '<div class="lyrics">', "[C]", "a [",
     "[00:01.00]", "[00:01.00]la ", "<00:01.00>", "<00:", "[ti:", "{c ", "{ns}\n", " ", "\n", "[00:01]\n", "la ", "{soc}\n",
     "JSON.parse('", "\\u0", "label = ", "label=\"", "=x ", "<p>", "<br>", "[[", "]]"],
)  # fmt: skip
def test_the_time_grows_with_the_size_and_not_with_its_square(piece: str):
    def read_all(size: int) -> float:
        content = piece * (size // len(piece))
        start = time.process_time()
        read_lrc(content, PLACE)
        read_genius_page(content, PLACE)
        read_genius_page(f'<div class="lyrics">{content}', PLACE)
        list(read_chordpro(content, PLACE))
        return time.process_time() - start

    read_all(1000)
    assert read_all(100_000) < 5  # a square would take minutes


def test_repeated_stamps_do_not_multiply_a_file():
    song = read_lrc("[00:01.00]" * 10_000 + "la " * 10_000, PLACE)
    assert isinstance(song, RawRecord)
    assert len(song.text) < 100_000


def test_no_lines_together_multiply_a_file():
    content = "\n".join(f"{'[00:01.00]' * 1000}{'la ' * 30}" for _ in range(20))
    song = read_lrc(content, PLACE)
    assert isinstance(song, RawRecord)
    assert len(song.text) < len(content)


@pytest.mark.parametrize(
    "page",
    [
        '<div class="lyrics">la &#{}; la</div>',
        '<div class="lyrics" data-x="&#{};">la la</div>',
        '<meta content="/songs/{}" name="newrelic-resource-path"><div class="lyrics">la la</div>',
        '<div class="lyrics">la la</div><script>x.__PRELOADED_STATE__ = JSON.parse(\'{{"song": {{"id": {}}}}}\')</script>',
    ],
)
def test_a_number_of_thousands_of_digits_on_a_page_does_no_harm(page: str):
    song = read_genius_page(page.format("1" * 5000), PLACE)
    assert isinstance(song, RawRecord)
    assert song.text in ("la \ufffd la", "la la")
    assert len(song.id) < 30


def test_a_marked_up_file_longer_than_any_song_is_set_aside(tmp_path: Path):
    (tmp_path / "x.lrc").write_text("la\n" * 100)
    (found,) = read(tmp_path / "x.lrc", ReadingLimits(longest_song=100))
    assert isinstance(found, SetAside)
    assert found.reason == "longer than any song"


def test_moments_of_every_kind_are_told_and_lose_no_song(tmp_path: Path):
    def moment(value: int, unit: str, zone: str | None = None) -> pyarrow.Array:
        return pyarrow.array([value], pyarrow.timestamp(unit, zone))

    artist = pyarrow.StructArray.from_arrays(
        [pyarrow.array(["Ann"]), moment(1_500_000_000_123_456_789, "ns")], ["name", "at"]
    )
    columns = {
        "text": ["la la"], "exact": moment(1_500_000_000_123_456_789, "ns"), "mars": moment(1_500_000_000, "s", "Mars/Phobos"),
        "far": moment(10**15, "s"), "day": pyarrow.array([10**17], pyarrow.date64()), "artist": artist,
        "artists": pyarrow.ListArray.from_arrays([0, 1], artist), "nothing": pyarrow.array([None], pyarrow.timestamp("us")),
    }  # fmt: skip
    pyarrow.parquet.write_table(pyarrow.table(columns), tmp_path / "x.parquet")
    (song,) = read(tmp_path / "x.parquet")
    assert isinstance(song, RawRecord)
    assert song.artist == "Ann"
    assert song.metadata == {"exact": "2017-07-14T02:40:00.123456789", "mars": "2017-07-14T02:40:00.000"}


def repeated(value: Any, times: int) -> pyarrow.Array:
    return pyarrow.DictionaryArray.from_arrays(pyarrow.array([0] * times, pyarrow.int32()), pyarrow.array([value]))


@pytest.mark.parametrize("column", ["text", "artists", "notes", "artist"])
def test_values_that_are_stored_once_are_not_all_held_at_once(tmp_path: Path, column: str):
    long = repeated("la " * 300_000, 1000)
    columns: dict[str, Any] = {"text": [f"la {n}" for n in range(1000)]}
    columns[column] = long
    if column == "artists":
        columns[column] = pyarrow.ListArray.from_arrays(range(1001), long)
    elif column == "artist":
        columns[column] = pyarrow.StructArray.from_arrays([long], ["name"])
    pyarrow.parquet.write_table(pyarrow.table(columns), tmp_path / "x.parquet", compression="zstd")
    assert (tmp_path / "x.parquet").stat().st_size < 50_000
    before, held = pyarrow.total_allocated_bytes(), 0
    tracemalloc.start()
    try:
        for one in itertools.islice(Importer(tmp_path / "x.parquet").songs(), 20):
            assert isinstance(one, RawRecord)
            held = max(held, pyarrow.total_allocated_bytes() - before)
        held += tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert held < 60_000_000


def test_values_that_share_their_beginnings_are_read_a_few_at_a_time(tmp_path: Path):
    table = pyarrow.table({"text": ["la " * 300_000 + str(n) for n in range(100)]})
    path, encoding = tmp_path / "x.parquet", {"text": "DELTA_BYTE_ARRAY"}
    pyarrow.parquet.write_table(table, path, use_dictionary=False, column_encoding=encoding)
    assert path.stat().st_size < 1_000_000
    assert len(read(path)) == 100


def test_a_row_of_parquet_longer_than_any_song_is_set_aside(tmp_path: Path):
    path = write_parquet(tmp_path / "x.parquet", [{"text": "la"}, {"text": "la " * 1000}, {"text": "lo"}])
    found = read(path, ReadingLimits(batch_bytes=500, longest_line_bytes=1000))
    assert [getattr(one, "reason", "") for one in found] == ["", "longer than any song", ""]


def test_parquet_in_gzip_is_refused_with_what_to_do(tmp_path: Path):
    whole = write_parquet(tmp_path / "s.parquet").read_bytes()
    (tmp_path / "s.parquet.gz").write_bytes(gzip.compress(whole))
    with pytest.raises(InputError, match=r"s\.parquet\.gz is gzipped, which doesn't work for Parquet\. Unpack it: gunzip /"):
        read(tmp_path / "s.parquet.gz")


def test_large_values_of_parquet_are_read_a_few_at_a_time(tmp_path: Path):
    rows = [{"text": f"{n} " + "la " * 400_000} for n in range(20)]
    found = read(write_parquet(tmp_path / "x.parquet", rows))
    assert len(found) == 20
    assert io.StringIO(found[3].text if isinstance(found[3], RawRecord) else "").read(2) == "3 "


def test_bytes_of_a_parquet_table_are_text_where_the_column_holds_a_part_of_a_song(tmp_path: Path):
    songs = {
        "title": [b"Mill", b"Barn", None], "Lyrics": [b"la la", b"\xff\xfe", "lo lé".encode()], "picture": [b"\x89PNG"] * 3,
    }  # fmt: skip
    pyarrow.parquet.write_table(pyarrow.table(songs), tmp_path / "x.parquet")
    mill, barn, last = Importer(tmp_path / "x.parquet").songs()
    assert isinstance(mill, RawRecord)
    assert isinstance(barn, SetAside)
    assert isinstance(last, RawRecord)
    assert (mill.title, mill.text, barn.reason, last.text, dict(mill.metadata)) == ("Mill", "la la", "not UTF-8", "lo lé", {})


def test_of_a_damaged_description_of_a_parquet_table_one_line_is_told(tmp_path: Path):
    (tmp_path / "x.parquet").write_bytes(b"PAR1" + b"\0" * 100 + b"PAR1")
    with pytest.raises(InputError, match=r"x.parquet isn't Parquet, or is damaged\. Download or export it again\.$"):
        list(Importer(tmp_path / "x.parquet").check())
