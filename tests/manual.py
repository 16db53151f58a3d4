"""What the manual quotes of the program: the tree of modules, the layers, the help of commands, and the workshop's picture.

Run it to write all of them anew::

    python tests/manual.py

In a Markdown file, a comment that names one of them stands above the block that holds it; see `QUOTED`.
"""

import ast
import asyncio
import re
import tempfile
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from songsmith.cli.app import load_command
from songsmith.library.library import Library
from songsmith.library.records import SongRecord
from songsmith.lyrics import Author
from songsmith.paths import Paths
from songsmith.settings import Settings
from songsmith.studio.draft import Draft
from songsmith.studio.studio import Studio

ROOT = Path(__file__).parent.parent
COMMAND = "python tests/manual.py"
"""What writes everything quoted anew."""
DOCS = ROOT / "songsmith" / "docs"
PAGES = [ROOT / "README.md", ROOT / ".github" / "CONTRIBUTING.md", *sorted(DOCS.glob("*.md"))]
"""All that people read beside the program."""
PICTURE = DOCS / "workshop.svg"
QUOTED = re.compile(r"(?<=<!-- quoted: )(?P<name>[^\n]+)(?P<fence> -->\n\n```text\n)(?P<body>.*?)(?=```\n)", re.DOTALL)
"""A block that this module writes, and the name of what it holds: `tree`, `layers`, or a command with --help."""
_NOT_PYTHON = {
    "craft/data": "CMUdict, rules for spelling, words of our own, their notice",
    "docs": "the manual",
    "model/gpt2_bpe": "GPT-2's vocabulary",
    "model/starter": "the embedded model: config, weights, tokenizer, manifest",
    "tui/songsmith.tcss": "colours and layout",
}
"""What lies among the modules."""


@cache
def quote(name: str) -> str:
    """Return what a block of this name should hold."""
    if name == "tree":
        return "".join(f"{row}\n" for row in _draw_tree())
    if name == "layers":
        return "".join(f"{row}\n" for row in _layers())
    command = find_command(name.split()[1:-1])
    rows = {", ".join(it.opts): it.help for it in command.params if it.opts[0].startswith("--") and it.name != "help"}
    width = max(map(len, rows))
    return "".join(f"{options:<{width}}  {about}\n" for options, about in rows.items())


def find_command(words: list[str]) -> Any:
    """Return the command of these words, without `songsmith`."""
    command = load_command(words[0])
    for word in words[1:]:
        command = command.commands[word]
    return command


def renew(text: str) -> str:
    """Return a page with what it quotes as it should be."""
    return QUOTED.sub(lambda found: f"{found['name']}{found['fence']}{quote(found['name'])}", text)


def modules() -> list[Path]:
    """Return every module of the package but the `__init__.py` of its folders."""
    package = ROOT / "songsmith"
    return [path for path in package.rglob("*.py") if path.name != "__init__.py" or path.parent == package]


def _draw_tree() -> Iterator[str]:
    package = ROOT / "songsmith"
    rows: list[tuple[int, str, str]] = []

    def draw(folder: Path, depth: int) -> None:
        others = [package / name for name in _NOT_PYTHON if (package / name).parent == folder]
        inside = {path for path in modules() if path.parent == folder} | {path for path in others if path.is_file()}
        rows.extend((depth, path.name, _about(path)) for path in sorted(inside))
        for path in sorted(path for path in folder.iterdir() if path.is_dir() and path.name != "__pycache__"):
            rows.append((depth, f"{path.name}/", _about(path)))
            draw(path, depth + 1)

    draw(package, 1)
    yield "songsmith/"
    width = max(2 * depth + len(name) for depth, name, _ in rows)
    for depth, name, about in rows:
        yield f"{'  ' * depth + name:<{width}}  {about}"


def _about(path: Path) -> str:
    relative = path.relative_to(ROOT / "songsmith").as_posix()
    if relative in _NOT_PYTHON:
        return _NOT_PYTHON[relative]
    source = path / "__init__.py" if path.is_dir() else path
    assert source.exists(), f"Say in _NOT_PYTHON of {__file__} what {relative} holds."
    docstring = ast.get_docstring(ast.parse(source.read_text(encoding="utf-8"))) or ""
    return docstring.partition("\n")[0].partition(". ")[0].removesuffix(".")


def _layers() -> Iterator[str]:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    (layers,) = [contract["layers"] for contract in contracts if contract["type"] == "layers"]
    yield from layers


_MINE = "Down by the river\nThe willows are bending"
_TAKES = [
    "\nBeside a cloud-lit sky;\nAnd through the silence", "\nAnd birds and angels sing,\nThere's a great morning",
    "\nAlong the far-off hills,\nAnd the thrushes are blending",
]  # fmt: skip
_CHORUS = "\n\n[Chorus]\nUp by the river\nThe waves of the ocean\nAre singing their voices\nDown by the river."


async def draw_workshop(size: tuple[int, int] = (112, 26)) -> str:
    """Return the workshop with a song and its versions, as SVG."""
    from songsmith.tui.app import SongsmithApp
    from songsmith.tui.widgets.editor import DraftEditor
    from songsmith.tui.widgets.status import StatusLine

    with tempfile.TemporaryDirectory() as home:
        root = Path(home)
        studio = Studio(
            Paths(data=root, config=root, state=root / "state"), Settings(device="cpu", threads=1, theme="dark")
        )
        studio.prepare_home()
        draft = Draft(title="Down by the river").with_text(_MINE, Author.PERSON)
        for number, verse in enumerate(_TAKES):
            draft = draft.with_text(_MINE + verse, Author.MODEL).with_snapshot(0, take_id=str(number))
        draft = draft.with_text(draft.text + _CHORUS, Author.MODEL).with_snapshot(1, take_id="chorus")
        song = SongRecord(
            title=draft.title, text=draft.text, authors=draft.line_authors, kept=True, state=draft.as_json()
        )
        with Library(studio.paths.library) as library:
            library.put_song(song)
        app = SongsmithApp(studio)
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            editor, status = app.screen.query_one(DraftEditor), app.screen.query_one(StatusLine)
            editor.cursor_blink = False
            while "starter · cpu" not in status.model:
                await pilot.pause(0.05)
            await pilot.press("ctrl+o")
            await pilot.pause()
            await pilot.press("enter")
            while not editor.text:
                await pilot.pause(0.05)
            await pilot.press("ctrl+home", "down", "down", "end")
            await pilot.pause()
            return app.export_screenshot(title="songsmith")


def write_anew() -> None:
    """Write what is quoted into every page, and draw the picture."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        page.write_text(renew(text), encoding="utf-8")
    PICTURE.write_text(asyncio.run(draw_workshop()), encoding="utf-8")


if __name__ == "__main__":
    write_anew()
