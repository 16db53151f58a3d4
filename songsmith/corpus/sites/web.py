"""Check the responses of a web site before anything else reads them: complete and in time, or an error in one sentence.

Knows sites by their names only. Retries nothing.
"""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urljoin, urlsplit

from songsmith.corpus.sites.sources import BrokenPageError, PassingError, SongError
from songsmith.errors import FetchError, UsageError

if TYPE_CHECKING:
    from requests import Response, Session

Answer = TypeVar("Answer")

UPDATE = "Update songsmith and lyricsgenius; if that doesn't help, report it."
_PIECE_BYTES = 1 << 16
_LONGEST_WAIT_S = 86400.0
LONGEST_ANSWER_BYTES = 32 << 20
"""No song is so large: a larger response is not held in memory."""


class NotThereError(FetchError):
    """There is no such page."""


class WalledPageError(SongError):
    """There is a page, but it is not public."""


class StrangeAnswerError(FetchError):
    """There is a response, but not of a known shape."""


class ResponseGuard:
    """Checks the responses of one site."""

    def __init__(
        self,
        site: str,
        *,
        timeout_s: float,
        longest_s: float,
        longest_bytes: int = LONGEST_ANSWER_BYTES,
        refusal: Callable[[int], FetchError | None] = lambda status: None,
    ) -> None:
        """Guard a site.

        Args:
            site: its name, for messages.
            timeout_s: seconds without a byte after which the request is given up, for messages.
            longest_s: seconds that a whole response may take, however steadily it arrives.
            longest_bytes: bytes that a whole answer may take.
            refusal: returns the error that a status means at this site in particular.
        """
        self.page = ""
        """Body of the last response."""
        self._site, self._refusal, self._longest_s, self._longest_bytes = site, refusal, longest_s, longest_bytes
        self._slow = f"{site} didn't answer within {timeout_s:g} seconds."
        self._dripping = f"{site} sent an answer so slowly that it was not whole within {longest_s:g} seconds."
        self._broken = f"An answer from {site} broke off in the middle."
        self._answered = False

    def attach(self, session: "Session") -> None:
        """Check every response of a session before it is passed on."""
        session.hooks["response"].append(self._inspect)

    def ask(self, request: Callable[[], Answer]) -> Answer:
        """Return the result of a request.

        Raises:
            BrokenPageError: the response is incomplete or too large; it may work later, and so may another.
            PassingError: it may work in a little while.
            StrangeAnswerError: the response is not of a known shape.
            FetchError: it will not work.
        """
        from requests import exceptions as failed
        from urllib3.exceptions import HTTPError, ReadTimeoutError

        try:
            with reading(self._site):
                return request()
        except failed.SSLError:
            raise FetchError(
                f"The connection to {self._site} isn't secure: its certificate isn't valid.",
                "Check whether this network needs a login first, and whether the clock is right.",
            ) from None
        except (failed.Timeout, failed.ConnectionError) as error:
            slow = isinstance(error, failed.Timeout) or "timed out" in str(error)
            if self._answered:
                raise PassingError(self._slow if slow else f"The connection to {self._site} broke.") from None
            # Nothing has worked so far, so retrying would only hide the error.
            raise FetchError(
                self._slow if slow else f"{self._site} can't be reached.",
                "Check your internet connection, and the proxy if you use one.",
            ) from None
        except failed.TooManyRedirects:
            raise NotThereError(f"{self._site} redirects in circles.", UPDATE) from None
        except failed.JSONDecodeError:
            raise PassingError(f"{self._site} sent an answer that can't be read.") from None
        except ReadTimeoutError:
            raise BrokenPageError(self._slow) from None
        except (failed.RequestException, HTTPError):  # a body that breaks off, or is not what its headers say
            raise BrokenPageError(self._broken) from None

    def _inspect(self, response: "Response", **_: object) -> None:
        """Read a response to its end, and raise errors that others would hide."""
        self._answered = True
        if response.is_redirect:
            self._check_way(response)
        if response.status_code != 200 and not response.is_redirect:
            response.close()  # unread, so it cannot be used again
            raise self._explain(response.status_code, _seconds(response.headers.get("Retry-After", "")))
        response._content = self._read(response)
        response._content_consumed = True
        if response.is_redirect:
            return
        if "charset" not in response.headers.get("Content-Type", ""):
            response.encoding = "utf-8"  # otherwise requests assumes Latin-1
        self.page = response.text
        measured = "Content-Length" in response.headers or "Transfer-Encoding" in response.headers
        if not measured and not self.page.rstrip().endswith(("</html>", "}", "]")):
            raise BrokenPageError(self._broken)

    def _check_way(self, response: "Response") -> None:
        """Check a redirect: with a token only to the same site, and never from https to http."""
        here = urlsplit(response.url)
        there = urlsplit(urljoin(response.url, response.headers.get("Location", "")))
        same = (there.scheme, there.netloc) == (here.scheme, here.netloc)
        if (response.request.headers.get("Authorization") and not same) or (
            here.scheme == "https" and there.scheme != "https"
        ):
            response.close()
            raise FetchError(
                f"{self._site} didn't answer, but redirects elsewhere ({there.scheme}://{there.netloc}).",
                "Check whether this network needs a login first, and whether there is a proxy in between.",
            )

    def _read(self, response: "Response") -> bytes:
        """Return the body. Timeouts alone would let it trickle for ever, as each byte restarts them."""
        deadline, pieces, size = time.monotonic() + self._longest_s, [], 0
        while piece := response.raw.read1(_PIECE_BYTES, decode_content=True):
            pieces.append(piece)
            size += len(piece)
            if size > self._longest_bytes or time.monotonic() > deadline:
                response.close()
                endless = f"{self._site} sends what has no end."
                raise BrokenPageError(endless if size > self._longest_bytes else self._dripping)
        response.raw.release_conn()
        return b"".join(pieces)

    def _explain(self, status: int, retry_after_s: float) -> FetchError:
        if refusal := self._refusal(status):
            return refusal
        if status in (401, 403):
            return blocked(self._site, f"({status})")
        if status in (402, 451):
            why = "only to those who pay" if status == 402 else "to nobody here, for reasons of law"
            return WalledPageError(
                f"{self._site} shows this page {why} ({status}).", "Leave it out, or get the lyrics elsewhere."
            )
        if status == 429:
            return PassingError(f"{self._site} asked for fewer requests (429).", retry_after_s=retry_after_s)
        if status == 408 or status >= 500:
            return BrokenPageError(f"{self._site} has a server error ({status}).", retry_after_s=retry_after_s)
        return NotThereError(f"{self._site} no longer has a page there ({status}).", UPDATE)


