from __future__ import annotations

import pytest

from adapters.models.extractive import ExtractiveChat, pick_sentences
from adapters.models.terms import tokenize
from core.answering.prompt import NOT_IN_SOURCES
from core.ports import Prompt, Source

SENSORS = """# Sensors and actuators

In this lesson you will learn what a sensor is and how a sensor is read.

Sensors are hardware devices that sense the physical world. They measure one or more properties around them and send
the information to an IoT device. The first industrial sensor was patented in 1883 by Warren Johnson.

- Actuators turn a signal into an action, such as a motor that turns.[4]
1. Connect the sensor to the board.

```
sensor = Sensor(pin=4); print(sensor.value)
```
"""
PLANTS = """Photosynthesis is the process by which plants turn light into chemical energy. It needs water,
carbon dioxide and light. It happens in the chloroplasts.
About 70 percent of the oxygen we breathe comes from plants in the ocean."""
SOURCES = (Source(1, "IoT", "slide 3", SENSORS), Source(2, "Biology", "p. 4", PLANTS))


def said_in(text: str) -> tuple[Source, ...]:
    return (Source(1, "IoT", "", text),)


async def answer(question: str, sources: tuple[Source, ...] = SOURCES, language: str = "english") -> list[str]:
    return [str(item) async for item in ExtractiveChat().stream(Prompt("", question, sources, language=language))]


@pytest.mark.parametrize(
    ("question", "opening"),
    [
        ("What is a sensor?", "Sensors are hardware devices that sense the physical world. [1]"),
        ("What's photosynthesis", "Photosynthesis is the process by which plants turn light into chemical energy. [2]"),
        (
            "When was the first sensor patented?",
            "The first industrial sensor was patented in 1883 by Warren Johnson. [1]",
        ),
        (
            "Who patented the industrial sensor?",
            "The first industrial sensor was patented in 1883 by Warren Johnson. [1]",
        ),
        ("How much oxygen comes from the ocean?", "About 70 percent of the oxygen we breathe comes from plants"),
        (
            "What do actuators do with a signal?",
            "Actuators turn a signal into an action, such as a motor that turns. [1]",
        ),
    ],
)
async def test_the_sentence_that_answers_comes_first_word_for_word_with_its_number(question: str, opening: str) -> None:
    said = await answer(question)

    assert said[0].startswith(opening)
    assert len(said) <= 3


@pytest.mark.parametrize(
    "question", ["Who won the world cup in 2014?", "How is bread baked?", "", "???", "what is the", "Why?"]
)
async def test_what_the_sources_do_not_hold_is_refused_with_the_sentinel_alone(question: str) -> None:
    assert await answer(question) == [NOT_IN_SOURCES]


async def test_no_sources_no_answer() -> None:
    assert await answer("What is a sensor?", ()) == [NOT_IN_SOURCES]


async def test_headings_code_questions_and_announcements_are_no_answers() -> None:
    said = " ".join(await answer("How is a sensor value read and what are sensors and actuators?"))

    assert "#" not in said
    assert "Sensor(" not in said
    assert "this lesson" not in said


async def test_the_same_sentence_in_two_sources_is_said_once() -> None:
    copies = (
        *SOURCES,
        Source(3, "Copy", "", PLANTS),
        Source(4, "Near copy", "", PLANTS.replace("process by", "way in")),
    )
    said = " ".join(await answer("What is photosynthesis?", copies))

    assert said.count("chemical energy") == 1


async def test_a_sentence_that_refers_back_brings_the_one_before() -> None:
    text = (
        "The mitochondrion is an organelle of the cell. It was described by Albert von Kölliker as a granule in 1857."
    )
    said = await answer("When was it described by Kölliker as a granule?", (Source(1, "Cells", "", text),))

    assert [piece.strip() for piece in said] == [
        "The mitochondrion is an organelle of the cell. [1]",
        "It was described by Albert von Kölliker as a granule in 1857. [1]",
    ]


