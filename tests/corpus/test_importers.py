"""Songs out of files of every kind, well made or not."""

import csv
import gzip
import io
import json
from pathlib import Path
from typing import Any

import pytest

from songsmith.corpus.formats.import_options import ImportOptions
from songsmith.corpus.formats.importers import Importer
from songsmith.corpus.formats.reading_limits import ReadingLimits
from songsmith.corpus.records import RawRecord, SetAside, flatten
from songsmith.errors import InputError, NotFoundError, UsageError

VALLEY = "From this valley they say you are going\nWe will miss your bright eyes\n\nCome and sit by my side\n"
RIVER = "Oh Shenandoah, I long to see you\n"


def read(path: Path, limits: ReadingLimits | None = None, **options: str) -> tuple[list[RawRecord], list[SetAside]]:
    importer = Importer(path, ImportOptions(**options), limits)
    for _ in importer.check():
        assert 0 <= importer.bytes_read <= importer.bytes_total
    found = list(importer.songs())
    assert importer.bytes_read == importer.bytes_total
    return [one for one in found if isinstance(one, RawRecord)], [one for one in found if isinstance(one, SetAside)]


def write(path: Path, content: str | bytes | list[Any]) -> Path:
    if isinstance(content, list):
        content = "".join(json.dumps(row) + "\n" for row in content)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_a_text_file_is_one_song_called_after_it(tmp_path: Path):
    (song,), aside = read(write(tmp_path / "Red River Valley.txt", VALLEY))
    assert (song.title, song.text, song.source) == ("Red River Valley", VALLEY.strip("\n"), "Red River Valley.txt")
    assert aside == []


@pytest.mark.parametrize(
    "content",
    [
        f"{VALLEY}<|endoftext|>\n{RIVER}<|endoftext|>\n",
        f"<|startoftext|>{VALLEY}<|endoftext|>\n<|startoftext|>{RIVER}<|endoftext|>",
        f"<|startoftext|>\n{VALLEY}\n<|startoftext|>\n{RIVER}",
        f"{VALLEY}<|endoftext|>{RIVER}".replace("\n", "\r\n"),
        f"{VALLEY}<|endoftext|>{RIVER}".replace("\n", "\r"),
        f"\ufeff{VALLEY}<|endoftext|>{RIVER}",
    ],
)
def test_marks_divide_the_songs_of_a_text_file(tmp_path: Path, content: str):
    songs, aside = read(write(tmp_path / "songs.txt", content))
    assert [song.text for song in songs] == [VALLEY.strip("\n"), RIVER.strip("\n")]
    assert [song.title for song in songs] == ["", ""]
    assert aside == []
    assert len({song.id for song in songs}) == 2


def test_another_separator(tmp_path: Path):
    path = write(tmp_path / "songs.txt", f"{VALLEY}***\n{RIVER}***\n\n***\n1 2 3\n")
    songs, aside = read(path, separator="***")
    assert [song.text for song in songs] == [VALLEY.strip("\n"), RIVER.strip("\n")]
    assert [one.reason for one in aside] == ["no words"]
    songs, _ = read(write(tmp_path / "gap.txt", f"{VALLEY}\n\n{RIVER}"), separator="\n\n\n")
    assert len(songs) == 2


def test_a_separator_is_found_wherever_the_file_is_cut_for_reading(tmp_path: Path):
    path = write(tmp_path / "songs.txt", "<|endoftext|>".join(f"song {number}é\n" for number in range(40)))
    for chunk in range(1, 30):
        songs, _ = read(path, ReadingLimits(piece=chunk))
        assert [song.text for song in songs] == [f"song {number}é" for number in range(40)]


def test_what_is_longer_than_any_song_is_set_aside_and_the_next_one_read(tmp_path: Path):
    path = write(tmp_path / "songs.txt", f"{RIVER}<|endoftext|>{'la ' * 1000}<|endoftext|>{VALLEY}")
    songs, aside = read(path, ReadingLimits(piece=100, longest_song=1000))
    assert [song.text for song in songs] == [RIVER.strip("\n"), VALLEY.strip("\n")]
    assert [one.reason for one in aside] == ["longer than any song; is a separator missing?"]


ROWS: list[Any] = [
    {"id": "pg1-1", "title": "Valley", "author": None, "artist": "Ann", "text": VALLEY, "year": 1896, "oov": 0.5,
     "sensitive": False, "source": "a book", "url": "http://x", "tags": ["a"], "none": None},
    {"title": "River", "author": "Ben", "lyrics": RIVER},
    {"id": 7, "title": 1999, "text": "la\x00\x1b la"},
]  # fmt: skip


