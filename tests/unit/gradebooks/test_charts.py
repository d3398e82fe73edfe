"""The picture of how grades are spread, and its words."""

from __future__ import annotations

import struct
import subprocess
import sys

from adapters.charts import describe_distribution, draw_distribution
from core.grading.plan_release import Bucket

SPREAD = tuple(Bucket(10 * at, {5: 1, 8: 12, 10: 2}.get(at, 0)) for at in range(11))


def test_a_picture_is_a_png_with_its_words() -> None:
    picture = draw_distribution(SPREAD, "Essay $5$ “x_1”")
    assert picture.png.startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack(">II", picture.png[16:24]) == (960, 450)
    assert picture.alt == "Essay $5$ “x_1”: 15 grades, 1 at 50–59 %, 12 at 80–89 %, 2 at 100+ %."
    other = draw_distribution(tuple(Bucket(each.low, 0) for each in SPREAD), "Essay")
    assert (other.png != picture.png, other.alt) == (True, "Essay: no grades in points yet.")


def test_one_grade_is_one() -> None:
    assert describe_distribution((Bucket(90, 1),), "Quiz") == "Quiz: 1 grade, 1 at 90–99 %."


def test_nothing_is_loaded_until_something_is_drawn() -> None:
    program = "import sys, adapters.charts; sys.exit('matplotlib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], check=False)  # noqa: S603  (our own line)
    assert done.returncode == 0
