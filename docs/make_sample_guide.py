"""Write the sample course's field guide (PDF), byte for byte the same on every run.

Run it from anywhere: `python docs/make_sample_guide.py [FILE]`. FILE defaults to its place in the sample course.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

from fpdf import FPDF, FontFace

COURSE = Path(__file__).parent.parent / "bot" / "sample_course"
WRITTEN = datetime(2026, 1, 1, 12, tzinfo=UTC)
AUTHOR = "Homeroom sample course"
GUIDE = COURSE / "01-finding-your-way" / "02-star-hopping" / "field-guide.pdf"
NIGHT, GOLD, INK, PAPER, GREY = (13, 22, 48), (244, 201, 93), (32, 38, 56), (247, 244, 236), (150, 160, 190)

# Name, right ascension in hours, declination in degrees (J2000), magnitude, whether the chart names it.
STARS = (
    ("Dubhe", 11.062, 61.75, 1.8, True), ("Merak", 11.031, 56.38, 2.4, True), ("Phecda", 11.897, 53.69, 2.4, False),
    ("Megrez", 12.257, 57.03, 3.3, False), ("Alioth", 12.900, 55.96, 1.8, False), ("Mizar", 13.399, 54.93, 2.2, True),
    ("Alkaid", 13.792, 49.31, 1.9, False), ("Polaris", 2.530, 89.26, 2.0, True), ("Yildun", 17.537, 86.59, 4.4, False),
    ("Epsilon UMi", 16.766, 82.04, 4.2, False), ("Zeta UMi", 15.734, 77.79, 4.3, False),
    ("Eta UMi", 16.292, 75.76, 5.0, False), ("Pherkad", 15.345, 71.83, 3.0, False),
    ("Kochab", 14.845, 74.16, 2.1, True), ("Caph", 0.153, 59.15, 2.3, False), ("Schedar", 0.675, 56.54, 2.2, False),
    ("Gamma Cas", 0.945, 60.72, 2.2, False), ("Ruchbah", 1.430, 60.24, 2.7, False), ("Segin", 1.907, 63.67, 3.4, False),
    ("Capella", 5.278, 46.00, 0.1, True), ("Vega", 18.616, 38.78, 0.0, True), ("Deneb", 20.690, 45.28, 1.3, True),
)  # fmt: skip
FIGURES = (
    ("Alkaid", "Mizar", "Alioth", "Megrez", "Phecda", "Merak", "Dubhe", "Megrez"),
    ("Polaris", "Yildun", "Epsilon UMi", "Zeta UMi", "Kochab", "Pherkad", "Eta UMi", "Zeta UMi"),
    ("Caph", "Schedar", "Gamma Cas", "Ruchbah", "Segin"),
)
RIGHT_ASCENSION_AT_TOP = 12.0  # what culminates at about 23:00 in early April

PACKING = (
    "Red torch, dimmed with two layers of cellophane",
    "Chart, notebook, two pencils, clothes-peg for the pages",
    "One more layer than you think: you will be standing still",
    "A sheet of foam to stand on: cold comes from below",
    "Spare batteries in an inside pocket, where they stay warm",
    "Somebody who knows where you are and when you will be back",
)
TWILIGHTS = (
    ("Twilight", "Sun below horizon", "What you can do"),
    ("Civil", "0 to 6 degrees", "Read a newspaper; find Venus and Jupiter"),
    ("Nautical", "6 to 12 degrees", "See the brightest stars and still the horizon"),
    ("Astronomical", "12 to 18 degrees", "Trace constellations"),
    ("Night", "more than 18 degrees", "Hunt galaxies and the Milky Way"),
)
ANTONIADI = (
    ("Seeing", "What the image does"),
    ("I", "Perfect, without a quiver"),
    ("II", "Slight quivering, with calm moments of several seconds"),
    ("III", "Moderate, with larger tremors"),
    ("IV", "Poor: constant troublesome undulations"),
    ("V", "So bad that you can hardly make a rough sketch"),
)
LOG_ENTRY = (
    ("No. 17", "Moon, near first quarter"),
    ("When", "14 March, 19:40 to 20:05 UT"),
    ("Where", "School field, 51.9 N, 1.3 W"),
    ("With", "10x50 binoculars, on the wall"),
    ("Sky", "Seeing III, transparency good, limit 4.6, some haze in the south"),
    ("Saw", "Three craters on the terminator, one with a peak; a bright dot in the Sea of Serenity. Fingers too cold."),
)  # fmt: skip
TARGETS = (
    ("Object", "Where", "Mag.", "Light-years", "Look for"),
    ("Hyades", "Taurus", "0.5", "153", "A V of stars. Aldebaran only stands in front"),
    ("Pleiades (M45)", "Taurus", "1.6", "440", "Dozens of stars in a tiny dipper"),
    ("Mizar and Alcor", "Ursa Major", "2.2, 4.0", "83", "A pair 12 arcminutes apart: an old eye test"),
    ("Albireo", "Cygnus", "3.1, 5.1", "about 400", "Gold and blue, 34 arcseconds apart; hold still"),
    ("Ptolemy's Cluster (M7)", "Scorpius", "3.3", "980", "Low in the south; Ptolemy saw it in about AD 130"),
    ("Andromeda Galaxy (M31)", "Andromeda", "3.4", "2.5 million", "A long smudge, wider than the Moon"),
    ("Coathanger", "Vulpecula", "3.6", "various", "Ten stars in line by pure chance"),
    ("Beehive (M44)", "Cancer", "3.7", "610", "Fog to the eye, a swarm in binoculars"),
    ("Double Cluster", "Perseus", "3.7, 3.8", "7,500", "Two clusters in one field"),
    ("Orion Nebula (M42)", "Orion", "4.0", "1,340", "A glow in the Sword: stars being born"),
    ("Hercules Cluster (M13)", "Hercules", "5.8", "24,000", "A round, soft star; some 300,000 suns"),
    ("Lagoon Nebula (M8)", "Sagittarius", "6.0", "4,100", "A patch beside the Milky Way; needs dark sky"),
)
IMPOSTORS = (
    ("It looks like", "It probably is", "How to tell"),
    ("A steady bright light crossing the sky in up to six minutes", "The International Space Station",
     "It orbits at about 400 km in some 93 minutes; no blinking, no sound"),
    ("A moving star that fades out high in the sky", "A satellite", "It has flown into the Earth's shadow"),
    ("A string of pearls", "Newly launched Starlink satellites", "All on one line, one behind the other"),
    ("Red and green lights with a flash", "An aeroplane", "Red is on its left wing, green on its right"),
    ("A brilliant lamp in the west after sunset", "Venus", "It hangs there for an hour and moves with the stars"),
    ("Silver-blue ripples low in the north in June", "Noctilucent clouds",
     "The highest clouds of all, at about 83 km, still in sunshine"),
    ("An orange light that drifts with the wind", "A sky lantern", "It flickers and goes out"),
)  # fmt: skip


class FieldGuide(FPDF):
    """An A5 booklet with the guide's headings, paragraphs, tables and footer."""

    def __init__(self) -> None:
        super().__init__(format=(148, 210))  # A5 in mm
        self.core_fonts_encoding = "windows-1252"
        self.set_margins(14, 14)
        self.set_auto_page_break(auto=True, margin=16)
        self.set_creation_date(WRITTEN)
        self.set_title("Field Guide to the Night Sky")
        self.set_author(AUTHOR)
        self.set_lang("en")

    def footer(self) -> None:
        """Put the page's number at its foot, on every page but the cover."""
        if self.page_no() > 1:
            self.set_y(-11)
            self.set_font("helvetica", size=7.5)
            self.set_text_color(*GREY)
            self.cell(0, 5, f"Field Guide to the Night Sky  ·  {self.page_no()}", align="C")

    def open_page(self, title: str) -> None:
        """Start a page under a dark band that carries its title."""
        self.add_page()
        self.set_fill_color(*NIGHT)
        self.rect(0, 0, self.w, 22, style="F")
        self.set_fill_color(*GOLD)
        self.rect(0, 22, self.w, 0.8, style="F")
        self.set_xy(self.l_margin, 7)
        self.set_font("times", style="B", size=19)
        self.set_text_color(255, 255, 255)
        self.cell(0, 9, title)
        self.set_xy(self.l_margin, 28)

    def head(self, text: str) -> None:
        """Write a heading."""
        self.ln(1.5)
        self.set_font("times", style="B", size=12.5)
        self.set_text_color(*NIGHT)
        self.multi_cell(0, 6, text, new_x="LMARGIN", new_y="NEXT")

    def write_paragraph(self, text: str) -> None:
        """Write a paragraph; **bold** is understood."""
        self.set_font("helvetica", size=9)
        self.set_text_color(*INK)
        self.multi_cell(0, 4.5, text, markdown=True, align="L", new_x="LMARGIN", new_y="NEXT")
        self.ln(1.5)

    def rule_table(self, rows: Sequence[Sequence[str]], widths: tuple[int, ...], *, headed: bool = True) -> None:
        """Draw a table; the first row is its head unless told otherwise."""
        self.set_font("helvetica", size=8)
        self.set_text_color(*INK)
        self.set_draw_color(*GREY)
        self.set_line_width(0.15)
        self.set_fill_color(255, 255, 255)
        with self.table(
            rows, col_widths=widths, text_align="LEFT", borders_layout="HORIZONTAL_LINES", line_height=4,
            first_row_as_headings=headed, padding=(0.9, 1), cell_fill_color=PAPER, cell_fill_mode="ROWS",
            headings_style=FontFace(emphasis="BOLD", color=(255, 255, 255), fill_color=NIGHT),
        ):  # fmt: skip
            pass
        self.ln(2)


