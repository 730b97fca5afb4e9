from dataclasses import replace

import h5py
import numpy as np
import pytest

from calovox.models.parametric.file import (
    ParametricFileError,
    is_parametric_file,
    read_parametric,
    write_parametric,
)
from calovox.photons import LogUniform, SignedUniform, draw_photons
from calovox.runtime import load_models
from tests.models.toy_parametric import fitted_model, spread_showers


@pytest.fixture
def path(tmp_path):
    model = replace(fitted_model(), phi_modulation={"state": "removed"}, provenance={"seed": 3})
    write_parametric(tmp_path / "model.h5", model)
    return tmp_path / "model.h5"


def test_what_was_written_is_read_back(path):
    model, stored = fitted_model(), read_parametric(path)
    for name in ("energies", "eta_edges", "n_showers", "n_bins", "response"):
        np.testing.assert_array_equal(getattr(stored, name), getattr(model, name))
    assert stored.phi_modulation == {"state": "removed"}
    assert stored.provenance == {"seed": 3}
    assert stored.path == path
    photons = spread_showers(20).photons
    first, second = (m.sample(photons, seed=1) for m in (model, stored))
    for name in ("layer", "eta", "phi", "energy"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))


def test_models_are_loaded_by_file_and_by_folder(path):
    assert load_models(path).n_parameters == fitted_model().n_parameters
    folder = path.parent / "folder"
    folder.mkdir()
    path.rename(folder / "parametrisation.h5")
    assert load_models(folder).path == folder / "parametrisation.h5"


def test_existing_files_are_kept(path):
    with pytest.raises(FileExistsError, match="--force"):
        write_parametric(path, fitted_model())
    write_parametric(path, fitted_model(), overwrite=True)
    assert read_parametric(path).provenance == {}


def change(path, what):
    with h5py.File(path, "a") as file:
        what(file)


def as_a_matrix(file, name):
    values = file[name][()]
    del file[name]
    file[name] = values[:, None]


@pytest.mark.parametrize(
    ("what", "message"),
    [
        (lambda file: file.attrs.update(version=7), "expected version 1 of the format, got 7"),
        (lambda file: file.attrs.update(format="else"), "is no parametrisation of calovox"),
        (lambda file: file["meta"].attrs.update(knots="[0]"), "the voxels and knots of this"),
        (lambda file: file.pop("axes"), "expected numbers of type f4 in `axes`"),
        (lambda file: as_a_matrix(file, "energies"), "energies"),
        (lambda file: file["response"].write_direct(np.full((1, 1), np.nan)), "finite numbers"),
    ],
)
def test_a_damaged_file_is_refused_in_one_line(path, what, message):
    change(path, what)
    with pytest.raises(ParametricFileError, match=message) as error:
        read_parametric(path)
    assert str(error.value).startswith(str(path))
    assert "\n" not in str(error.value)


def test_other_files_are_no_parametrisations(path, tmp_path):
    assert is_parametric_file(path)
    (tmp_path / "text.h5").write_text("no HDF5")
    assert not is_parametric_file(tmp_path / "text.h5")
    assert not is_parametric_file(tmp_path / "missing.h5")
    with pytest.raises(FileNotFoundError, match="no such file"):
        read_parametric(tmp_path / "missing.h5")


def test_the_shipped_parametrisation_is_small_and_covers_the_barrel():
    model = load_models("fastcalosimv2")
    assert model.path.stat().st_size < 3.0e6
    assert model.energy_range == (256.0, 524288.0)
    assert model.eta_range == (0.0, 1.35)
    assert model.phi_modulation["state"] == "present"
    photons = draw_photons(
        np.arange(200), energy=LogUniform(256.0, 16384.0), eta=SignedUniform(0.0, 1.35), seed=1
    )
    hits = model.sample(photons, seed=1)
    total = hits.energy.sum(dtype=float) / photons.energy.sum()
    assert 0.8 < total < 1.0
