"""What is done with an input: every reader of the package, called as the commands call it.

A reader takes the folder of its input, and an empty folder for what it writes. Those named
`run_...` call a command, the others what a command reads with, which is several times faster.
"""

from pathlib import Path

import numpy as np

from calovox.binned_shower import ShowerLibrary, read_sub_voxels
from calovox.dataset import DatasetReader
from calovox.foreign.description_file import read_description
from calovox.foreign.guessing import guess_description
from calovox.foreign.make import ForeignHits, import_hits
from calovox.foreign.showers import (
    ShowerOptions,
    export_showers,
    import_showers,
    open_foreign_showers,
)
from calovox.geant4.shards import ShardFolder
from calovox.geometry import read_barrel
from calovox.geometry.detector_files import choose_detector, read_detector
from calovox.hits.file import HitsReader, HitsWriter
from calovox.models.base import Conditions
from calovox.models.centers import CenterModel
from calovox.models.parametric.model import ParametricModel
from calovox.patterns import voxels_to_pattern_hits
from calovox.patterns.file import read_patterns
from calovox.phi_modulation.curve_file import (
    read_average,
    read_curve,
    read_curve_root,
    read_fit,
    read_truth,
)
from calovox.reconstruction import Calibration, read_shapes_file
from calovox.runtime import load_models
from calovox.samples.source import open_sample
from calovox.scores.gates.files import read_gates
from calovox.scores.table import Scores
from calovox.simulation.centers import draw_centers
from calovox.simulation.photon_files import read_photons as read_photon_file
from calovox.training.runs.model import read_run
from calovox.voxelization import VoxelGrid
from fuzz.commands import run_command
from fuzz.corpus import train_options

_PHOTONS = ("--energy", "65GeV", "--eta", "0.2", "-n", "2")


def only(folder: Path, *suffixes: str) -> Path:
    """Give the first file of a folder with one of the suffixes."""
    return next(p for p in sorted(folder.iterdir()) if p.suffix in suffixes)


def read_hits(folder: Path, out: Path) -> None:
    """Read all hits and photons, in batches and at once."""
    reader = HitsReader(folder / "hits.h5")
    for batch in reader.batches(max_hits=40):
        assert np.isfinite(batch.energy).all()
    reader.photons()
    reader.summary()


def run_info_on_hits(folder: Path, out: Path) -> None:
    """Describe a hits file."""
    run_command("info", f"{folder / 'hits.h5'}")


def run_voxelize(folder: Path, out: Path) -> None:
    """Turn hits into voxels."""
    grid = next(folder.glob("*.toml"), None)
    chosen = "optimal" if grid is None else f"{grid}"
    run_command("voxelize", f"{folder / 'hits.h5'}", "--grid", chosen, "-o", f"{out / 'd.h5'}")


def run_reconstruct_hits(folder: Path, out: Path) -> None:
    """Turn hits into shower shapes."""
    run_command("reconstruct", f"{folder / 'hits.h5'}", "-o", f"{out / 's.parquet'}")


def read_dataset(folder: Path, out: Path) -> None:
    """Read everything that a dataset holds."""
    reader = DatasetReader(folder / "photons.h5")
    for batch in reader.batches(2):
        assert np.isfinite(batch.energy).all()
    reader.cells()
    reader.phi_mod()
    reader.extrapolated()
    stored = reader.attached("calibration")
    if stored is not None:
        Calibration.from_arrays(stored)
    reader.summary()
    reader.photons()


def read_library(folder: Path, out: Path) -> None:
    """Read a library of showers, and match photons to it."""
    reader = DatasetReader(folder / "library.h5")
    library = ShowerLibrary(reader.read(), phi_mod=reader.phi_mod())
    library.match_displaced(2, seed=1)


def read_sample(folder: Path, out: Path) -> None:
    """Read a dataset as evaluations do."""
    source = open_sample([folder / "photons.h5"])
    for batch in source.batches(2):
        assert len(batch.fraction)


def run_info_on_dataset(folder: Path, out: Path) -> None:
    """Describe a dataset."""
    run_command("info", f"{folder / 'photons.h5'}")


