"""Write the sample course's slides (PPTX), byte for byte the same on every run.

Run it from anywhere: `python docs/make_sample_slides.py [FILE]`. FILE defaults to its place in the sample course.
"""
# ruff: noqa: E501 - a script that is run by hand, part of no package; speaker notes are long

from __future__ import annotations

import io
import math
import sys
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pptx import Presentation
from pptx.dml.color import RGBColor
from pptx.enum.shapes import MSO_SHAPE
from pptx.enum.text import PP_ALIGN
from pptx.presentation import Presentation as Deck
from pptx.shapes.autoshape import Shape
from pptx.slide import Slide as Page
from pptx.text.text import _Run as Run
from pptx.util import Inches, Pt

COURSE = Path(__file__).parent.parent / "bot" / "sample_course"
WRITTEN = datetime(2026, 1, 1, 12, tzinfo=UTC)
AUTHOR = "Homeroom sample course"
SLIDES = COURSE / "02-moon-and-planets" / "03-wandering-planets.slides.pptx"
NIGHT, GOLD, GREY, WHITE = "0D1630", "F4C95D", "A4AECB", "FFFFFF"


@dataclass(frozen=True, slots=True)
class Disc:
    """A planet as drawn: centre and diameter in inches, light and dark colour, and what goes with it."""

    x: float
    y: float
    diameter: float
    light: str
    dark: str
    bands: tuple[str, ...] = ()
    ring: bool = False


@dataclass(frozen=True, slots=True)
class Slide:
    """One slide: title, the large figure with its caption, facts, speaker notes, planets."""

    title: str
    figure: str
    caption: str
    facts: tuple[str, ...]
    notes: str
    discs: tuple[Disc, ...]


