"""Where an answer of a site may lead, and what it may weigh."""

import io
from urllib.parse import urlsplit

import pytest
from requests import PreparedRequest, Response, Session
from requests.adapters import BaseAdapter
from urllib3.response import HTTPResponse

from songsmith.corpus.sites.web import ResponseGuard
from songsmith.errors import FetchError


class Leading(BaseAdapter):
    """The network: it answers `/` by leading elsewhere, and all else with a page."""

    def __init__(self, location: str) -> None:
        super().__init__()
        self.location = location
        self.asked: list[tuple[str, str]] = []

    def send(self, request: PreparedRequest, **_: object) -> Response:  # type: ignore[override]
        assert request.url
        self.asked.append((request.url, request.headers.get("Authorization", "")))
        leads = urlsplit(request.url).path == "/"
        answer = Response()
        answer.status_code = 302 if leads else 200
        answer.url, answer.request = request.url, request
        answer.headers["Content-Length"] = "4"
        if leads:
            answer.headers["Location"] = self.location
        answer.raw = HTTPResponse(io.BytesIO(b"page"), preload_content=False)
        return answer

    def close(self) -> None:
        pass


def ask(location: str, *, token: str = "", at: str = "https://site.test/") -> list[tuple[str, str]]:
    network, session = Leading(location), Session()
    session.mount("https://", network)
    session.mount("http://", network)
    guard = ResponseGuard("The site", timeout_s=1, longest_s=1)
    guard.attach(session)
    guard.ask(lambda: session.get(at, headers={"Authorization": token} if token else {}))
    return network.asked


@pytest.mark.parametrize("token", ["", "Bearer secret"])
@pytest.mark.parametrize("location", ["http://site.test/page", "http://other.test/page", "ftp://site.test/page", "http:///x"])
def test_nothing_leads_from_https_to_what_all_can_read(location: str, token: str):
    with pytest.raises(FetchError, match="redirects elsewhere") as told:
        ask(location, token=token)
    assert "secret" not in str(told.value)


@pytest.mark.parametrize("location", ["https://other.test/page", "//other.test/page", "https://site.test:444/page"])
def test_a_token_is_led_to_no_other_host_but_others_may_be(location: str):
    with pytest.raises(FetchError, match="redirects elsewhere"):
        ask(location, token="Bearer secret")
    assert len(ask(location)) == 2


def test_on_the_same_site_all_may_be_led_on():
    asked = ask("/page", token="Bearer secret")
    assert asked == [("https://site.test/", "Bearer secret"), ("https://site.test/page", "Bearer secret")]
    assert len(ask("https://site.test/page", at="http://site.test/")) == 2
