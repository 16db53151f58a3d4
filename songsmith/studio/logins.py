"""Logging in at a source of lyrics, and out again. Knows no terminal: the token comes from whoever asked for it."""

from songsmith.corpus.sites.credentials import Credentials, make_token
from songsmith.paths import Paths


def log_in(paths: Paths, text: str, *, check: bool = True) -> str:
    """Keep the Genius token in a text, and return where; a token that Genius does not accept is not kept.

    Args:
        paths: whose home.
        text: what a person gave.
        check: whether to ask Genius, which takes one request.

    Raises:
        FetchError: it is no token, Genius does not accept it, or Genius cannot be asked.
        StorageError: it cannot be kept.
    """
    token = make_token(text, "what was given")
    if check:
        from songsmith.corpus.sites.genius import GeniusSite, GeniusSource

        source = GeniusSource(token, GeniusSite.from_environment())
        try:
            source.check()
        finally:
            source.close()
    return Credentials(paths).keep(token)


def log_out(paths: Paths) -> list[str]:
    """Forget the Genius token, and return where it was kept.

    Raises:
        StorageError: it cannot be removed, or the system keyring does not say whether it has one.
    """
    return Credentials(paths).forget()


def variable_goes_first(paths: Paths) -> bool:
    """Return whether GENIUS_ACCESS_TOKEN is set, so that what is kept is not used."""
    return Credentials(paths).in_environment