COVER_NOTES = (
    "Begin with a question: which planets has everybody in the room already seen, perhaps without knowing? The usual "
    "order of surprise is Venus, Jupiter, Mars, Saturn; hardly anybody has knowingly seen Mercury. A legend says that "
    "even Copernicus never did, because of the mists on the Vistula."
)
COVER_DISCS = (
    Disc(1.1, 5.1, 0.35, "D9CFC2", "6B6259"), Disc(2.1, 5.1, 0.6, "FFF1C9", "C48A3A"),
    Disc(3.2, 5.1, 0.65, "8CC0FF", "1F4E9A"), Disc(4.2, 5.1, 0.45, "F2A46F", "8C3A1E"),
    Disc(6.1, 5.1, 1.9, "F6E2C3", "9C6B43", ("D9A877", "B98253", "E8C79B", "C08F62")),
    Disc(9.0, 5.1, 1.4, "FBE8B8", "A98243", ("E2C583", "CFAA66"), ring=True),
    Disc(11.2, 5.1, 0.85, "D6F3F2", "5BA5AE"), Disc(12.4, 5.1, 0.8, "7FA8F5", "22429C"),
)  # fmt: skip
SLIDE_TEXTS = (
    Slide(
        "Mercury: the sprinter", "176", "Earth days from one sunrise to the next",
        ("Up to 430 °C by day, minus 180 °C by night", "No air to carry the warmth to the night side",
         "Ice in polar craters that the Sun never reaches"),
        "Mercury turns three times on its axis for every two trips around the Sun, which is why its day is twice as long "
        "as its year. Its craters are named after artists, writers and composers: there are a Bach, a Tolstoy and a "
        "Basho on Mercury. The Caloris basin is about 1,550 km across.",
        (Disc(10.1, 3.9, 3.4, "D9CFC2", "6B6259"),),
    ),
    Slide(
        "Venus: the beautiful oven", "465 °C", "on the ground, day and night, pole to equator",
        ("Hotter than Mercury: carbon dioxide keeps the heat in", "Air pressure 92 times that on Earth",
         "Turns backwards: the Sun rises in the west"),
        "The Soviet lander Venera 13 sent pictures from the ground for 127 minutes on 1 March 1982; it had been built to "
        "last 32. Its twin Venera 14 lowered an arm to measure how hard the soil is, and the arm came down on the "
        "lander's own lens cap. Ask the class what the reading said. (How hard a lens cap is.)",
        (Disc(10.1, 3.9, 4.2, "FFF1C9", "C48A3A"),),
    ),
    Slide(
        "Mars: the rusty neighbour", "22 km", "the height of Olympus Mons, a shield volcano",
        ("Red from iron oxide: rust", "A day of 24 hours and 37 minutes by the stars",
         "Sunsets are blue, the daytime sky butterscotch"),
        "Mars has two small moons, Phobos and Deimos, found by Asaph Hall in August 1877. Phobos circles Mars in 7 hours "
        "and 39 minutes, faster than Mars turns, so it rises in the west and sets in the east. In the same year Giovanni "
        "Schiaparelli drew channels, canali in Italian, which others took for canals.",
        (Disc(10.1, 3.9, 3.8, "F2A46F", "8C3A1E"), Disc(12.3, 1.7, 0.28, "B8A999", "5E554C")),
    ),
    Slide(
        "Jupiter: the giant", "9 h 56 min", "for one turn, the shortest day of all planets",
        ("Two and a half times the mass of all other planets together", "The Great Red Spot is a storm wider than Earth",
         "Four large moons: Io, Europa, Ganymede, Callisto"),
        "Galileo saw the moons first on 7 January 1610 and took them for fixed stars. Within a week they had changed places "
        "and there were four. Ganymede is the largest moon in the Solar System, larger than the planet Mercury. The Red "
        "Spot has been shrinking for as long as it has been measured well.",
        (Disc(10.0, 4.0, 4.9, "F6E2C3", "9C6B43", ("D9A877", "B98253", "E8C79B", "C08F62")),
         Disc(7.2, 6.3, 0.22, "F1E7A8", "A09040"), Disc(7.9, 6.75, 0.2, "E6E6E6", "888888")),
    ),
    Slide(
        "Saturn: the one with the rings", "10 m", "typical thickness of the main rings",
        ("The rings are 280,000 km wide: thinner for their size than paper", "Lighter than water: 0.69 g/cm³ on average",
         "Titan, its largest moon, has air and lakes of methane"),
        "Galileo saw the rings in 1610 and thought that Saturn had ears, or was three bodies. Two years later the rings were "
        "edge-on and the ears had gone, which worried him. Christiaan Huygens explained it in 1659 as a flat ring that "
        "touches the planet nowhere. We see the rings edge-on about every 15 years; the last time was in March 2025.",
        (Disc(9.95, 4.0, 2.6, "FBE8B8", "A98243", ("E2C583", "CFAA66"), ring=True),),
    ),
    Slide(
        "Uranus and Neptune: the ice giants", "98°", "the tilt of Uranus, which rolls around the Sun on its side",
        ("Uranus: found by William Herschel on 13 March 1781", "Neptune: found by calculation on 23 September 1846",
         "Neptune's winds are the fastest known on a planet of the Sun: about 2,000 km/h"),
        "Herschel wanted to call his planet the Georgian Star, after King George III; British almanacs did so until 1850. "
        "Neptune was found within one degree of the place that Urbain Le Verrier had calculated, by Johann Galle in "
        "Berlin, on the first evening of looking. It completed its first orbit since then in July 2011.",
        (Disc(9.2, 3.4, 2.7, "D6F3F2", "5BA5AE"), Disc(11.6, 5.3, 2.6, "7FA8F5", "22429C")),
    ),
    Slide(
        "And Pluto?", "2006", "the year in which Pluto became a dwarf planet",
        ("Found by Clyde Tombaugh on 18 February 1930", "Smaller than our Moon: 2,377 km across",
         "Has a heart-shaped plain of frozen nitrogen"),
        "The name was suggested over breakfast by Venetia Burney, eleven years old, from Oxford. Her grandfather passed it "
        "on to an astronomer and gave her five pounds when it was accepted. Tombaugh's ashes flew past Pluto on board New "
        "Horizons on 14 July 2015.",
        (Disc(10.1, 3.9, 2.4, "EBD9C0", "8A6D52"), Disc(12.1, 5.3, 1.2, "CFCFCF", "6E6E6E")),
    ),
    Slide(
        "If the Sun were a football", "24 m", "from a football Sun to the Earth, a bead of 2 mm",
        ("Jupiter: a 2.2 cm marble at 123 m", "Neptune: an 8 mm pea at 711 m",
         "Proxima Centauri, the next star: 6,300 km away"),
        "Play it on the school field: ball on the goal line, bead 24 steps away, then ask where the next star goes. From "
        "London the answer is: roughly in Chicago. On this scale light crawls along at about 5 cm a second. A tortoise "
        "in a hurry would overtake it.",
        (Disc(9.6, 3.7, 3.6, "FFE9A3", "E59B2A"), Disc(12.3, 5.9, 0.1, "9CC7FF", "2E5FA8")),
    ),
)  # fmt: skip


