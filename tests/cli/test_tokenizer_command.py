"""`songsmith tokenizer`: learned from a corpus, true to any text, and closed to text that spells a mark."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from songsmith.cli.app import app
from songsmith.markup import ORDERED_MARKS
from songsmith.model.tokenizer import Tokenizer
from songsmith.paths import Paths, find_paths

SONGS = [
    ("Valley", "song", "The river runs by the mill\nThe river runs by the hill\nOver and over and over again\n"),
    ("Hill", "song", "Over the hill and over the mill\nThe miller sings and the river is still\n"),
    ("Deck", "poem", "Zigzag, zigzag, the zigzag sail\nZigzag before the zigzag gale\n"),
]
MARKS, BYTES = 43, 256


def run(*arguments: str | Path) -> Result:
    result = CliRunner().invoke(app, [*map(str, arguments)])
    assert "Traceback" not in result.output
    return result


def import_songs(folder: Path, name: str) -> None:
    path = folder / f"{name}.jsonl"
    rows = [{"title": title, "artist": "Ann", "kind": kind, "text": text} for title, kind, text in SONGS]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    assert run("import", path).exit_code == 0
    assert run("clean", name).exit_code == 0


@pytest.fixture
def valley(paths: Paths, tmp_path: Path) -> Paths:
    """Return the paths of a home with the corpus `valley`."""
    import_songs(tmp_path, "valley")
    return paths


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tokenizer]:
    """Return a tokenizer that the command trained."""
    folder = tmp_path_factory.mktemp("tokenizer")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SONGSMITH_HOME", str(folder / "home"))
        import_songs(folder, "valley")
        assert run("tokenizer", "train", "own", "--corpus", "valley", "--vocab-size", "320").exit_code == 0
        yield Tokenizer.load(find_paths().tokenizers / "own")


def test_from_a_corpus_to_a_tokenizer_each_step_names_the_next(valley: Paths) -> None:
    folder = valley.tokenizers / "Own words"
    result = run("tokenizer", "train", "Own words", "--vocab-size", "320")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr.splitlines() == [
        "Corpus 'valley' (the only one).",
        f"The tokenizer 'Own words' has 320 entries and is in {folder}",
        "Next: songsmith train --corpus valley --tokenizer 'Own words'",
    ]
    gpt2, own = [line.split("\t") for line in run("tokenizer", "list").stdout.splitlines()]
    assert gpt2[:2] == ["gpt2", "50257"]
    assert own == ["Own words", "320", str(folder)]
    assert run("tokenizer", "show", "Own words").stdout == (
        f"name: Own words\nentries: 320\nmarks: {MARKS}\npath: {folder}\n"
    )


def test_the_latest_corpus_is_taken_and_named(valley: Paths, tmp_path: Path) -> None:
    import_songs(tmp_path, "gale")
    assert run("tokenizer", "train", "a", "--vocab-size", "300").stderr.startswith("Corpus 'gale' (the latest).\n")
    named = run("tokenizer", "train", "b", "--vocab-size", "300", "--corpus", "valley").stderr
    assert named.startswith("The tokenizer 'b' has 300 entries")


def test_a_corpus_with_few_pieces_says_so(valley: Paths) -> None:
    result = run("tokenizer", "train", "own")
    assert result.exit_code == 0
    entries = Tokenizer.load(valley.tokenizers / "own").vocabulary_size
    assert MARKS + BYTES < entries < 8192
    assert "That is fewer than the 8,192 you asked for: no other piece appears twice in the corpus." in result.stderr


def test_only_songs_that_meet_the_conditions_are_learned_from(valley: Paths) -> None:
    for name, condition in (("all", "kind!=none"), ("songs", "kind=song")):
        done = run("tokenizer", "train", name, "--filter", condition)
        assert done.exit_code == 0, done.stderr
    whole = [len(Tokenizer.load(valley.tokenizers / name).encode(" zigzag")) for name in ("all", "songs")]
    assert whole[0] == 1
    assert whole[1] > 1
    assert run("tokenizer", "train", "none", "--filter", "kind=hymn").exit_code == 9
    assert run("tokenizer", "train", "none", "--filter", "kind").exit_code == 2
    assert not (valley.tokenizers / "none").exists()


def test_how_a_line_splits(valley: Paths) -> None:
    assert run("tokenizer", "train", "own").exit_code == 0
    line = run("tokenizer", "show", "own", "The river runs, zigzag")
    assert (line.stdout, line.stderr) == ("The| river| runs|,| zigzag\n", "5 tokens\n")
    assert run("tokenizer", "show", "gpt2", "The river").stdout == "The| river\n"
    assert run("tokenizer", "show", "starter").stdout.startswith("name: starter\n")
    assert run("tokenizer", "show", valley.tokenizers / "own", "The").stdout == "The\n"
    found = json.loads(run("tokenizer", "show", "own", "The\n\x1b é", "--json").stdout)
    assert b"".join(piece.encode().decode("unicode_escape").encode("latin-1") for piece in found["pieces"]) == (
        "The\n\x1b é".encode()
    )
    assert len(found["ids"]) == len(found["pieces"])
    shown = run("tokenizer", "show", "own", "a\nb\x1b[31m é <|title|> \udcff").stdout
    assert shown.startswith("a|\\n|b|")
    assert shown.count("\n") == 1
    assert "\x1b" not in shown


def test_a_damaged_tokenizer_hides_no_other(valley: Paths) -> None:
    assert run("tokenizer", "train", "whole", "--vocab-size", "300").exit_code == 0
    shutil.copytree(valley.tokenizers / "whole", valley.tokenizers / "hurt")
    (valley.tokenizers / "hurt" / "tokenizer.json").write_text("{")
    listed = [line.split("\t")[:2] for line in run("tokenizer", "list").stdout.splitlines()]
    assert listed == [["gpt2", "50257"], ["hurt", "damaged"], ["whole", "300"]]
    problems = [json.loads(line)["problem"] for line in run("tokenizer", "list", "--json").stdout.splitlines()]
    assert [bool(problem) for problem in problems] == [False, True, False]
    hurt = run("tokenizer", "show", "hurt")
    assert (hurt.exit_code, hurt.stderr.count("\n")) == (4, 1)


def test_what_cannot_work_is_one_sentence_and_leaves_nothing(valley: Paths) -> None:
    def fails(code: int, sentence: str, *arguments: str) -> None:
        result = run("tokenizer", *arguments)
        assert (result.exit_code, result.stdout) == (code, "")
        last = result.stderr.splitlines()[-1]
        assert last.startswith(f"songsmith: {sentence}")

    for name in ("", "a/b", "..", ".hidden", "x" * 101):
        fails(2, f"'{name}' can't be the name of a tokenizer.", "train", name, "--vocab-size", "300")
    fails(4, f"A vocabulary of 298 entries has no room for the {MARKS + BYTES}", "train", "own", "--vocab-size", "298")
    fails(4, "A vocabulary of -1 entries", "train", "own", "--vocab-size", "-1")
    fails(7, "There is no corpus 'nowhere'.", "train", "own", "--corpus", "nowhere")
    for name in ("nothing", "", "x" * 5000, "a/b", "\x00"):
        fails(7, "There is no tokenizer '", "show", name)
    assert not valley.tokenizers.exists()
    assert run("tokenizer", "train", "own", "--vocab-size", "300").exit_code == 0
    before = (valley.tokenizers / "own" / "tokenizer.json").read_bytes()
    fails(2, "The tokenizer 'own' already exists.", "train", "own", "--vocab-size", "301")
    assert (valley.tokenizers / "own" / "tokenizer.json").read_bytes() == before


def test_without_a_corpus_the_way_to_one_is_shown(home: Path) -> None:
    result = run("tokenizer", "train", "own")
    assert (result.exit_code, result.stderr.count("\n")) == (7, 1)
    assert "songsmith import PATH" in result.stderr
    assert run("tokenizer", "list").stdout.count("\n") == 1
    assert not home.exists()


def test_marks_have_the_first_ids_in_their_order(trained: Tokenizer) -> None:
    assert [trained.id_of_mark[mark] for mark in ORDERED_MARKS] == list(range(MARKS))
    assert trained.encode_pieces(ORDERED_MARKS) == list(range(MARKS))
    assert trained.vocabulary_size == 320
    merged = [trained.token_bytes(token) for token in range(MARKS, 320)]
    assert {bytes([value]) for value in range(256)} <= set(merged)
    assert len(set(merged)) == len(merged)


@given(
    st.lists(st.one_of(st.text(), st.sampled_from([*map(str, ORDERED_MARKS), "<|", "|>", "Ġ", "\r\n"]))).map("".join)
)
@example("’ é 歌 👩‍👩‍👧 \u202e\x00\ufeff\U0010ffff")
@example("".join(ORDERED_MARKS))
def test_any_text_comes_back_and_none_becomes_a_mark(trained: Tokenizer, text: str) -> None:
    tokens = trained.encode(text)
    assert trained.decode(tokens) == text
    assert all(token >= MARKS for token in tokens)
