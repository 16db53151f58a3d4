"""From words to a model on the command line, and every way it can go wrong in one sentence."""

import json
import shutil
import signal
from pathlib import Path

import pytest
from click.testing import Result
from fakes import Songsmith, write_random_model
from safetensors.torch import load_file, save_file
from typer.testing import CliRunner

from songsmith.cli.app import app

VERSES = """River of silver, carry me home,
Under the moon and the morning star;
Nobody sings where the wild geese roam,
Nobody asks me how far, how far.

Lantern of winter, burn in the snow,
Light up the road to the harbour town;
All that I had I have let it go,
Letting it go as the sun goes down.

Sing it again when the day is done,
Sing it alone or sing it along;
Every road is a road to run,
Every river a river of song.
"""
TINY = ("--size", "tiny", "--block-size", "64", "--micro-batch-size", "4", "--precision", "float32")


def write_songs(path: Path, count: int = 12) -> Path:
    """Write songs that differ in the order of their lines."""
    lines = [line for line in VERSES.splitlines() if line]
    with path.open("w", encoding="utf-8") as file:
        for number in range(count):
            turned = lines[number % len(lines) :] + lines[: number % len(lines)]
            text = "\n\n".join("\n".join(turned[start : start + 4]) for start in (0, 4, 8))
            file.write(json.dumps({"id": f"n{number}", "title": f"Song {number}", "text": text}) + "\n")
    return path


def run(*arguments: str) -> Result:
    """Run a command in this process, where torch is loaded already."""
    return CliRunner().invoke(app, [*arguments])


