import math

import numpy as np
import pytest

from calovox.geant4 import DetectorModel
from calovox.geant4.detector import ENTRANCE_RADIUS, Shell
from calovox.geant4.volumes import WORLD, detector_volumes, shell_name
from calovox.geometry import NO_LAYER, layer_of_deposit

RADIATION_LENGTH = {"Pb": 5.612, "Fe": 17.57, "Ar": 140.0, "Cu": 14.35, "Al": 88.97}


def test_shells_leave_no_hole():
    shells = DetectorModel().shells()
    edges = [shells[0].r_min, *[shell.r_max for shell in shells]]
    assert edges[0] == ENTRANCE_RADIUS
    np.testing.assert_allclose(edges[1:-1], [shell.r_min for shell in shells[1:]], rtol=1e-12)


def test_shells_have_unique_names():
    names = [shell.name for shell in DetectorModel().shells()]
    assert len(set(names)) == len(names)


def test_dead_material_before_the_presampler_is_1p9_radiation_lengths():
    aluminium = sum(thickness for _, thickness in DetectorModel().dead_material)
    assert aluminium / RADIATION_LENGTH["Al"] == pytest.approx(1.9, abs=0.02)


def test_accordion_has_the_depth_of_the_real_one():
    detector = DetectorModel()
    stretch = detector.period / 6.675
    per_period = 1.53 / RADIATION_LENGTH["Pb"] + 0.4 / RADIATION_LENGTH["Fe"]
    per_period += 4.2 / RADIATION_LENGTH["Ar"] + 0.105 / RADIATION_LENGTH["Cu"]
    assert detector.n_absorbers * stretch * per_period == pytest.approx(23.5, abs=1.0)


@pytest.mark.parametrize("eta", [0.0, 0.79, 0.81, 1.35])
def test_every_recording_shell_lies_in_a_layer(eta):
    shells = [shell for shell in DetectorModel().shells() if shell.sensitive]
    for radius in ("r_min", "r_max"):
        r = np.array([getattr(shell, radius) for shell in shells])
        r += 1e-6 if radius == "r_min" else -1e-6
        assert NO_LAYER not in layer_of_deposit(r, np.full(len(r), eta))


def test_mixtures_are_normalised():
    for mixture in DetectorModel().materials()["mixtures"].values():
        assert sum(mixture["composition"].values()) == pytest.approx(1.0)


def test_lead_gets_thinner_at_eta_0p8():
    volumes = detector_volumes(DetectorModel(), recording="sensitive")
    thick, thin = _find(volumes, "Absorber7"), _find(volumes, "Absorber7Beyond")
    border = _ends(thick, 2350.0)[1]
    assert border == pytest.approx(_ends(thin, 2350.0)[0])
    outer, thickness = (thick["cylinder"][key] * 10.0 for key in ("radius", "thickness"))
    assert math.asinh(border / (outer - 0.5 * thickness)) == pytest.approx(0.8)
    assert (thick["material"], thin["material"]) == ("ThickLeadAbsorber", "ThinLeadAbsorber")


@pytest.mark.parametrize("branching", [2, 3, 4, 7])
def test_tree_holds_every_shell_once(branching):
    detector = DetectorModel(branching=branching)
    volumes = detector_volumes(detector, recording="sensitive")[WORLD]
    found = [name for name in _names(volumes) if not name.startswith("Level")]
    assert {shell_name(f"{WORLD}.{name}") for name in found} - {"Inside"} == {
        shell.name for shell in detector.shells()
    }
    assert len(found) == len(set(found))


def test_recording_all_records_every_shell():
    volumes = detector_volumes(DetectorModel(), recording="all")
    assert _find(volumes, "Absorber0")["role"] == "record_deposits"
    sensitive = detector_volumes(DetectorModel(), recording="sensitive")
    assert "role" not in _find(sensitive, "Absorber0")


def test_shell_refuses_reversed_radii():
    with pytest.raises(ValueError, match="r_min < r_max"):
        Shell("Wrong", 2.0, 1.0, "G4_Al")


def test_detector_refuses_a_tree_that_does_not_branch():
    with pytest.raises(ValueError, match="`branching` must be 2 or more"):
        DetectorModel(branching=1)


def _daughters(volume):
    return {name: value for name, value in volume.items() if name[0].isupper()}


def _names(volume):
    for name, value in _daughters(volume).items():
        yield name
        yield from _names(value)


def _find(volume, wanted):
    for name, value in _daughters(volume).items():
        if name == wanted:
            return value
        found = _find(value, wanted)
        if found is not None:
            return found
    return None


def _ends(volume, center):
    middle, length = volume["position"][2] * 10.0 + center, volume["cylinder"]["length"] * 10.0
    return middle - 0.5 * length, middle + 0.5 * length
