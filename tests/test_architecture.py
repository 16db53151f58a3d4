"""The house itself: who imports whom, what loads when, types, lint, docstrings."""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from songsmith.cli.app import COMMANDS, load_command

ROOT = Path(__file__).parent.parent


def check(*command: str, stdin: str | None = None) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, *command], cwd=ROOT, input=stdin, capture_output=True, text=True, timeout=300, check=False
    )


def test_upper_layers_import_lower_ones_and_only_faces_know_the_terminal() -> None:
    done = check("-c", "from importlinter.cli import lint_imports_command as run; run(['--no-cache', '--no-logo'])")
    assert done.returncode == 0, done.stdout
    assert "2 kept, 0 broken" in done.stdout


def test_types() -> None:
    done = check("-m", "mypy")
    assert done.returncode == 0, done.stdout


def test_lint() -> None:
    done = check("-m", "ruff", "check", "songsmith", "tests")
    assert done.returncode == 0, done.stdout


def test_format() -> None:
    done = check("-m", "ruff", "format", "--diff", "songsmith")
    assert done.returncode == 0, done.stdout


def test_the_linter_asks_for_every_docstring() -> None:
    bare = "class Song:\n    def sing(self) -> None:\n        return\n\n\ndef write() -> None:\n    return\n"
    done = check(
        "-m", "ruff", "check", "--output-format", "json", "--stdin-filename", "songsmith/bare.py", "-", stdin=bare
    )
    assert {found["code"] for found in json.loads(done.stdout)} == {"D100", "D101", "D102", "D103"}


def test_everything_public_says_what_it_is() -> None:
    silent = []
    for path in sorted((ROOT / "songsmith").rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        places: list[tuple[str, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef]] = [("", tree)]
        for name, node in places:
            if not ast.get_docstring(node):
                silent.append(f"{path.relative_to(ROOT)} {name}")
            for child in node.body if isinstance(node, ast.Module | ast.ClassDef) else []:
                if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and child.name[0] != "_":
                    places.append((f"{name}.{child.name}", child))
    assert silent == []


def modules_after(*arguments: str) -> set[str]:
    """Run a command in a process of its own and return every top-level module it loaded."""
    program = (
        "import sys\n"
        f"sys.argv = ['songsmith', *{list(arguments)!r}]\n"
        "from songsmith.__main__ import main\n"
        "try:\n"
        "    main()\n"
        "except SystemExit as end:\n"
        "    assert not end.code, end.code\n"
        "print('LOADED', *{name.partition('.')[0] for name in sys.modules}, file=sys.stderr)\n"
    )
    done = check("-c", program)
    assert done.returncode == 0, done.stderr
    return set(done.stderr.rpartition("LOADED")[2].split())


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["--version"], ["gen", "--help"], ["models", "--help"], ["train", "--help"], ["fetch", "--help"]],
    ids=" ".join,
)
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    heavy = {"torch", "textual", "transformers", "numpy", "tokenizers", "safetensors", "lyricsgenius", "sqlite3"}
    assert not modules_after(*arguments) & heavy


def test_a_list_of_models_loads_no_network() -> None:
    assert not modules_after("models", "list") & {"torch", "textual", "transformers", "tokenizers", "lyricsgenius"}


def test_a_song_loads_only_what_writes_it() -> None:
    command = ("gen", "Down", "--seed", "1", "--max-lines", "1", "--max-new-tokens", "8", "-q")
    modules_after(*command)  # which may have to make a graph first
    loaded = modules_after(*command)
    assert "onnxruntime" in loaded
    assert not loaded & {"torch", "onnx", "transformers", "textual", "lyricsgenius", "rich"}


def test_transformers_is_imported_only_where_it_runs_a_network_that_songsmith_has_none_for() -> None:
    imports = re.compile(r"^\s*(?:from|import) transformers\b", re.MULTILINE)
    modules = {path.relative_to(ROOT / "songsmith"): path for path in (ROOT / "songsmith").rglob("*.py")}
    found = {
        str(name)
        for name, path in modules.items()
        if name.parts[0] != "benchmark" and imports.search(path.read_text(encoding="utf-8"))
    }
    assert found == {"model/networks/transformers_network.py", "model/networks/transformers_spec.py"}


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_of_commands_says_what_each_says_itself(name: str) -> None:
    command = load_command(name)
    assert command.name == name
    assert " ".join(command.help.split("\n\n")[0].split()) == COMMANDS[name].tells


def test_help_loads_no_command() -> None:
    loaded = modules_after("--help")
    assert not {
        name for name in loaded if name.startswith(("songsmith.studio", "songsmith.corpus", "songsmith.cli.gen"))
    }


def test_importing_does_nothing(home: Path) -> None:
    modules = sorted(
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in (ROOT / "songsmith").rglob("*.py")
        if path.name not in ("__init__.py", "__main__.py")
    )
    # Every module, one after the other: no folder, no output, no thread, no child.
    program = f"import importlib, threading\nfor name in {modules!r}:\n    importlib.import_module(name)\n"
    done = check(
        "-W", "error::ResourceWarning", "-c", program + "assert threading.active_count() == 1, threading.enumerate()"
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert not home.exists()


def test_what_prints_goes_through_the_gate() -> None:
    """Only the console writes to the streams of the terminal, and only there is a rich console made."""
    written = re.compile(r"(?:sys\.std(?:out|err)\.(?:write|buffer)|typer\.echo|(?<![.\w])print\(|Console\()")
    allowed = {"cli/console.py", "cli/gated_console.py"}
    package = ROOT / "songsmith"
    faces = [path for folder in ("cli", "tui", "studio") for path in (package / folder).rglob("*.py")]
    found = {
        path.relative_to(package).as_posix()
        for path in faces
        for row in path.read_text(encoding="utf-8").splitlines()
        if written.search(row) and not row.lstrip().startswith("#")
    }
    assert found - allowed == set()
