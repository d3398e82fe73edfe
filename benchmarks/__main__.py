"""`make bench`: every benchmark that needs nothing but this machine, one after the other, each in its own process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

COURSE = Path(__file__).parents[1] / "bot" / "sample_course"
RUNS = (
    ("benchmarks.question_overhead",),
    ("benchmarks.import_speed", str(COURSE)),
    ("benchmarks.retrieval_speed",),
)


def main() -> int:
    """Run them all; return how many failed."""
    failed = 0
    for module, *arguments in RUNS:
        print(f"\n== {module} {' '.join(arguments[:1])}", flush=True)
        failed += subprocess.run([sys.executable, "-m", module, *arguments], check=False).returncode != 0
    print("\nOn real questions: python -m benchmarks.retrieval_quality FOLDER (see its --help).")
    return failed


if __name__ == "__main__":
    sys.exit(main())