def rgb(value: str) -> RGBColor:
    """Return the colour that `RRGGBB` names."""
    made: RGBColor = RGBColor.from_string(value)  # type: ignore[no-untyped-call]  # python-pptx is typed in part only
    return made


def paint(shape: Shape, light: str, dark: str | None = None) -> None:
    """Fill a shape, with a gradient if there are two colours (`RRGGBB`); no outline, no shadow."""
    shape.shadow.inherit = False
    shape.line.fill.background()
    if dark is None:
        shape.fill.solid()
        shape.fill.fore_color.rgb = rgb(light)
        return
    shape.fill.gradient()
    shape.fill.gradient_angle = -40
    for stop, value in zip(shape.fill.gradient_stops, (light, dark), strict=False):
        stop.color.rgb = rgb(value)


def add_polygon(page: Page, points: Sequence[tuple[float, float]]) -> Shape:
    """Add a closed polygon through the points, in inches."""
    corners = [(Inches(x), Inches(y)) for x, y in points]
    builder = page.shapes.build_freeform(*corners[0])
    builder.add_line_segments(corners[1:], close=True)
    polygon: Shape = builder.convert_to_shape()
    return polygon


def trace_arc(x: float, y: float, across: float, down: float, start: int, end: int) -> list[tuple[float, float]]:
    """Return points of an ellipse with half-axes `across` and `down`, from `start` to `end` degrees, clockwise."""
    step = 3 if end > start else -3
    angles = [math.radians(angle) for angle in range(start, end + step, step)]
    return [(x + across * math.cos(angle), y + down * math.sin(angle)) for angle in angles]


def add_disc(page: Page, disc: Disc) -> None:
    """Draw a planet, its cloud bands and its ring: the far half first, so that the planet hides a part of it."""
    x, y, radius = disc.x, disc.y, disc.diameter / 2

    def add_half_ring(start: int, end: int) -> None:
        outer = trace_arc(x, y, radius * 2.2, radius * 0.62, start, end)
        inner = trace_arc(x, y, radius * 1.35, radius * 0.38, end, start)
        paint(add_polygon(page, outer + inner), "E9D7A4", "A88D55")

    if disc.ring:
        add_half_ring(180, 360)
    box = (Inches(x - radius), Inches(y - radius), Inches(2 * radius), Inches(2 * radius))
    paint(page.shapes.add_shape(MSO_SHAPE.OVAL, *box), disc.light, disc.dark)
    for number, band in enumerate(disc.bands):
        middle = round(60 * ((number + 1) / (len(disc.bands) + 1) - 0.5) * 2 / 3) * 3
        right = trace_arc(x, y, radius * 0.995, radius * 0.995, middle - 3, middle + 3)
        left = trace_arc(x, y, radius * 0.995, radius * 0.995, 177 - middle, 183 - middle)
        paint(add_polygon(page, right + left), band)
    if disc.ring:
        add_half_ring(0, 180)


