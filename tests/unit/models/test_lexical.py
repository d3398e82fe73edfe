from __future__ import annotations

import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest

from adapters.models.lexical import LexicalEmbedder
from adapters.models.terms import terms, tokenize

FINGERPRINT = """
import asyncio, hashlib
from adapters.models.lexical import LexicalEmbedder
vector = asyncio.run(LexicalEmbedder(1536).embed_query("Sensors measure 光合作用, naïve Öfen and 3.5 volts."))
print(hashlib.sha256((vector * 1e4).round().astype("<i4").tobytes()).hexdigest())
"""


def test_vectors_are_the_same_in_every_process_whatever_pythons_hash_seed() -> None:
    prints = {
        subprocess.run(  # noqa: S603 - our own interpreter and text
            [sys.executable, "-c", FINGERPRINT],
            env={
                **os.environ,
                "PYTHONHASHSEED": seed,
                "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
            },
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()
        for seed in ("1", "2")
    }

    assert len(prints) == 1


async def test_vectors_of_stored_chunks_stay_valid_this_is_version_one() -> None:
    vector = await LexicalEmbedder(64).embed_query("Sensors measure.")
    digest = hashlib.sha256((vector * 1e4).round().astype("<i4").tobytes()).hexdigest()

    assert digest == PINNED, "the features changed: give the space a new name, or no stored vector fits its queries"


PINNED = "a59926a9a70b239255627d9595bdd4cf26889675c31cb622ee0f35544e262494"


@pytest.mark.parametrize(
    ("query", "near", "far"),
    [
        ("How are sensors read?", "Reading a sensor takes a millisecond.", "Ovens are heated with wood."),
        ("photosynthesys", "Photosynthesis turns light into energy.", "Sensors turn heat into volts."),
        ("光合作用是什么", "植物通过光合作用制造糖。", "传感器测量温度。"),
        ("Temperatursensor", "Sensor der Temperatur", "Heizung der Öfen"),
        ("фотосинтез растений", "Растения и фотосинтез", "Датчик температуры"),
    ],
)
async def test_shared_words_and_word_parts_are_close(query: str, near: str, far: str) -> None:
    asked, close, apart = await LexicalEmbedder().embed_passages([query, near, far])

    assert asked @ close > asked @ apart + 0.1


async def test_a_batch_off_the_loop_equals_texts_one_by_one() -> None:
    embedder = LexicalEmbedder(128)
    texts = [f"Sentence {number} about sensors" for number in range(40)]
    together = await embedder.embed_passages(texts)

    assert np.array_equal(together, np.stack([await embedder.embed_query(text) for text in texts]))


def test_a_space_is_named_by_what_shapes_it() -> None:
    assert LexicalEmbedder().name == "lexical-v1"
    assert LexicalEmbedder(language="german").name == "lexical-v1-german"
    assert LexicalEmbedder().semantic is False


def test_words_are_folded_stemmed_and_freed_of_stop_words() -> None:
    assert terms("The sensor's SENSORS, and 1,000 ﬁles") == ["sensor", "sensor", "1000", "file"]
    assert terms("l'acqua dell'isola", "italian") == ["acqua", "isol"]
    assert terms("no stemmer", "klingon") == ["no", "stemmer"]
    assert tokenize("私は学生 ok") == ["私は", "は学", "学生", "ok"]