def draw_chart(guide: FieldGuide, x: float, y: float, radius: float) -> None:
    """Draw the sky within 54 degrees of the pole as seen facing north, azimuthal equidistant, centred on (x, y) mm."""
    guide.set_fill_color(24, 37, 76)
    guide.set_draw_color(*GOLD)
    guide.set_line_width(0.5)
    guide.circle(x, y, radius, style="DF")
    places: dict[str, tuple[float, float]] = {}
    for name, hours, declination, _, _ in STARS:
        # Facing north, the sky to the right (east) culminates later: right ascension grows clockwise.
        angle = math.radians((hours - RIGHT_ASCENSION_AT_TOP) * 15)
        distance = (90 - declination) / 54 * radius
        places[name] = (x + distance * math.sin(angle), y - distance * math.cos(angle))
    guide.set_draw_color(92, 110, 165)
    guide.set_line_width(0.25)
    for figure in FIGURES:
        for start, end in pairwise(figure):
            guide.line(*places[start], *places[end])
    guide.set_draw_color(*GOLD)
    guide.set_dash_pattern(dash=1.2, gap=1.2)
    guide.line(*places["Dubhe"], *places["Polaris"])
    guide.set_dash_pattern()
    guide.set_font("helvetica", size=7.5)
    guide.set_text_color(215, 222, 245)
    guide.set_fill_color(255, 255, 255)
    for name, _, _, magnitude, named in STARS:
        guide.circle(*places[name], 1.35 - 0.2 * magnitude, style="F")
        if named:
            to_the_left = name in {"Kochab", "Vega", "Dubhe", "Merak"}
            offset = -1.8 - guide.get_string_width(name) if to_the_left else 1.8
            guide.text(places[name][0] + offset, places[name][1] + 1, name)
    guide.set_font("helvetica", style="I", size=7.5)
    guide.set_text_color(*GOLD)
    guide.text(places["Alioth"][0] - 9, places["Alioth"][1] - 8, "The Plough")
    guide.text(places["Schedar"][0] - 8, places["Schedar"][1] + 6, "Cassiopeia")


