"""The Genius token: from the environment, or kept where the system keeps secrets, or in a file for the user's eyes only.

Shows it to nobody: neither a message nor the text of any object here holds it.
"""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, TypeVar

from songsmith.errors import FetchError, StorageError, storing
from songsmith.files import write_whole
from songsmith.paths import Paths

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

Result = TypeVar("Result")

TOKEN_PAGE = "https://genius.com/api-clients"
VARIABLE = "GENIUS_ACCESS_TOKEN"
_KEYRING = "the system keyring"
_SERVICE, _USER = "songsmith", "genius"


@dataclass(frozen=True, kw_only=True)
class Token:
    """What Genius wants to see before it answers."""

    value: str = field(repr=False)
    place: str
    """Where it was found."""

    def refused(self) -> FetchError:
        """Return what to say when Genius does not accept it."""
        again = "" if self.place == VARIABLE else ", and run: songsmith login genius"
        return FetchError(
            f"Genius doesn't accept the token in {self.place}.",
            f"Copy the client access token again from {TOKEN_PAGE}{again}.",
        )


def make_token(text: str, place: str) -> Token:
    """Return the token in a text that a person gave.

    Raises:
        FetchError: it cannot be one.
    """
    if not re.fullmatch(r"[!-~]+", text.strip()):  # it could not be sent, and the complaint would show it
        raise FetchError(
            f"{place[0].upper()}{place[1:]} doesn't hold a token: it is empty, or has spaces or non-ASCII characters.",
            f"Copy the client access token again from {TOKEN_PAGE}.",
        )
    return Token(value=text.strip(), place=place)


class Credentials:
    """Where a person's token is kept."""

    def __init__(
        self, paths: Paths, environ: Mapping[str, str] | None = None, *, keyring_patience_s: float = 20.0
    ) -> None:
        """Look at `paths` and, instead of the process's own variables, at `environ`.

        A keyring that does not answer for `keyring_patience_s` seconds is none: it may wait for a person who is not there.
        """
        self._file = paths.genius_token
        self._environ = os.environ if environ is None else environ
        self._patience_s = keyring_patience_s

    @property
    def in_environment(self) -> bool:
        """Whether a variable holds a token, which goes before any that is kept."""
        return bool(self._environ.get(VARIABLE, "").strip())

    def read(self) -> Token:
        """Return the token in GENIUS_ACCESS_TOKEN, else the one that was kept.

        Raises:
            FetchError: there is none, or what is there cannot be one.
        """
        if self.in_environment:
            return make_token(self._environ[VARIABLE], VARIABLE)
        # The file goes first: it is there only where the keyring was of no use, and may be so still.
        if text := self._read_file():
            return make_token(text, str(self._file))
        answered, kept = self._with_keyring(lambda keyring: keyring.get_password(_SERVICE, _USER) or "")
        if kept:
            return make_token(kept, _KEYRING)
        if not answered:
            raise FetchError(
                f"Genius needs a token: {VARIABLE} isn't set, and {_KEYRING}, which may hold one, didn't answer.",
                f"Unlock it and try again, or set {VARIABLE}, or save the token again: songsmith login genius",
            )
        why = "there is no system keyring" if kept is None else f"{_KEYRING} has none"
        raise FetchError(
            f"Genius needs a token: {VARIABLE} isn't set, and {why}.",
            f"Make one at {TOKEN_PAGE} (free), then run: songsmith login genius",
        )

    def keep(self, token: Token) -> str:
        """Keep a token for later, and return where: in the system keyring, or else in a file only the user can read.

        Raises:
            StorageError: the file cannot be written.
        """

        def store(keyring: "KeyringBackend") -> bool:
            keyring.set_password(_SERVICE, _USER, token.value)
            return keyring.get_password(_SERVICE, _USER) == token.value  # some take all and keep nothing

        if self._with_keyring(store)[1]:
            with storing(self._file):
                self._file.unlink(missing_ok=True)
            return _KEYRING
        self._write_file(token.value)
        return str(self._file)

    def forget(self) -> list[str]:
        """Forget the token, and return where it was kept.

        Raises:
            StorageError: a file cannot be removed, or the system keyring does not say whether it has a token.
        """

        def remove(keyring: "KeyringBackend") -> bool:
            if keyring.get_password(_SERVICE, _USER) is None:
                return False
            keyring.delete_password(_SERVICE, _USER)
            return True

        answered, was_there = self._with_keyring(remove)
        places = [_KEYRING] if was_there else []
        with storing(self._file):
            if self._file.exists():
                self._file.unlink()
                places.append(str(self._file))
        if not answered:
            removed = f"The token was removed from {places[0]}, but t" if places else "T"
            raise StorageError(
                f"{removed}he system keyring didn't answer; it may still hold a token.",
                f"Unlock it and run the same command again, or remove '{_SERVICE}' there.",
            )
        return places

    def _read_file(self) -> str:
        with storing(self._file):
            try:
                return self._file.read_bytes().decode("ascii", "replace").strip()
            except FileNotFoundError:
                return ""

    def _write_file(self, text: str) -> None:
        with storing(self._file):
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # Never for a moment with more rights: what is read once is read for good.
            write_whole(self._file, f"{text}\n".encode("ascii"), mode=0o600)

    def _with_keyring(self, work: "Callable[[KeyringBackend], Result]") -> tuple[bool, Result | None]:
        """Return what comes of work on the system keyring, if there is one; before it, whether that is known.

        A keyring that is locked, broken or silent leaves it unknown.
        """
        results: SimpleQueue[tuple[bool, Result | None]] = SimpleQueue()

        def run() -> None:
            result: tuple[bool, Result | None] = False, None
            with suppress(BaseException):  # whatever a stranger's code may throw, the file is there instead
                keyring = next(_safe_keyrings(), None)
                result = True, work(keyring) if keyring else None
            results.put(result)

        # A daemon, since one that waits for a dialogue nobody sees must not keep the program from ending.
        Thread(target=run, daemon=True, name="keyring").start()
        with suppress(Empty):
            return results.get(timeout=self._patience_s)
        return False, None


def _safe_keyrings() -> "Iterator[KeyringBackend]":
    """Yield the keyrings of this system that keep a secret secret, the best first."""
    import keyring  # slow: it looks for every backend there is
    from keyring.backends.chainer import ChainerBackend

    chosen = keyring.get_keyring()
    for backend in chosen.backends if isinstance(chosen, ChainerBackend) else [chosen]:
        kind = type(backend)
        # Its makers call one below 1 not recommended: those that keep nothing, or keep it in plain text.
        if backend.priority >= 1 and not f"{kind.__module__}.{kind.__name__}".startswith(
            ("keyring.backends.fail", "keyring.backends.null", "keyrings.alt")
        ):
            yield backend
