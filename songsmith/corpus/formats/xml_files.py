"""Read elements from untrusted XML. Refuses documents that define entities, or have more elements than any song.

An entity may expand to millions of letters, or to a file of this machine; no song needs one.
"""

from collections.abc import Iterator, Set
from xml.etree.ElementTree import Element, ParseError

import defusedxml
from defusedxml.ElementTree import fromstring

from songsmith.corpus.formats.found_song import squeeze
from songsmith.errors import InputError

_MOST_TAGS = 1_500_000
"""An element takes a hundred bytes and more; the score of an opera has fewer elements than this."""


def parse_xml(content: str, label: str) -> Element:
    """Return the root of a document; anything outside it, such as what its DOCTYPE names, is neither fetched nor read.

    Raises:
        InputError: it is not XML, defines entities, or is too large; the message names it by `label`.
    """
    if content.count("<") > _MOST_TAGS:
        raise InputError(f"{label} contains more markup than any song.", "Export only the lyrics.")
    try:
        root = fromstring(content, forbid_dtd=False, forbid_entities=True, forbid_external=True)
    except defusedxml.DefusedXmlException as error:
        raise InputError(
            f"{label} defines XML entities, which songsmith doesn't read.", "Export it again without them."
        ) from error
    except ParseError as error:
        line, column = error.position
        reason = str(error).partition(":")[0]
        raise InputError(
            f"{label} isn't valid XML: {reason} at line {line}, column {column + 1}.",
            "Export it again, or fix it there.",
        ) from error
    assert isinstance(root, Element)
    return root


def local_name(element: Element) -> str:
    """Return the name of an element without its namespace."""
    return element.tag.rpartition("}")[2]


def local_attributes(element: Element) -> dict[str, str]:
    """Return the attributes of an element by their names without namespaces."""
    return {name.rpartition("}")[2]: value for name, value in element.attrib.items()}


def children(element: Element, name: str) -> list[Element]:
    """Return the children of an element with this name, whatever their namespace."""
    return [child for child in element if local_name(child) == name]


def find(element: Element, *path: str) -> Element | None:
    """Return the first element at the end of a path of names, if there is one."""
    found: Element | None = element
    for name in path:
        found = next(iter(children(found, name)), None) if found is not None else None
    return found


def plain_text(element: Element | None) -> str:
    """Return all text in an element as one line; empty if there is no element."""
    return "" if element is None else squeeze("".join(element.itertext()))


def pieces(element: Element, *, without: Set[str] = frozenset()) -> Iterator[tuple[str, Element, str]]:
    """Yield what is in an element in order: `start`, `text` and `end`, the element each belongs to, and the text.

    Elements with a name in `without` are left out, with their text. Iterative, so that a deep document cannot overflow the stack.
    """
    waiting: list[tuple[str, Element]] = [("start", element)]
    while waiting:
        kind, inner = waiting.pop()
        if kind == "tail":
            yield "text", inner, inner.tail or ""
        elif kind == "end":
            yield "end", inner, ""
        elif local_name(inner) not in without:
            yield "start", inner, ""
            if inner.text:
                yield "text", inner, inner.text
            waiting.append(("end", inner))
            for child in reversed(inner):
                waiting += [("tail", child)] if child.tail else []
                waiting.append(("start", child))
