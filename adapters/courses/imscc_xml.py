"""XML as course packages have it, read without what XML can do harm with: no document types, so no entities at all."""

from __future__ import annotations

from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers.expat import ExpatError, ParserCreate

from core.errors import Corrupt

_ELEMENTS = 1_000_000
_DEPTH = 200
_DOCTYPE = "It has a document type declaration, which course packages have no use for."


def read_xml(data: bytes, name: str) -> Element:
    """Return the root element, every name without its namespace, so that all versions of a format read the same.

    The encoding is the one that the text declares, as expat knows it. Raises `Corrupt`, naming the file.
    """
    builder = TreeBuilder()
    depth = seen = 0

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal depth, seen
        depth, seen = depth + 1, seen + 1
        if depth > _DEPTH or seen > _ELEMENTS:
            raise Corrupt(f"{name} can't be read: it is nested too deeply or has too many elements.")
        builder.start(_local(tag), {_local(key): value for key, value in attributes.items()})

    def end(tag: str) -> None:
        nonlocal depth
        depth -= 1
        builder.end(_local(tag))

    def refuse(*_: object) -> None:
        raise Corrupt(f"{name} can't be read. {_DOCTYPE}")

    parser = ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(data, True)  # noqa: FBT003  (expat takes it by position only)
        return builder.close()
    except (ExpatError, ValueError, LookupError, AssertionError) as error:
        raise Corrupt(f"{name} can't be read: it is not well-formed XML ({error}).") from error


def text_of(element: Element | None, path: str) -> str:
    """Return the trimmed text of the first element at a path, or nothing."""
    found = element.find(path) if element is not None else None
    return "".join(found.itertext()).strip() if found is not None else ""


def _local(name: str) -> str:
    return name.rpartition(" ")[2]
