"""Memory of a whole evaluation."""

import re
import subprocess
import sys

import pytest

from bench.bench_scores import N_TRAINING, write_toys

SIZES = (25_000, 50_000)
MOST_BYTES_PER_SHOWER = 1200


@pytest.mark.slow
def test_memory_of_an_evaluation_grows_by_little_more_than_shapes_and_observables(tmp_path):
    write_toys(tmp_path / "training.h5", N_TRAINING // 10, seed=0)
    peaks = []
    for size in SIZES:
        for seed, name in enumerate(("reference", "simulated"), start=1):
            (tmp_path / f"{name}.h5").unlink(missing_ok=True)
            write_toys(tmp_path / f"{name}.h5", size, seed)
        command = [sys.executable, "-m", "bench.bench_scores", "--folder", str(tmp_path)]
        result = subprocess.run(command, capture_output=True, text=True, check=True)
        peaks.append(float(result.stdout.split()[-1]))
        assert re.search(rf"Reconstructing Geant4: {size} of {size} showers", result.stderr)
    grown = (peaks[1] - peaks[0]) * 2**20
    assert grown / (2 * (SIZES[1] - SIZES[0])) < MOST_BYTES_PER_SHOWER
