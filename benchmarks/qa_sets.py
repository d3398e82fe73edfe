"""Questions with known answers, and the passages they are asked about: as given, or cut by our own chunking.

A set is a folder with pairs of files `…corpus.jsonl` (`id, cls, lesson, text`, perhaps `title, heading`) and
`…questions.jsonl` (`id, cls, text`, and `gold_ids` or `gold_prefix` of the corpus ids that answer it).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from adapters.documents.chunk import chunk
from core.documents import Block, BlockKind, Chunk, Document, Locator

Record = dict[str, Any]


@dataclass(frozen=True)
class Passage:
    """A chunk of a class; `about` holds the ids of the records whose text is in it."""

    of: str
    title: str
    source: str
    chunk: Chunk
    about: frozenset[str]


@dataclass(frozen=True)
class Question:
    of: str
    text: str
    is_gold: Callable[[Passage], bool]


@dataclass(frozen=True)
class QASet:
    name: str
    records: list[Record]
    questions: list[Question]

    def as_given(self) -> list[Passage]:
        """One record, one passage."""
        return [
            Passage(
                record["cls"],
                record.get("title") or "",
                f"{record['lesson']}/{record.get('source') or ''}",
                Chunk(record["text"], Locator(), record.get("heading") or ""),
                frozenset({record["id"]}),
            )
            for record in self.records
        ]

    def as_we_cut(self) -> list[Passage]:
        """Each lesson as one document, through our own chunking."""
        made: list[Passage] = []
        for (of, lesson, file, title), records in groupby(self.records, _document):
            together = list(records)
            # A Markdown file's title is the heading it opens with.
            title = title or together[0].get("heading") or ""  # noqa: PLW2901
            blocks = list(_blocks(together))
            for piece in chunk(Document(tuple(blocks), title=title or None)):
                words = _squeeze(piece.text)
                about = frozenset(record["id"] for record in together if _overlap(_squeeze(record["text"]), words))
                made.append(Passage(of, title, f"{lesson}/{file}", piece, about))
        return made


def read_sets(folder: Path) -> list[QASet]:
    """Return the sets in a folder's folders. Raises `FileNotFoundError` when there are none."""
    found: list[QASet] = []
    for place in sorted(path for path in folder.iterdir() if path.is_dir()):
        records = [line for file in sorted(place.glob("*corpus.jsonl")) for line in _lines(file)]
        asked = [line for file in sorted(place.glob("*questions.jsonl")) for line in _lines(file)]
        if records and asked:
            found.append(QASet(place.name, records, [_question(line) for line in asked]))
    if not found:
        raise FileNotFoundError(f"{folder} holds no folder with corpus.jsonl and questions.jsonl")
    return found


def _lines(file: Path) -> list[Record]:
    return [json.loads(line) for line in file.read_text("utf-8").splitlines() if line.strip()]


def _question(line: Record) -> Question:
    if "gold_prefix" in line:
        prefix: str = line["gold_prefix"]
        return Question(
            line["cls"], line["text"], lambda passage: any(name.startswith(prefix) for name in passage.about)
        )
    gold = frozenset(line["gold_ids"])
    answers = [_squeeze(answer) for answer in line.get("answers", ())]

    def is_gold(passage: Passage) -> bool:
        # A record may have been cut in two: the piece with the answer is meant.
        if not passage.about & gold:
            return False
        return not answers or any(answer in _squeeze(passage.chunk.text) for answer in answers)

    return Question(line["cls"], line["text"], is_gold)


def _document(record: Record) -> tuple[str, str, str, str]:
    return record["cls"], record["lesson"], record.get("source") or "", record.get("title") or ""


def _blocks(records: list[Record]) -> Iterator[Block]:
    for heading, under in groupby(records, lambda record: record.get("heading") or ""):
        locator = Locator(headings=(heading,) if heading else ())
        if heading:
            yield Block(BlockKind.HEADING, heading, locator, level=2)
        for record in under:
            yield Block(BlockKind.TEXT, record["text"], locator)


def _squeeze(text: str) -> str:
    return " ".join(text.split()).lower()


def _overlap(record: str, passage: str, window: int = 60) -> bool:
    """Say whether a passage holds a good part of a record: any 60 characters on end."""
    if len(record) <= window:
        return record in passage
    return any(record[at : at + window] in passage for at in range(0, len(record) - window, window // 2))
