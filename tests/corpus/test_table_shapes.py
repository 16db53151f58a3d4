"""Tables as people have them: one row a line, without header, with broken rows; each song whole, or none."""

import csv
import io
import json
import random
import time
from collections.abc import Sequence
from pathlib import Path

import pyarrow
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pyarrow import parquet
from typer.testing import CliRunner

from songsmith.cli.app import app
from songsmith.corpus.formats.import_options import ImportOptions
from songsmith.corpus.formats.importers import Importer
from songsmith.corpus.formats.reading_limits import ReadingLimits
from songsmith.corpus.records import RawRecord, SetAside
from songsmith.corpus.storage.store import CorpusStore
from songsmith.errors import InputError, UsageError
from songsmith.paths import Paths

DATA = Path(__file__).parent / "data"


def run(*arguments: str | Path) -> str:
    done = CliRunner().invoke(app, [*map(str, arguments)])
    assert done.exit_code == 0, done.stderr
    return done.stderr


def clean_songs(path: Path, *options: str) -> list[str]:
    """Import a file, clean it, and return its songs as an export writes them."""
    run("import", path, "--corpus", "x", *options)
    run("clean", "x")
    done = CliRunner().invoke(app, ["corpus", "export", "x", "--format", "text"])
    assert done.exit_code == 0, done.stderr
    return [song.strip("\n") for song in done.stdout.split("<|endoftext|>")]


def read(
    path: Path, limits: ReadingLimits | None = None, **options: str | bool
) -> tuple[list[RawRecord], list[SetAside], Importer]:
    importer = Importer(path, ImportOptions(**options), limits)  # type: ignore[arg-type]
    for _ in importer.check():
        pass
    found = list(importer.songs())
    songs = [one for one in found if isinstance(one, RawRecord)]
    return songs, [one for one in found if isinstance(one, SetAside)], importer


def write(path: Path, rows: Sequence[Sequence[str]], quoting: int = csv.QUOTE_MINIMAL) -> Path:
    sheet = io.StringIO()
    csv.writer(sheet, quoting=quoting).writerows(rows)  # type: ignore[arg-type]
    path.write_bytes(sheet.getvalue().encode())
    return path


@pytest.mark.parametrize(
    ("name", "options", "songs"),
    [
        ("01_one_row_per_line.csv", (),
         ["The wheel goes round\nThe water falls\nOh hear the sound", "The barn is red\nThe hay is dry"]),
        ("01b_one_row_per_line_geniusr.csv", ("--text-column", "line"),
         ["[Verse 1]\nThe wheel goes round\nThe water falls\n\n[Chorus]\nOh hear the sound",
          "[Verse 1]\nThe barn is red"]),
        ("01b_one_row_per_line_geniusr.csv", (),
         ["[Verse 1]\nThe wheel goes round\nThe water falls\n\n[Chorus]\nOh hear the sound",
          "[Verse 1]\nThe barn is red"]),
        ("07_backslash_quotes.csv", (), ['He said "stay" to me, love\nAnd I, I stayed', "Plain words\nand more"]),
        ("07b_bare_quote.csv", (), ['He said "stay" to me', 'Say "hi" now', "fine words\nhere"]),
        ("07c_bare_quote_swallows.csv", (),
         ["The wheel goes round", "The barn is red", "The ford is cold", "Up the hill we go"]),
        ("08_cr_cr_lf.csv", (), ["One line\nTwo line", "Other words\nhere"]),
        ("10_sname_lyric.csv", (),
         ["The wheel goes round\nThe water falls\n\nOh hear the sound", "The barn is red\nThe hay is dry"]),
        ("11_no_header.csv", (),
         ["The wheel goes round\nThe water falls", "The barn is red\nThe hay is dry",
          "The ford is cold\nThe ford is deep"]),
        ("11_no_header.csv", ("--no-header",),
         ["The wheel goes round\nThe water falls", "The barn is red\nThe hay is dry",
          "The ford is cold\nThe ford is deep"]),
        ("11b_blank_header.csv", (), ["The wheel goes round\nThe water falls", "The barn is red\nThe hay is dry"]),
        ("11c_one_column.csv", (), ["The wheel goes round, round\nThe water falls", "The barn is red"]),
    ],
)  # fmt: skip
def test_tables_as_people_have_them(paths: Paths, name: str, options: tuple[str, ...], songs: list[str]):
    assert clean_songs(DATA / name, *options) == songs


