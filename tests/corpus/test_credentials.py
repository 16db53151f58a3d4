"""Where the token is kept: the keyring, where there is one that keeps secrets, else a file for the user alone."""

import os
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends import fail, null
from keyring.backends.chainer import ChainerBackend
from keyring.errors import KeyringLocked

from songsmith.corpus.sites.credentials import Credentials, Token, make_token
from songsmith.errors import FetchError, StorageError
from songsmith.paths import Paths

TOKEN = "a-token-nobody-must-see-41c0"


class Drawer(KeyringBackend):
    """A keyring that works; its priority is that of the real ones."""

    priority = 5  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()
        self.secrets: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.secrets.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.secrets[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.secrets[service, username]


class PlainFile(Drawer):
    """A keyring that says itself that it is not to be recommended."""

    priority = 0.5  # type: ignore[assignment]


class Locked(Drawer):
    """A keyring whose owner said no."""

    def get_password(self, service: str, username: str) -> str | None:
        raise KeyringLocked("Failed to unlock the collection!")

    set_password = delete_password = get_password  # type: ignore[assignment]


class Forgetful(Drawer):
    """A keyring that takes all and keeps nothing."""

    def set_password(self, service: str, username: str, password: str) -> None:
        pass


class Silent(Drawer):
    """A keyring that waits for somebody who is not there."""

    released = threading.Event()

    def get_password(self, service: str, username: str) -> str | None:
        self.released.wait()
        return None

    set_password = delete_password = get_password  # type: ignore[assignment]


class Quitting(Drawer):
    """A keyring that takes the whole program with it."""

    def get_password(self, service: str, username: str) -> str | None:
        raise SystemExit(1)

    set_password = delete_password = get_password  # type: ignore[assignment]


USELESS = [fail.Keyring, null.Keyring, PlainFile, Locked, Forgetful, Quitting, Silent]


@pytest.fixture(autouse=True)
def _own_keyring() -> Iterator[None]:
    before = keyring.get_keyring()
    keyring.set_keyring(null.Keyring())
    yield
    Silent.released.set()
    keyring.set_keyring(before)


def credentials(paths: Paths, **environ: str) -> Credentials:
    return Credentials(paths, environ, keyring_patience_s=0.2 if isinstance(keyring.get_keyring(), Silent) else 20)


def token(text: str = TOKEN) -> Token:
    return make_token(text, "What was given")


def test_a_keyring_keeps_the_token_and_no_file_does(paths: Paths):
    drawer = Drawer()
    keyring.set_keyring(drawer)
    assert credentials(paths).keep(token()) == "the system keyring"
    assert list(drawer.secrets.values()) == [TOKEN]
    assert not paths.genius_token.exists()
    assert credentials(paths).read() == Token(value=TOKEN, place="the system keyring")


@pytest.mark.parametrize("kind", USELESS)
def test_without_a_keyring_that_keeps_secrets_a_file_does(paths: Paths, kind: type[KeyringBackend]):
    Silent.released.clear()
    keyring.set_keyring(kind())
    before = os.umask(0)
    try:
        place = credentials(paths).keep(token())
    finally:
        os.umask(before)
    assert place == str(paths.genius_token)
    assert stat.S_IMODE(paths.genius_token.stat().st_mode) == 0o600
    assert credentials(paths).read() == Token(value=TOKEN, place=str(paths.genius_token))
    assert [path.name for path in paths.config.iterdir()] == ["genius-token"]
    if kind in (Locked, Quitting, Silent):  # what it may hold, nobody knows
        with pytest.raises(StorageError, match=r"The token was removed from .*genius-token, but the system keyring"):
            credentials(paths).forget()
    else:
        assert credentials(paths).forget() == [str(paths.genius_token)]
        assert credentials(paths).forget() == []
    assert not paths.genius_token.exists()


class Kept(Drawer):
    """A keyring that shows what it has and gives nothing away."""

    def delete_password(self, service: str, username: str) -> None:
        raise KeyringLocked("Failed to unlock the collection!")


def test_a_token_that_a_keyring_does_not_give_away_is_not_said_to_be_gone(paths: Paths):
    keyring.set_keyring(Kept())
    credentials(paths).keep(token())
    with pytest.raises(StorageError, match=r"^The system keyring didn't answer") as failure:
        credentials(paths).forget()
    assert "remove 'songsmith' there" in failure.value.next_step
    assert credentials(paths).read().value == TOKEN


def test_of_chained_keyrings_a_safe_one_is_taken(paths: Paths):
    drawer, plain = Drawer(), PlainFile()

    class Chain(ChainerBackend):
        backends = (plain, drawer)

    keyring.set_keyring(Chain())
    credentials(paths).keep(token())
    assert (plain.secrets, list(drawer.secrets.values())) == ({}, [TOKEN])


def test_the_last_token_counts_wherever_it_is_kept(paths: Paths):
    drawer = Drawer()
    keyring.set_keyring(drawer)
    credentials(paths).keep(token("first"))
    keyring.set_keyring(Locked())
    credentials(paths).keep(token("second"))
    keyring.set_keyring(drawer)
    assert credentials(paths).read().value == "second"
    credentials(paths).keep(token("third"))
    assert credentials(paths).read() == Token(value="third", place="the system keyring")
    assert not paths.genius_token.exists()
    assert credentials(paths).forget() == ["the system keyring"]
    assert drawer.secrets == {}


def test_the_environment_goes_first_and_asks_no_keyring(paths: Paths):
    keyring.set_keyring(Locked())
    credentials(paths).keep(token())
    found = credentials(paths, GENIUS_ACCESS_TOKEN=" another\n").read()
    assert found == Token(value="another", place="GENIUS_ACCESS_TOKEN")
    assert credentials(paths, GENIUS_ACCESS_TOKEN=" ").read().value == TOKEN


def test_no_token_anywhere(paths: Paths):
    for kind, why in (
        (null.Keyring, "there is no system keyring"),
        (Drawer, "the system keyring has none"),
    ):
        keyring.set_keyring(kind())
        with pytest.raises(
            FetchError, match=rf"GENIUS_ACCESS_TOKEN isn't set, and {why}\. .* run: songsmith login genius"
        ):
            credentials(paths).read()


@pytest.mark.parametrize("kind", [Locked, Quitting, Silent])
def test_a_keyring_that_does_not_answer_is_not_said_to_hold_nothing(paths: Paths, kind: type[KeyringBackend]):
    Silent.released.clear()
    keyring.set_keyring(kind())
    with pytest.raises(FetchError, match=r"the system keyring, which may hold one, didn't answer\.") as failure:
        credentials(paths).read()
    assert "set GENIUS_ACCESS_TOKEN, or save the token again: songsmith login genius" in failure.value.next_step


@pytest.mark.parametrize("content", ["two words", "señor", "\x00\x01", "half \xff"])
def test_a_file_that_holds_no_token_is_said_to(paths: Paths, content: str):
    paths.config.mkdir(parents=True)
    paths.genius_token.write_text(content, encoding="latin-1")
    with pytest.raises(FetchError, match="doesn't hold a token") as failure:
        credentials(paths).read()
    assert content not in str(failure.value)


def test_a_home_that_cannot_be_written(home: Path, paths: Paths):
    home.write_text("a file where the folder should be")
    with pytest.raises(StorageError):
        credentials(paths).keep(token())
    with pytest.raises(StorageError):
        credentials(paths).read()


def test_a_link_where_the_file_belongs_is_replaced_not_followed(paths: Paths, tmp_path: Path):
    paths.config.mkdir(parents=True)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("mine")
    paths.genius_token.symlink_to(elsewhere)
    credentials(paths).keep(token())
    assert elsewhere.read_text() == "mine"
    assert not paths.genius_token.is_symlink()


@pytest.mark.parametrize("text", ["", "  ", "two words", "señor", "line\nline"])
def test_what_cannot_be_a_token_is_refused_unseen(text: str):
    with pytest.raises(FetchError, match="doesn't hold a token") as failure:
        make_token(text, "What was given")
    assert not text.strip() or text not in str(failure.value)


def test_a_token_shows_itself_to_nobody():
    kept = make_token(f" {TOKEN}\n", "GENIUS_ACCESS_TOKEN")
    assert kept.value == TOKEN
    for shown in (repr(kept), str(kept), f"{kept}", str(kept.refused()), repr(kept.refused())):
        assert TOKEN not in shown