def check_manners(*roots: str, pause_s: float) -> None:
    """Check that these addresses and this pause between two requests can be used.

    Raises:
        UsageError: they cannot.
    """
    for root in roots:
        if not re.match(r"https?://[^/]+/(.*/)?$", root):
            raise UsageError(f"'{root}' isn't the root of a site.", "Begin it with https:// and end it with a slash.")
    if not 0 <= pause_s <= 3600:  # written this way, NaN is refused, too
        raise UsageError(f"A pause of {pause_s} seconds is out of range.", "Use a number from 0 to 3600.")


def blocked(site: str, how: str) -> FetchError:
    """Return the error that a site blocks this network."""
    return FetchError(
        f"{site} refuses to answer this network {how}.",
        "It blocks many data centres, VPNs and proxies: run the same command from another network to continue.",
    )


@contextmanager
def reading(site: str) -> Iterator[None]:
    """Turn errors in reading a response into one sentence.

    Raises:
        StrangeAnswerError: the response is not of a known shape.
    """
    try:
        yield
    except (LookupError, TypeError, AttributeError, AssertionError, RecursionError, ValueError) as error:
        if isinstance(error, OSError):  # those of requests are both
            raise
        # From None: the original error may hold the whole response, and with it what was sent to the site.
        raise StrangeAnswerError(f"songsmith doesn't understand what {site} answered.", UPDATE) from None


def _seconds(retry_after: str) -> float:
    """Return how many seconds a Retry-After header asks to wait; it holds a number of seconds, or a date."""
    try:
        if retry_after.strip().isdigit():
            seconds = float(retry_after)
        else:
            seconds = (parsedate_to_datetime(retry_after).astimezone(UTC) - datetime.now(UTC)).total_seconds()
        return min(max(0.0, seconds), _LONGEST_WAIT_S)
    except (ValueError, OverflowError):  # the date may be invalid
        return 0.0
