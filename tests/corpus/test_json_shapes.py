"""JSON as people have it: lyrics in lists, songs by title, nested, by columns; read, or refused by the name of the shape."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from songsmith.cli.app import app
from songsmith.corpus.formats.importers import Importer
from songsmith.corpus.formats.json_shapes import join_lyrics
from songsmith.corpus.records import RawRecord
from songsmith.paths import Paths

DATA = Path(__file__).parent / "data"


def read(path: Path) -> list[Any]:
    importer = Importer(path)
    for _ in importer.check():
        pass
    return list(importer.songs())


def songs_of(value: Any, path: Path) -> list[tuple[str, str, str]]:
    path.write_text(json.dumps(value))
    return [(song.title, song.artist, song.text) for song in read(path) if isinstance(song, RawRecord)]


@pytest.mark.parametrize(
    ("name", "songs"),
    [
        ("05_lyrics_as_list.json",
         ["The wheel goes round\nThe water falls\n\nOh hear the sound", "The barn is red"]),
        ("12c_by_title.json", ["The wheel goes round\nThe water falls", "The barn is red\nThe hay is dry"]),
        ("12d_nested.json", ["The wheel goes round\nThe water falls", "The barn is red"]),
    ],
)  # fmt: skip
def test_json_as_people_have_it(paths: Paths, name: str, songs: list[str]):
    for arguments in (("import", str(DATA / name), "--corpus", "x"), ("clean",)):
        assert CliRunner().invoke(app, arguments).exit_code == 0
    exported = CliRunner().invoke(app, ["corpus", "export", "--format", "text"]).stdout
    assert [song.strip("\n") for song in exported.split("<|endoftext|>")] == songs
    found = [(song.title, song.artist) for song in read(DATA / name)]
    assert found == [("Mill Song", "" if "12c" in name else "The Millers"), ("Barn", "" if "12c" in name else "The Millers")]


def test_an_answer_with_half_the_lyrics_is_refused_by_name(paths: Paths):
    done = CliRunner().invoke(app, ["import", str(DATA / "12b_lyrics_body.json")])
    assert done.exit_code == 3
    assert "1 an answer of Musixmatch, which holds only part of the lyrics" in done.stderr


@pytest.mark.parametrize(
    ("lyrics", "text"),
    [
        (["a", "b", "", "c"], "a\nb\n\nc"),
        (["a\n", "b\n"], "a\nb"),
        (["a\nb", "c\nd"], "a\nb\n\nc\nd"),
        ([["a", "b"], ["c"]], "a\nb\n\nc"),
        ([{"text": "a"}, {"line": "b"}], "a\nb"),
        ([{"section": "Verse 1", "lines": ["a", "b"]}, {"section": "[Chorus]", "text": "c"}],
         "[Verse 1]\na\nb\n\n[Chorus]\nc"),
        ([["a", None, "b"]], "a\n\nb"),
    ],
)  # fmt: skip
def test_lyrics_in_lists(tmp_path: Path, lyrics: Any, text: str):
    assert songs_of({"title": "T", "lyrics": lyrics}, tmp_path / "x.jsonl") == [("T", "", text)]


@pytest.mark.parametrize("lyrics", [[1, 2], [{"a": 1}], [], [[[[[[[["a"]]]]]]]], {"a": "b"}, [True]])
def test_lists_without_lyrics_are_set_aside(tmp_path: Path, lyrics: Any):
    assert songs_of({"title": "T", "lyrics": lyrics}, tmp_path / "x.jsonl") == []


@given(st.lists(st.lists(st.text("ab c", min_size=1).filter(str.strip), min_size=1), min_size=1))
def test_stanzas_in_lists_are_those_of_the_text(stanzas: list[list[str]]):
    assert join_lyrics(stanzas) == "\n\n".join("\n".join(lines) for lines in stanzas)


@pytest.mark.parametrize(
    ("value", "songs"),
    [
        ({"title": ["A", "B"], "lyrics": ["la\nla", "lo"]}, [("A", "", "la\nla"), ("B", "", "lo")]),
        ({"title": {"0": "A", "1": "B"}, "lyrics": {"0": "la", "1": "lo"}}, [("A", "", "la"), ("B", "", "lo")]),
        ({"Ann": {"A": {"lyrics": "la"}}, "Ben": {"B": {"lyrics": "lo"}}}, [("A", "Ann", "la"), ("B", "Ben", "lo")]),
        ({"Ann": [{"title": "A", "lyrics": "la"}]}, [("A", "Ann", "la")]),
        ({"data": {"1": {"title": "A", "artist": "Ann", "lyrics": "la"}}}, [("A", "Ann", "la")]),
        ({"Ann": {"Mill Song": "la\nla", "Barn": "lo\nlo"}}, [("Mill Song", "Ann", "la\nla"), ("Barn", "Ann", "lo\nlo")]),
        ({"bio": "born\nin 1900", "note": "a\nb"}, []),
        ({"Verse 1": "la\nla", "Chorus": "lo\nlo"}, []),
        ({"a": {"b": {"c": 1}}}, []),
    ],
)  # fmt: skip
def test_songs_inside_of_objects(tmp_path: Path, value: Any, songs: list[tuple[str, str, str]]):
    assert songs_of(value, tmp_path / "x.json") == songs


def test_what_is_nested_without_end_is_no_song(tmp_path: Path):
    for depth in (900, 100_000):
        (tmp_path / "x.jsonl").write_text('{"a":' * depth + '{"lyrics": "la"}' + "}" * depth + '\n{"text": "la"}\n')
        assert [song.text for song in read(tmp_path / "x.jsonl") if isinstance(song, RawRecord)] == ["la"]


MILL, BARN = "The wheel goes round\nThe water falls", "The barn is red"


@pytest.mark.parametrize(
    ("value", "songs"),
    [
        ([{"Artist": "Jo", "Song Name": "Mill", "Lyrics": MILL}, {"TITLE": "Barn", "LYRICS": BARN}],
         [("Mill", "Jo", MILL), ("Barn", "", BARN)]),
        ({"Jo": {"Mill": MILL, "Barn": BARN}, "Al": {"Ford": "Cold\nDeep"}},
         [("Mill", "Jo", MILL), ("Barn", "Jo", BARN), ("Ford", "Al", "Cold\nDeep")]),
        ({"lrc": {"version": 3, "lyric": "[00:01.00]la\n[00:02.00]lo"}, "tlyric": {"lyric": "[00:01.00]that\n[00:02.00]this"}},
         [("", "", "la\nlo")]),
        ({"response": {"song": {"title": "Mill", "lyrics": {"plain": MILL}}}}, [("Mill", "", MILL)]),
        ({"title": "Mill", "lyrics": {"verse1": MILL, "chorus": BARN}}, [("Mill", "", f"[Verse 1]\n{MILL}\n\n[Chorus]\n{BARN}")]),
        ({"title": "Mill", "sections": [{"name": "Verse 1", "lines": MILL.split("\n")}, {"name": "Chorus", "text": BARN}]},
         [("Mill", "", f"[Verse 1]\n{MILL}\n\n[Chorus]\n{BARN}")]),
        ({"title": "Mill", "verses": [MILL.split("\n"), [BARN]]}, [("Mill", "", f"{MILL}\n\n{BARN}")]),
        ({"rows": [{"row_idx": 0, "row": {"title": "Mill", "lyrics": MILL}}]}, [("Mill", "", MILL)]),
        ({"hits": {"hits": [{"_source": {"title": "Mill", "lyrics": MILL}}]}}, [("Mill", "", MILL)]),
        ({"documents": [{"text": MILL}]}, [("", "", MILL)]),
        ({"columns": ["title", "lyrics"], "index": [0], "data": [["Mill", MILL]]}, [("Mill", "", MILL)]),
        ([{"title": "Mill", "lyrics": str(MILL.split("\n"))}, {"title": "Barn", "lyrics": "['tis that a barn'or']"}],
         [("Mill", "", MILL), ("Barn", "", "['tis that a barn'or']")]),
    ],
)  # fmt: skip
def test_shapes_that_other_programs_write(tmp_path: Path, value: Any, songs: list[tuple[str, str, str]]):
    assert songs_of(value, tmp_path / "x.json") == songs


@pytest.mark.parametrize("name", ["x.json", "x.jsonl", "x.txt"])
@pytest.mark.parametrize("content", ["{a}\n{b}\n", "[\n{a},\n{b}\n]\n", "[{a},\n{b}]", "{{\n{c}\n}}\n{{\n{d}\n}}\n"])
def test_json_over_several_lines_is_read_whatever_its_ending(tmp_path: Path, name: str, content: str):
    one, two = '"title": "Mill",\n"lyrics": "la la"', '"title": "Barn",\n"lyrics": "lo lo"'
    (tmp_path / name).write_text(
        content.format(a=f"{{{one}}}".replace("\n", " "), b=f"{{{two}}}".replace("\n", " "), c=one, d=two)
    )
    assert [(song.title, song.text) for song in read(tmp_path / name)] == [("Mill", "la la"), ("Barn", "lo lo")]


def test_what_is_no_json_behind_a_value_is_set_aside(tmp_path: Path):
    (tmp_path / "x.json").write_text('{"title": "Mill", "lyrics": "la la"} oops\n{"title": "Barn", "lyrics": "lo lo"}')
    mill, oops, barn = read(tmp_path / "x.json")
    assert (mill.text, oops.reason, oops.id, barn.text) == ("la la", "not valid JSON", "x.json:1", "lo lo")