@pytest.mark.parametrize("name", ["s.jsonl", "s.jsonl.gz", "s.ndjson", "s.json", "packed.jsonl"])
def test_songs_one_a_line(tmp_path: Path, name: str):
    path = write(tmp_path / name, ROWS)
    if "gz" in name or "packed" in name:
        path.write_bytes(gzip.compress(path.read_bytes()))
    (valley, river, third), aside = read(path)
    assert valley == RawRecord(
        id="pg1-1", title="Valley", artist="Ann", text=VALLEY, source="a book", url="http://x",
        metadata={"year": 1896, "oov": 0.5, "sensitive": False},
    )  # fmt: skip
    assert (river.title, river.artist, river.text, river.source) == ("River", "Ben", RIVER, name)
    assert third.id == f"{path.name.split('.')[0]}:7"  # every file numbers its songs from 1
    assert (third.title, third.text) == ("1999", "la\x00\x1b la")
    assert aside == []


def test_a_flat_record_reads_back_as_it_was(tmp_path: Path):
    song = RawRecord(
        id="genius:7", title="T", artist="Ann", text="a\r\n\nb\x00\n", source="", url="u", fetched_at="2026-01-02",
        metadata={"author": "Ben", "year": 1, "explicit": True, "share": 0.25, "word": "é"},
    )  # fmt: skip
    songs, _ = read(write(tmp_path / "x.jsonl", [flatten(song)]))
    assert songs == [song]


def test_an_id_made_of_the_words_is_kept_though_it_may_be_all_digits(tmp_path: Path):
    song = RawRecord(id="8792975397021996", title="T", text="la", source="x.txt")
    (read_back,), _ = read(write(tmp_path / "x.jsonl", [flatten(song)]))
    assert read_back == song


@pytest.mark.parametrize(
    ("name", "content"),
    [("x.jsonl", b"%s\n"), ("x.csv", b"text\n%s\n"), ("x.csv", b"text\r%s\r"), ("x.tsv", b"%s\n")],
    ids=["JSONL", "a row", "a row of old", "the names of columns"],
)
def test_a_line_without_end_is_refused_before_it_fills_the_memory(tmp_path: Path, name: str, content: bytes):
    path = write(tmp_path / name, content % (b"a" * 2000))
    with pytest.raises(InputError, match=r"x\.\w+ has a line of more than"):
        list(Importer(path, limits=ReadingLimits(longest_line_bytes=1000)).songs())  # unchecked, as what comes over the network is


def test_bad_lines_are_set_aside_with_their_number_and_the_rest_is_read(tmp_path: Path):
    lines = [
        json.dumps({"title": "Good", "text": RIVER}), "{broken", "", "[1, 2", '"text"', '{"title": "No words", "text": "1 2 3"}',
        '{"title": "Empty", "text": ""}', '{"title": "Null", "lyrics": null}', '{"text": "a <|title|> b"}',
        '{"text": "words", "title": "<|endoftext|>"}', "[" * 100_000, '{"text": "x", "n": ' + "9" * 5000 + "}",
        '{"text": "a <|startoftext|>"}', json.dumps({"title": "Last", "text": VALLEY}),
    ]  # fmt: skip
    songs, aside = read(write(tmp_path / "x.jsonl", "\n".join(lines)))
    assert [song.title for song in songs] == ["Good", "Last"]
    assert [(one.id, one.title, one.reason) for one in aside if one.id.startswith("x.jsonl:")] == [
        ("x.jsonl:2", "line 2", "not valid JSON"), ("x.jsonl:4", "line 4", "not valid JSON"),
        ("x.jsonl:5", "", "not a JSON object"), ("x.jsonl:7", "Empty", "no lyrics"),
        ("x.jsonl:8", "Null", "no lyrics"), ("x.jsonl:11", "line 11", "not valid JSON"),
        ("x.jsonl:12", "line 12", "not valid JSON"),
    ]  # fmt: skip
    assert sorted(one.reason for one in aside if not one.id.startswith("x.jsonl:")) == [
        "holds songsmith's own mark <|endoftext|>", "holds songsmith's own mark <|startoftext|>",
        "holds songsmith's own mark <|title|>", "no words",
    ]  # fmt: skip


