"""How CaloFast learns: the noise of its teacher, the two parts of a training, and what is 0."""

from dataclasses import dataclass, field

import numpy as np
import pytest
import torch
from torch import Tensor

from calovox.models.base import Conditions, Showers, Trainable
from calovox.models.fast.training import FIRST_STEPS, FastTraining, fit_mixing, shower_noise
from calovox.photons import Photons
from calovox.preprocessing import QuantileVoxelTransform
from calovox.simulation.sampling import photons_to_voxels
from calovox.voxelization import VoxelGrid
from tests.models.fast.toy_fast import GRIDS, photons, sums, toy_training
from tests.toy_model import ToyModels

FIRST = {"energies", "scores", "thresholds", "shares"}
LATER = {"energies", "voxels", "moments"}


@pytest.fixture(params=GRIDS)
def grid(request: pytest.FixtureRequest) -> VoxelGrid:
    return GRIDS[request.param]


@dataclass(frozen=True)
class Listening(ToyModels):
    """Remembers the noise that it is given."""

    heard: list[np.ndarray] = field(default_factory=list)

    def sample(self, energy: np.ndarray, eta: np.ndarray, noise: np.ndarray) -> np.ndarray:
        self.heard.append(noise)
        return super().sample(energy, eta, noise)


def showers_of(voxels: Tensor, index: Tensor, energy: Tensor, eta: Tensor) -> Showers[Tensor]:
    return Showers(Conditions(energy, eta), voxels[:, :0], voxels, index)


@torch.no_grad()
def own_showers(training: FastTraining, n_events: int, *, seed: int) -> Showers[Tensor]:
    """Showers that the model itself makes of the noise of a simulation."""
    energy, eta = (x[:, 0] for x in photons(n_events))
    index = torch.arange(n_events) + 10_000_000_000
    empty = showers_of(torch.zeros(n_events, sum(training.model.layer_sizes)), index, energy, eta)
    noise = shower_noise(seed, empty, *training.model.noise_shape)
    return showers_of(training.model.sample(empty.conditions, noise), index, energy, eta)


def test_noise_is_that_of_the_simulation_in_any_order() -> None:
    model = Listening()
    index = np.arange(90, 130)
    photons = Photons(np.full(40, 1e4), np.full(40, 0.3), np.zeros(40), index)
    (voxels,) = photons_to_voxels(model, photons, seed=17)
    order = torch.randperm(40, generator=torch.Generator().manual_seed(1))
    batch = showers_of(
        torch.from_numpy(voxels.energy)[order],
        torch.from_numpy(index)[order],
        torch.full((40,), 1e4),
        torch.full((40,), 0.3),
    )
    (heard,) = model.heard
    found = shower_noise(17, batch, *model.noise_shape)
    assert torch.equal(found, torch.from_numpy(heard)[order])
    # a teacher of several evaluations has more of it
    assert torch.equal(shower_noise(17, batch, 50), found[:, :50])
    assert not torch.equal(shower_noise(18, batch, 50), found[:, :50])


def test_training_keeps_its_contract_and_names_its_terms(grid: VoxelGrid) -> None:
    training = toy_training(grid)
    assert isinstance(training, Trainable)
    assert training.result is training.model
    assert "seed 7" in repr(training)
    batch, rng = own_showers(training, 20, seed=7), torch.Generator()
    later = LATER | ({"centre"} if training.observables.moved else set())
    assert training.train().losses(batch, rng).keys() == FIRST
    assert training.steps == 1
    assert training.eval().losses(batch, rng).keys() == later
    assert training.steps == 1
    training.steps.fill_(FIRST_STEPS - 1)
    assert training.train().losses(batch, rng).keys() == FIRST
    assert training.losses(batch, rng).keys() == later
    assert "steps" in training.state_dict()


def test_a_model_has_nothing_to_learn_of_its_own_showers(grid: VoxelGrid) -> None:
    training = toy_training(grid).eval()
    rng = torch.Generator()
    with torch.no_grad():
        same = training.losses(own_showers(training, 200, seed=7), rng)
        other = training.losses(own_showers(training, 200, seed=8), rng)
    for name, loss in other.items():
        assert same[name] < 1e-3 * loss, name


