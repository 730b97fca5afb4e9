import h5py
import numpy as np
import pytest

from calovox.phi_modulation import PERIOD, PhiModulation
from calovox.phi_modulation.curve_file import (
    CurveFileError,
    read_curve,
    read_curve_root,
    read_fit,
    write_curve,
    write_curve_root,
)
from calovox.phi_modulation.fit import FitSettings, fit_phi_modulation
from calovox.phi_modulation.profile import replay_profiles
from tests.phi_modulation.test_curve import cosine
from tests.toy_showers import toy_showers

uproot = pytest.importorskip("uproot")


def test_curves_come_back_from_hdf5(tmp_path):
    curves = PhiModulation.from_function(cosine, eta_edges=(0.0, 0.8, 1.4))
    write_curve(tmp_path / "curve.h5", curves)
    back = read_curve(tmp_path / "curve.h5")
    assert np.array_equal(back.values, curves.values)
    assert np.array_equal(back.eta_edges, curves.eta_edges)
    with pytest.raises(CurveFileError, match="without the fit"):
        read_fit(tmp_path / "curve.h5")


def test_fit_comes_back_from_hdf5(tmp_path):
    profiles = replay_profiles(toy_showers(10, energy=200e3), cosine, copies=50, seed=1)
    settings = FitSettings(eta_edges=(0.0, 1.4), n_bootstrap=2, steps=5)
    result = fit_phi_modulation(profiles, settings)
    write_curve(tmp_path / "curve.h5", result, settings=settings)
    back = read_fit(tmp_path / "curve.h5")
    assert np.array_equal(back.loss, result.loss)
    assert np.array_equal(back.response_after, result.response_after)
    assert back.warnings == result.warnings
    assert back.n_showers == result.n_showers


def test_complex_numbers_are_refused(tmp_path):
    write_curve(tmp_path / "curve.h5", PhiModulation.from_function(cosine, eta_edges=(0.0, 1.4)))
    with h5py.File(tmp_path / "curve.h5", "a") as file:
        values = file["values"][()]
        del file["values"]
        file["values"] = values + 1j
    with pytest.raises(CurveFileError, match="expected real numbers in `/values`"):
        read_curve(tmp_path / "curve.h5")


def test_root_files_hold_the_curve_where_fastcalosim_reads_it(tmp_path):
    curves = PhiModulation.from_function(cosine, eta_edges=(0.0, 0.8, 1.4))
    write_curve_root(tmp_path, curves)
    assert len(list(tmp_path.iterdir())) == 8
    path = tmp_path / "phi_modulation_layer_1_eta_0.80_2.50.root"
    assert read_curve_root(path) == pytest.approx(curves.values[1, 1], abs=1e-6)
    with uproot.open(path) as file:
        histogram = file["hWt_Layer0"]
        assert histogram.classname == "TH2F"
        assert histogram.axis("x").edges()[-1] == pytest.approx(PERIOD)
        assert histogram.values()[:, 0] == pytest.approx(curves.values[1, 1], abs=1e-6)


def test_ranges_of_root_files_hold_every_hit(tmp_path):
    curves = PhiModulation.from_function(cosine, eta_edges=(0.1, 0.8, 1.4))
    write_curve_root(tmp_path, curves)
    ranges = {path.stem.partition("_eta_")[2] for path in tmp_path.iterdir()}
    assert ranges == {"0.00_0.80", "0.80_2.50"}
    assert np.array_equal(curves.eta_edges, [0.1, 0.8, 1.4])


def test_other_files_are_refused(tmp_path):
    (tmp_path / "x.h5").write_text("no")
    with pytest.raises(CurveFileError, match="no HDF5 file"):
        read_curve(tmp_path / "x.h5")
    with pytest.raises(FileNotFoundError, match="no such file"):
        read_curve_root(tmp_path / "y.root")