@pytest.mark.parametrize("name", ["01_one_row_per_line.csv", "01b_one_row_per_line_geniusr.csv"])
def test_rows_that_are_lines_become_songs_with_title_and_artist(paths: Paths, name: str):
    assert "has one row per line of lyrics; its rows were put together into songs." in run("import", DATA / name, "--corpus", "x")
    songs = list(CorpusStore(paths).open("x").raw())
    assert [(song.title, song.artist) for song in songs] == [("Mill Song", "The Millers"), ("Barn", "The Millers")]
    assert not {"line", "track_n", "section_name"} & set(songs[1].metadata) or songs[1].metadata["track_n"] == "2"


def test_titles_of_columns_with_short_names():
    songs, _, _ = read(DATA / "10_sname_lyric.csv")
    assert [song.title for song in songs] == ["Mill Song", "Barn"]


def test_what_was_found_out_of_a_table_without_header_is_said(paths: Paths):
    told = "11_no_header.csv has no header row: each row was read as a song."
    assert told in run("import", DATA / "11_no_header.csv", "--corpus", "x")
    told = "'joke', was read as a column name. If it is a song, use --no-header."
    assert told in run("import", DATA / "11c_one_column.csv", "--corpus", "y")


def test_columns_without_names_go_by_number(tmp_path: Path):
    path = write(tmp_path / "x.csv", [["Mill", "la\nla"], ["Barn", "lo\nlo"]])
    with pytest.raises(UsageError, match=r"its first row is already a song.*--no-header --text-column 2"):
        read(path)
    songs, _, _ = read(path, no_header=True, text_column="2", title_column="1")
    assert [(song.title, song.text) for song in songs] == [("Mill", "la\nla"), ("Barn", "lo\nlo")]
    with pytest.raises(UsageError, match=r"Its columns are: 1, 2\."):
        read(path, no_header=True)


@pytest.mark.parametrize(
    ("header", "row"),
    [
        (("title", "artist", "line"), "{song},Ann,{line}"),
        (("song_id", "line_number", "lyric"), "{song},{number},{line}"),
        (("track_title", "line", "lyrics", "word_count"), "{song},{number},{line},{number}"),
        (("line_number", "text"), "{number},{line}"),
        (("song", "singer", "lyric"), "{song},Ann,{line}"),
    ],
)
def test_lines_are_put_together_whatever_tells_the_songs_apart(tmp_path: Path, header: tuple[str, ...], row: str):
    rows = [
        row.format(song=f"S{song}", number=number, line=f"line {number} of {song}").split(",")
        for song in range(9) for number in range(1, 5)
    ]  # fmt: skip
    songs, aside, _ = read(write(tmp_path / "x.csv", [header, *rows]))
    assert [song.text.splitlines() for song in songs] == [[f"line {n} of {song}" for n in range(1, 5)] for song in range(9)]
    assert aside == []
    assert all("word_count" not in song.metadata for song in songs)


@pytest.mark.parametrize(
    ("header", "rows"),
    [
        (("title", "section", "lyric"), [("A", "pop", "la la"), ("B", "pop", "lo lo"), ("C", "rock", "li li")]),
        (("title", "line_number", "lyrics"), [("A", "3", "la\nla"), ("A", "4", "lo\nlo"), ("B", "1", "li\nli")]),
        (("artist", "lyrics"), [("Ann", f"song {n}") for n in range(20)]),
        (("title", "lyrics"), [("Untitled", f"song {n}\nla") for n in range(20)]),
    ],
)
def test_tables_of_songs_are_not_put_together(tmp_path: Path, header: tuple[str, ...], rows: list[tuple[str, ...]]):
    songs, _, importer = read(write(tmp_path / "x.csv", [header, *rows]))
    assert [song.text for song in songs] == [row[-1] for row in rows]
    assert importer.remarks == ()


def test_a_table_of_lines_that_says_no_song_is_refused(tmp_path: Path):
    path = write(tmp_path / "x.csv", [("line", "words"), *((f"line {n}", "3") for n in range(9))])
    with pytest.raises(InputError, match=r"has one row per line of lyrics, but no column that says which song"):
        read(path, text_column="line")