@pytest.fixture(scope="module")
def home_with_corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a home with a clean corpus of twelve songs, and nothing else."""
    folder = tmp_path_factory.mktemp("corpus")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SONGSMITH_HOME", str(folder / "home"))
        assert run("import", str(write_songs(folder / "rivers.jsonl"))).exit_code == 0
        assert run("clean", "--keep-duplicates").exit_code == 0  # the same lines in another order
    return folder / "home"


@pytest.fixture
def corpus(home: Path, home_with_corpus: Path) -> str:
    """Return the name of a clean corpus of twelve songs in a home of this test alone."""
    shutil.copytree(home_with_corpus, home)
    return "rivers"


def test_words_become_a_model_that_writes_and_learns_further(home: Path, corpus: str, songsmith: Songsmith) -> None:
    done = run("train", *TINY, "--steps", "12", "--evaluate-every-steps", "6", "--sample-every-steps", "6")
    assert done.exit_code == 0, done.stderr
    assert "Corpus 'rivers' (the only one)" in done.stderr
    assert "bits/byte" in done.stderr
    assert done.stdout == ""
    manifest = json.loads((home / "models" / "rivers" / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["cleaning"]["keep_duplicates"] is True
    assert (home / "models" / "rivers" / "loss.png").read_bytes().startswith(b"\x89PNG")

    sung = songsmith("gen", "--model", "rivers", "--seed", "1", "--max-lines", "4", "--quiet")
    assert sung.returncode == 0, sung.stderr
    assert sung.stdout.strip()

    tuned = songsmith(
        "finetune", "--base", "rivers", "--name", "more rivers", "--epochs", "2", "--unit", "line",
        "--filter", "title!=Song 3", "--precision", "float32", "--attribution", "Nobody known.",
    )  # fmt: skip
    assert tuned.returncode == 0, tuned.stderr
    shown = json.loads(run("models", "info", "more rivers", "--json").stdout)
    assert shown["format"] == "lines"
    assert "songsmith finetune --base rivers" in shown["origin"]
    assert shown["base"].startswith("rivers ")
    assert shown["data_sha256"]
    assert shown["sources"] == ["rivers.jsonl"]
    assert shown["attribution"] == "Nobody known."
    assert "title!=Song 3" in shown["data"]
    more = songsmith("gen", "--model", "more rivers", "--seed", "1", "--max-lines", "3", "--quiet")
    assert more.returncode == 0, more.stderr
    assert len(more.stdout.splitlines()) == 3


def test_ctrl_c_keeps_the_best_model_and_the_run_goes_on_only_as_it_was_begun(
    home: Path, corpus: str, songsmith: Songsmith
) -> None:
    begin = ("train", *TINY, "--name", "one", "--evaluate-every-steps", "5", "--steps")
    with songsmith.start(*begin, "3000") as process:
        assert process.stderr is not None
        for line in process.stderr:
            if b"step 5 " in line:
                process.send_signal(signal.SIGINT)
                break
        told = process.stderr.read()
    assert process.returncode == 130
    assert b"--resume" in told
    sung = songsmith("gen", "--model", "one", "--max-lines", "1", "--quiet")
    assert sung.returncode == 0, sung.stderr

    again = run(*begin, "3000")
    assert again.exit_code == 2
    assert "The model 'one' already exists." in again.stderr
    other = run(*begin, "3001", "--resume")
    assert other.exit_code == 9
    assert "started with steps 3000, not 3001" in other.stderr
    fewer = run(*begin, "3000", "--max-songs", "9", "--resume")
    assert fewer.exit_code == 9
    assert "other songs" in fewer.stderr
    with songsmith.start(*begin, "3000", "--resume") as process:
        assert process.stderr is not None
        assert b"resuming at step" in b"".join(process.stderr.readline() for _ in range(2))
        process.kill()


def test_a_run_that_was_killed_is_not_thrown_away_by_beginning_again(home: Path, corpus: str) -> None:
    (home / "training" / "rivers" / "checkpoint-40").mkdir(parents=True)
    done = run("train", *TINY, "--steps", "4")
    assert done.exit_code == 2
    assert "There is an unfinished run 'rivers'. Continue it with --resume" in done.stderr
    assert (home / "training" / "rivers" / "checkpoint-40").exists()


def test_a_folder_that_cannot_be_written_is_one_sentence(home: Path, corpus: str) -> None:
    (home / "training").write_text("in the way")
    done = run("train", *TINY, "--steps", "4")
    assert done.exit_code == 5
    assert done.stderr.count("songsmith:") == 1
    assert not (home / "models").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("train", "--corpus", "lakes"), 7, "lakes"),
        (("train", "--size", "huge"), 2, "tiny, small, base, gpt2"),
        (("train", "--tokenizer", "nowhere"), 7, "no tokenizer 'nowhere'"),
        (("train", "--name", "a/b"), 2, "can't be the name of a model"),
        (("train", "--name", "starter"), 2, "comes with songsmith"),
        (("train", "--filter", "title=opera"), 9, "no song that meets the conditions"),
        (("train", "--filter", "kind=opera"), 2, "No song has 'kind'"),
        (("train", "--filter", "kind"), 2, "kind=song"),
        (("train", "--copies", "kind=song"), 2, "kind=song:2"),
        (("train", "--max-songs", "1"), 9, "one song with words"),
        (("train", "--steps", "5", "--epochs", "2"), 2, "how long to train"),
        (("train", "--dropout", "1"), 2, "--dropout"),
        (("train", "--resume"), 9, "no checkpoint"),
        (("train", "--device", "abacus"), 2, "abacus"),
        (("train", *TINY, "--max-songs", "2", "--block-size", "256"), 9, "fewer than one block of 256"),
        (("finetune", "--base", "nobody"), 4, "no model 'nobody'"),
    ],
)
def test_what_cannot_work_is_one_sentence(
    home: Path, corpus: str, arguments: tuple[str, ...], code: int, says: str
) -> None:
    done = run(*arguments)
    assert done.exit_code == code, done.stderr
    assert says in done.stderr
    assert isinstance(done.exception, SystemExit)
    assert not (home / "models").exists()


def test_a_base_whose_weights_are_no_numbers_is_refused_before_anything_is_learned(
    home: Path, tmp_path: Path, corpus: str
) -> None:
    base = write_random_model(tmp_path / "base")
    weights = load_file(base / "model.safetensors")
    weights["transformer.ln_f.weight"][0] = float("nan")
    save_file(weights, base / "model.safetensors")
    done = run("finetune", "--base", str(base), "--name", "worse", "--steps", "1")
    assert done.exit_code == 4, done.stderr
    assert "ln_f.weight contains values that aren't numbers" in done.stderr
    assert "--learning-rate" not in done.stderr
    assert not list((home / "models").glob("*"))


def test_without_any_corpus_the_way_to_one_is_shown(home: Path) -> None:
    done = run("finetune")
    assert done.exit_code == 7
    assert "songsmith import PATH" in done.stderr


def test_a_corpus_that_was_never_cleaned_says_how(home: Path, tmp_path: Path) -> None:
    assert run("import", str(write_songs(tmp_path / "rivers.jsonl"))).exit_code == 0
    done = run("train")
    assert done.exit_code == 9
    assert "songsmith clean rivers" in done.stderr
