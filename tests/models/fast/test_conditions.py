"""What CaloFast sees of photons and layers."""

import numpy as np
import pytest
import torch

from calovox.models.fast.conditions import HIGHEST, LogEnergy, PhotonHinges, layer_roots
from tests.models.fast.toy_fast import ENERGY_RANGE, ETA_RANGE, photons
from tests.reference.fast import photon_hinges


@pytest.fixture
def hinges() -> PhotonHinges:
    return PhotonHinges(ENERGY_RANGE, ETA_RANGE)


def test_logarithms_do_not_depend_on_the_batch() -> None:
    energy, _ = photons(50)
    together = LogEnergy()(energy)
    np.testing.assert_allclose(together[:, 0], np.log(energy[:, 0].double().numpy()), rtol=1e-6)
    for k in range(50):
        assert torch.equal(LogEnergy()(energy[k : k + 1]), together[k : k + 1])


def test_hinges_are_those_of_a_plain_loop(hinges: PhotonHinges) -> None:
    energy, eta = photons(30)
    found = hinges(energy, eta)
    assert found.shape == (30, hinges.n_features)
    for k in range(30):
        expected = photon_hinges(hinges, float(energy[k]), float(eta[k]))
        np.testing.assert_allclose(found[k], expected, atol=1e-4)


def test_every_hinge_moves_within_the_range_and_is_bounded_beyond(hinges: PhotonHinges) -> None:
    energy, eta = photons(3000)
    found = hinges(energy, eta)
    low, high = found.min(0).values, found.max(0).values
    # the outermost ones look outwards
    assert int((high > low).sum()) >= hinges.n_features - 4
    far = hinges(torch.tensor([[1e-3], [1e15]]), torch.tensor([[0.0], [10.0]]))
    assert ((far >= 0.0) & (far <= HIGHEST)).all()


def test_photons_either_side_of_the_step_in_eta_differ_much(hinges: PhotonHinges) -> None:
    energy = torch.full((4, 1), 65e3)
    near = hinges(energy, torch.tensor([[0.78], [0.80], [0.4], [0.42]]))
    across, elsewhere = (near[0] - near[1]).norm(), (near[2] - near[3]).norm()
    assert across > 3.0 * elsewhere


def test_hinges_of_one_energy_are_finite() -> None:
    hinges = PhotonHinges((65e3, 65e3), (0.2, 0.2))
    assert hinges(torch.tensor([[65e3]]), torch.tensor([[0.2]])).isfinite().all()


def test_layers_become_roots() -> None:
    shares, energy = torch.tensor([[0.25, 0.0]]), torch.tensor([[16.0, 0.0]])
    found = layer_roots(shares, energy)
    torch.testing.assert_close(found, torch.tensor([[0.5, 0.0, 0.2, 0.0]]))
