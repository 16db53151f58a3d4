"""`songsmith songs`, as a person at a shell uses it."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from damaged_libraries import damage, fill
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from songsmith.cli.app import app
from songsmith.library.library import Library
from songsmith.library.records import SongRecord
from songsmith.lyrics import Author, strip_controls
from songsmith.songsheet.sheet import SheetFormat
from songsmith.studio.songs import file_name, grow_tree
from songsmith.takes import FinishReason, Take

LYRIC = "From this valley they say you are going\n\n[Chorus]\nCome and sit by my side\n"


def run(*arguments: str | Path, stdin: str | None = None) -> Result:
    return CliRunner().invoke(app, ["songs", *map(str, arguments)], input=stdin)


def make_take(text: str, **values: Any) -> Take:
    usual: dict[str, Any] = {
        "text": text, "prompt_text": "", "title": "", "model": "starter", "model_sha256": "ab12", "device": "cpu",
        "options": {"temperature": 0.9, "seed": 5}, "seed": 5, "finish": FinishReason.STOPPED, "tokens": 4,
        "elapsed_s": 0.5, "version": "0.1.0", "created_at": "2026-03-04T12:00:00.000+00:00",
    }  # fmt: skip
    return Take(**usual | values)


@pytest.fixture
def library(home: Path):
    with Library(home / "library.sqlite3") as library:
        yield library


@pytest.fixture
def valley(library: Library) -> SongRecord:
    first = make_take("Come and sit\n")
    then = make_take("\nCome and sit by my side\n", parent_id=first.id, seed=6)
    other = make_take("Go away\x1b[2J\n")
    return library.put_song(
        SongRecord(
            title="Red River Valley", artist="Traditional", text=LYRIC, authors=(Author.PERSON, Author.MODEL), kept=True
        ),
        [first, other, then],
    )


def test_nothing_is_listed_and_nothing_is_made_where_nothing_is_kept(home: Path):
    result = run("list")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "No songs yet" in result.stderr
    assert run("list", "--json").stdout == run("search", "river").stdout == ""
    assert not home.exists()


def test_list_has_a_row_for_each_song(library: Library, valley: SongRecord):
    library.put_song(SongRecord(text="An \x1b]0;untitled\x07 song,\n", kept=True))
    library.put_song(SongRecord(title="A draft"))
    rows = [row.split("\t")[:4] for row in run("list").stdout.splitlines()]
    assert rows == [["2", "An ]0;untitled song", "", "1"], ["1", "Red River Valley", "Traditional", "2"]]
    found = [json.loads(row) for row in run("list", "--json").stdout.splitlines()]
    assert [song["number"] for song in found] == [2, 1]
    assert found[1] == {
        "number": 1, "id": valley.id, "name": "Red River Valley", "title": "Red River Valley", "artist": "Traditional",
        "lines": 2, "lines_by_model": 1, "created_at": valley.created_at, "updated_at": valley.updated_at,
        "revision": 1,
    }  # fmt: skip


def test_show_puts_the_lyric_alone_on_stdout(valley: SongRecord):
    for key in ("1", valley.id[:8]):
        result = run("show", key)
        assert result.stdout == LYRIC
        assert "Red River Valley (Traditional)" in result.stderr
        assert "2 lines, 1 by a model, 3 takes from starter" in result.stderr


def test_show_takes_draws_the_tree(valley: SongRecord):
    rows = run("show", "1", "--takes").stdout.splitlines()
    assert [row.partition(",")[0] for row in rows] == ["starter", "  starter", "starter"]
    assert [row.rpartition(": ")[2] for row in rows] == ["Come and sit", "Come and sit by my side", "Go away[2J"]
    assert "starter, seed 6, temperature 0.9, 2026-03-0" in rows[1]


def test_show_json_has_everything(library: Library, valley: SongRecord):
    song = json.loads(run("show", "1", "--json").stdout)
    assert (song["text"], song["kept"]) == (LYRIC, True)
    assert song["sections"][1] == {
        "kind": "chorus", "label": None, "lines": [{"text": "Come and sit by my side", "author": "model"}],
    }  # fmt: skip
    takes = {take["id"]: take for take in song["takes"]}
    assert len(takes) == 3
    for take in library.takes(valley.id):
        shown = takes[take.id]
        assert (shown["continuation"], shown["parent_id"], shown["seed"]) == (take.text, take.parent_id, take.seed)
        assert (shown["model_sha256"], shown["options"]) == ("ab12", {"temperature": 0.9, "seed": 5})


def test_nothing_on_stdout_can_drive_a_terminal(library: Library):
    wild = "\x1b[31m red \x9b2J \x07bell \u202eback\r\n"
    library.put_song(SongRecord(title=wild, artist=wild, text=wild, kept=True), [make_take(wild)])
    for command in (["list"], ["list", "--json"], ["search", "red"], ["show", "1"], ["show", "1", "--takes"],
                    ["show", "1", "--json"], ["export", "1"], ["export", "1", "-f", "markdown"]):  # fmt: skip
        result = run(*command)
        assert "red" in result.stdout
        # JSON Lines escapes what the others leave out, and tables on a pipe are divided by tabs.
        assert strip_controls(result.stdout).split() == result.stdout.split()
        assert strip_controls(result.stderr) == result.stderr
    assert json.loads(run("show", "1", "--json").stdout)["text"] == wild


def test_search_finds_and_says_when_it_does_not(valley: SongRecord):
    assert run("search", "VALLEY", "goin").stdout == ""  # endings are cut off whole words only
    assert run("search", "VALLEY", "sid").stdout.startswith("1\tRed River Valley\t")
    assert json.loads(run("search", "rivers", "--json").stdout)["number"] == 1
    nothing = run("search", '"', "OR", "(")
    assert (nothing.exit_code, nothing.stdout, nothing.stderr) == (0, "", "No song contains all these words.\n")


def test_a_song_that_is_not_there_ends_in_7(valley: SongRecord):
    for command in (["show", "2"], ["export", "1", "2"], ["rm", "--yes", "1", "2"]):
        result = run(*command)
        assert (result.exit_code, result.stdout) == (7, "")
        assert result.stderr == "songsmith: There is no song 2. See them with: songsmith songs list\n"
    assert run("show", "1").exit_code == 0


def test_export_writes_to_stdout(library: Library, valley: SongRecord):
    library.put_song(SongRecord(title="Two", text="b\n", kept=True))
    assert run("export", "1").stdout == f"Red River Valley\nTraditional\n\n{LYRIC}"
    assert run("export", "2", "1", "2").stdout == f"Two\n\nb\n\n\nRed River Valley\nTraditional\n\n{LYRIC}"
    assert run("export", "2", "--format", "markdown", "-o", "-").stdout == "# Two\n\nb\n"
    sheets = run("export", "1", "2", "--format", "json").stdout.splitlines()
    assert [json.loads(sheet)["title"] for sheet in sheets] == ["Red River Valley", "Two"]


def test_export_to_a_file_replaces_nothing_unasked(tmp_path: Path, valley: SongRecord):
    target = tmp_path / "song.md"
    result = run("export", "1", "-f", "markdown", "-o", target)
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", f"Wrote {target}\n")
    assert target.read_text(encoding="utf-8").startswith("# Red River Valley\n")
    again = run("export", "1", "-o", target)
    assert again.exit_code == 2
    assert "already exists" in again.stderr
    assert "--force" in again.stderr
    assert target.read_text(encoding="utf-8").startswith("# ")
    link = tmp_path / "link.txt"
    link.symlink_to(target)
    assert run("export", "1", "-o", link, "--force").exit_code == 0
    assert link.is_symlink()
    assert target.read_text(encoding="utf-8").startswith("Red River Valley\nTraditional\n")
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == ["link.txt", "song.md"]


@pytest.mark.skipif(os.name == "nt", reason="no devices in the file system there")
def test_export_replaces_no_device(valley: SongRecord):
    for force in ([], ["--force"]):
        assert run("export", "1", "-o", "/dev/null", *force).exit_code == 2
    assert not Path("/dev/null").is_file()


def test_export_says_where_it_cannot_write(tmp_path: Path, valley: SongRecord):
    (tmp_path / "file").touch()
    for arguments in (["1", "-o", tmp_path / "file" / "x.txt"], ["1", "-o", tmp_path / "none" / "x.txt"],
                      ["--all", "-o", tmp_path / "file"]):  # fmt: skip
        result = run("export", *arguments)
        assert (result.exit_code, result.stdout) == (5, "")
        assert str(tmp_path) in result.stderr
        assert "choose another place" in result.stderr
        assert "SONGSMITH_HOME" not in result.stderr


def test_a_name_that_is_too_long_is_the_names_fault(tmp_path: Path, valley: SongRecord):
    long = tmp_path / ("x" * 300)
    for result in (run("export", 1, "-o", long), run("export", 1, "-o", long / "a.txt"), run("export", "--all", "-o", long)):
        assert result.exit_code == 5
        assert "file name too long. Free some space, create the folder, or choose another place." in result.stderr
    result = run("repair", long)
    assert (result.exit_code, "doesn't exist" in result.stderr) == (7, True)


def test_export_all_names_every_file_safely(tmp_path: Path, library: Library):
    titles = ["AC/DC", "..", "CON", "", "same", "Same", "a" * 400, "夜" * 200, " .hidden ", 'what? "x" <y>|*:\\', "\0"]
    for title in titles:
        library.put_song(SongRecord(title=title, text="la\n", kept=True))
    folder = tmp_path / "out" / "songs"
    assert run("export", "--all", "-o", folder).exit_code == 0
    names = {int(path.name.split(" ")[0]): path.name for path in folder.iterdir()}
    assert len(names) == len(titles)
    assert [names[number] for number in (1, 2, 3, 4, 5, 6)] == [
        "1 AC-DC.txt", "2 Untitled.txt", "3 CON.txt", "4 la.txt", "5 same.txt", "6 Same.txt",
    ]  # fmt: skip
    assert not any(set(name) & set('/\\:*?"<>|\0') for name in names.values())
    (folder / "3 CON.txt").unlink()
    (folder / "5 same.txt").write_text("mine")
    assert run("export", "--all", "-o", folder).exit_code == 2
    assert not (folder / "3 CON.txt").exists()  # all or nothing
    assert (folder / "5 same.txt").read_text() == "mine"
    assert run("export", "--all", "-o", folder, "--force").exit_code == 0
    assert (folder / "5 same.txt").read_text() == "same\n\nla\n"


@given(st.text())
def test_any_title_makes_a_file_name(tmp_path_factory: pytest.TempPathFactory, title: str):
    name = file_name(SongRecord(number=7, title=title), SheetFormat.TEXT)
    assert name.startswith("7 ")
    assert len(name.encode()) <= 200
    path = tmp_path_factory.getbasetemp() / name
    path.touch()
    path.unlink()


def test_export_needs_to_know_which_songs(home: Path):
    for arguments in ([], ["--all", "1"], ["--all"]):
        assert run("export", *arguments).exit_code == 2
    assert run("export", "--all", "-o", home / "out").exit_code == 7


def test_rm_asks_for_yes_where_nobody_can_be_asked(library: Library, valley: SongRecord):
    result = run("rm", "1", stdin="y\n")
    assert result.exit_code == 2
    assert "1 Red River Valley" in result.stderr
    assert "--yes" in result.stderr
    assert library.songs() == [valley]
    result = run("rm", "1", "1", "--yes")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "Removed 1 Red River Valley.\n")
    assert library.songs() == library.takes(valley.id) == []


@pytest.mark.skipif(os.name == "nt", reason="no pseudo-terminals there")
@pytest.mark.parametrize(("answer", "code", "left"), [("y\n", 0, 0), ("n\n", 1, 1), ("\n", 1, 1)])
def test_rm_asks_on_a_terminal(library: Library, valley: SongRecord, answer: str, code: int, left: int):
    ours, theirs = os.openpty()
    os.write(ours, answer.encode())
    command = [sys.executable, "-m", "songsmith", "songs", "rm", "1"]
    result = subprocess.run(command, stdin=theirs, capture_output=True, text=True, check=False)
    os.close(ours)
    os.close(theirs)
    assert (result.returncode, result.stdout) == (code, "")
    assert "Permanently remove 1 Red River Valley? [y/N]" in result.stderr
    assert len(library.songs()) == left


def test_a_damaged_library_ends_in_5_and_says_where_it_is(home: Path):
    home.mkdir()
    (home / "library.sqlite3").write_text("no database")
    result = run("list")
    assert (result.exit_code, result.stdout) == (5, "")
    assert f"It was moved to {home}" in result.stderr
    assert run("list").exit_code == 0


def save_thrice(library: Library) -> None:
    song = library.put_song(SongRecord(title="Mill", text="one\ntwo\n", kept=True))
    song = library.put_song(replace(song, text="one\nthree\n"))
    library.put_song(replace(song, title="The Mill", text="one\nthree\nfour\n"))


def test_revisions_are_listed_and_shown(library: Library):
    save_thrice(library)
    rows = [row.split("\t") for row in run("revisions", "1").stdout.splitlines()]
    assert [(row[0], *row[2:]) for row in rows] == [("3", "The Mill", "3"), ("2", "Mill", "2"), ("1", "Mill", "2")]
    found = [json.loads(row) for row in run("revisions", "1", "--json").stdout.splitlines()]
    assert [(row["revision"], row["name"]) for row in found] == [(3, "The Mill"), (2, "Mill"), (1, "Mill")]
    assert run("show", "1").stdout == "one\nthree\nfour\n"
    assert run("show", "1", "--revision", "1").stdout == "one\ntwo\n"
    assert json.loads(run("show", "1", "-r", "2", "--json").stdout)["revision"] == 2
    missing = run("show", "1", "--revision", "9")
    assert (missing.exit_code, missing.stdout) == (7, "")
    assert "Song 1 has no revision 9. See them with: songsmith songs revisions 1" in missing.stderr


def test_what_changed_between_revisions_is_shown(library: Library):
    save_thrice(library)
    assert run("diff", "1").stdout.splitlines() == [
        "--- revision 2", "+++ revision 3", "@@ -1,4 +1,5 @@", "-Mill", "+The Mill", " ", " one", " three", "+four",
    ]  # fmt: skip
    assert [row for row in run("diff", "1", "1").stdout.splitlines()[2:] if row[0] in "+-"] == [
        "-Mill", "+The Mill", "-two", "+three", "+four",
    ]  # fmt: skip
    assert [row for row in run("diff", "1", "1", "2").stdout.splitlines()[2:] if row[0] in "+-"] == ["-two", "+three"]
    same = run("diff", "1", "2", "2")
    assert (same.exit_code, same.stdout, same.stderr) == (0, "", "No changes. The revisions are the same.\n")
    assert run("diff", "1", "1", "9").exit_code == 7


def test_a_revision_is_restored_as_a_new_one(library: Library):
    save_thrice(library)
    result = run("restore", "1", "--revision", "1")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "Restored revision 1 of song 1 as revision 4.\n"
    assert run("show", "1").stdout == run("show", "1", "--revision", "1").stdout == "one\ntwo\n"
    assert run("show", "1", "--revision", "3").stdout == "one\nthree\nfour\n"
    assert run("restore", "1", "-r", "1").stderr == "Song 1 already reads like revision 1.\n"
    assert run("restore", "1", "-r", "9").exit_code == 7
    assert run("restore", "1").exit_code == 2


def test_damaged_songs_are_named_and_the_others_shown(home: Path):
    fill(home / "library.sqlite3")
    damage(home / "library.sqlite3", "songs", "authors", '["nobody"]', row=2)
    damage(home / "library.sqlite3", "takes", "options", "{", row=1)
    for command in (["list"], ["list", "--json"], ["search", "words"], ["export", "--all", "-o", home / "out"]):
        result = run(*command)
        assert result.exit_code == 0
        assert "1 damaged entry isn't shown: song 2 (authors). Fix what can be fixed with: songsmith songs repair" in (
            result.stderr
        )
        assert "Red River" in result.stdout or command[0] == "export"
    assert len(list((home / "out").iterdir())) == 2
    shown = run("show", "1", "--takes")
    assert [row.rpartition(": ")[2] for row in shown.stdout.splitlines()] == ["two", "three"]
    assert "the take in row 1 (options)" in shown.stderr
    for command in (["show", "2"], ["export", "2"], ["rm", "--yes", "2"]):
        result = run(*command)
        assert (result.exit_code, result.stdout) == (5, "")
        assert "Song 2 can't be read: its column 'authors' is damaged." in result.stderr


def test_verify_and_repair(home: Path):
    assert run("verify").exit_code == 0
    assert run("repair").stderr == "Everything is in order.\n"
    assert not home.exists()
    fill(home / "library.sqlite3")
    assert "Everything can be read: 4 songs and drafts, 3 earlier revisions and 9 takes." in run("verify").stderr
    damage(home / "library.sqlite3", "songs", "authors", '["nobody"]', row=2)
    result = run("verify")
    assert (result.exit_code, result.stdout) == (5, "song 2 can't be read: its column 'authors' is damaged\n")
    assert "songsmith songs repair" in result.stderr
    result = run("repair")
    assert (result.exit_code, result.stdout) == (0, "song 2: lost or replaced: authors\n")
    (before,) = home.glob("*.before-repair-*.sqlite3")
    assert str(before) in result.stderr
    assert run("verify").exit_code == 0
    assert run("show", "2").stdout.startswith("words of Blue Mountain\n")


def test_a_library_that_was_set_aside_is_brought_back(home: Path):
    fill(home / "library.sqlite3")
    content = (home / "library.sqlite3").read_bytes()
    (home / "library.sqlite3").write_bytes(b"?" * 100 + content[100:])
    said = run("list")
    assert said.exit_code == 5
    (kept,) = home.glob("*.damaged-*.sqlite3")
    assert f"songsmith songs repair {kept}" in said.stderr
    assert f"songsmith songs repair {kept}" in run("list").stderr
    way_back = f"To bring back the songs of the library that was moved aside: songsmith songs repair {kept}"
    assert f"Everything is in order. {way_back}" in run("repair").stderr
    assert "Recovered 4 songs and drafts." in run("repair", kept).stderr
    assert [row.split("\t")[1] for row in run("list").stdout.splitlines()] == ["Green Valley", "Blue Mountain", "Red River"]
    assert kept.read_bytes()[100:] == content[100:]
    missing = run("repair", home / "nothing.sqlite3")
    assert missing.exit_code == 7


def test_a_circle_of_takes_is_drawn_once():
    one, two = make_take("1"), make_take("2")
    circle = [replace(one, parent_id=two.id), replace(two, parent_id=one.id), make_take("3")]
    assert [take.text for _, take in grow_tree(circle)] == ["3", "1", "2"]


def test_a_tree_of_takes_has_every_take_once():
    chain = [make_take("0")]
    for depth in range(1, 3000):
        chain.append(make_take(str(depth), parent_id=chain[-1].id))
    stray = make_take("stray", parent_id="gone")
    grown = list(grow_tree([*chain, stray]))
    assert grown == [*((depth, take) for depth, take in enumerate(chain)), (0, stray)]


def test_songs_start_without_the_heavy_rooms():
    code = "import sys; from songsmith.cli.app import app; app(['songs', 'list'], standalone_mode=False); " \
           "print([name for name in ('torch', 'transformers', 'numpy', 'textual') if name in sys.modules])"  # fmt: skip
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