async def test_pieces_join_to_text_on_lines_of_their_own_within_the_length() -> None:
    prompt = Prompt("", "Which plants turn light into energy with water, light and carbon dioxide?", SOURCES)
    full = "".join([str(item) async for item in ExtractiveChat().stream(prompt)])
    short = "".join([str(item) async for item in ExtractiveChat().stream(prompt, max_tokens=5)])

    assert len(full.splitlines()) > 1
    assert all(line.endswith("]") for line in full.splitlines())
    assert short == full.splitlines()[0]


async def test_why_is_answered_by_what_opens_the_passage_under_that_heading() -> None:
    text = (
        "A sett stays at ten degrees all year round. In winter that is warmer than any nest. "
        "Visitors who ask why badgers dig setts are told a story about a spade."
    )
    sources = (
        Source(1, "Badgers", "Why they dig setts", text, "Badgers › Why they dig setts"),
        Source(2, "Badgers", "", "Badgers dig at night. Digging setts takes weeks.", "Badgers"),
    )
    said = await answer("Why do badgers dig setts?", sources)

    assert said[0].startswith("A sett stays at ten degrees")
    assert said[1].strip().startswith("In winter that is warmer")


async def test_a_statement_without_its_reason_brings_the_next_sentence_that_gives_it() -> None:
    text = "During hibernation the hedgehog turns cold. The reason is its heart, which slows down. It eats beetles."
    said = " ".join(await answer("Why does a hedgehog turn cold during hibernation?", said_in(text)))

    assert "The reason is its heart" in said
    assert "beetles" not in said


async def test_a_row_comes_under_its_header_and_a_number_with_what_it_counts() -> None:
    table = "Animal | Weight | Young a year\nBadger | 12 kg | 3\nStoat | 300 g | 8"
    assert await answer("What is the weight of a stoat?", said_in(table)) == [
        "Animal | Weight | Young a year\nStoat | 300 g | 8 [1]"
    ]
    slide = Source(1, "Animals", "slide 2", "12 kg\n\ntypical weight when grown\n\nHunts at night", "Animals › Badger")
    assert (await answer("What is the weight of a grown badger?", (slide,)))[0] == "12 kg typical weight when grown [1]"


async def test_what_hardly_fits_is_refused_when_a_quantity_is_asked_and_no_number_given() -> None:
    question = "How old is the oldest sett of Wales?"
    assert await answer(question, said_in("Setts in Wales are hard to find.")) == [NOT_IN_SOURCES]
    (said,) = await answer(question, said_in("Setts in Wales are 80 years old."))
    assert "80 years" in said


async def test_a_sentence_that_says_nothing_more_is_left_out() -> None:
    text = "A badger weighs 12 kg. Foxes are red. Some say that the weight of a badger is the subject of a long tale."
    assert await answer("How much does a badger weigh?", said_in(text)) == ["A badger weighs 12 kg. [1]"]


def test_sizes_are_found_however_they_are_written() -> None:
    assert tokenize("10×50, 10 x 50 and 4.2 of 1,000") == ["10x50", "10", "x", "50", "and", "4.2", "of", "1000"]
    assert tokenize("10x50") == ["10x50"]


async def test_german_words_meet_in_their_inflected_forms() -> None:
    text = "Ein Sensor misst eine Größe seiner Umgebung. Die Messungen der Sensoren werden gespeichert. Öfen heizen."
    said = await answer("Was ist ein Sensor?", said_in(text), language="german")

    assert said[0] == "Ein Sensor misst eine Größe seiner Umgebung. [1]"
    said = await answer("Wo wird die Messung eines Sensors gespeichert?", said_in(text), language="german")
    assert said[0] == "Die Messungen der Sensoren werden gespeichert. [1]"


async def test_chinese_is_answered_from_chinese() -> None:
    text = "传感器是一种测量物理量的装置。执行器把信号变成动作。今天的天气很好。"
    assert (await answer("执行器做什么？", (Source(7, "物联网", "", text),)))[0] == "执行器把信号变成动作。 [7]"


def test_picked_sentences_know_their_place_in_the_source() -> None:
    for one in pick_sentences("What do sensors measure?", SOURCES):
        assert one.source.text[one.sentence.start : one.sentence.end] == one.sentence.text
