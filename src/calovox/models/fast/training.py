r"""How CaloFast learns: by regression of showers on the noise that they were made of.

Energies of voxels fluctuate like counts: their square roots fluctuate by as much for few as for
many. Every term is the Huber loss of differences, in units of what the number in question
fluctuates by among the teacher's showers near the kinetic energy: the square, and linear beyond
`LINEAR`:

- `energies`: E_tot, and the square roots of the energies of layers;
- `voxels`: square roots of the energies of voxels, for the teacher's energies of layers;
- `centre`: the energy centre of all voxels, in eta and phi;
- `moments`: of each layer and of all together the first and second moments of the voxels, and
  what lies beyond 10, 30 and 100 mm; of each layer the number of voxels above 1 MeV, and how much
  the largest hold; of each ring, its energy.

If the showers were made on another grid, their hits voxelized again, the noise z of the model's
voxels is mixed from that of the teacher's, z': z = M^T z' with the orthonormal columns M that are
most correlated with the normal scores (`fit_mixing`). Each voxel so has noise of its own again.

A network of random weights is too far from all of this to find it. In the first `FIRST_STEPS`
steps it learns what the numbers y, thresholds and shares q of voxels are if y are the normal
scores of the teacher's voxels (`QuantileVoxelTransform`): `scores`, `thresholds`, `shares`.
"""

from collections.abc import Iterable
from typing import Final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from calovox.models.base import Showers
from calovox.models.comparing.observables import ObservableScales, ShowerObservables
from calovox.models.fast.model import CaloFast
from calovox.preprocessing import QuantileVoxelTransform
from calovox.random_streams import Stream, event_keys, event_normals

__all__ = ["FIRST_STEPS", "FastTraining", "fit_mixing", "shower_noise"]

FIRST_STEPS: Final = 4000
LINEAR: Final = 3.0

_WEIGHTS: Final = {"energies": 1.0, "voxels": 1.0, "centre": 0.1, "moments": 0.3}
_NEXT_TO_NOTHING: Final = 1e-8
_LEAST_SHARE: Final = 1e-6
_OF_ENERGY: Final = 20.0
"""Energy in MeV from which on shares of voxels count alike."""

_BELOW: Final = 0.05
"""How much differences below the threshold count, where voxels are empty."""


def shower_noise(
    seed: int, batch: Showers[Tensor], n_numbers: int
) -> Float[Tensor, "event number"]:
    """Repeat the noise of simulated showers.

    Args:
        seed: Seed of the simulation.
        batch: The showers, with their indices.
        n_numbers: Numbers of the noise of one shower.

    Returns:
        Standard normal numbers.
    """
    keys = event_keys(seed, Stream.MODEL, batch.index.cpu().numpy())
    return torch.from_numpy(event_normals(keys, n_numbers)).to(batch.voxels.device)


def fit_mixing(
    parts: Iterable[Showers[Tensor]], transform: QuantileVoxelTransform, seed: int, n_numbers: int
) -> Float[Tensor, "number voxel"]:
    """Find which sums of the noise of showers are nearest to what their voxels show.

    Of all matrices with orthonormal columns, the one whose sums have the largest correlations with
    the normal scores of the voxels, added up: the polar factor of their covariance.

    Args:
        parts: Simulated showers with their indices, in parts of any size.
        transform: Normal scores of their voxels.
        seed: Seed of the simulation.
        n_numbers: Normal numbers that the voxels of a shower were made of.

    Returns:
        The matrix.

    Raises:
        ValueError: If there are fewer numbers than voxels.
    """
    n_layers, n_voxels = len(transform.layer_sizes), sum(transform.layer_sizes)
    if n_numbers < n_voxels:
        raise ValueError(
            f"CaloFast: expected showers of a model that takes as many random numbers as there "
            f"are voxels, {n_voxels}, or more, got {n_numbers}"
        )
    covariance = torch.zeros(n_numbers, n_voxels, dtype=torch.float64)
    for part in parts:
        noise = shower_noise(seed, part, n_layers + n_numbers)[:, n_layers:]
        scores = transform(part.voxels, part.conditions.energy)
        covariance += (noise.T @ scores).double()
    left, _, right = torch.linalg.svd(covariance, full_matrices=False)
    polar: Tensor = left @ right
    return polar.float()