def run_simulate_library(folder: Path, out: Path) -> None:
    """Repeat the showers of a library."""
    output = ("--cells", "-o", f"{out / 'd.h5'}")
    run_command("simulate", "--model", f"{folder / 'photons.h5'}", *output)


def run_simulate_nearest(folder: Path, out: Path) -> None:
    """Match photons to a library of FastCaloSim."""
    model = ("--model", f"{folder / 'library.h5'}", "--matching", "nearest")
    run_command("simulate", *model, *_PHOTONS, "-o", f"{out / 'd.h5'}")


def run_reconstruct_dataset(folder: Path, out: Path) -> None:
    """Turn stored cells into shower shapes."""
    run_command("reconstruct", f"{folder / 'photons.h5'}", "-o", f"{out / 's.parquet'}")


def read_challenge(folder: Path, out: Path) -> None:
    """Read showers and binning of the CaloChallenge as evaluations do."""
    source = open_sample([folder / "showers.h5"], binning=folder / "binning.xml")
    for batch in source.batches(2):
        assert np.isfinite(batch.fraction).all()


def read_foreign_showers(folder: Path, out: Path) -> None:
    """Turn showers of other programs into a dataset, and back."""
    path = only(folder, ".h5")
    binning = folder / "binning.xml"
    options = ShowerOptions(binning=binning if binning.is_file() else None)
    import_showers(open_foreign_showers(path, options), out / "d.h5")
    export_showers(out / "d.h5", out / "c.h5", "calochallenge", binning=out / "b.xml")


def run_import_showers(folder: Path, out: Path) -> None:
    """Import showers."""
    binning = folder / "binning.xml"
    given = ("--binning", f"{binning}") if binning.is_file() else ()
    run_command("import", f"{only(folder, '.h5')}", *given, "-o", f"{out / 'd.h5'}")


def run_show(folder: Path, out: Path) -> None:
    """Draw a shower."""
    run_command("show", f"{folder / 'photons.h5'}", "--event", "1", "-o", f"{out / 's.svg'}")


def run_write_cells(folder: Path, out: Path) -> None:
    """Write cells for other programs."""
    cells = ("--cells", f"{out / 'c.root'}", "-o", f"{out / 's.parquet'}")
    run_command("reconstruct", f"{folder / 'photons.h5'}", *cells)


def _foreign_files(folder: Path) -> tuple[Path, Path | None]:
    """Give the hits of another program, and their photons if they are apart."""
    path = next((p for p in folder.iterdir() if p.stem in ("hits", "sim")), folder / "hits.csv")
    is_apart = path.name in ("hits.csv", "hits.parquet")
    return path, folder / "primaries.csv" if is_apart else None


def read_foreign_hits(folder: Path, out: Path) -> None:
    """Guess what columns mean, and read the hits."""
    path, photons = _foreign_files(folder)
    description = guess_description(path, photons).description()
    import_hits(ForeignHits([path], description, [photons] if photons else []), out / "h.h5")


def run_import(folder: Path, out: Path) -> None:
    """Import hits."""
    path, photons = _foreign_files(folder)
    given = ("--photons", f"{photons}") if photons else ()
    run_command("import", f"{path}", *given, "-o", f"{out / 'h.h5'}")


def read_description_of_hits(folder: Path, out: Path) -> None:
    """Read a description of foreign hits."""
    description = read_description(folder / "import.toml")
    import_hits(ForeignHits([folder / "hits.csv"], description), out / "h.h5")


def run_import_described(folder: Path, out: Path) -> None:
    """Import hits by a description."""
    given = ("--description", f"{folder / 'import.toml'}", "-o", f"{out / 'h.h5'}")
    run_command("import", f"{folder / 'hits.csv'}", *given)


def read_curves(folder: Path, out: Path) -> None:
    """Read all that a file of curves holds."""
    path = folder / "curve.h5"
    read_curve(path)
    read_fit(path)
    read_truth(path)
    read_average(path)


def read_root_curve(folder: Path, out: Path) -> None:
    """Read a curve that was written for FastCaloSim."""
    read_curve_root(only(folder, ".root"))


def run_info_on_curves(folder: Path, out: Path) -> None:
    """Describe a file of curves."""
    run_command("info", f"{folder / 'curve.h5'}")


