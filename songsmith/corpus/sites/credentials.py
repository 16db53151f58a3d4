"""The Genius token: from the environment, the system keyring, or a file that only the user can read.

Never shows it: neither a message nor the repr of any object here holds it.
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
    """What Genius requires before it answers."""

    value: str = field(repr=False)
    place: str
    """Where it was found."""

    def refused(self) -> FetchError:
        """Return the error for a token that Genius does not accept."""
        again = "" if self.place == VARIABLE else ", and run: songsmith login genius"
        return FetchError(
            f"Genius doesn't accept the token in {self.place}.",
            f"Copy the client access token again from {TOKEN_PAGE}{again}.",
        )


def make_token(text: str, place: str) -> Token:
    """Return the token in a text that a person entered.

    Raises:
        FetchError: it cannot be one.
    """
    if not re.fullmatch(r"[!-~]+", text.strip()):  # it could not be sent, and the error message would show it
        raise FetchError(
            f"{place[0].upper()}{place[1:]} doesn't hold a token: it is empty, or has spaces or non-ASCII characters.",
            f"Copy the client access token again from {TOKEN_PAGE}.",
        )
    return Token(value=text.strip(), place=place)


class Credentials:
    """Where the user's token is stored."""

    def __init__(
        self, paths: Paths, environ: Mapping[str, str] | None = None, *, keyring_patience_s: float = 20.0
    ) -> None:
        """Look at `paths` and, instead of the process's own variables, at `environ`.

        A keyring that does not answer within `keyring_patience_s` seconds is not used: it may be waiting for a person.
        """
        self._file = paths.genius_token
        self._environ = os.environ if environ is None else environ
        self._patience_s = keyring_patience_s

    @property
    def in_environment(self) -> bool:
        """Whether a variable holds a token, which takes precedence over a stored one."""
        return bool(self._environ.get(VARIABLE, "").strip())

    def read(self) -> Token:
        """Return the token in GENIUS_ACCESS_TOKEN, else the stored one.

        Raises:
            FetchError: there is none, or what is there cannot be one.
        """
        if self.in_environment:
            return make_token(self._environ[VARIABLE], VARIABLE)
        # The file comes first: it exists only where the keyring could not be used, and perhaps still cannot.
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
        """Store a token, and return where: in the system keyring, or else in a file only the user can read.

        Raises:
            StorageError: the file cannot be written.
        """

        def store(keyring: "KeyringBackend") -> bool:
            keyring.set_password(_SERVICE, _USER, token.value)
            # Some keyrings accept everything and store nothing.
            return keyring.get_password(_SERVICE, _USER) == token.value

        if self._with_keyring(store)[1]:
            with storing(self._file):
                self._file.unlink(missing_ok=True)
            return _KEYRING
        self._write_file(token.value)
        return str(self._file)

    def forget(self) -> list[str]:
        """Remove the stored token, and return where it was.

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
            # Never readable by others, not even for a moment.
            write_whole(self._file, f"{text}\n".encode("ascii"), mode=0o600)

    def _with_keyring(self, work: "Callable[[KeyringBackend], Result]") -> tuple[bool, Result | None]:
        """Do something with the system keyring. Return whether its answer is known, and the answer.

        It is not known where the keyring is locked, broken or does not answer.
        """
        results: SimpleQueue[tuple[bool, Result | None]] = SimpleQueue()

        def run() -> None:
            result: tuple[bool, Result | None] = False, None
            with suppress(BaseException):  # whatever a third-party backend raises, the file is used instead
                keyring = next(_safe_keyrings(), None)
                result = True, work(keyring) if keyring else None
            results.put(result)

        # A daemon, so that one that waits for a dialogue cannot keep the program from ending.
        Thread(target=run, daemon=True, name="keyring").start()
        with suppress(Empty):
            return results.get(timeout=self._patience_s)
        return False, None


def _safe_keyrings() -> "Iterator[KeyringBackend]":
    """Yield the secure keyrings of this system, the best first."""
    import keyring  # slow: it looks for every backend
    from keyring.backends.chainer import ChainerBackend

    chosen = keyring.get_keyring()
    for backend in chosen.backends if isinstance(chosen, ChainerBackend) else [chosen]:
        kind = type(backend)
        # Priorities below 1 are not recommended (keyring's documentation): backends that store nothing, or plain text.
        if backend.priority >= 1 and not f"{kind.__module__}.{kind.__name__}".startswith(
            ("keyring.backends.fail", "keyring.backends.null", "keyrings.alt")
        ):
            yield backend