GENIUS_SONG = {
    "_type": "song", "id": 42, "title": "Valley", "artist": "Ann", "lyrics": VALLEY, "lyrics_state": "complete",
    "url": "https://genius.com/Ann-valley-lyrics", "api_path": "/songs/42", "language": "en", "pyongs_count": 3,
    "primary_artist": {"id": 5, "name": "Ann"}, "featured_artists": [{"id": 6, "name": "Ben"}],
    "album": {"name": "Rivers"}, "release_date": "1927-05-01",
}  # fmt: skip
GENIUS_METADATA = {
    "genius_id": 42, "genius_artist_id": 5, "language": "en", "release_date": "1927-05-01", "album": "Rivers",
    "featured_artists": "Ben",
}  # fmt: skip


@pytest.mark.parametrize(
    ("value", "metadata"),
    [
        (GENIUS_SONG, {}),
        ([GENIUS_SONG], {}),
        ({"name": "Ann", "id": 5, "songs": [GENIUS_SONG]}, {}),
        ({"artists": [{"name": "Ann", "songs": [GENIUS_SONG]}]}, {}),
        ({"name": "Rivers", "artist": "Ann", "tracks": [{"number": 3, "song": GENIUS_SONG}]}, {"track": 3}),
        ({"name": "Rivers", "artist": {"name": "Ann"}, "tracks": [{"number": 3, "song": GENIUS_SONG}]}, {"track": 3}),
    ],
    ids=["song", "list", "artist", "artists", "album", "album with an artist object"],
)
def test_what_lyricsgenius_saves(tmp_path: Path, value: Any, metadata: dict[str, int]):
    (song,), _ = read(write(tmp_path / "Lyrics_Ann.json", json.dumps(value, indent=1)))
    assert (song.id, song.title, song.artist, song.text, song.source) == (
        "genius:42",
        "Valley",
        "Ann",
        VALLEY,
        "genius",
    )
    assert song.metadata == GENIUS_METADATA | metadata


def test_an_old_dump_of_an_artist(tmp_path: Path):
    dump = {
        "artist": "Ann",
        "songs": [{"title": "Valley", "lyrics": VALLEY, "year": "1896"}, {"title": "B", "lyrics": None}, 3],
    }
    (song,), aside = read(write(tmp_path / "ann.json", json.dumps(dump)))
    assert (song.title, song.artist, dict(song.metadata)) == ("Valley", "Ann", {"year": "1896"})
    assert [one.reason for one in aside] == ["no lyrics", "not a JSON object"]


def table(delimiter: str = ",", **renamed: str) -> str:
    sheet = io.StringIO()
    writer = csv.writer(sheet, delimiter=delimiter)
    writer.writerow([renamed.get(name, name) for name in ("artist", "title", "text", "Release Year")])
    writer.writerow(["Ann", 'Say "Valley", now', VALLEY, "1896"])
    writer.writerow(["Ben", "River", RIVER, ""])
    writer.writerow(["Ben", "Nothing", "", ""])
    return sheet.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "options"),
    [
        ("s.csv", table(), {}),
        ("s.csv", table(";"), {}),
        ("s.tsv", table("\t"), {}),
        ("s.csv", "\ufeff" + table(text="Lyrics", title="Song Title"), {}),
        ("s.csv", table(text="body", title="called", artist="by"),
         {"text_column": "body", "title_column": "Called", "artist_column": "by"}),
        ("s.csv.gz", table(), {}),
    ],
)  # fmt: skip
def test_tables(tmp_path: Path, name: str, content: str, options: dict[str, str]):
    data = content.encode()
    songs, aside = read(write(tmp_path / name, gzip.compress(data) if name.endswith("gz") else data), **options)
    assert [(song.title, song.artist, song.text) for song in songs] == [
        ('Say "Valley", now', "Ann", VALLEY), ("River", "Ben", RIVER)
    ]  # fmt: skip
    assert songs[0].metadata == {"Release Year": "1896"}
    assert [(one.title, one.reason) for one in aside] == [("Nothing", "no lyrics")]


def test_a_field_may_be_large(tmp_path: Path):
    long = "la la\n" * 100_000
    (song,), _ = read(write(tmp_path / "x.csv", f'text\n"{long}"\n'))
    assert song.text == long