class FastTraining(nn.Module):
    """Trains CaloFast.

    Args:
        model: The model, whose weights change.
        transform: Normal scores of the teacher's voxels.
        observables: What is compared.
        scales: In which units.
        seed: Seed of the simulation that made the showers.
        mixing: How the noise of voxels that the showers were made of becomes that of the model's
            voxels; None if they are the same.

    Attributes:
        steps: Steps that have been done.
    """

    steps: Tensor
    mixing: Tensor | None

    def __init__(
        self,
        model: CaloFast,
        transform: QuantileVoxelTransform,
        observables: ShowerObservables,
        scales: ObservableScales,
        *,
        seed: int,
        mixing: Float[Tensor, "number voxel"] | None = None,
    ) -> None:
        super().__init__()
        self.model = model
        self.transform = transform
        self.observables = observables
        self.scales = scales
        self.seed = seed
        self.register_buffer("mixing", mixing, persistent=False)
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))

    @property
    def result(self) -> CaloFast:
        """The model."""
        return self.model

    def skip_first_steps(self) -> None:
        """Begin where a model that has been trained stands."""
        self.steps.fill_(FIRST_STEPS)

    def losses(self, batch: Showers[Tensor], rng: torch.Generator) -> dict[str, Tensor]:
        """Compute the terms of the loss.

        Args:
            batch: Showers of the teacher, with their indices.
            rng: Not needed: the noise is the teacher's.

        Returns:
            `energies`, and in the first steps of a training `scores`, `thresholds` and `shares`;
            later `voxels`, `moments`, and `centre` where it is known.
        """
        layer_noise, voxel_noise = self._noise(batch)
        energy = batch.conditions.energy[:, None]
        features = self.model.photons(energy, batch.conditions.eta.abs()[:, None])
        voxels = batch.voxels * energy
        layers = voxels @ self.observables.layers
        learned = {"energies": self._energies(batch, features, layers, layer_noise)}
        first = self.training and int(self.steps) < FIRST_STEPS
        if self.training:
            self.steps += 1
        of_voxels = self._scores if first else self._voxels
        return learned | of_voxels(batch, features, voxels, layers, voxel_noise)

    def _noise(self, batch: Showers[Tensor]) -> tuple[Tensor, Tensor]:
        """Give the noise of the layers and of the voxels that showers were made of."""
        n_layers, n_numbers = self.model.noise_parts
        if self.mixing is not None:
            n_numbers = len(self.mixing)
        noise = shower_noise(self.seed, batch, n_layers + n_numbers)
        of_layers, of_voxels = torch.split(noise, [n_layers, n_numbers], dim=1)
        return of_layers, of_voxels if self.mixing is None else of_voxels @ self.mixing

    def _energies(
        self, batch: Showers[Tensor], features: Tensor, layers: Tensor, noise: Tensor
    ) -> Tensor:
        energy = batch.conditions.energy[:, None]
        visible, shares = self.model.energies(features, energy, noise)
        found = visible * energy
        ours = self.observables.of_energies(found, shares * found)
        theirs = self.observables.of_energies(layers.sum(dim=1, keepdim=True), layers)
        return self._term("energies", ours, theirs, batch)

    def _voxels(
        self,
        batch: Showers[Tensor],
        features: Tensor,
        voxels: Tensor,
        layers: Tensor,
        noise: Tensor,
    ) -> dict[str, Tensor]:
        shares = _shares(layers)
        ours = self.observables.of_voxels(self.model.shapes(features, shares, layers, noise))
        theirs = self.observables.of_voxels(voxels)
        return {name: self._term(name, ours[name], theirs[name], batch) for name in ours}

    def _scores(
        self,
        batch: Showers[Tensor],
        features: Tensor,
        voxels: Tensor,
        layers: Tensor,
        noise: Tensor,
    ) -> dict[str, Tensor]:
        """Compare with normal scores, where empty voxels are at the threshold."""
        given = self.model.shapes.voxel_parameters(features, _shares(layers), layers)
        energy = batch.conditions.energy
        with torch.no_grad():
            scores = self.transform(batch.voxels, energy)
            threshold = self.transform.empty_scores(energy, layers / energy[:, None])
            of_layer = layers @ self.observables.layers.T
            wanted = (voxels / of_layer.clamp(min=_NEXT_TO_NOTHING)).clamp(min=_LEAST_SHARE).log()
            weight = (voxels / _OF_ENERGY).clamp(max=1.0) + 0.1 * (voxels > 0.0)
        above = self.model.shapes.scores(given, noise) - threshold
        difference = above.relu() - _BELOW * (-above).relu() - (scores - threshold)
        found = self.model.shapes.raw_shares(given, scores).clamp(min=0.1 * _LEAST_SHARE).log()
        return {
            "scores": difference.square().mean(),
            "thresholds": (given.threshold - threshold).square().mean(),
            "shares": (weight * (found - wanted).square()).sum() / weight.sum().clamp(min=1.0),
        }

    def _term(self, name: str, ours: Tensor, theirs: Tensor, batch: Showers[Tensor]) -> Tensor:
        spread = self.scales.at(name, batch.conditions.energy.log())
        size = ((ours - theirs) / spread).abs()
        beyond = LINEAR * (2.0 * size - LINEAR)
        return _WEIGHTS[name] * torch.where(size < LINEAR, size * size, beyond).mean()

    def __repr__(self) -> str:
        return f"FastTraining({self.model!r}, noise of seed {self.seed})"


def _shares(layers: Float[Tensor, "event layer"]) -> Float[Tensor, "event layer"]:
    """Give what layers hold of all of the energy."""
    return layers / layers.sum(dim=1, keepdim=True).clamp(min=_NEXT_TO_NOTHING)