def write_lines(
    page: Page, box: tuple[float, float, float, float], lines: Sequence[str], size: float, ink: str,
    *, bold: bool = False, serif: bool = False, gap: float = 0,
) -> None:  # fmt: skip
    """Add a text box (left, top, width, height in inches), one paragraph a line, `size` and `gap` in points."""
    frame = page.shapes.add_textbox(*(Inches(value) for value in box)).text_frame
    frame.word_wrap = True
    for number, line in enumerate(lines):
        paragraph = frame.paragraphs[0] if number == 0 else frame.add_paragraph()
        paragraph.space_after = Pt(gap)
        style_run(paragraph.add_run(), line, size, ink, bold=bold, serif=serif)


def style_run(run: Run, text: str, size: float, ink: str, *, bold: bool = False, serif: bool = False) -> None:
    """Give a run its text and looks."""
    run.text = text
    run.font.size = Pt(size)
    run.font.bold = bold
    run.font.color.rgb = rgb(ink)
    run.font.name = "Georgia" if serif else "Calibri"


def add_page(deck: Deck, title: str, notes: str, *, top: float, size: float) -> Page:
    """Add a dark slide with its title in the title placeholder, where screen readers look for it, and its notes."""
    page: Page = deck.slides.add_slide(deck.slide_layouts.get_by_name("Title Only"))
    page.background.fill.solid()
    page.background.fill.fore_color.rgb = rgb(NIGHT)
    holder, spoken = page.shapes.title, page.notes_slide.notes_text_frame
    if holder is None or spoken is None:
        raise RuntimeError("python-pptx's default template has changed: no title or no notes")
    holder.left, holder.top, holder.width, holder.height = Inches(0.7), Inches(top), Inches(11.9), Inches(1)
    paragraph = holder.text_frame.paragraphs[0]
    paragraph.alignment = PP_ALIGN.LEFT
    style_run(paragraph.add_run(), title, size, WHITE, bold=True, serif=True)
    spoken.text = notes
    return page


def make_slides() -> bytes:
    """Return the deck as PPTX: a title slide and one slide for each of `SLIDE_TEXTS`."""
    deck = Presentation()
    deck.slide_width, deck.slide_height = Inches(13.333), Inches(7.5)
    about = deck.core_properties
    about.title, about.author, about.last_modified_by = "Meet the Planets", AUTHOR, AUTHOR
    about.created = about.modified = WRITTEN.replace(tzinfo=None)

    cover = add_page(deck, "Meet the Planets", COVER_NOTES, top=1.5, size=54)
    write_lines(cover, (0.7, 2.6, 11, 0.7), ("Eight worlds, one exile and a football",), 24, GOLD, serif=True)
    for disc in COVER_DISCS:
        add_disc(cover, disc)
    write_lines(
        cover, (0.7, 6.7, 11, 0.5), ("The Night Sky  ·  Lesson 2.3  ·  sizes and distances not to scale",), 14, GREY
    )

    for text in SLIDE_TEXTS:
        page = add_page(deck, text.title, text.notes, top=0.5, size=36)
        for disc in text.discs:
            add_disc(page, disc)
        write_lines(page, (0.7, 1.6, 6.2, 1.2), (text.figure,), 60, GOLD, bold=True, serif=True)
        write_lines(page, (0.75, 2.75, 5.6, 0.9), (text.caption,), 18, GREY)
        write_lines(page, (0.75, 3.85, 5.9, 3), text.facts, 22, WHITE, gap=12)
    buffer = io.BytesIO()
    deck.save(buffer)
    return fix_zip_dates(buffer.getvalue())


def fix_zip_dates(data: bytes) -> bytes:
    """Return the same ZIP archive with every entry dated 1980, the format's beginning, instead of now."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            entry = zipfile.ZipInfo(name)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 0  # else it says on which kind of system it was made
            new.writestr(entry, old.read(name))
    return buffer.getvalue()


def main() -> None:
    """Write the file named on the command line, or the one in the sample course."""
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else SLIDES
    path.write_bytes(make_slides())


if __name__ == "__main__":
    main()
