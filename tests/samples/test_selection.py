"""Which photons are compared."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from calovox.arrays import Array
from calovox.dataset import DatasetWriter, read_dataset
from calovox.photons.photon_range import PhotonRange
from calovox.photons.same_photons import PhotonNumbers
from calovox.samples.comparable import select_photons
from calovox.samples.observables.observed import read_observed
from calovox.samples.source import SourceChain, open_sample
from tests.toy_calochallenge import toy_challenge, write_binning, write_showers


def write(path: Path, source: Path, rows: slice = slice(None), **changes: Array) -> Path:
    """Copy some showers of a dataset without cells, with some other columns."""
    voxels = replace(read_dataset(source)[rows], **changes)
    with DatasetWriter(path, voxels.grid, provenance={}) as writer:
        writer.append(voxels)
    return path


def halve(sample: SourceChain) -> tuple[PhotonRange, Array]:
    """Give a range of energies that half of the showers have, and which these are."""
    energy = sample.incident_energy()
    low, high = np.quantile(energy, (0.25, 0.75))
    return PhotonRange(f"{low}MeV:{high}MeV"), (energy >= low) & (energy < high)


@pytest.mark.parametrize("name", ["reference", "without_cells"])
def test_showers_of_other_energies_are_left_out(datasets: dict[str, Path], name: str) -> None:
    whole = open_sample([datasets[name]])
    photons, inside = halve(whole)
    some = select_photons({"Geant4": whole}, photons)["Geant4"]
    assert 0 < len(some) == inside.sum() < len(whole)
    assert some.has_shapes == whole.has_shapes
    np.testing.assert_array_equal(some.abs_eta(), whole.abs_eta()[inside])
    found, expected = (
        np.concatenate([batch.fraction for batch in source.batches(7)]) for source in (some, whole)
    )
    np.testing.assert_array_equal(found, expected[inside])
    observed = read_observed(some, 1000, "")
    np.testing.assert_array_equal(observed.energy, whole.incident_energy()[inside])


def test_the_photon_of_the_reference_decides(datasets: dict[str, Path], tmp_path: Path) -> None:
    voxels = read_dataset(datasets["without_cells"])
    n_events = len(voxels)
    eta = np.linspace(0.0, 1.0, n_events)
    own = {"photon_eta": eta, "photon_phi": np.zeros(n_events)}
    files = {
        "Geant4": write(tmp_path / "a.h5", datasets["without_cells"], **own),
        # as models that start from shower centres: their photons lie a little elsewhere
        "model": write(
            tmp_path / "b.h5",
            datasets["without_cells"],
            eta_center=voxels.eta_center + 0.01,
            **{**own, "photon_eta": eta + 0.5},
        ),
    }
    opened = {label: open_sample([path]) for label, path in files.items()}
    selected = select_photons(opened, PhotonRange(eta="abs:0.2:0.25"))
    inside = (eta >= 0.2) & (eta < 0.25)
    for sample in selected.values():
        np.testing.assert_array_equal(sample.datasets[0].rows(), np.flatnonzero(inside))


def test_photons_that_the_reference_lacks_decide_themselves(
    datasets: dict[str, Path], tmp_path: Path
) -> None:
    source = datasets["without_cells"]
    other = write(tmp_path / "a.h5", source, index=10_000 + read_dataset(source).index)
    opened = {"Geant4": open_sample([source]), "model": open_sample([other])}
    photons, inside = halve(opened["Geant4"])
    assert len(select_photons(opened, photons)["model"]) == inside.sum()


def test_photons_are_found_by_index_and_energy() -> None:
    rng = np.random.default_rng(1)
    index, energy = rng.integers(0, 20, 200), rng.choice([1e3, 2e3, 65e3], 200)
    first = PhotonNumbers(index[:120], energy[:120])
    second = PhotonNumbers(index[120:], energy[120:])
    known = list(zip(first.index.tolist(), first.energy.tolist(), strict=True))
    expected = [
        known.index(photon) if photon in known else -1
        for photon in zip(second.index.tolist(), second.energy.tolist(), strict=True)
    ]
    assert -1 in expected
    np.testing.assert_array_equal(second.rows_in(first), expected)
    nothing = PhotonNumbers(index[:0], energy[:0])
    assert (second.rows_in(nothing) == -1).all()
    assert len(nothing.rows_in(first)) == 0


def test_photons_of_the_reference_with_the_same_numbers_decide_for_themselves(
    datasets: dict[str, Path], tmp_path: Path
) -> None:
    """As of several runs: index and energy then stand for several photons."""
    source = datasets["without_cells"]
    voxels = read_dataset(source)
    n_events = len(voxels)
    alike = {"index": np.arange(n_events), "incident_energy": np.full(n_events, 65e3)}
    alike["photon_phi"] = np.zeros(n_events)
    parts = [
        write(tmp_path / name, source, **alike, photon_eta=eta, eta_center=eta)
        for name, eta in (("a.h5", np.full(n_events, 0.22)), ("b.h5", np.full(n_events, 0.5)))
    ]
    sample = {"Geant4": open_sample(parts)}
    some = select_photons(sample, PhotonRange(eta="abs:0.2:0.25"))["Geant4"]
    assert [len(part) for part in some.sources] == [n_events, 0]


def test_a_file_without_such_photons_is_no_hindrance_to_others(
    datasets: dict[str, Path], tmp_path: Path
) -> None:
    energy = read_dataset(datasets["without_cells"]).incident_energy
    order = np.argsort(energy)
    first, last = energy[order[0]], energy[order[-1]]
    parts = [
        write(tmp_path / f"{row}.h5", datasets["without_cells"], slice(row, row + 1))
        for row in (order[0], order[-1])
    ]
    chain = open_sample(parts)
    some = select_photons({"Geant4": chain}, PhotonRange(f"{(first + last) / 2}MeV:{2 * last}MeV"))
    assert [len(source) for source in some["Geant4"].sources] == [0, 1]
    assert len(read_observed(some["Geant4"], 10, "")) == 1


def test_a_sample_without_such_photons_is_refused(datasets: dict[str, Path]) -> None:
    opened = {"Geant4": open_sample([datasets["reference"]])}
    with pytest.raises(ValueError, match=r"^Geant4: expected showers of photons with energy 1MeV"):
        select_photons(opened, PhotonRange("1MeV"))


def test_files_of_the_challenge_have_energies_alone(tmp_path: Path) -> None:
    binning = write_binning(tmp_path / "binning.xml")
    path = write_showers(tmp_path / "a.hdf5", *toy_challenge(50, seed=1))
    whole = open_sample([path], binning=binning)
    energy = whole.incident_energy()
    photons = PhotonRange(f"{np.median(energy)}MeV:10TeV")
    some = select_photons({"Geant4": whole}, photons)["Geant4"]
    assert some.is_challenge
    np.testing.assert_array_equal(some.incident_energy(), energy[energy >= np.median(energy)])
    batches = list(some.batches(7))
    np.testing.assert_array_equal(
        np.concatenate([batch.incident_energy for batch in batches]), some.incident_energy()
    )
    with pytest.raises(ValueError, match=r"a\.hdf5: eta: expected none of showers without pseudo"):
        select_photons({"Geant4": whole}, PhotonRange(eta="0:1"))


def test_a_range_is_one_of_energies_or_of_pseudorapidities() -> None:
    with pytest.raises(ValueError, match="got neither"):
        PhotonRange()
    with pytest.raises(ValueError, match="eta: expected VALUE"):
        PhotonRange(eta="a:0:1:2")
    assert str(PhotonRange("65GeV", "abs:0.2:0.25")) == "energy 65GeV and eta abs:0.2:0.25"
