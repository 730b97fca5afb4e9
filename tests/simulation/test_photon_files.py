import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest
import uproot

from calovox.dataset import DatasetWriter
from calovox.hits.file import HitsWriter
from calovox.photons import PDG
from calovox.simulation.photon_files import PhotonFileError, read_photons
from calovox.voxelization import VoxelGrid, hits_to_voxels
from tests.toy_showers import toy_showers

N_EVENTS = 5


@pytest.fixture(scope="module")
def hits():
    return toy_showers(N_EVENTS, n_hits=50)


def same(a, b):
    names = ("energy", "eta", "phi", "index")
    return all(np.array_equal(getattr(a, name), getattr(b, name)) for name in names)


def test_photons_of_a_hits_file_are_its_truth(hits, tmp_path):
    with HitsWriter(tmp_path / "hits.h5", provenance={}) as writer:
        writer.append(hits)
    assert same(read_photons(tmp_path / "hits.h5"), hits.photons)
    assert same(read_photons(tmp_path / "hits.h5", 2), hits.photons[:2])


def test_photons_of_a_dataset_aim_at_the_shower_centres(hits, tmp_path):
    voxels = hits_to_voxels(hits, VoxelGrid.optimal())[2:]
    with DatasetWriter(tmp_path / "a.h5", voxels.grid, provenance={}) as writer:
        writer.append(voxels)
    photons = read_photons(tmp_path / "a.h5")
    assert np.array_equal(photons.energy, voxels.incident_energy)
    assert np.array_equal(photons.eta, voxels.eta_center)
    assert np.array_equal(photons.phi, voxels.phi_center)
    assert np.array_equal(photons.index, voxels.index)


def write_tree(table, path):
    columns = {name: table.column(name).to_numpy() for name in table.column_names}
    with uproot.recreate(path) as file:
        types = {name: values.dtype.name for name, values in columns.items()}
        file.mktree("photons", types).extend(columns)


@pytest.mark.parametrize("kind", ["parquet", "csv", "root"])
def test_photons_of_a_table_are_its_rows(tmp_path, kind):
    table = pa.table({"eta": [0.2, -0.8], "energy": [65000, 1000], "phi": [3.0, 7.0]})
    write = {"parquet": pyarrow.parquet.write_table, "csv": pyarrow.csv.write_csv}
    (write | {"root": write_tree})[kind](table, tmp_path / "photons")
    photons = read_photons(tmp_path / "photons")
    assert photons.energy.tolist() == [65e3, 1e3]
    assert photons.eta.tolist() == [0.2, -0.8]
    assert photons.phi == pytest.approx([3.0, 7.0 - 2.0 * np.pi])
    assert photons.index.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("energy,eta\n1,2\n", "expected the columns energy, eta, phi, missing: phi"),
        ("energy,eta,phi\n1,2,inf\n", "expected finite numbers in `phi`, got inf in row 0"),
        ("energy,eta,phi\n1,2,\n", "expected numbers in `phi`, got null"),
        ("energy,eta,phi\n1,2,0\n1,,0\n", "expected finite numbers in `eta`, got nan in row 1"),
        ("energy,eta,phi\n1,b,0\n", "expected numbers in `eta`, got string"),
        ("energy,eta,phi\n1,2,0\n-1,2,0\n", "expected energies above 0, got -1.0 in event 1"),
        ("energy,eta,phi\n1,2,0\n", "expected 2 photons or more, got 1"),
        ("energy,eta,phi\n1,2\n", "neither a Parquet, a ROOT nor a CSV file"),
        ("PAR1", "neither a Parquet, a ROOT nor a CSV file"),
    ],
)
def test_unusable_tables_are_refused(tmp_path, text, message):
    (tmp_path / "photons").write_text(text)
    with pytest.raises(PhotonFileError, match=message):
        read_photons(tmp_path / "photons", 2)


def test_azimuths_that_a_dataset_lacks_are_drawn_and_said(hits, tmp_path, caplog):
    voxels = hits_to_voxels(hits, VoxelGrid.optimal())
    bare = type(voxels)(voxels.grid, voxels.energy, voxels.incident_energy, voxels.eta_center)
    with DatasetWriter(tmp_path / "a.h5", voxels.grid, provenance={}) as writer:
        writer.append(bare)
    photons = read_photons(tmp_path / "a.h5", seed=3)
    assert "azimuths are drawn from (seed, index)" in caplog.text
    assert photons.index.tolist() == list(range(len(hits)))
    assert len(set(photons.phi)) == len(hits)
    assert np.array_equal(photons.eta, voxels.eta_center)
    assert np.array_equal(read_photons(tmp_path / "a.h5", 2, seed=3).phi, photons.phi[:2])
    assert not np.any(read_photons(tmp_path / "a.h5", seed=4).phi == photons.phi)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nowhere\.csv: no such file"):
        read_photons(tmp_path / "nowhere.csv")


def write_photons(path, **columns):
    photons = {"energy": [1e3, 2e3], "eta": [0.2, 0.3], "phi": [0.0, 1.0]}
    pyarrow.csv.write_csv(pa.table(photons | columns), path)
    return path


@pytest.mark.parametrize("name", ["pdg", "PDG_ID", "pdgId"])
def test_other_particles_are_refused(tmp_path, name):
    path = write_photons(tmp_path / "a.csv", **{name: [22, 11]})
    with pytest.raises(PhotonFileError, match=f"photons .22.* in `{name}`, got 11 in row 1"):
        read_photons(path)


@pytest.mark.parametrize(("particle", "pdg"), PDG.items())
def test_particles_are_those_of_the_model(tmp_path, particle, pdg):
    path = write_photons(tmp_path / "a.csv", pdg=[pdg, pdg])
    assert len(read_photons(path, particle=particle)) == 2
    assert len(read_photons(write_photons(tmp_path / "b.csv"), particle=particle)) == 2
    for other in set(PDG) - {particle}:
        with pytest.raises(PhotonFileError, match=f"{other}s .{PDG[other]}.*, got {pdg} in row 0"):
            read_photons(path, particle=other)


def test_particles_of_datasets_and_hits_are_those_of_the_model(hits, tmp_path):
    paths = [tmp_path / "hits.h5", tmp_path / "a.h5"]
    with HitsWriter(paths[0], provenance={}, particle="electron") as writer:
        writer.append(hits)
    voxels = hits_to_voxels(hits, VoxelGrid.optimal())
    with DatasetWriter(paths[1], voxels.grid, provenance={}, particle="electron") as writer:
        writer.append(voxels)
    for path in paths:
        assert len(read_photons(path, particle="electron")) == N_EVENTS
        with pytest.raises(PhotonFileError, match=r"expected photons, .* got electrons: choose"):
            read_photons(path)


def test_columns_that_are_not_used_are_named(tmp_path, caplog):
    path = write_photons(tmp_path / "a.csv", pdg=[22, 22], mass=[0, 0], weight=[1, 1])
    assert len(read_photons(path)) == 2
    (record,) = caplog.records
    assert record.getMessage() == f"calovox: {path}: columns that are not used: mass, weight"