@pytest.mark.parametrize(
    ("rows", "titles", "asides"),
    [
        ("A,one\nB,two, three\nC,four\n", ["A", "C"], {"line 3": "more cells than columns; is a quotation mark missing?"}),
        ("A,one,,\n", ["A"], {}),
        ("A,one\nB,\"two\nC,three\nD,four\n", ["A"],
         {"line 3": "a quotation mark that never closes; nothing behind it was read"}),
        ("A,one\nB,\"two\" or so\nC,four\n", ["A", "C"],
         {"line 3": "not a row of a table; is a quotation mark missing?"}),
        ("A,\"one\ntwo\"\nB,x,y\n", ["A"], {"line 4": "more cells than columns; is a quotation mark missing?"}),
    ],
)  # fmt: skip
def test_no_row_of_a_table_is_cut_in_silence(tmp_path: Path, rows: str, titles: list[str], asides: dict[str, str]):
    songs, aside = read(write(tmp_path / "x.csv", f"title,text\n{rows}"))
    assert [song.title for song in songs] == titles
    assert {one.id.removeprefix("x.csv:"): one.reason for one in aside} == asides


def test_in_a_table_of_one_column_a_comma_is_a_comma(tmp_path: Path):
    songs, aside = read(write(tmp_path / "x.csv", 'lyrics\nla, la, la\n"lo, lo"\n'))
    assert [song.text for song in songs] == ["la, la, la", "lo, lo"]
    assert aside == []


@pytest.mark.parametrize(
    "row",
    [
        {"lyric": "la la", "track_name": "T", "singer": "Bob"},
        {"text": "", "lyrics": "la la", "title": "", "song": "T", "artist": "", "author": "Bob", "track": 3},
    ],
)
def test_keys_and_columns_go_by_many_names(tmp_path: Path, row: dict[str, Any]):
    sheet = io.StringIO()
    writer = csv.DictWriter(sheet, list(row))
    writer.writeheader()
    writer.writerow(row)
    for path in (write(tmp_path / "x.jsonl", [row]), write(tmp_path / "x.csv", sheet.getvalue())):
        (song,), _ = read(path)
        assert (song.text, song.title, song.artist) == ("la la", "T", "Bob")
        assert set(song.metadata) <= {"track"}


def test_lyrics_under_a_key_of_their_own_are_told_with_the_keys_there_are(tmp_path: Path):
    path = write(tmp_path / "x.jsonl", [{"id": 1, "body": "la la", "year": 3, "called": "T"}])
    assert read(path)[1][0].reason == "no lyrics under text; its keys are body, called"
    assert read(path, text_column="body")[0][0].text == "la la"
    assert read(path, text_column="words")[1][0].reason == "no lyrics under words; its keys are body, called"


def test_a_file_gives_the_same_notes_packed_or_not(tmp_path: Path):
    path = write(tmp_path / "x.jsonl", '{broken\n[3]\n{"title": "x"}\n')
    packed = write(tmp_path / "x.jsonl.GZ", gzip.compress(path.read_bytes()))
    assert read(path)[1] == read(packed)[1]
    assert Importer(path).name == Importer(packed).name == "x"


def test_a_table_that_does_not_say_where_the_lyrics_are(tmp_path: Path):
    path = write(tmp_path / "x.csv", "a,b\n1,2\n")
    with pytest.raises(UsageError, match=r"Choose one with --text-column. Its columns are: a, b\."):
        read(path)
    with pytest.raises(UsageError, match="has no column 'c'"):
        read(path, text_column="c")