def test_lines_that_do_not_stand_together_are_told(tmp_path: Path):
    header, rows = ("title", "line_number", "lyric"), [(f"S{n % 3}", str(n // 3 + 1), f"line {n}") for n in range(9)]
    with pytest.raises(InputError, match=r"the lines of a song aren't together. Sort its rows by song"):
        read(write(tmp_path / "x.csv", [header, *rows]))
    rows = [(f"S{n // 2}", str(n % 2 + 1), f"line {n}") for n in range(600)]
    songs, aside, _ = read(write(tmp_path / "x.csv", [header, *rows, ("S7", "3", "late"), ("last", "1", "la")]))
    assert [song.text for song in songs][-2:] == ["line 598\nline 599", "la"]
    assert [(one.title, one.reason.partition(";")[0]) for one in aside] == [
        ("S7", "other lines of this song are elsewhere in the table")
    ]


def test_blank_rows_and_sections_divide_stanzas(tmp_path: Path):
    rows = [("A", "Verse 1", "one"), ("A", "Verse 1", ""), ("A", "Verse 1", "two"), ("A", "[Chorus]", "three"), ("A", "NA", "four")]
    songs, _, _ = read(write(tmp_path / "x.csv", [("song_name", "section_name", "line"), *rows]))
    assert [song.text for song in songs] == ["[Verse 1]\none\n\ntwo\n\n[Chorus]\nthree\n\nfour"]


def test_an_import_of_lines_goes_on_where_it_was(tmp_path: Path):
    rows = [(f"S{n // 3}", str(n % 3 + 1), f"line {n}") for n in range(300)]
    path = write(tmp_path / "x.csv", [("title", "line_number", "lyric"), *rows])
    whole, _, _ = read(path)
    for stop in (1, 7, 99):
        first = Importer(path)
        taken = [song for _, song in zip(range(stop), first.songs(), strict=False)]
        second = Importer(path)
        second.resume(first.place)
        assert taken + list(second.songs()) == whole


@pytest.mark.parametrize("megabytes", [1, pytest.param(20, marks=pytest.mark.slow)])
def test_a_song_without_end_is_set_aside_in_little_memory(tmp_path: Path, megabytes: int):
    path = tmp_path / "x.csv"
    path.write_text("title,line_number,lyric\n" + "A,2,la la la la\n" * (megabytes * 70_000) + "B,1,lo\n")
    songs, aside, _ = read(path, ReadingLimits(longest_song=megabytes * 200_000))
    assert [song.text for song in songs] == ["lo"]
    assert [one.reason for one in aside] == ["longer than any song"]


WORDS = st.sampled_from(["la", "river", "the hay, the barn", "é", "stay; stay", "oh", "and I, I stayed"])
LINES = st.lists(WORDS | st.just(""), min_size=1, max_size=6).map("\n".join).filter(str.strip)


@settings(max_examples=150, deadline=None)
@given(
    lyrics=st.lists(LINES, min_size=3, max_size=8, unique=True), broken=st.integers(0, 7), at=st.integers(0, 200),
    escaped=st.booleans(), quoting=st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]), title_last=st.booleans(),
)  # fmt: skip
@example(lyrics=["la\nla", "la, la\nla\nand I, I stayed", "oh"], broken=1, at=2, escaped=False, quoting=1, title_last=False)
def test_a_broken_row_never_makes_a_song_and_the_others_are_right(
    tmp_path_factory: pytest.TempPathFactory, lyrics: list[str], broken: int, at: int, escaped: bool, quoting: int,
    title_last: bool,
):  # fmt: skip
    path = tmp_path_factory.mktemp("broken") / "x.csv"
    pieces, broken = [], broken % len(lyrics)
    for number, text in enumerate(lyrics):
        row, sheet = (f"T{number}", text), io.StringIO()
        csv.writer(sheet, quoting=quoting).writerow(row[::-1] if title_last else row)  # type: ignore[arg-type]
        pieces.append(sheet.getvalue())
    text = lyrics[broken]
    places = [n for n, letter in enumerate(text) if letter.isalpha()]
    cut = places[at % len(places)]
    quoted = text[:cut] + ('\\"' if escaped else '"') + text[cut:]
    row = (f'"T{broken}"' if quoting == csv.QUOTE_ALL else f"T{broken}", f'"{quoted}"')
    pieces[broken] = ",".join(row[::-1] if title_last else row) + "\r\n"
    header = ("lyrics", "title") if title_last else ("title", "lyrics")
    path.write_text(",".join(f'"{h}"' if quoting == csv.QUOTE_ALL else h for h in header) + "\r\n" + "".join(pieces), newline="")
    songs, _, _ = read(path)
    wanted = [text for number, text in enumerate(lyrics) if number != broken]
    if escaped:
        wanted.insert(broken, quoted.replace('\\"', '"'))
    found = [song.text.replace("\r\n", "\n") for song in songs]
    assert set(found) <= set(wanted)
    if escaped or quoting == csv.QUOTE_ALL:
        assert found == wanted


@pytest.mark.parametrize("count", [2000, pytest.param(200_000, marks=pytest.mark.slow)])
def test_a_quotation_mark_that_never_closes_takes_no_long_time(tmp_path: Path, count: int):
    chance, path = random.Random(1), tmp_path / "x.csv"
    body = "".join(f'T{n},{chance.choice(["la la", "lo, lo", "x y", "z"])}\n' for n in range(count))
    path.write_text(f'title,lyrics\nA,one\nB,"two\n{body}')
    start = time.process_time()
    songs, aside, _ = read(path)
    assert time.process_time() - start < 5 + count / 20_000
    assert [song.title for song in songs] == ["A"]
    assert [one.reason for one in aside] == ["a quotation mark that never closes; nothing behind it was read"]


ROWS_OF_LINES = [
    {"artist_name": "The Millers", "track_title": title, "line_number": number, "lyric": f"{title} {number}"}
    for title in ("Mill", "Barn")
    for number in (1, 2, 3)
]


@pytest.mark.parametrize("kind", ["jsonl", "json", "parquet"])
def test_rows_that_are_lines_are_told_where_they_are_not_put_together(tmp_path: Path, kind: str):
    path = tmp_path / f"lines.{kind}"
    if kind == "parquet":
        parquet.write_table(pyarrow.Table.from_pylist(ROWS_OF_LINES), path)
    else:
        rows = [json.dumps(row) for row in ROWS_OF_LINES]
        path.write_text("\n".join(rows) if kind == "jsonl" else f"[{','.join(rows)}]")
    with pytest.raises(InputError, match="has one row a line of a song"):
        read(path)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.csv", "title|artist|lyrics\nMill|Jo|la, la\nBarn|Al|lo; lo\n"),
        ("x.csv", "sep=;\ntitle;artist;lyrics\nMill;Jo;la, la\nBarn;Al;\"lo; lo\"\n"),
        ("x.tsv", "title,artist,lyrics\nMill,Jo,\"la, la\"\nBarn,Al,lo; lo\n"),
        ("x.csv", "title, artist, lyrics\nMill, Jo, \"la, la\"\nBarn, Al, lo; lo\n"),
        ("x.csv", "título;artista;letra\nMill;Jo;la, la\nBarn;Al;\"lo; lo\"\n"),
    ],
)  # fmt: skip
def test_tables_in_other_dialects(tmp_path: Path, name: str, content: str):
    (tmp_path / name).write_text(content, encoding="utf-8")
    songs, aside, _ = read(tmp_path / name)
    assert not aside
    assert [(song.title, song.artist, song.text) for song in songs] == [("Mill", "Jo", "la, la"), ("Barn", "Al", "lo; lo")]


@given(st.lists(st.text('"ab ', min_size=1).map(lambda cell: f"l{cell}").map(str.strip), min_size=1, max_size=8), st.data())
@settings(max_examples=60)
def test_quotation_marks_at_the_beginning_of_cells_of_tsv_cost_no_song(tmp_path_factory, cells: list[str], data: st.DataObject):
    quoted = [f'"{cell}" she said' if data.draw(st.booleans()) else cell for cell in cells]
    path = tmp_path_factory.mktemp("tsv") / "x.tsv"
    path.write_text("title\tlyrics\n" + "".join(f"S{n}\t{cell}\n" for n, cell in enumerate(quoted)))
    songs, aside, _ = read(path)
    assert not aside
    assert [song.text for song in songs] == quoted