def read_sub_voxel_file(folder: Path, out: Path) -> None:
    """Read sub-voxel probabilities for the grid of a dataset."""
    grid = DatasetReader(folder / "photons.h5").grid
    read_sub_voxels(folder / "sub_voxels.root", grid)


def run_info_on_root(folder: Path, out: Path) -> None:
    """Describe a ROOT file."""
    run_command("info", f"{only(folder, '.root')}")


def run_simulate_sub_voxels(folder: Path, out: Path) -> None:
    """Place hits by sub-voxel probabilities."""
    sub_voxels = ("--sub-voxels", f"{folder / 'sub_voxels.root'}", "-o", f"{out / 'd.h5'}")
    run_command("simulate", "--model", f"{folder / 'photons.h5'}", *sub_voxels)


def read_cells(folder: Path, out: Path) -> None:
    """Read a table of cells, and make its look-up."""
    read_barrel(folder / "CaloCells.root").cells.lookup()


def run_reconstruct_cells(folder: Path, out: Path) -> None:
    """Put hits into the cells of a table."""
    table = ("--cells-table", f"{folder / 'CaloCells.root'}", "-o", f"{out / 's.parquet'}")
    run_command("reconstruct", f"{folder / 'hits.h5'}", *table)


def read_detectors(folder: Path, out: Path) -> None:
    """Read both detectors, and find cells in them."""
    for name in ("detector.toml", "table.toml"):
        detector = read_detector(folder / name)
        eta = np.array([0.1, -0.3])
        detector.radii(eta)
        detector.cells.lookup()


def run_info_on_detector(folder: Path, out: Path) -> None:
    """`calovox info` of a detector."""
    run_command("info", f"{folder / 'detector.toml'}")


def run_detector(folder: Path, out: Path) -> None:
    """`calovox reconstruct` of hits in the detector with a table of cells."""
    detector = ("--detector", f"{folder / 'table.toml'}")
    run_command(
        "reconstruct", f"{folder / 'hits.h5'}", *detector, "-o", f"{out / 'shapes.parquet'}"
    )


def read_marks(folder: Path, out: Path) -> None:
    """Read what a file says of its detector, and its showers."""
    path = only(folder, ".h5")
    reader = HitsReader(path) if path.name == "hits.h5" else DatasetReader(path)
    detector = choose_detector(None, {path: reader.detector}, cells=True)
    for _ in reader.batches(40):
        detector.radii(np.array([0.1]))


def run_info_on_marks(folder: Path, out: Path) -> None:
    """`calovox info` of a file with another detector."""
    run_command("info", f"{only(folder, '.h5')}")


def run_with_marks(folder: Path, out: Path) -> None:
    """`calovox reconstruct` of a file with another detector."""
    run_command("reconstruct", f"{only(folder, '.h5')}", "-o", f"{out / 'shapes.parquet'}")


def read_photons(folder: Path, out: Path) -> None:
    """Read photons of a CSV and a Parquet file."""
    for name in ("photons.csv", "photons.parquet"):
        read_photon_file(folder / name)


def read_shapes(folder: Path, out: Path) -> None:
    """Read shower shapes."""
    read_shapes_file(folder / "shapes.parquet")


def run_info_on_shapes(folder: Path, out: Path) -> None:
    """Describe shower shapes."""
    run_command("info", f"{folder / 'shapes.parquet'}")


def read_parametrisation(folder: Path, out: Path) -> None:
    """Read a parametrisation."""
    assert isinstance(load_models(folder / "parametrisation.h5"), ParametricModel)


def run_simulate_parametrisation(folder: Path, out: Path) -> None:
    """Draw hits of a parametrisation."""
    photons = ("--energy", "256MeV", "--eta", "0.02", "-n", "2", "--allow-extrapolation")
    model = f"{folder / 'parametrisation.h5'}"
    run_command("simulate", "--model", model, *photons, "-o", f"{out / 'd.h5'}")


def run_info_on_parametrisation(folder: Path, out: Path) -> None:
    """Describe a parametrisation."""
    run_command("info", f"{folder / 'parametrisation.h5'}")