def test_a_folder_of_files(tmp_path: Path):
    write(tmp_path / "a.txt", VALLEY)
    (tmp_path / "deep").mkdir()
    write(tmp_path / "deep" / "b.jsonl", [{"title": "River", "text": RIVER}])
    write(tmp_path / "bad.txt", b"abc\xff")
    write(tmp_path / "empty.csv", b"")
    write(tmp_path / "broken.json", b"{")
    write(tmp_path / "numbers.csv", "a,b\n1,2\n")
    write(tmp_path / "picture.png", b"\x00")
    write(tmp_path / ".hidden.txt", "hidden")
    songs, aside = read(tmp_path)
    assert [(song.title, song.source) for song in songs] == [("a", "a.txt"), ("River", str(Path("deep", "b.jsonl")))]
    assert {one.title: one.reason for one in aside} == {
        "bad.txt": "isn't UTF-8: byte 3 is 0xff",
        "empty.csv": "is empty",
        "numbers.csv": "doesn't say which column has the lyrics",
        "broken.json": "isn't valid JSON: expecting property name enclosed in double quotes at line 1, column 2",
    }


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("x.txt", b"", "is empty"),
        ("x.txt.gz", gzip.compress(b"", mtime=0), "is empty"),
        ("x.txt", b"{\\rtf1\\ansi la la}", "isn't plain text but RTF"),
        ("x.txt", b"%PDF-1.7\n\x00\xff", "isn't plain text but PDF. Save it as plain text"),
        ("x.csv", b"PAR1\x15\x04", r"isn't plain text but a Parquet table. Give it a name that ends in .parquet"),
        ("x.csv", b"PK\x03\x04\x14\x00xl/workbook.xml", "an Excel workbook. Save its sheet as CSV"),
        ("x.txt", b"PK\x03\x04\x14\x00word/document.xml", "a Word document. Save it as plain text"),
        ("x.csv.gz", gzip.compress(b"PK\x03\x04\x14\x00", mtime=0), "a ZIP archive. Unpack it"),
        ("x.csv", b"SQLite format 3\x00", "an SQLite database. Export the table"),
        ("x.jsonl", b"\x28\xb5\x2f\xfd\x00", "a zstd archive. Unpack it"),
        ("x.txt", b"caf\xe9", r"Convert it first: iconv -f WINDOWS-1252 -t UTF-8 /.*/x.txt > NEW"),
        ("x.txt", "\ufeffcafé\n".encode("utf-16-le"), r"Convert it first: iconv -f UTF-16 -t UTF-8 /.*/x.txt > NEW"),
        ("x.txt", b"abc\x00def", "isn't text: byte 3 is NUL"),
        ("x.jsonl", b'{"text": "a"}\n\xe9', "isn't UTF-8: byte 14 is 0xe9"),
        ("x.csv", b"text\nfa\xc3", "isn't UTF-8: byte 7 is 0xc3"),
        ("x.txt", "é".encode() * 700_000 + b"\xff", "isn't UTF-8: byte 1400000 is 0xff"),
        ("x.txt", b"a" + "é".encode() * 524_287 + b"\xc3" + b"a" * 10, "isn't UTF-8: byte 1048575 is 0xc3"),
        ("x.txt", "\ufeffabc".encode("utf-16-le"), "isn't UTF-8: byte 0 is 0xff"),
        ("x.txt.gz", gzip.compress(b"abc" * 1000, mtime=0)[:20], "is a damaged gzip file"),
        ("x.txt", gzip.compress(b"abc\xff", mtime=0), "isn't UTF-8: byte 3 is 0xff"),
        ("x.json", b'{"text": \n oops}', "isn't valid JSON: expecting value at line 2, column 2"),
        ("x.json", b"[" * 100_000, "is nested too deeply"),
    ],
    ids=map(str, range(21)),  # a content is no name: gzip puts the time into it
)  # fmt: skip
def test_what_is_no_text_is_refused_with_the_place(tmp_path: Path, name: str, content: bytes, complaint: str):
    with pytest.raises(InputError, match=complaint) as refusal:
        read(write(tmp_path / name, content))
    assert refusal.value.next_step


def test_what_is_not_there_is_told(tmp_path: Path):
    with pytest.raises(NotFoundError, match="doesn't exist"):
        Importer(tmp_path / "nowhere.txt")
    with pytest.raises(InputError, match="has no files with songs"):
        Importer(tmp_path)
    write(tmp_path / "a.txt", b"\xff")
    with pytest.raises(InputError, match=r"No file in .* contains songs as text"):
        read(tmp_path)
    with pytest.raises(InputError, match="can't be read: file name too long"):
        Importer(tmp_path / ("x" * 300))


@pytest.mark.parametrize("change", ["grows", "shrinks", "goes", "rests"])
def test_a_file_that_changes_while_it_is_read_is_told(tmp_path: Path, change: str):
    path = tmp_path / "x.txt"
    path.write_text("one la<|endoftext|>two la<|endoftext|>three la")
    importer = Importer(path)
    assert not list(importer.check())[1:]
    songs = importer.songs()
    next(songs)
    if change == "goes":
        path.unlink()
    elif change != "rests":
        path.write_text("one la" if change == "shrinks" else f"{path.read_text()}<|endoftext|>four la")
    list(songs)
    told = (f"{path} changed while it was read: import it again when it rests.",)
    assert importer.remarks == (() if change == "rests" else told)
