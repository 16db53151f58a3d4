"""Words out of what karaoke games and video sites write: no note, no time, no line twice, and every line that is sung."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from songsmith.corpus.formats.importers import Importer
from songsmith.corpus.records import RawRecord

WORD = st.text("abcdeé", min_size=1, max_size=6)
LINES = st.lists(st.lists(WORD, min_size=1, max_size=5).map(" ".join), min_size=3, max_size=12)


def read_one(path: Path, content: str) -> RawRecord:
    path.write_text(content, encoding="utf-8")
    importer = Importer(path)
    for _ in importer.check():
        pass
    (song,) = importer.songs()
    assert isinstance(song, RawRecord)
    return song


def clock(tenths: int) -> str:
    return f"00:{tenths // 600:02}:{tenths // 10 % 60:02}.{tenths % 10}00"


@given(LINES)
@settings(max_examples=50)
def test_ultrastar(tmp_path_factory: pytest.TempPathFactory, lines: list[str]):
    rows = ["#TITLE:Mill", "#ARTIST:Jo", "#MP3:a.mp3", "#BPM:300,5", "#GAP:1000"]
    for number, line in enumerate(lines):
        for word in line.split():
            rows += [
                f": {number} 2 10 {word[:1]}",
                f"{'*F:RG'[number % 5]} {number} 2 -3 {word[1:]} ",
                f": {number} 2 1 ~",
            ]
        rows.append(f"- {number} 5")
    song = read_one(tmp_path_factory.mktemp("us") / "x.txt", "\n".join([*rows, "E", ""]))
    assert (song.title, song.artist, song.text) == ("Mill", "Jo", "\n".join(lines))


@pytest.mark.parametrize("text", ["#thatpower\n#1 in my heart\nla la", "#TITLE:Mill\nla la", ": 1 2 3 go\n: 4 5 6 go"])
def test_a_song_with_such_signs_stays_as_it_is(tmp_path: Path, text: str):
    assert read_one(tmp_path / "x.txt", text).text == text


@given(LINES)
@settings(max_examples=50)
def test_rows_that_stay_while_others_come_are_sung_once(tmp_path_factory: pytest.TempPathFactory, lines: list[str]):
    lines = [f"{line} {number}" for number, line in enumerate(lines)]
    shown = ["WEBVTT", "Kind: captions", ""]
    for number, (before, line) in enumerate(zip([" ", *lines], lines, strict=False)):
        at = 20 * number
        words = line.replace(" ", f"<{clock(at + 5)}><c> ", 1) + "</c>"
        shown += [f"{clock(at)} --> {clock(at + 20)} align:start position:0%", before, words, ""]
        shown += [f"{clock(at + 20)} --> {clock(at + 20)[:-1]}1 align:start", line, " ", ""]
    assert read_one(tmp_path_factory.mktemp("vtt") / "x.vtt", "\n".join(shown)).text == "\n".join(lines)


@pytest.mark.parametrize(
    "rows",
    [
        ["na na\nna na"] * 4,
        ["na na"] * 4,
        ["hey\nho", "ho\nhey", "one\ntwo", "three\nfour", "five\nsix"],
        ["hey\nho"] * 4,
    ],
)
def test_what_is_sung_again_stays(tmp_path: Path, rows: list[str]):
    shown = [f"{n}\n{clock(20 * n)} --> {clock(20 * n + 15)}\n{row}\n" for n, row in enumerate(rows, 1)]
    assert read_one(tmp_path / "x.srt", "\n".join(shown)).text == "\n".join(rows)


def test_sbv(tmp_path: Path):
    content = "0:00:01.000,0:00:02.000\nThe wheel\n\n0:00:03.000,0:00:04.000\ngoes round\n"
    assert (
        read_one(tmp_path / "x.txt", content).text
        == read_one(tmp_path / "x.sbv", content).text
        == "The wheel\ngoes round"
    )


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.lrc", "[00:01.00]{0}\n[00:02.00]la"), ("x.srt", "1\n00:00:01,000 --> 00:00:02,000\n{0}\n"),
        ("x.cho", "{{title: x}}\n[C]{0}"),
        ("x.xml", "<song><lyrics>\n {0}</lyrics></song>"), ("x.txt", "[Am]{0}[F#m7]\n[C]la[G7]"), ("x.txt", "[ch]Am[/ch]\n{0}"),
        ("x.ttml", "<tt><body><div><p>{0}</p></div></body></tt>"), ("x.json", '[{{"time": 1, "text": "{0}"}}]'),
        ("x.xml", "<song><properties/><lyrics><verse><lines>{0}</lines></verse></lyrics></song>"),
    ],
)  # fmt: skip
def test_wide_spaces_between_words_stay(tmp_path: Path, name: str, content: str):
    assert "夜に駆ける　君と" in read_one(tmp_path / name, content.format("夜に駆ける　君と")).text
