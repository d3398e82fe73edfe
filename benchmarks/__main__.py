"""`make bench`: every benchmark that needs nothing but this machine, one after the other, each in its own process.

About twelve minutes, most of it writing 200,000 passages; `--quick` (`make bench QUICK=1`) searches 20,000 and leaves
out the crowd, which has to wait for Slack's minute: three.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

COURSE = Path(__file__).parents[1] / "bot" / "sample_course"
FULL_SIZE = ("--chunks", "200000", "--classes", "400")


def main() -> int:
    """Run them all; return how many failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    size = () if quick else FULL_SIZE
    failed = 0
    for module, *arguments in (
        ("benchmarks.question_overhead",),
        ("benchmarks.import_speed", str(COURSE)),
        ("benchmarks.slack_events", *(("--rounds", "1") if quick else ())),
        *(() if quick else (("benchmarks.slack_crowd",),)),
        ("benchmarks.release", *(("--rounds", "5") if quick else ())),
        ("benchmarks.retrieval_speed", *size),
    ):
        print(f"\n== {module} {' '.join(arguments)}", flush=True)
        failed += subprocess.run([sys.executable, "-m", module, *arguments], check=False).returncode != 0
    print("\nOn real questions: python -m benchmarks.retrieval_quality FOLDER (see its --help).")
    return failed


if __name__ == "__main__":
    sys.exit(main())
