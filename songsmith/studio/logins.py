"""Log in to a source of lyrics, and out again. Knows no terminal: the caller asks for the token."""

from songsmith.corpus.sites.credentials import Credentials, make_token
from songsmith.paths import Paths


def log_in(paths: Paths, text: str, *, check: bool = True) -> str:
    """Store the Genius token in a text, and return where; a token that Genius does not accept is not stored.

    Args:
        paths: of the user.
        text: that a person entered.
        check: whether to test it with one request to Genius.

    Raises:
        FetchError: it is not a token, Genius does not accept it, or Genius cannot be reached.
        StorageError: it cannot be stored.
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
    """Remove the stored Genius token, and return where it was.

    Raises:
        StorageError: it cannot be removed, or the system keyring does not say whether it has one.
    """
    return Credentials(paths).forget()


def variable_goes_first(paths: Paths) -> bool:
    """Return whether GENIUS_ACCESS_TOKEN is set, so that a stored token is not used."""
    return Credentials(paths).in_environment
