"""All benchmarks, one after the other: ``python -m bench [--quick]``.

A benchmark that lacks data or a library says so, and the others go on.
"""

import subprocess
import sys
from pathlib import Path

from bench.timing import LACKING


def main() -> None:
    failed = []
    for file in sorted(Path(__file__).parent.glob("bench_*.py")):
        print(f"== {file.stem}", flush=True)
        command = [sys.executable, "-m", f"bench.{file.stem}", *sys.argv[1:]]
        if subprocess.run(command, check=False).returncode not in (0, LACKING):
            failed.append(file.stem)
    sys.exit(f"failed: {', '.join(failed)}" if failed else 0)


if __name__ == "__main__":
    main()
