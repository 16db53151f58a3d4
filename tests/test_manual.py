"""README, manual and CONTRIBUTING against the program: what they quote, name, link to and count is what there is."""

import asyncio
import html
import re
import shlex
import tomllib
from collections.abc import Iterator
from contextlib import nullcontext, suppress
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from manual import COMMAND, DOCS, PAGES, PICTURE, QUOTED, ROOT, draw_workshop, quote, renew
from textual.binding import Binding
from textual.screen import Screen
from typer._click.exceptions import MissingParameter
from typer.main import get_command

from songsmith import errors
from songsmith.cli.app import COMMANDS, app, load_command
from songsmith.settings import Settings
from songsmith.studio.training import SIZES
from songsmith.tui.app import SongsmithApp
from songsmith.tui.screens.songs import SongsScreen
from songsmith.tui.screens.workshop import WorkshopScreen

PAGE_NAMES = [page.relative_to(ROOT).as_posix() for page in PAGES]
FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
CODE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\(([^)\s]+)\)")


def read(page: Path | str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def prose(page: Path | str) -> str:
    """Return a page without its blocks."""
    return FENCED.sub("", read(page))


def tables(page: str, heading: str) -> list[list[str]]:
    """Return the rows of the one table whose first column has this heading."""
    rows = [[cell.strip() for cell in row.strip("|").split(" | ")] for row in read(page).splitlines() if row[:1] == "|"]
    first = next(number for number, row in enumerate(rows) if row[0] == heading) + 2
    last = next((number for number, row in enumerate(rows[first:], first) if set(row[0]) <= set("-|")), len(rows) + 1)
    return rows[first : last - 1]


@pytest.mark.parametrize("page", PAGE_NAMES)
def test_a_page_quotes_the_program_as_it_is(page: str) -> None:
    assert read(page) == renew(read(page)), f"Stale. To write it anew: {COMMAND}"


def test_something_is_quoted() -> None:
    names = [found["name"] for page in PAGES for found in QUOTED.finditer(read(page))]
    assert {"tree", "layers", "songsmith gen --help"} <= set(names)
    assert len(names) == sum(read(page).count("<!-- quoted:") for page in PAGES)


def test_a_stale_page_is_told_from_a_fresh_one() -> None:
    page = read("songsmith/docs/design.md")
    stale = page.replace("errors.py", "mistakes.py")
    assert stale != page
    assert renew(stale) == page


def test_the_tree_lists_every_module_and_folder() -> None:
    names = [row.split()[0] for row in quote("tree").splitlines()]
    package = ROOT / "songsmith"
    modules = [path for path in package.rglob("*.py") if path.name != "__init__.py"]
    folders = {path.parent for path in package.rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    wanted = [path.name for path in modules] + [f"{path.name}/" for path in folders]
    assert sorted(names) == sorted([*wanted, "__init__.py", "songsmith.tcss"])


def test_the_picture_shows_the_workshop_as_it_is() -> None:
    def shown(svg: str) -> list[str]:
        return [html.unescape(text) for text in re.findall(r"<text [^>]*>([^<]*)</text>", svg)]

    drawn = asyncio.run(draw_workshop())
    assert shown(PICTURE.read_text(encoding="utf-8")) == shown(drawn), f"Stale. To draw it anew: {COMMAND}"


def command_lines(page: str) -> Iterator[tuple[str, bool]]:
    """Yield every command of songsmith that a page shows, and whether it is whole: in a text, only its name may stand."""
    for language, block in FENCED.findall(read(page)):
        rows = block.replace("\\\n", " ").splitlines()
        if language in ("sh", "console"):
            begins = "$ " if language == "console" else ""
            yield from ((row.removeprefix(begins), True) for row in rows if row.startswith(begins))
    yield from ((code, False) for code in CODE.findall(prose(page)) if code.split()[0] == "songsmith")


def calls(line: str) -> Iterator[list[str]]:
    """Yield the arguments of every call of songsmith in a line for a shell."""
    words: list[str] = []
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;<>")
    lexer.whitespace_split = True
    for word in [*lexer, "|"]:
        if word in ("|", "&&", ";"):
            if words[:1] == ["songsmith"]:
                yield words[1:]
            words = []
        else:
            words.append(word)


def parse(words: list[str], *, whole: bool) -> None:
    """Parse arguments as songsmith does, without running anything."""
    for sign in ("<", ">"):
        if sign in words:
            words = words[: words.index(sign)]
    named = bool(words) and not words[0].startswith("-")
    command: Any = load_command(words[0]) if named else get_command(app)
    rest = words[named:]
    while rest and not rest[0].startswith("-") and hasattr(command, "commands"):
        command, rest = command.commands[rest[0]], rest[1:]
    at_once = {"--help", *(name for it in command.params if it.callback for name in it.opts)}  # these would run
    with nullcontext() if whole else suppress(MissingParameter):
        command.make_context(command.name, [word for word in rest if word not in at_once])


@pytest.mark.parametrize("page", PAGE_NAMES)
def test_every_command_that_a_page_shows_can_be_typed(page: str) -> None:
    for line, whole in command_lines(page):
        for words in calls(line):
            try:
                parse(words, whole=whole)
            except Exception as error:
                raise AssertionError(f"{page}: {line}") from error


def test_a_command_that_cannot_be_typed_is_found() -> None:
    for words in (["sing"], ["songs", "sing"], ["gen", "--loud"], ["gen", "--takes", "many"]):
        with pytest.raises(Exception):  # noqa: B017, PT011  (a name, an option, a value)
            parse(words, whole=True)
    (words,) = calls("echo 'The wind | blows' | songsmith gen --seed 1 --quiet | head -3")
    assert words == ["gen", "--seed", "1", "--quiet"]


def all_options() -> set[str]:
    """Return every option of every command."""
    commands: list[Any] = [get_command(app), *map(load_command, COMMANDS)]
    for command in commands:
        commands.extend(getattr(command, "commands", {}).values() if command.name in COMMANDS else ())
    return {name for command in commands for it in command.params for name in (*it.opts, *it.secondary_opts)} | {
        "--help"
    }


def test_every_option_that_a_page_names_is_one() -> None:
    options = all_options()
    assert "--no-peers" in options
    for page in PAGES:
        named = {code.split()[0] for code in CODE.findall(prose(page)) if code.startswith("--")}
        assert named - options == set(), page


def anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub gives the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGE_NAMES)
def test_every_link_of_a_page_leads_somewhere(page: str) -> None:
    for link in LINK.findall(prose(page)):
        if link.startswith("http"):
            continue
        path, _, anchor = link.partition("#")
        target = (ROOT / page).parent / path if path else ROOT / page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize("page", PAGE_NAMES)
def test_every_path_that_a_page_names_is_there(page: str) -> None:
    paths = re.compile(r"(?:songsmith|tests|\.ci|\.github)/[\w./-]*")
    named = [code.partition("::")[0] for code in CODE.findall(prose(page)) if paths.match(code)]
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_every_name_that_contributing_mentions_is_one() -> None:
    sources = [path for folder in ("songsmith", "tests") for path in (ROOT / folder).rglob("*.py")]
    words = set(re.findall(r"\w+", "".join(path.read_text(encoding="utf-8") for path in sources)))
    named = {code for code in CODE.findall(prose(".github/CONTRIBUTING.md")) if re.fullmatch(r"[\w.]*[A-Z_]\w*", code)}
    assert {"LyricSource", "CONTESTANTS"} <= named
    assert [code for code in named if not set(code.split(".")) <= words] == []


def test_the_readme_is_an_entrance() -> None:
    readme = read("README.md")
    assert len(readme.splitlines()) <= 220
    assert len(re.findall(r"^python -m pip install .* && ", readme, re.MULTILINE)) == 2
    linked = {(ROOT / link.partition("#")[0]).resolve() for link in LINK.findall(readme) if not link.startswith("http")}
    assert set(PAGES) - {ROOT / "README.md"} <= linked
    assert {path.suffix for path in DOCS.iterdir()} == {".md", ".svg"}
    assert PICTURE in linked


@pytest.mark.parametrize("page", ["README.md", ".github/CONTRIBUTING.md"])
def test_a_page_asks_for_a_torch_that_songsmith_takes(page: str) -> None:
    """Any other would be replaced, by gigabytes, as soon as songsmith is installed."""
    (torch,) = [wanted for wanted in project()["dependencies"] if wanted.startswith("torch")]
    assert f"python -m pip install '{torch}' --index-url" in read(page)


def project() -> Any:
    return tomllib.loads(read("pyproject.toml"))["project"]


def package_names(requirements: list[str]) -> list[str]:
    return [re.split(r"[<>=]", wanted)[0] for wanted in requirements]


def test_the_manual_tells_what_songsmith_stands_on() -> None:
    rows = tables("songsmith/docs/design.md", "package")
    assert sorted(row[0] for row in rows) == sorted(package_names(project()["dependencies"]))
    (tests,) = re.findall(r"The tests stand on (.*)\.", read("songsmith/docs/design.md"))
    assert re.split(", | and ", tests) == package_names(project()["optional-dependencies"]["test"])


def test_the_manual_tells_every_key() -> None:
    names = {"←": "left", "→": "right", "esc": "escape"}

    def bound(*screens: Any) -> set[str]:
        bindings = [it for screen in screens for it in screen.BINDINGS if isinstance(it, Binding)]
        return {key for it in bindings for key in it.key.split(",") if not key.startswith("super+")}

    rows = tables("songsmith/docs/workshop.md", "key")
    keys = {re.sub("←|→|esc$", lambda it: names[it[0]], key) for row in rows for key in CODE.findall(row[0])}
    assert bound(SongsmithApp, WorkshopScreen) <= keys
    assert keys <= bound(SongsmithApp, WorkshopScreen) | {key for it in Screen.BINDINGS for key in it.key.split(",")}
    told = {key for row in rows for key in CODE.findall(row[1]) if re.fullmatch(r"f\d+", key)}
    assert told <= bound(SongsScreen)
    short = {key for row in tables("README.md", "key") for key in CODE.findall(row[0])}
    assert short <= keys | {"esc"}


def test_the_manual_tells_every_setting() -> None:
    rows = [[CODE.findall(cell) for cell in row] for row in tables("songsmith/docs/settings.md", "key")]
    told = {key: (variable, default) for ((key,), (variable,), (default,), _) in rows}
    assert told == {field.name: (f"SONGSMITH_{field.name.upper()}", str(field.default)) for field in fields(Settings)}


def test_the_manual_tells_every_variable_and_no_other() -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "songsmith").rglob("*.py"))
    pattern = r"SONGSMITH_[A-Z_]*[A-Z]|GENIUS_ACCESS_TOKEN"
    settings = {f"SONGSMITH_{field.name.upper()}" for field in fields(Settings)}
    hidden = {"SONGSMITH_COMPLETE", "SONGSMITH_NO_NICE"}  # between processes of songsmith's own
    told = set(re.findall(pattern, read("songsmith/docs/settings.md")))
    assert told == (set(re.findall(pattern, source)) | settings) - hidden


def test_the_manual_tells_every_exit_code() -> None:
    rows = tables("songsmith/docs/settings.md", "exit code")
    told = {int(code) for row in rows for code in row[0].split(", ")}
    kinds = [
        kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.SongsmithError)
    ]
    assert told == {0, 129, 130, 143} | {kind.exit_code for kind in kinds}


def test_the_manual_tells_every_size() -> None:
    rows = tables("songsmith/docs/training.md", "`--size`")
    told = {CODE.findall(row[0])[0]: row[1] for row in rows}
    assert told == {name: f"{size.layers}, {size.width}" for name, size in SIZES.items()}
    entries = {CODE.findall(row[0])[0]: re.match(r"[\d,]+", row[3]) for row in rows}
    counted = {name: int(found[0].replace(",", "")) for name, found in entries.items() if found}
    assert counted == {name: SIZES[name].vocabulary_size for name in counted}
    assert len(counted) == 3
