"""A small call of every command that writes, and what these read."""

from pathlib import Path

import numpy as np

from calovox.geant4 import TruePhiModulation
from calovox.hits import HitsWriter
from calovox.phi_modulation import PhiModulation, apply_phi_modulation
from tests.cli.commands.test_chain import succeed
from tests.export.toy_runs import write_runs
from tests.foreign.foreign_files import write_csv
from tests.toy_showers import toy_showers

_LOOP = (
    "--data photons.h5 --validation photons.h5 --batch-size 16 --steps 12 --checkpoint-every 2 "
    "--validate-every 4 --log-every 1 --threads 1"
)
_TRAIN = f"train cfm --width 8 --averaging 0.9 {_LOOP}"
_FIT = "phi-modulation fit hits.h5 --replay 20 --steps 20 --bootstrap 2 --eta-edges 0,1.4"
_SIMULATE = "simulate --model photons.h5 --sub-voxels sub.root --cells"

COMMANDS = {
    "geant4": "geant4 --energy 1GeV --eta 0.2 -n 12 --seed 5 --workers 2 --force -o out.h5",
    "voxelize": "voxelize hits.h5 --sub-voxels out.root --force -o out.h5",
    "fit": f"{_FIT} --root out --force -o out.h5",
    "remove": "phi-modulation remove hits.h5 --curve curve.h5 --force -o out.h5",
    "train": f"{_TRAIN} -o out",
    "distill": f"distill teacher {_LOOP} -o out",
    "export": "export toys/inn toys/cfm --no-fastcalosim --force -o out",
    "simulate": f"{_SIMULATE} --hits out_hits.h5 --force -o out.h5",
    "reconstruct": "reconstruct photons.h5 --force -o out.parquet",
    "merge": "merge photons.h5 --force -o out.h5",
    "import": "import hits.csv --photons primaries.csv --force -o out.h5",
    "export-showers": "export-showers regular.h5 --layout calochallenge --force -o out.h5",
    "show": "show hits.h5 --event 1 --force -o out.png",
    "evaluate": "evaluate photons.h5 $x_{$=simulated.h5 --hits hits.h5 --force -o out",
}


def write_inputs() -> None:
    """Write what the commands read into the present folder."""
    truth = TruePhiModulation()
    hits = toy_showers(48, n_hits=200, energy=2.0 ** np.linspace(16.8, 17.8, 48))
    stored = truth.to_dict() | {"state": "present"}
    with HitsWriter(Path("hits.h5"), provenance={}, phi_modulation=stored) as writer:
        writer.append(apply_phi_modulation(hits, PhiModulation.from_function(truth)))
    succeed("voxelize", "hits.h5", "--sub-voxels", "sub.root", "-o", "photons.h5")
    succeed("voxelize", "hits.h5", "--grid", "regular", "--no-cells", "-o", "regular.h5")
    write_csv(Path(), toy_showers(6, n_hits=40))
    succeed(*f"{_FIT} -o curve.h5".split())
    succeed(*f"{_SIMULATE} -o simulated.h5".split())
    succeed(*f"{_TRAIN} --steps 2 -o teacher".split())
    Path("toys").mkdir()
    write_runs(Path("toys"))
