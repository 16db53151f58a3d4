"""Chords marked between the words, told by what stands there and not by a file's ending; other brackets stay as they are."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from songsmith.cli.app import app
from songsmith.corpus.formats.chord_marks import read_chord_marks
from songsmith.corpus.formats.importers import Importer
from songsmith.corpus.formats.marked_text import read_marked_text
from songsmith.corpus.records import RawRecord

DATA = Path(__file__).parent / "data"


def read_one(path: Path) -> RawRecord:
    (song,) = Importer(path).songs()
    assert isinstance(song, RawRecord)
    return song


@pytest.mark.parametrize(
    ("name", "title", "artist", "words"),
    [
        (
            "04_chords_in_ch_tags.txt", "04_chords_in_ch_tags", "",
            "[Intro]\n\n[Verse 1]\nThe wheel goes round all day\nThe water falls and runs away\n\n"
            "[Chorus]\nOh hear the sound behind the wall",
        ),
        ("04b_inline_chords.txt", "Mill Song", "", "The wheel goes round\nThe water falls"),
        (
            "04c_chordpro_named_txt.txt", "Mill Song", "The Millers",
            "[Chorus]\nOh hear the sound\n\nThe wheel goes round",
        ),
        (
            "04d.onsong", "Mill Song", "The Millers",
            "[Verse 1]\nThe wheel goes round all day\nThe water falls and runs away\n\n[Chorus]\nOh hear the sound",
        ),
    ],
)  # fmt: skip
def test_what_is_left_after_import_and_cleaning_is_sung(home: Path, name: str, title: str, artist: str, words: str):
    for arguments in (["import", str(DATA / name), "--corpus", "c"], ["clean", "c"]):
        assert CliRunner().invoke(app, arguments).exit_code == 0
    assert CliRunner().invoke(app, ["corpus", "export", "c", "--format", "text"]).stdout.strip() == words
    song = read_one(DATA / name)
    assert (song.title, song.artist) == (title, artist)
    assert "E7" in str(song.metadata["chords"]) or "G" in str(song.metadata["chords"])


@pytest.mark.parametrize(
    ("marked", "words"),
    [
        ("[Am]The wheel goes [G]round\n[F]The wa[E7]ter falls", "The wheel goes round\nThe water falls"),
        ("[Am] The wheel [G] goes\n[Verse 2]\n[F]la", "The wheel goes\n[Verse 2]\nla"),
        ("The wheel[F#m7] goes [Bb/D]round [x2] [?]", "The wheel goes round [x2] [?]"),
        ("[G]Amazing [C]grace how [G]sweet the [D]sound", "Amazing grace how sweet the sound"),
        ("The [D] wheel goes [G] round [A]", "The wheel goes round"),
        ("[Intro]\n[Am] [G] [F]\n\n[Verse]\n[C]Oh hear [Am I wrong]", "[Intro]\n\n[Verse]\nOh hear [Am I wrong]"),
        ("[| Am | G |]\n[Am - G]Oh [N.C.]hear [*softly]me", "Oh hear me"),
        ("wa[E]ter [A]Falls on wa[D]ter", "water Falls on water"),
        ("[ch]Am[/ch]  [ch]G[/ch] x2\nThe wheel\nOh [ch]C[/ch]hear", "The wheel\nOh hear"),
        ("[tab][CH]Am[/CH] (x2)\nThe wheel[/tab]\n[tab]e|--0--|\n[/tab]la", "The wheel\nla"),
    ],
)
def test_chords_go_and_words_stay(marked: str, words: str):
    assert read_chord_marks(marked) == words


@pytest.mark.parametrize(
    "lyric",
    [
        "[A]\nla la\n\n[B]\nlo lo\n\n[A]\nla la",
        "[A] I love you\n[B] I love you too\n[A] Good night\n[B] Good night",
        "[A] Hello\n[A/B] hi\n[All] go",
        "[A] hello [B] hi [A] bye [B] ciao",
        "[Bridge]\nla la\n[Chorus]\nlo lo\n[Hook]\nla\n[Drop]",
        "[Am I wrong] for thinking\n[Am I wrong]",
        "la la [x2]\nlo lo [?]\n[B: Ann]\nla [A] long time",
        "[A]nd he said\n[H]e would go\n[C]ome with me\n[B]ack home",
        "[Ed]\nla\n[Bea]\nlo\n[Dad & Gabe]\nla [Fade out]",
        "[Hm] I see\n[Hm] I know",
        "[Emi] la la\n[Ami] lo lo",
        "[Em] la la\n[Em] lo lo",
        "one [A7] is all there is",
        "[B*] you [F*] off\nla [G*]",
        "[D2]\nla la\n[C4]\nboom\n[D2]",
        "",
    ],
)
def test_other_brackets_are_no_chords(lyric: str):
    assert read_marked_text(lyric) is None


@pytest.mark.parametrize("name", ["x.csv", "x.jsonl", "x.json", "x.txt", "x.crd", "x.pro"])
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[Am]The wheel goes [G]round\n[F]The water [E7]falls", "The wheel goes round\nThe water falls"),
        ("[tab][ch]Am[/ch]    [ch]G[/ch]\nThe wheel[/tab]", "The wheel"),
        (
            "Am          G\nThe wheel goes round\nF           E7\nThe water falls",
            "The wheel goes round\nThe water falls",
        ),
        ("{title: Mill}\n{soc}\n[Am]Oh hear\n{eoc}", "[Chorus]\nOh hear"),
    ],
    ids=["inline", "tags", "rows", "ChordPro"],
)
def test_chords_are_kept_beside_the_words_wherever_a_text_stands(tmp_path: Path, name: str, text: str, words: str):
    path = tmp_path / name
    content = {"x.csv": f'title,text\nMill,"{text}"\n', **dict.fromkeys(("x.txt", "x.crd", "x.pro"), text)}.get(
        name, json.dumps({"title": "Mill", "text": text})
    )
    path.write_text(content)
    song = read_one(path)
    assert (song.text, song.metadata["chords"]) == (words, text)


def test_chords_of_a_column_are_not_replaced_by_those_in_the_words(tmp_path: Path):
    row = {"title": "Mill", "text": "[Am]The wheel goes [G]round", "chords": "Am G"}
    (tmp_path / "x.jsonl").write_text(json.dumps(row))
    assert read_one(tmp_path / "x.jsonl").metadata == {"chords": "Am G"}


@pytest.mark.parametrize(
    ("content", "title", "words"),
    [
        (
            "Mill Song\n[Verse 1]\nThe wheel\n\n[Chorus]\nOh hear",
            "Mill Song",
            "[Verse 1]\nThe wheel\n\n[Chorus]\nOh hear",
        ),
        ("\n  Mill Song  \n\n\n[Verse 1: Ann]\nThe wheel", "Mill Song", "[Verse 1: Ann]\nThe wheel"),
        ("Mill Song\n\n[Couplet 1]\r\nla", "Mill Song", "[Couplet 1]\nla"),
        ("Mill Song\nThe Millers\n\n[Verse 1]\nThe wheel", "a", "Mill Song\nThe Millers\n\n[Verse 1]\nThe wheel"),
        ("Mill Song\n\nThe wheel\n\n[Chorus]\nOh hear", "a", "Mill Song\n\nThe wheel\n\n[Chorus]\nOh hear"),
        ("(Yeah)\n[Verse 1]\nThe wheel", "a", "(Yeah)\n[Verse 1]\nThe wheel"),
        ("12 ContributorsMill Song Lyrics\n[Verse 1]\nla", "a", "12 ContributorsMill Song Lyrics\n[Verse 1]\nla"),
        ("O the hills\n\n[Verse 2]\nThe wheel", "a", "O the hills\n\n[Verse 2]\nThe wheel"),
        ("O the hills\n[Outro]\nThe wheel", "a", "O the hills\n[Outro]\nThe wheel"),
        ("[Intro]\n[Verse 1]\nThe wheel", "a", "[Intro]\n[Verse 1]\nThe wheel"),
        ("Mill Song\n[x2] la\nlo", "a", "Mill Song\n[x2] la\nlo"),
        ("* * *\n[Verse 1]\nThe wheel", "a", "* * *\n[Verse 1]\nThe wheel"),
    ],
)
def test_a_first_line_that_stands_alone_above_a_header_is_the_title(
    tmp_path: Path, content: str, title: str, words: str
):
    (tmp_path / "a.txt").write_text(content, newline="")
    song = read_one(tmp_path / "a.txt")
    assert (song.title, song.text) == (title, words)


def test_each_song_of_a_file_may_have_its_title_above_it(tmp_path: Path):
    (tmp_path / "a.txt").write_text("One\n[Verse]\nla\n<|endoftext|>\nTwo\n\n[Chorus]\nlo\n<|endoftext|>\nla\nlo")
    songs = [(one.title, one.text) for one in Importer(tmp_path / "a.txt").songs() if isinstance(one, RawRecord)]
    assert songs == [("One", "[Verse]\nla"), ("Two", "[Chorus]\nlo"), ("", "la\nlo")]


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ("Title: Mill\nArtist: Jo\nKey: G\n\nVerse:\n[G]la [C]lo", ("Mill", "Jo", {"key": "G"}, "[Verse]\nla lo")),
        ("Mill\nJo\n\n[G]la [C]lo\nla", ("Mill", "Jo", {}, "la lo\nla")),
        ("Mill\nCapo: 2\n\nG        C7\nla la lo\nD        C7\nla", ("Mill", "", {"capo": "2"}, "la la lo\nla")),
        ("[G]la [C7]lo\nla\nle\n\nVerse 1:\nla", ("x", "", {}, "la lo\nla\nle\n\n[Verse 1]\nla")),
        ("{title: Mill}\n{artist: Jo}\n[G]la", ("Mill", "Jo", {}, "la")),
    ],
)
def test_onsong_of_other_hands(tmp_path: Path, content: str, found: tuple[str, str, dict[str, Any], str]):
    (tmp_path / "x.onsong").write_text(content)
    song = read_one(tmp_path / "x.onsong")
    metadata = {name: value for name, value in song.metadata.items() if name != "chords"}
    assert (song.title, song.artist, metadata, song.text) == found


def test_onsong_is_known_by_what_is_in_it(tmp_path: Path):
    (tmp_path / "x.txt").write_bytes((DATA / "04d.onsong").read_bytes())
    song = read_one(tmp_path / "x.txt")
    assert (song.title, song.artist, song.metadata["tempo"]) == ("Mill Song", "The Millers", "120")
    assert "Key" not in song.text


WORD = st.sampled_from(["the", "Wheel", "goes", "I", "A", "round,", "(oh)", "don't", "水车", "[x2]", "[Am I]"])
CHORD = st.sampled_from(["Am", "G7", "F#m", "Bb/D", "Csus4", "Em7", "Dm"])
LINES = st.lists(st.lists(WORD, min_size=2, max_size=6), min_size=2, max_size=6)


@given(lines=LINES, chords=st.lists(CHORD, min_size=6, max_size=6, unique=True), inside=st.integers(0, 2))
def test_every_word_is_kept_and_every_chord_goes(lines: list[list[str]], chords: list[str], inside: int):
    plain = "\n".join(["Round and round", *map(" ".join, lines)])
    marked = [f"[{chords[0]}]Round and [{chords[1]}]round"]
    for number, words in enumerate(lines):
        word = words[0]
        cut = min(inside, len(word)) if word.isalpha() else 0
        marked.append(" ".join([f"{word[:cut]}[{chords[number % 6]}]{word[cut:]}", *words[1:]]))
    assert read_chord_marks("\n".join(marked)) == plain
    assert read_chord_marks(plain) is None


@pytest.mark.parametrize(
    "piece",
    ["[Am]", "[Am]la ", "[C]", "[C]\n", "[", "[ch]", "[ch]C[/ch]", "{t", "{t:x}\n", "[A] a ", "\n[Am]l", "Key: a\n"],
)
def test_the_time_grows_with_the_size_and_not_with_its_square(piece: str):
    start = time.process_time()
    read_marked_text(piece * (200_000 // len(piece)))
    assert time.process_time() - start < 5  # a square would take minutes


def test_headers_in_braces_are_no_chordpro(tmp_path: Path):
    (tmp_path / "x.txt").write_text("{Chorus}\nOh hear the sound [of the wall]\n\n{Verse 1}\nThe wheel [oh]\n\n{Chorus}\nOh")
    assert read_one(tmp_path / "x.txt").text == (
        "{Chorus}\nOh hear the sound [of the wall]\n\n{Verse 1}\nThe wheel [oh]\n\n{Chorus}\nOh"
    )
