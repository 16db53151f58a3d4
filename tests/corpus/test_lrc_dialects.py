"""LRC as players write it, LRCLIB's records, and timed lines in tables and JSON: the words as they are sung, and no stamp."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from songsmith.cli.app import app
from songsmith.corpus.formats.importers import Importer
from songsmith.corpus.formats.json_songs import Place
from songsmith.corpus.formats.lrc import has_stamps, read_lrc
from songsmith.corpus.records import RawRecord, SetAside

DATA = Path(__file__).parent / "data"
PLACE = Place(source="file", name="Name", where="1")


def read(path: Path) -> list[RawRecord | SetAside]:
    return list(Importer(path).songs())


def sung(content: str) -> str:
    song = read_lrc(content, PLACE)
    assert isinstance(song, RawRecord)
    return song.text


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("02_word_times_in_brackets.lrc", "The wheel goes round\nWater falls"),
        (
            "02b_voices_and_background.lrc",
            "The wheel goes round\n(goes round)\nWater falls\nOh hear the sound\nBehind the walls",
        ),
        (
            "02d_odd_stamps.lrc",
            "The wheel goes round\nThe water falls\nOh hear the sound\nBehind the walls\nStill it turns\nAnd burns\nAnd learns\n"
            "(Instrumental)\n\n# the end",
        ),
        ("02e_credits.lrc", "水车转呀转\n流水落呀落\nThe water falls"),
        ("06_lrclib_get.json", "The wheel goes round\nThe water falls\n\nOh hear the sound\nBehind the walls"),
        (
            "06b_lrclib_search.json",
            "The wheel goes round\nThe water falls\n<|endoftext|>\n"
            "Cross the ford with me\nCold is the stream\nCross the ford with me",
        ),
        ("06c_stamps_in_column.jsonl", "Cross the ford\n<|endoftext|>\nUp the hill\nAnd down again"),
        ("06d_timed_lines.json", "The wheel goes round\nThe water falls"),
    ],
)
def test_what_is_left_after_import_and_cleaning_is_sung(home: Path, name: str, words: str):
    for arguments in (["import", str(DATA / name), "--corpus", "c"], ["clean", "c"]):
        assert CliRunner().invoke(app, arguments).exit_code == 0
    assert CliRunner().invoke(app, ["corpus", "export", "c", "--format", "text"]).stdout.strip() == words


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("[00:02.00]B\n[-00:01.00]A\n[+00:03.00]C", "A\nB\nC"),
        (
            "[00:01.00] [00:01.00]The [00:01.30]wheel\n[00:02.00]Turns",
            "The wheel\nTurns",
        ),  # its word's time, not a second one
        ("[00:01.00][00:03.00]The <00:01.30>wheel\n[00:02.00]Turns", "The wheel\nTurns\nThe wheel"),
        ("[00:01.00]v2: la\n[00:02.00]V10:lo\n[00:03.00]m: le", "la\nlo\nle"),
        ("[00:01.00]la\n[00:02.00][bg: oh <00:02.50>yes]", "la\n(oh yes)"),
        ("[title:A]\n[artist: B]\n[ve_2: x]\n[00:01.00]la", "la"),
        ("[00:01.00]la\n[Chorus: Ann]\n[00:02.00]lo", "la\n[Chorus: Ann]\nlo"),
        ("[Verse 1: Ann]\n[00:02.00]lo [x2] [?]", "[Verse 1: Ann]\nlo [x2] [?]"),
        ("[00:01.00]la\r\n[00:02.00]♪ \r\n[00:03.00]lo\r\n", "la\n\nlo"),
        ("[00:01.00]He said: [maybe: no]\n[00:02.00]Do you know", "He said: [maybe: no]\nDo you know"),
    ],
)
def test_dialects(content: str, words: str):
    assert sung(content) == words


def test_long_tags_tell_of_the_song():
    song = read_lrc("[title: Mill Song]\n[artist: The Millers]\n[album: Water]\n[00:01.00]la", PLACE)
    assert isinstance(song, RawRecord)
    assert (song.title, song.artist, song.metadata["album"]) == ("Mill Song", "The Millers", "Water")


@pytest.mark.parametrize(
    "credit",
    [
        "作词 : 某人", "作詞：某人", "作曲/编曲：某人", "词曲：某人", "制作人 : 某人", "混音师：某人", "OP：某公司",
        "作詞・作曲：某人", "작사 : 아무개", "Lyrics by: Jo Doe", "Lyrics by Jo Doe", "Written by Jo Doe and Al Roe",
        "Music & Lyrics by Jo Doe", "Composer: Jo Doe", "Produced by：Jo Doe", "Mixing Engineer: Jo Doe", "Letra: Jo Doe",
        "Paroles et musique : Jo Doe", "Музыка: Некто", "Слова и музыка: Некто", "Text und Musik: Jo Doe", "Testo: Jo Doe",
        "Söz: Biri", "Pencipta: Jo", "Electric Guitar: Jo Doe", "Vocals:Jo Doe", "Vocals:", "编曲:",
    ],
)  # fmt: skip
def test_credits_before_and_behind_the_lines_are_none_of_them(credit: str):
    lines = f"[00:01.00]Mill Song - The Millers\n[00:02.00]{credit}\n[00:03.00]Someone: Else\n[00:04.00]{credit}"
    assert sung(f"{lines}\n[00:09.00]The wheel goes round\n[00:12.00]It says: stay\n[00:15.00]{credit}") == (
        "The wheel goes round\nIt says: stay"
    )


@pytest.mark.parametrize(
    "line",
    [
        "Oh baby: stay with me", "'Tis written: Thou shalt not", "Deeds not Words: I say so",
        "Fled is that music: do I wake", "Written by the hand of fate", "Love - it goes", "Played by the river I was born",
        "Words by my bed", "He said: go", "我说：你好", "By the rivers of Babylon",
    ],
)  # fmt: skip
def test_what_is_sung_first_is_no_credit(line: str):
    assert sung(f"[00:01.00]{line}\n[00:02.00]And so on") == f"{line}\nAnd so on"


def test_credits_in_the_midst_of_a_song_are_sung():
    lines = "[00:01.00]One\n[00:02.00]Music: it fills me\n[00:03.00]Two"
    assert sung(lines) == "One\nMusic: it fills me\nTwo"


def test_the_title_that_a_player_shows_first_is_not_sung():
    assert sung("[ti:Mill]\n[ar:Jo]\n[00:00.00]Mill - Jo\n[00:02.00]The wheel") == "The wheel"
    assert sung("[ti:Mill]\n[00:00.00]Mill\n[00:02.00]The wheel\n[00:03.00]Mill") == "The wheel\nMill"


@pytest.mark.parametrize("above", ["", "[00:00.50]作词 : 某人\n"])
def test_a_title_that_is_sung_first_stays(above: str):
    lines = f"[ti:Yesterday]\n[ar:Jo]\n{above}[00:07.00]Yesterday\n[00:09.00]The wheel went round"
    assert sung(lines) == "Yesterday\nThe wheel went round"
    assert sung("[ti:Mill]\n[00:01.00]Mill\n[00:02.00]作词 : 某人\n[00:03.00]The wheel") == "The wheel"


def write(path: Path, value: Any) -> Path:
    path.write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")
    return path


def test_a_record_of_lrclib_is_what_a_fetch_of_it_keeps():
    (song,) = read(DATA / "06_lrclib_get.json")
    assert isinstance(song, RawRecord)
    assert (song.id, song.title, song.artist, song.source) == ("lrclib:101", "Mill Song", "The Millers", "lrclib")
    assert {name: song.metadata[name] for name in ("lrclib_id", "album", "duration_s")} == {
        "lrclib_id": 101, "album": "Water", "duration_s": 180.0
    }  # fmt: skip
    assert str(song.metadata["synced_lyrics"]).startswith("[00:01.00] The wheel")


def test_an_instrumental_is_set_aside_as_such():
    first, second, third = read(DATA / "06b_lrclib_search.json")
    assert isinstance(second, SetAside)
    assert (second.title, second.reason) == ("Barn", "instrumental")
    assert (first.title, third.title) == ("Mill Song", "Ford")


def test_records_of_lrclib_one_a_line_and_in_a_table(tmp_path: Path):
    rows = json.loads((DATA / "06b_lrclib_search.json").read_text())
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    assert [one.title for one in read(write(tmp_path / "x.jsonl", lines)) if isinstance(one, RawRecord)] == [
        "Mill Song",
        "Ford",
    ]
    table = 'trackName,artistName,plainLyrics,syncedLyrics\nMill,Jo,la la,\nFord,Jo,,"[00:01.00] Cross"\n'
    mill, ford = read(write(tmp_path / "x.csv", table))
    assert isinstance(mill, RawRecord)
    assert isinstance(ford, RawRecord)
    assert (mill.text, mill.artist, ford.text, ford.title) == ("la la", "Jo", "Cross", "Ford")
    assert ford.metadata["synced_lyrics"] == "[00:01.00] Cross"


@pytest.mark.parametrize(
    "value",
    [
        [{"time": 0.9, "text": "The wheel"}, {"time": 3, "text": "♪"}, {"time": 4, "text": "It turns"}],
        {"title": "x", "lines": [{"start": 1, "line": "The wheel"}, {"start": 3, "line": ""}, {"start": 4, "line": "It turns"}]},
        {"lyrics": [{"ts": 1, "te": 2, "x": "The wheel"}, {"ts": 3, "x": " "}, {"ts": 4, "x": "It turns"}]},
        {"lyrics": {"syncType": "LINE_SYNCED", "lines": [
            {"startTimeMs": "1", "words": "The wheel"}, {"startTimeMs": "3", "words": ""},
            {"startTimeMs": "4", "words": "It turns"}]}},
    ],
    ids=["list", "lines", "short keys", "inside lyrics"],
)  # fmt: skip
def test_timed_lines_in_json(tmp_path: Path, value: Any):
    (song,) = read(write(tmp_path / "x.json", value))
    assert isinstance(song, RawRecord)
    assert song.text == "The wheel\n\nIt turns"


def test_songs_with_their_lengths_are_no_timed_lines(tmp_path: Path):
    songs = read(
        write(
            tmp_path / "x.json", [{"title": "A", "time": 180, "text": "la la"}, {"title": "B", "time": 9, "text": "lo"}]
        )
    )
    assert [one.title for one in songs] == ["A", "B"]


@pytest.mark.parametrize(
    "lyric",
    [
        "[0:45] Oh\nla",
        "[Verse 1]\nla [1:2]",
        "It was [9:30]\n[late]",
        "[Chorus 2:10]\nla\n[Bridge]",
        "[10:04]\n\nMatthew says",
        "",
    ],
)
def test_a_lyric_is_no_lrc(lyric: str):
    assert not has_stamps(lyric)


@pytest.mark.parametrize("name", ["x.txt", "x", "x.lyrics"])
def test_lrc_is_known_by_what_is_in_it(tmp_path: Path, name: str):
    (song,) = read(write(tmp_path / name, "[ti:Mill]\n[00:01.00]The wheel\n[00:02.00]It turns\n"))
    assert isinstance(song, RawRecord)
    assert (song.title, song.text) == ("Mill", "The wheel\nIt turns")


WORDS = st.lists(
    st.sampled_from(["wheel", "oh", "I", "[x2]", "(ah)", "said:", "don't", "水车", "A", "3"]), min_size=1, max_size=6
)


@given(
    lines=st.lists(st.tuples(WORDS.map(" ".join), st.booleans()), min_size=2, max_size=8),
    fraction=st.sampled_from([".00", ",5", ""]),
)
def test_every_word_is_kept_in_its_place_and_every_stamp_goes(lines: list[tuple[str, bool]], fraction: str):
    content = "\n".join(
        f"[0{number}:0{number}{fraction}]" + (words.replace(" ", f" <0{number}:30{fraction}>") if timed else words)
        for number, (words, timed) in enumerate(lines, 1)
    )
    assert sung(f"[00:00]Start\n{content}\n[50:00]End").split("\n") == ["Start", *(words for words, _ in lines), "End"]
