"""Time and memory of `calovox --help` and `--version`: python bench/bench_start.py."""

import resource
import subprocess
import sys
import time

from bench.timing import count, run

RUNS = 5
CODE = "import sys; from calovox.cli import main; sys.argv[0] = 'calovox'; main()"


def main() -> None:
    """Print the best of a few runs, and the peak memory of all of them."""
    for option in ("--version", "--help"):
        times = []
        for _ in range(count(RUNS)):
            start = time.perf_counter()
            subprocess.run(
                [sys.executable, "-c", CODE, option], check=True, stdout=subprocess.DEVNULL
            )
            times.append(time.perf_counter() - start)
        memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        print(f"calovox {option}: {min(times):.3f} s, {memory:.0f} MB")


if __name__ == "__main__":
    run(main)