@pytest.mark.parametrize("step", [0, FIRST_STEPS])
def test_every_parameter_gets_a_finite_gradient(grid: VoxelGrid, step: int) -> None:
    training = toy_training(grid).train()
    batch = own_showers(training, 60, seed=8)
    batch.voxels[::3, : grid.layer_sizes[0]] = 0.0
    batch.voxels[0] = 0.0
    training.steps.fill_(step)
    with torch.no_grad():
        training.model.shapes.for_shower.bias[-1] = 1.0  # a tilt that empties layers
    sum(training.losses(batch, torch.Generator()).values()).backward()
    for name, parameter in training.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.any(), name


def test_terms_grow_linearly_far_away() -> None:
    """A shower that is far away does not count more than a hundred that are near."""
    training = toy_training().eval()
    batch = own_showers(training, 50, seed=7)
    losses = []
    for factor in (100.0, 400.0):
        voxels = batch.voxels * factor
        moved = Showers(batch.conditions, sums(voxels, GRIDS["barrel"]), voxels, batch.index)
        with torch.no_grad():
            losses.append(training.losses(moved, torch.Generator())["energies"])
    assert losses[1] / losses[0] == pytest.approx(4.0, rel=0.1)


def test_mixed_noise_is_what_voxels_show(grid: VoxelGrid) -> None:
    """Voxels that are sums of others' noise get these sums, as far as they are independent."""
    n_voxels, n_numbers, n_events = grid.n_voxels, 2 * grid.n_voxels, 4000
    index = torch.arange(n_events)
    energy, eta = (x[:, 0] for x in photons(n_events))
    empty = showers_of(torch.zeros(n_events, n_voxels), index, energy, eta)
    n_layers = len(grid.layer_sizes)
    noise = shower_noise(5, empty, n_layers + n_numbers)[:, n_layers:]
    sums_of_two = (noise[:, ::2] + noise[:, 1::2]) / 2**0.5

    class Scores(QuantileVoxelTransform):
        def forward(self, voxels: Tensor, energy: Tensor, noise: Tensor | None = None) -> Tensor:
            return 3.0 * voxels + 1.0

    transform = Scores.unfitted(grid.layer_sizes)
    parts = [showers_of(sums_of_two[k::3], index[k::3], energy[k::3], eta[k::3]) for k in range(3)]
    mixing = fit_mixing(parts, transform, 5, n_numbers)
    torch.testing.assert_close(mixing.T @ mixing, torch.eye(n_voxels), atol=1e-5, rtol=0.0)
    agreement = torch.corrcoef(torch.cat([(noise @ mixing).T, sums_of_two.T]))
    own = agreement[:n_voxels, n_voxels:].diagonal()
    assert float(own.min()) > 0.95
    with pytest.raises(
        ValueError, match=f"random numbers as there are voxels, {n_voxels}, or mor"
    ):
        fit_mixing(parts, transform, 5, n_voxels - 1)


def test_a_model_on_another_grid_learns_from_mixed_noise(grid: VoxelGrid) -> None:
    training = toy_training(grid)
    mixing = torch.eye(grid.n_voxels + 4)[:, : grid.n_voxels].flip(1)
    mixed = FastTraining(
        training.model,
        training.transform,
        training.observables,
        training.scales,
        seed=training.seed,
        mixing=mixing,
    )
    batch = own_showers(training, 20, seed=training.seed)
    noise = shower_noise(training.seed, batch, len(grid.layer_sizes) + grid.n_voxels + 4)
    of_voxels = noise[:, len(grid.layer_sizes) :] @ mixing
    whole = torch.cat([noise[:, : len(grid.layer_sizes)], of_voxels], dim=1)
    with torch.no_grad():
        voxels = training.model.sample(batch.conditions, whole)
    same = showers_of(voxels, batch.index, batch.conditions.energy, batch.conditions.eta)
    with torch.no_grad():
        right, wrong = (
            lesson.eval().losses(same, torch.Generator()) for lesson in (mixed, training)
        )
    assert float(right["energies"]) < 1e-3
    for name in LATER - {"energies"}:
        assert float(right[name]) < 1e-3 * float(wrong[name]), name
