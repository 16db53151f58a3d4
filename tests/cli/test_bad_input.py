"""Whatever is wrong with what is typed: one sentence on standard error, its exit code, nothing on standard output."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from fakes import STARTER_OUTPUTS, Songsmith, write_random_model
from typer.testing import CliRunner

from songsmith.cli.app import app
from songsmith.paths import Paths

HUGE = "1" + "0" * 400

OUTPUTS = str(STARTER_OUTPUTS).encode()


def refused(code: int, *arguments: str, stdin: bytes | None = None) -> str:
    """Run a command that must be refused; return the sentence it is refused with."""
    result = CliRunner().invoke(app, list(arguments), input=stdin)
    assert result.exit_code == code, (result.output, result.exception)
    assert result.stdout == ""
    return the_sentence(result.stderr)


def the_sentence(stderr: str) -> str:
    assert re.fullmatch(r"songsmith: [^\n]+\n", stderr), stderr
    assert "Traceback" not in stderr
    return stderr.removeprefix("songsmith: ").removesuffix("\n")


@pytest.mark.parametrize(
    ("option", "values"),
    [
        ("--temperature", ["-0.1", "10.1", "nan", "inf", "-inf", "1e400"]),
        ("--top-p", ["0", "-1", "1.01", "nan", "inf"]),
        ("--min-p", ["-0.1", "1.1", "nan", "inf"]),
        ("--repetition-penalty", ["0", "-1", "1e-300", "10.1", "nan", "inf"]),
        ("--no-repeat-ngram", ["-1", "1001", HUGE]),
        ("--max-new-tokens", ["0", "-5", "1000001", HUGE]),
        ("--max-lines", ["-1", "100001", HUGE]),
        ("--min-lines", ["-1", "100001", HUGE]),
        ("--seed", ["-1", str(2**63), HUGE, f"-{HUGE}"]),
        ("--takes", ["0", "-1", "257", HUGE]),
        ("--ladder", ["1", "a:b", "nan:1", "inf:0", "1e9:0", "11:1", ""]),
    ],
)
def test_an_option_out_of_range_is_named(option: str, values: list[str]) -> None:
    for value in values:
        sentence = refused(2, "gen", "Down", f"{option}={value}")
        assert sentence.startswith(option)
        assert sentence.endswith(".")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["songs", "export", "--format", "pdf", "1"], "--format: 'pdf' is not one of 'text', 'markdown', 'json'."),
        (["gen", "--takes", "many"], "--takes: 'many' isn't a whole number."),
        (["genn"], "Unknown command 'genn'. Did you mean 'gen'?"),
        (["models", "inf"], "Unknown command 'inf'. Did you mean 'info'?"),
        (["gen", "--modl", "x"], "Unknown option --modl. Did you mean --draft-model or --model?"),
        (["songs", "show"], "NUMBER is missing."),
        (["eval", "starter"], "--corpus is missing."),
        (["gen", "Down", "by"], "Got unexpected extra argument(s) (by)."),
    ],
)
def test_what_is_typed_wrongly_is_told_in_one_sentence_and_where_to_look(arguments: list[str], sentence: str) -> None:
    said = refused(2, *arguments)
    assert said.startswith(f"{sentence} See songsmith ")
    assert said.endswith(" --help.")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["gen", "-t", "warm"], "--temperature: 'warm' isn't a number. Use a number from 0 to 10."),
        (["gen", "-t", "nan"], "--temperature nan is out of range. Use a number from 0 to 10."),
        (["gen", "--max-lines", "1.5"], "--max-lines: '1.5' isn't a whole number. Use a whole number from 0 to 100000."),
        (["train", "--block-size", "all"], "--block-size: 'all' isn't a whole number. Use a whole number from 0 to 1048576."),
        (["train", "--optimizer", "sgd"], "--optimizer: 'sgd' is not one of 'adamw', 'muon'. Use adamw or muon."),
    ],
)
def test_a_value_that_an_option_cannot_have_is_told_with_its_range(arguments: list[str], sentence: str) -> None:
    assert refused(2, *arguments) == sentence


@pytest.mark.parametrize("device", ["tpu", "gpu:0", " "])
def test_a_device_that_is_none_is_named(device: str) -> None:
    assert f"no device '{device}'" in refused(2, "gen", "Down", "--device", device)


def test_a_device_that_is_not_here_is_named() -> None:
    assert "'cuda:99'" in refused(4, "gen", "Down", "--device", "cuda:99")


@pytest.mark.parametrize("option", ["--temperature", "--seed", "--takes", "--max-lines", "--top-k"])
def test_an_option_that_is_no_number_is_named(option: str) -> None:
    result = CliRunner().invoke(app, ["gen", "Down", option, "many"])
    assert result.exit_code == 2
    assert option in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize("prompt", ["", "  ", "\n", "\x1b\x07"])
def test_an_empty_prompt(prompt: str) -> None:
    assert "empty" in refused(2, "gen", prompt)
    assert "empty" in refused(2, "gen", "-", stdin=prompt.encode())
    assert "empty" in refused(2, "gen", stdin=prompt.encode())


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"Down\0by", "byte 4 is NUL"),
        ("Down by the river".encode("utf-16"), "byte 3 is NUL"),
        ("心の歌".encode("utf-16-le"), "isn't UTF-8: byte 0 is 0xc3"),
        (b"caf\xe9 noir", "byte 3 is 0xe9"),
        (b"\xef\xbb\xbfabc\xff", "byte 6 is 0xff"),
        (b"\x1f\x8b\x08\x00", "byte 3 is NUL"),
    ],
)
def test_what_is_no_text_names_the_byte(data: bytes, words: str) -> None:
    sentence = refused(3, "gen", stdin=data)
    assert words in sentence
    assert "Standard input" in sentence


def test_a_prompt_that_spells_a_mark() -> None:
    assert "<|line|>" in refused(3, "gen", "Down <|line|> by")
    assert "<|line|>" in refused(3, "gen", "Down <|li\x07ne|> by")
    assert "<|title|>" in refused(3, "gen", "Down", "--title", "<|title|>")


def test_arguments_that_are_no_utf8(songsmith: Songsmith) -> None:
    for arguments in ([b"caf\xe9"], ["Down", "--title", b"caf\xe9"]):
        done = songsmith("gen", *arguments)
        assert (done.returncode, done.stdout) == (3, b"")
        assert "isn't UTF-8" in the_sentence(done.stderr.decode())
    done = songsmith("gen", "Down", "--model", b"caf\xe9")
    assert (done.returncode, done.stdout) == (4, b"")
    assert "There is no model" in the_sentence(done.stderr.decode())


@pytest.mark.parametrize("name", ["nothing", "./nothing", "~nobody-by-this-name", "x" * 300, "a\nb", "\x1b[31mred"])
def test_an_unknown_model_is_told_where_to_look(name: str) -> None:
    sentence = refused(4, "gen", "Down", "--model", name)
    assert "songsmith models list" in sentence
    assert "\x1b" not in sentence


@pytest.mark.parametrize(
    ("lyric", "hint"),
    [
        ("Down by the river", "songsmith gen 'Down by the river'"),
        ('it\'s "so" $HOME `x`', "songsmith gen 'it'\"'\"'s \"so\" $HOME `x`'"),
        ("one\ntwo", "songsmith gen 'one two'"),
    ],
)
def test_a_lyric_in_place_of_a_command_is_shown_the_way(lyric: str, hint: str) -> None:
    sentence = refused(2, lyric)
    assert sentence == f"Unknown command. To start a song with this line: {hint}"


def test_a_word_that_is_no_command() -> None:
    result = CliRunner().invoke(app, ["sing"])
    assert result.exit_code == 2
    assert "sing" in result.stderr
    assert result.stdout == ""


def change(path: Path, edit: Callable[[bytes], bytes]) -> None:
    path.write_bytes(edit(path.read_bytes()))


def nan_weights(folder: Path) -> None:
    from safetensors.torch import load_file, save_file

    weights = load_file(folder / "model.safetensors")
    weights["transformer.ln_f.weight"][:] = float("nan")
    save_file(weights, folder / "model.safetensors")


BROKEN: dict[str, tuple[int, Callable[[Path], object]]] = {
    "weights cut short": (4, lambda folder: change(folder / "model.safetensors", lambda data: data[:-100])),
    "weights of noise": (4, lambda folder: change(folder / "model.safetensors", lambda data: data[::-1])),
    "another shape": (
        4,
        lambda folder: change(folder / "config.json", lambda data: data.replace(b'"n_embd": 16', b'"n_embd": 32')),
    ),
    "tokenizer too big": (
        4,
        lambda folder: change(folder / "config.json", lambda data: data.replace(OUTPUTS, b"600")),
    ),
    "no tokenizer": (4, lambda folder: (folder / "tokenizer.json").unlink()),
    "no weights": (4, lambda folder: (folder / "model.safetensors").unlink()),
    "only a pickle": (4, lambda folder: (folder / "model.safetensors").rename(folder / "pytorch_model.bin")),
    "no config": (4, lambda folder: (folder / "config.json").unlink()),
    "config no JSON": (4, lambda folder: change(folder / "config.json", lambda data: data[:-1])),
    "manifest no JSON": (4, lambda folder: (folder / "manifest.json").write_bytes(b"\xff")),
    "weights that are no numbers": (4, nan_weights),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_model_is_one_sentence_and_left_alone(tmp_path: Path, kind: str) -> None:
    code, damage = BROKEN[kind]
    folder = write_random_model(tmp_path / "broken")
    damage(folder)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    refused(code, "gen", "Down", "--quiet", "--model", str(folder))
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.parametrize(
    ("text", "words"),
    [("model = ", "n't valid TOML"), ("thread = 1", "'thread'"), ('device = "\x7f"', "settings.toml")],
)
def test_settings_that_cannot_be_read(paths: Paths, text: str, words: str) -> None:
    paths.settings.parent.mkdir(parents=True)
    paths.settings.write_text(text, encoding="utf-8")
    assert words in refused(2, "gen", "Down")


def test_variables_that_cannot_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SONGSMITH_THREADS", "two")
    assert "SONGSMITH_THREADS" in refused(2, "models", "list")


def test_a_refusal_in_a_real_process(songsmith: Songsmith, tmp_path: Path) -> None:
    folder = write_random_model(tmp_path / "broken")
    (folder / "config.json").write_text(json.dumps({"model_type": "llama"}), encoding="utf-8")
    for code, arguments in (
        (4, ["gen", "Down", "-m", str(folder)]),
        (2, ["gen", "Down", "-t", "nan"]),
        (2, ["Down by the river"]),
    ):
        done = songsmith(*arguments)
        assert (done.returncode, done.stdout) == (code, b"")
        the_sentence(done.stderr.decode())
