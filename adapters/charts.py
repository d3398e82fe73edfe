"""Pictures of numbers, each with the same said in words."""

from __future__ import annotations

import io
from collections.abc import Sequence

from core.grading.plan_release import Bucket
from core.replies import Picture

_SIZE = (6.4, 3.0)  # inches, at 150 dots each
_DOTS = 150
_BAR, _INK = "#3b6ea5", "#222222"


def draw_distribution(buckets: Sequence[Bucket], title: str) -> Picture:
    """Return a bar for every ten percent of the points, with how many grades lie there, as a PNG of 960 by 450."""
    # A second to import, for pictures that most processes never draw.
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415  (above)
    from matplotlib.figure import Figure  # noqa: PLC0415  (above)
    from matplotlib.ticker import MaxNLocator  # noqa: PLC0415  (above)

    figure = Figure(figsize=_SIZE, dpi=_DOTS, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    labels = [_label(bucket) for bucket in buckets]
    bars = axes.bar(labels, [bucket.count for bucket in buckets], color=_BAR, width=0.85)
    axes.bar_label(bars, labels=[str(bucket.count) if bucket.count else "" for bucket in buckets], color=_INK)
    axes.set_title(title, color=_INK, parse_math=False)
    axes.set_xlabel("percent of the points")
    axes.set_ylabel("grades")
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.margins(y=0.15)
    axes.spines[["top", "right"]].set_visible(False)
    out = io.BytesIO()
    canvas.print_png(out)  # type: ignore[no-untyped-call]
    return Picture(out.getvalue(), describe_distribution(buckets, title))


def describe_distribution(buckets: Sequence[Bucket], title: str) -> str:
    """Return what the picture shows, in words."""
    total = sum(bucket.count for bucket in buckets)
    if not total:
        return f"{title}: no grades in points yet."
    spread = ", ".join(f"{bucket.count} at {_label(bucket)} %" for bucket in buckets if bucket.count)
    return f"{title}: {total} {'grade' if total == 1 else 'grades'}, {spread}."


def _label(bucket: Bucket) -> str:
    return f"{bucket.low}–{bucket.low + 9}" if bucket.low < 100 else "100+"  # noqa: PLR2004  (percent)
