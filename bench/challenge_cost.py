"""Time and memory of `calovox evaluate` for files of the CaloChallenge of full size.

Run from the repository: ``python -m bench.challenge_cost``. Both samples have 100 000 toy
showers in the format of data set 1 (photons), 2 or 3, as its users have them: energies in double
precision, compressed with gzip in the chunks that h5py chooses, which hold some hundred showers
each. Evaluations are processes of their own, on one core, without classifiers. The files take
1, 3 and 12 GB, and are removed at the end, unless ``--keep FOLDER`` says where they stay and are
used again.
"""

import argparse
import tempfile
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from bench.timing import cost_in_process, count, print_cost, run
from calovox.arrays import Array
from calovox.cli import app

N_SHOWERS = 100_000
HIT = 5.0  # MeV: mean energy of a voxel that is hit, where few are
FLUCTUATION = 0.7
UNIQUE_CHUNKS = 10
RESPONSE = 0.8
BINNING = "binning.xml"


@dataclass(frozen=True)
class Cylinder:
    """Voxels of a toy data set: the same in all its layers.

    Attributes:
        n_layers: Number of layers.
        n_alpha: Voxels around the axis.
        n_r: Voxels along the radius.
        radius: Outer radius in mm.
        low: Lowest energy in MeV.
        high: Highest energy in MeV.
    """

    n_layers: int
    n_alpha: int
    n_r: int
    radius: float
    low: float
    high: float

    @property
    def edges(self) -> Array:
        return np.linspace(0.0, self.radius, self.n_r + 1)

    def xml(self) -> str:
        edges = ",".join(f"{edge:.6g}" for edge in self.edges)
        layers = (
            f'<Layer id="{layer}" r_edges="{edges}" n_bin_alpha="{self.n_alpha}" />'
            for layer in range(self.n_layers)
        )
        return f'<Bins><Bin name="electron" pid="11">{"".join(layers)}</Bin></Bins>'

    def mean_energy(self, energy: Array) -> Array:
        """Give the mean energy of each voxel for incident energies in MeV."""
        depth = (np.arange(self.n_layers) + 0.5) * 25.0 / self.n_layers
        log_depth = np.log(energy / 10.0)[:, None] * np.log(depth)
        along = np.exp(0.5 * (log_depth - depth))
        along /= along.sum(axis=1, keepdims=True)
        inside = 1.0 - np.exp(-self.edges / 6.0)
        across = np.diff(inside) / inside[-1] / self.n_alpha
        shape = len(energy), self.n_layers, self.n_alpha, self.n_r
        mean = RESPONSE * energy[:, None] * along
        return (np.ones(shape) * mean[:, :, None, None] * across).reshape(len(energy), -1)


CYLINDERS = {
    "1": Cylinder(4, 4, 23, 600.0, 256.0, 4.2e6),
    "2": Cylinder(45, 16, 9, 41.85, 1e3, 1e6),
    "3": Cylinder(45, 50, 18, 41.85, 1e3, 1e6),
}


def write_toys(path: Path, cylinder: Cylinder, n_showers: int, seed: int) -> None:
    """Write a file of toy showers: some chunks of them, then the same chunks again and again."""
    rng = np.random.default_rng(seed)
    n_voxels = cylinder.n_layers * cylinder.n_alpha * cylinder.n_r
    with h5py.File(path, "w") as file:
        column = file.create_dataset("showers", (n_showers, n_voxels), "f8", compression="gzip")
        size = column.chunks[0]
        n_drawn = min(UNIQUE_CHUNKS * size, n_showers)
        ends = np.log((cylinder.low, cylinder.high))
        energy = np.exp(np.random.default_rng(0).uniform(*ends, n_drawn))  # the same in all
        for start in range(0, n_drawn, size):
            column[start : start + size] = draw(cylinder, energy[start : start + size], rng)
        for start in range(n_drawn, n_showers, size):
            for voxel in range(0, n_voxels, column.chunks[1]):
                _, stored = column.id.read_direct_chunk((start % n_drawn, voxel))
                column.id.write_direct_chunk((start, voxel), stored)
        repeated = np.resize(energy, n_showers) * (1.0 + 1e-9 * np.arange(n_showers))
        file.create_dataset("incident_energies", data=repeated[:, None], compression="gzip")


def draw(cylinder: Cylinder, energy: Array, rng: np.random.Generator) -> Array:
    """Draw voxels of showers of some incident energies in MeV."""
    mean = cylinder.mean_energy(energy)
    hit = rng.random(mean.shape, np.float32) < mean / HIT
    fluctuation = np.exp(FLUCTUATION * rng.standard_normal(np.count_nonzero(hit)))
    mean[hit] = np.maximum(mean[hit], HIT) * fluctuation
    mean[~hit] = 0.0
    return mean


def evaluate(folder: Path) -> None:
    """Evaluate a folder as a user of the challenge does."""
    files = [f"{folder}/reference.h5", f"toy={folder}/simulated.h5"]
    options = ["--binning", f"{folder}/{BINNING}", "--referee", "none", "--force"]
    app(["evaluate", *files, *options, "-o", f"{folder}/report"], standalone_mode=False)


def measure(folder: Path, name: str) -> None:
    cylinder = CYLINDERS[name]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / BINNING).write_text(cylinder.xml(), encoding="utf-8")
    n_showers = count(N_SHOWERS)
    for seed, sample in enumerate(("reference", "simulated"), start=1):
        path = folder / f"{sample}.h5"
        if not path.is_file():
            write_toys(path, cylinder, n_showers, seed)
    processor, wall, peak = cost_in_process("bench.challenge_cost", "evaluate", folder)
    n_voxels = cylinder.n_layers * cylinder.n_alpha * cylinder.n_r
    print(f"{name:8s} {n_voxels:6d} {n_showers:15d} {processor:13.1f} {wall:10.1f} {peak:12.0f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("step", nargs="?", choices=["evaluate"])
    parser.add_argument("--folder", type=Path, help="measure this folder, and nothing else")
    parser.add_argument("--data-set", action="append", choices=CYLINDERS, help="one of the sizes")
    parser.add_argument("--keep", type=Path, help="where the files stay")
    arguments = parser.parse_args()
    if arguments.folder is not None:
        print_cost(evaluate, arguments.folder)
        return
    print("data set voxels showers of each   process [s]   wall [s]   peak [MiB]")
    with tempfile.TemporaryDirectory() as temporary:
        for name in arguments.data_set or CYLINDERS:
            measure((arguments.keep or Path(temporary)) / name, name)


if __name__ == "__main__":
    run(main)