def make_guide() -> bytes:
    """Return the field guide as PDF, five A5 pages."""
    guide = FieldGuide()
    guide.add_page()
    guide.set_fill_color(*NIGHT)
    guide.rect(0, 0, guide.w, guide.h, style="F")
    guide.set_y(16)
    guide.set_font("times", style="B", size=27)
    guide.set_text_color(*GOLD)
    guide.cell(0, 12, "Field Guide to the Night Sky", align="C", new_x="LMARGIN", new_y="NEXT")
    guide.set_font("helvetica", size=10)
    guide.set_text_color(255, 255, 255)
    guide.cell(0, 6, "What to take, what to write down, what to look for", align="C")
    draw_chart(guide, guide.w / 2, 104, 62)
    guide.set_xy(guide.l_margin, 172)
    guide.set_font("helvetica", size=8.5)
    guide.set_text_color(215, 222, 245)
    guide.multi_cell(
        0, 4.6,
        "The northern sky at about 23:00 in early April, facing north. Turn the page a quarter turn anticlockwise for "
        "every three months. From Dubhe to Polaris it is 28.7 degrees: not quite three fists at arm's length. Capella, "
        "Vega and Deneb mark the edge of the chart.",
        align="C",
    )  # fmt: skip

    guide.open_page("Before you go out")
    guide.head("What to pack")
    for item in PACKING:
        guide.set_draw_color(*NIGHT)
        guide.set_line_width(0.3)
        guide.rect(guide.l_margin + 0.5, guide.get_y() + 0.7, 3, 3)
        guide.set_x(guide.l_margin + 6)
        guide.write_paragraph(item)
    guide.head("When is it dark?")
    guide.rule_table(TWILIGHTS, (26, 34, 60))
    guide.write_paragraph(
        "At latitude 52° north the Sun never sinks more than 18 degrees below the horizon between about 21 May and 23 "
        "July. **In those nine weeks it does not get fully dark at all**: study the Moon, and sleep."
    )
    guide.head("Dew, the quiet enemy")
    guide.write_paragraph(
        "A lens that looks at the clear sky cools below the temperature of the air, and dew settles on it. A dew "
        "shield, a simple tube in front of the lens, should be about one and a half times as long as the lens is wide. "
        "**Never wipe a wet lens.** Warm it gently and let it dry."
    )

    guide.open_page("Keeping an observing log")
    guide.write_paragraph(
        "An observation that isn't written down did not happen. Number your entries, write while you look, and use "
        "**Universal Time (UT)**, so that somebody on the other side of the Earth can compare. Never improve an entry "
        "the next morning; add a second one."
    )
    guide.head("Seeing: the Antoniadi scale")
    guide.rule_table(ANTONIADI, (18, 102))
    guide.write_paragraph(
        "The scale is named after Eugène Antoniadi, an astronomer born in Constantinople who worked in France and "
        "drew Mars so carefully that he found no canals on it."
    )
    guide.head("An entry that is good enough")
    guide.rule_table(LOG_ENTRY, (18, 102), headed=False)
    guide.head("Counting days without months")
    guide.write_paragraph(
        "Observers of variable stars number the days instead of dating them. **Julian day** 2,451,545 began at noon "
        "UT on 1 January 2000. The day begins at noon, so that a European night has a single number."
    )

    guide.open_page("Twelve targets for binoculars")
    guide.write_paragraph(
        "From bright to faint. All twelve can be seen from 45° north or further south; the two in Scorpius and "
        "Sagittarius stay very low in Britain. Tick them off over a year."
    )
    guide.rule_table(TARGETS, (29, 21, 14, 20, 36))

    guide.open_page("Satellites and other impostors")
    guide.write_paragraph(
        "Sooner or later you will see something that is not in the chart. It is nearly always one of these. Satellites "
        "are visible in the hours after dusk and before dawn, when they are still in sunlight and you are not."
    )
    guide.rule_table(IMPOSTORS, (40, 34, 46))
    guide.head("If it really was a fireball")
    guide.write_paragraph(
        "Write down at once: the time to the second, where it began and ended against the stars, how long it lasted, "
        "colours, and any sound. A rumble arrives minutes later, because sound needs about three seconds for each "
        "kilometre. Report it with the online form of the **International Meteor Organization**: a few good reports "
        "are enough to work out where a meteorite fell."
    )
    return bytes(guide.output())


def main() -> None:
    """Write the file named on the command line, or the one in the sample course."""
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else GUIDE
    path.write_bytes(make_guide())


if __name__ == "__main__":
    main()
