from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest

from calovox.photons import Fixed, Photons, SignedUniform, draw_photons
from calovox.random_streams import Stream, event_keys, event_normals
from calovox.simulation.sampling import photons_to_voxels
from calovox.voxelization import concatenate_voxels
from tests.toy_model import ToyModel, ToyModels

CENTRAL = ToyModel(Path("central.onnx"), eta_range=(0.0, 0.7))
OUTER = ToyModel(Path("outer.onnx"), eta_range=(0.7, 1.35))


@dataclass(frozen=True)
class Faulty(ToyModels):
    """Gives one wrong energy, in voxel 7 of the event at 1 GeV."""

    value: float = 0.0

    def sample(self, energy, eta, noise):
        shares = super().sample(energy, eta, noise)
        shares[energy == 1e3, 7] = self.value
        return shares


@pytest.fixture(scope="module")
def photons():
    return draw_photons(np.arange(20), energy=Fixed(65e3), eta=SignedUniform(0.1, 1.2), seed=3)


def with_values(photons, *, event, energy=65e3, eta=0.2):
    energies, etas = photons.energy.copy(), photons.eta.copy()
    energies[event], etas[event] = energy, eta
    return replace(photons, energy=energies, eta=etas)


@pytest.mark.parametrize("batch_size", [1, 7, 500])
def test_showers_do_not_depend_on_the_batch_size(photons, batch_size):
    (whole,) = photons_to_voxels(ToyModels(), photons, seed=5)
    batches = list(photons_to_voxels(ToyModels(), photons, seed=5, batch_size=batch_size))
    assert max(map(len, batches)) == min(batch_size, len(photons))
    assert np.array_equal(concatenate_voxels(batches).energy, whole.energy)


def test_showers_do_not_depend_on_the_order_of_the_photons(photons):
    (whole,) = photons_to_voxels(ToyModels(), photons, seed=5)
    (turned,) = photons_to_voxels(ToyModels(), photons[np.arange(20)[::-1]], seed=5)
    assert np.array_equal(whole.energy[::-1], turned.energy)


@dataclass(frozen=True)
class Watched(ToyModels):
    """Remembers the noise that it was given."""

    seen: list = field(default_factory=list)

    def sample(self, energy, eta, noise):
        self.seen.append(noise.copy())
        return super().sample(energy, eta, noise)


def test_noise_of_the_model_has_a_stream_of_its_own(photons):
    models = Watched()
    list(photons_to_voxels(models, photons, seed=5))
    (noise,) = models.seen
    n_noise = noise.shape[1]
    expected = event_normals(event_keys(5, Stream.MODEL, photons.index), n_noise)
    assert np.array_equal(noise, expected)
    for stream in set(Stream) - {Stream.MODEL}:
        other = event_normals(event_keys(5, stream, photons.index), n_noise)
        assert not np.any(np.all(noise == other, axis=1))


def test_showers_depend_on_the_seed(photons):
    first, second = (next(photons_to_voxels(ToyModels(), photons, seed=s)) for s in (1, 2))
    assert not np.array_equal(first.energy, second.energy)


def test_showers_keep_their_photons(photons):
    (voxels,) = photons_to_voxels(ToyModels(), photons, seed=5)
    assert np.array_equal(voxels.incident_energy, photons.energy)
    assert np.array_equal(voxels.eta_center, photons.eta)
    assert np.array_equal(voxels.phi_center, photons.phi)
    assert np.array_equal(voxels.index, photons.index)
    assert not voxels.extrapolated.any()


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"energy": 6e5}, r"1 of 20 outside, first event 4 with 600000 MeV at eta 0\.2"),
        ({"energy": 255.0}, r"first event 4 with 255 MeV"),
        ({"eta": -1.36}, r"65000 MeV at eta -1\.36"),
    ],
)
def test_photons_outside_the_trained_range_are_refused(photons, changed, message):
    models = ToyModels((CENTRAL, OUTER))
    wrong = with_values(photons, event=4, **changed)
    with pytest.raises(ValueError, match=message):
        photons_to_voxels(models, wrong, seed=5)
    ranges = r"256 to 524288 MeV at \|eta\| 0 to 0\.7, 256 to 524288 MeV at \|eta\| 0\.7 to 1\.35"
    with pytest.raises(ValueError, match=ranges):
        photons_to_voxels(models, wrong, seed=5)


def test_allowed_extrapolation_is_flagged(photons):
    wrong = with_values(photons, event=[4, 9], eta=1.36)
    batches = photons_to_voxels(ToyModels(), wrong, seed=5, allow_extrapolation=True, batch_size=7)
    voxels = concatenate_voxels(list(batches))
    assert np.flatnonzero(voxels.extrapolated).tolist() == [4, 9]


@pytest.mark.parametrize("value", [np.nan, np.inf, -0.5])
def test_wrong_energies_of_a_model_are_refused(photons, value):
    models = Faulty((CENTRAL, OUTER), value=value)
    wrong = with_values(photons, event=11, energy=1e3, eta=-0.8)
    batches = photons_to_voxels(models, wrong, seed=5, batch_size=5)
    assert len(list(zip(range(2), batches, strict=False))) == 2
    message = rf"outer\.onnx: .*got {value} in voxel 7 of event 11 \(1000 MeV at eta -0\.8"
    with pytest.raises(ValueError, match=message):
        next(batches)


def test_no_photons_give_no_batches():
    none = np.empty(0)
    photons = Photons(none, none, none, np.empty(0, dtype=np.int64))
    assert list(photons_to_voxels(ToyModels(), photons, seed=1)) == []