def read_model(folder: Path, out: Path) -> None:
    """Load an exported model and its side files, and draw showers."""
    models = load_models(folder)
    assert not isinstance(models, ParametricModel)
    if models.sub_voxels is not None:
        read_sub_voxels(models.sub_voxels, models.grid)
    if models.phi_modulation is not None:
        read_curve(models.phi_modulation)
    model = models.models[0]
    conditions = Conditions(np.array([65e3]), np.array([0.2]))
    model.sample(conditions, np.zeros((1, *models.noise_shape), dtype=np.float32))


def read_centers(folder: Path, out: Path) -> None:
    """Read shower centres, and draw some."""
    model = CenterModel.read(folder / "centers.json")
    voxels = DatasetReader(folder / "photons.h5").read()
    list(draw_centers([voxels], model, seed=1))


def run_simulate_centers(folder: Path, out: Path) -> None:
    """Simulate a shipped model about the impacts of photons."""
    centers = ("--center", f"{folder / 'centers.json'}", "-o", f"{out / 'd.h5'}")
    run_command("simulate", "--model", "calodit", *_PHOTONS, *centers)


def read_pattern_file(folder: Path, out: Path) -> None:
    """Read patterns, and place hits by them."""
    library = read_patterns(folder / "patterns.h5")
    voxels = DatasetReader(folder / "photons.h5").read()
    hits, _ = voxels_to_pattern_hits(voxels, library, seed=1)
    assert np.isfinite(hits.eta).all()
    assert np.isfinite(hits.energy).all()


def run_info_on_patterns(folder: Path, out: Path) -> None:
    """Describe a file of patterns."""
    run_command("info", f"{folder / 'patterns.h5'}")


def run_simulate_patterns(folder: Path, out: Path) -> None:
    """Place the hits of a library by patterns."""
    patterns = ("--patterns", f"{folder / 'patterns.h5'}", "-o", f"{out / 'd.h5'}")
    run_command("simulate", "--model", f"{folder / 'photons.h5'}", *patterns, "--cells")


def run_simulate_model(folder: Path, out: Path) -> None:
    """Simulate with an exported model."""
    run_command("simulate", "--model", f"{folder}", *_PHOTONS, "-o", f"{out / 'd.h5'}")


def run_export_model(folder: Path, out: Path) -> None:
    """Copy an exported model, and add files for FastCaloSim."""
    run_command("export", f"{folder}", "-o", f"{out / 'model'}")


def run_info_on_model(folder: Path, out: Path) -> None:
    """Describe an exported model."""
    run_command("info", f"{folder}")


def read_runs(folder: Path, out: Path) -> None:
    """Read finished runs."""
    for name in ("inn", "cfm"):
        read_run(folder / name)


def run_train(folder: Path, out: Path) -> None:
    """Go on with a paused run."""
    run_command("train", "inn", *train_options(folder))


def read_grid(folder: Path, out: Path) -> None:
    """Read a grid."""
    grid = VoxelGrid.from_toml(folder / "grid.toml")
    assert grid.n_voxels > 0


def run_info_on_toml(folder: Path, out: Path) -> None:
    """Describe a TOML file."""
    run_command("info", f"{only(folder, '.toml')}")


def read_gate_file(folder: Path, out: Path) -> None:
    """Read gates, and judge a table of scores without rows."""
    for gate in read_gates(folder / "gates.toml"):
        assert f"{gate}"


def run_dry(folder: Path, out: Path) -> None:
    """Take the settings of a command from the only file of settings that was changed."""
    path = only(folder, ".toml")
    command = path.stem.replace("_", " ").split()
    run_command(*command, "--config", f"{path}", "--dry-run", "-o", f"{out / 'result'}")


def run_info_on_report(folder: Path, out: Path) -> None:
    """Describe a report."""
    run_command("info", f"{folder}")


def read_scores(folder: Path, out: Path) -> None:
    """Read tables of scores."""
    Scores.from_json(folder / "scores.json")
    Scores.from_parquet(folder / "scores.parquet")


def read_shards(folder: Path, out: Path) -> None:
    """Take up the parts of a run of Geant4, and join them."""
    shards = ShardFolder.open(folder / "hits.h5", {"seed": 1})
    with HitsWriter(out / "hits.h5", provenance={}) as writer:
        shards.join(1, writer)
