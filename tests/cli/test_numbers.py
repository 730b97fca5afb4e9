"""Every number that a user gives is finite and in range, or refused with its name."""

from pathlib import Path

import numpy as np
import pytest

from calovox.cli import app
from calovox.cli.commands.train.networks import TrainCfmSettings
from calovox.cli.settings import parse_range
from calovox.cli.values import read_settings
from calovox.photons import Photons, event_indices, parse_energies, parse_etas
from calovox.units import parse_quantity
from calovox.voxelization import VoxelGrid

PHOTONS = ("--energy", "1GeV", "--eta", "0.2", "-n", "2")
LAST = 2**63 - 1


@pytest.fixture
def refuse(tmp_path, monkeypatch, capsys):
    """Run a command that must be refused in one line, and leave nothing behind."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        before = set(tmp_path.rglob("*"))
        assert app([*map(str, arguments), "-o", "out.h5"], standalone_mode=False) == 2
        line = capsys.readouterr().err
        assert line.startswith("calovox: ")
        assert line.count("\n") == 1
        assert set(tmp_path.rglob("*")) == before
        return line

    return run


@pytest.mark.parametrize("eta", ["nan", "inf", "0:inf", "abs:0:nan", "1e999"])
@pytest.mark.parametrize("command", [("geant4",), ("simulate", "--model", "fastcalosimv2")])
def test_an_eta_that_is_no_number_is_refused(refuse, command, eta):
    line = refuse(*command, "--energy", "1GeV", "--eta", eta, "-n", 2)
    assert "eta: expected a finite number" in line


@pytest.mark.parametrize("eta", ["1.45", "5", "-3", "1.3:1.4"])
def test_geant4_refuses_photons_that_miss_a_layer(refuse, eta):
    line = refuse("geant4", "--energy", "1GeV", "--eta", eta, "-n", 20)
    assert "MeV at |eta| 0 to 1.35, which the detector covers, got" in line


@pytest.mark.parametrize("energy", ["0.1keV", "1000TeV"])
def test_geant4_refuses_energies_beyond_its_physics(refuse, energy):
    assert "expected 0.001 to 1e+08 MeV" in refuse(
        "geant4", "--energy", energy, "--eta", "0.2", "-n", 2
    )


@pytest.mark.parametrize("first", [LAST - 1, LAST])
def test_geant4_refuses_indices_beyond_the_integers(refuse, first):
    line = refuse("geant4", *PHOTONS[:4], "-n", 3, "--first-event", first)
    assert "expected indices from 0 to 2^63 - 1" in line


def test_indices_reach_the_last_integer():
    assert event_indices(LAST - 1, 2).tolist() == [LAST - 1, LAST]


def test_more_events_than_fit_into_memory_are_refused(refuse):
    assert "fit into memory" in refuse("geant4", *PHOTONS[:4], "-n", 2**62)


@pytest.mark.parametrize("seed", [-1, 2**63, "nan", "1.5"])
def test_seeds_beyond_the_integers_are_refused(refuse, seed):
    assert "--seed" in refuse("geant4", *PHOTONS, "--seed", seed)


@pytest.mark.parametrize("option", ["--max-learning-rate", "--weight-decay", "--averaging"])
@pytest.mark.parametrize("value", ["nan", "inf"])
def test_options_that_are_no_number_are_refused(refuse, option, value):
    Path("a.h5").touch()
    line = refuse("train", "cfm", "--data", "a.h5", option, value)
    assert option in line


def test_a_time_before_the_start_is_refused():
    from calovox.cli.commands.train.run import _time_limit

    assert _time_limit("0s") == 0.0  # behind the step that is being done
    with pytest.raises(ValueError, match="--stop-after: expected 0 or more"):
        _time_limit("-1h")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("steps = 1.5", "--steps: expected an integer, got 1.5"),
        ("seed = true", "--seed: expected an integer, got True"),
        ("averaging = nan", "--averaging: expected a finite number, got nan"),
        ("averaging = '0.5'", "--averaging: expected a finite number, got '0.5'"),
        ("reflect = 1", "--reflect: expected true or false, got 1"),
    ],
)
def test_numbers_of_another_kind_are_refused_in_a_settings_file(tmp_path, text, message):
    file = tmp_path / "a.toml"
    file.write_text(text)
    with pytest.raises(ValueError, match=message):
        read_settings(file, TrainCfmSettings)


@pytest.mark.parametrize("text", ["1e400GeV", "1e308TeV", "nanGeV", "infGeV"])
def test_quantities_are_finite(text):
    with pytest.raises(ValueError, match="expected"):
        parse_quantity(text, "energy")
    with pytest.raises(ValueError, match="energy: expected"):
        parse_energies(text)


def test_ranges_are_finite():
    for text in ("0:inf", "nan:1"):
        with pytest.raises(ValueError, match="--eta"):
            parse_range("--eta", text, None)
    with pytest.raises(ValueError, match="eta: "):
        parse_etas("0:inf")


@pytest.mark.parametrize("name", ["eta", "phi"])
def test_directions_of_photons_are_finite(name):
    columns = {key: np.ones(2) for key in ("energy", "eta", "phi")}
    columns[name] = np.array([0.0, np.nan])
    with pytest.raises(ValueError, match=f"finite {name}, got nan in event 1"):
        Photons(**columns, index=np.arange(2))


@pytest.mark.parametrize("ring", ["d_r = inf", "r_max = nan", "n_alpha = 1000000000000"])
def test_grids_of_other_numbers_are_refused(tmp_path, ring):
    fields = {"r_min": "0", "r_max": "20", "d_r": "20", "n_alpha": "4"}
    key, value = ring.split(" = ")
    text = ", ".join(f"{name} = {entry}" for name, entry in (fields | {key: value}).items())
    file = tmp_path / "grid.toml"
    file.write_text(f"[rings]\ndefault = [{{ {text} }}]\n")
    with pytest.raises(ValueError, match=r"grid\.toml"):
        VoxelGrid.from_toml(file)
