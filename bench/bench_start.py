"""Time of `calovox --help`, and of each command's first output: python -m bench.bench_start.

The first output is what a user at a terminal sees first: the line that says what is read, or the
progress. Times are processor times of the command, so that other work on the machine does not
count. Each command runs once before it is measured.
"""

import os
import pty
import resource
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.timing import rounds, run

RUNS = 5
FIRST_RUNS = 2
CODE = "import sys; from calovox.cli import main; sys.argv[0] = 'calovox'; main()"
PEAK = """
import atexit, pathlib, sys
def show():
    lines = pathlib.Path("/proc/self/status").read_text().splitlines()
    print(next(line.split()[1] for line in lines if line.startswith("VmHWM")), file=sys.stderr)
atexit.register(show)
"""
SAMPLE = Path("sample")
COMMANDS = {
    "geant4": "geant4 --energy 1GeV --eta 0.2 -n 1 -o {out}.h5",
    "voxelize": "voxelize {sample}/hits.h5 -o {out}.h5",
    "phi-modulation fit": "phi-modulation fit {sample}/hits.h5 -o {out}.h5",
    "phi-modulation remove": "phi-modulation remove {sample}/hits.h5 "
    "--curve {sample}/phi_curve.h5 -o {out}.h5",
    "train inn": "train inn --data {sample}/photons_optimal.h5 -o {out}",
    "train cfm": "train cfm --data {sample}/photons_optimal.h5 -o {out}",
    "train dit": "train dit --data {sample}/photons_optimal.h5 -o {out}",
    "train gan": "train gan --data {sample}/photons_optimal.h5 -o {out}",
    "train parametric": "train parametric {sample}/hits.h5 -o {out}.npz",
    "train centers": "train centers {sample}/hits.h5 -o {out}.json",
    "simulate": "simulate --model calodit --energy 65GeV --eta 0.2 -n 10 -o {out}.h5",
    "reconstruct": "reconstruct {sample}/photons_optimal.h5 -o {out}.parquet",
    "evaluate": "evaluate {sample}/photons_optimal.h5 -o {out}",
    "benchmark": "benchmark calodit -o {out}.json",
    "info": "info {sample}/photons_optimal.h5",
}


def main() -> None:
    """Print the best of a few runs, and the peak memory of all of them."""
    for option in ("--version", "--help"):
        seconds, memory = min(_whole(option) for _ in range(rounds(RUNS)))
        print(f"calovox {option}: {seconds:.3f} s, {memory / 1024:.0f} MB")
    for name, line in COMMANDS.items():
        starts = [_first_output(line) for _ in range(rounds(1 + FIRST_RUNS))]
        seconds, text = min(starts[1:] or starts)  # the first use compiles kernels
        print(f"calovox {name}: first output after {seconds:.3f} s: {text}")


def _whole(option: str) -> tuple[float, int]:
    """Give the processor time of a run, and its peak memory in kB."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, "-c", PEAK + CODE, option], check=True, capture_output=True, text=True
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return seconds, int(done.stderr.split()[-1])


def _first_output(line: str) -> tuple[float, str]:
    """Start a command at a terminal, and stop it when it says something."""
    with tempfile.TemporaryDirectory() as folder:
        arguments = line.format(sample=SAMPLE, out=Path(folder) / "result").split()
        ours, theirs = pty.openpty()
        with subprocess.Popen(
            [sys.executable, "-c", CODE, *arguments], stdout=theirs, stderr=theirs
        ) as process:
            os.close(theirs)
            text = os.read(ours, 4096).decode(errors="replace")
            seconds = _processor_time(process.pid)
            process.send_signal(signal.SIGKILL)
        os.close(ours)
    return seconds, text.strip().partition("\n")[0].strip()[:70]


def _processor_time(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    run(main)
