"""Text that was decoded wrongly once: mended where that is certain, doubted elsewhere, and right text left alone."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from songsmith.cli.app import app
from songsmith.corpus.cleaning import clean_text
from songsmith.corpus.rules.mojibake import mend_decoding
from songsmith.paths import Paths

DATA = Path(__file__).parent / "data"
LINES = [
    "I don’t know", "Là-bas le moulin", "été à la mer", "“Hello”—oh", "Привет мир", "日本語の歌", "größer", "naïve café", "Ελλάδα",
]  # fmt: skip


def run(*arguments: str | Path) -> str:
    done = CliRunner().invoke(app, [*map(str, arguments)])
    assert done.exit_code == 0, done.stderr
    return done.stdout


def test_a_table_that_was_decoded_wrongly_is_right_when_it_is_clean(paths: Paths):
    run("import", DATA / "09_mojibake.csv", "--corpus", "x")
    assert "donâ€™t" in run("corpus", "export", "--raw", "--format", "text")
    run("clean")
    assert run("corpus", "export", "--format", "text").strip() == "Là-bas le moulin don’t tourne\nCafé"
    assert "wrong decoding" in run("clean", "--report")


@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize("encoding", ["cp1252", "latin-1", "mac-roman"])
def test_what_was_decoded_wrongly_is_put_right(line: str, encoding: str):
    try:
        wrong = line.encode().decode(encoding)
    except UnicodeDecodeError:
        wrong = line.encode().decode("latin-1")
    if encoding != "mac-roman" or line in LINES[:4]:
        assert clean_text(f"la la\n{wrong}\nla la ’ é").text == f"la la\n{line}\nla la ’ é"
        assert mend_decoding(wrong) == line


@pytest.mark.parametrize(
    "line",
    ["MAÇÃ", "A MAÇÃ É BOA", "AMANHÃ (NÃO)", "AMANHÃ, NÃO", "café…", "l’été…”", "Straße…”", "NÃO — NÃO", "ÂNGELA", "Åse’",
     "É »la«", "crème…»", "ó—ó", "í¿à", "√2", "fi ﬁ ｆ &amp; “q” ‘s’", "e\u0301te", "la\x85la", "à €", "x² ½"],
)  # fmt: skip
def test_what_is_right_stays(line: str):
    assert mend_decoding(line) == line


@given(st.text(st.characters(categories=["L", "Po", "Zs"], max_codepoint=0x24F), max_size=30).filter(str.strip))
def test_mending_again_changes_nothing(text: str):
    once = mend_decoding(text)
    assert mend_decoding(once) == once
    line = text.encode().decode("latin-1")
    assert mend_decoding(line) in (line, text) or text.isascii() or mend_decoding(mend_decoding(line)) == mend_decoding(line)


def test_what_cannot_be_mended_is_marked_in_the_report(paths: Paths, tmp_path: Path):
    path = tmp_path / "x.txt"
    path.write_text("la la\nnaÃ¯ve Ã\ufffd â€\ufffd\n")
    assert [one.rule for one in clean_text(path.read_text()).suspicious] == ["wrong decoding"]
    run("import", path)
    run("clean")
    assert "? " in run("clean", "--report")


def test_the_line_in_which_a_site_announces_the_song_goes(paths: Paths):
    run("import", DATA / "12_paroles.json", "--corpus", "x")
    run("clean")
    exported = run("corpus", "export", "--format", "text").strip()
    assert exported == "The wheel goes round\nThe water falls\n\nOh hear the sound"


@pytest.mark.parametrize(
    "line",
    ["Paroles de la chanson Mill Song par The Millers", "Paroles Mill Song", "Paroles, paroles", "Letra de la canción Barn",
     "Songtext von Mill Song", "Letra de amor", "Testo della canzone Barn", "Текст песни Мельница"],
)  # fmt: skip
def test_only_announcements_go(line: str):
    goes = line not in ("Paroles Mill Song", "Paroles, paroles", "Letra de amor")
    assert clean_text(f"{line}\nla la\nlo lo").text == ("la la\nlo lo" if goes else f"{line}\nla la\nlo lo")
    assert clean_text(f"la la\n{line}\nlo lo").text == f"la la\n{line}\nlo lo"


@pytest.mark.parametrize(
    "line",
    ["Lyrics of the song that no one sings", "Lyrics to the song I wrote for you", "Paroles de la musique qui s'en va",
     "Letra de la canción que te canté", "Songtext von der Liebe nur", "Paroles d'amour par milliers"],
)  # fmt: skip
def test_a_sentence_that_begins_as_an_announcement_is_sung(line: str):
    assert clean_text(f"{line}\nla la\nlo lo", title="Barn").text == f"{line}\nla la\nlo lo"


def test_an_announcement_that_names_the_title_goes_however_it_is_written():
    assert clean_text("Lyrics to the song when it rains by jo\nla la", title="When It Rains").text == "la la"
