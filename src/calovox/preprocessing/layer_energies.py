r"""Layer energies as ratios u, and u in the space of the models.

With the energies E_0, ..., E_{n-1} of n layers as fractions of the kinetic energy,

    u_0     = E_0 + ... + E_{n-1},
    u_{k+1} = E_k / (E_k + ... + E_{n-1})        for k = 0, ..., n - 2,

and back, E_k = (u_0 - E_0 - ... - E_{k-1}) u_{k+1}; the last layer takes what is left. u_0 is the
visible fraction: the calorimeter samples the shower, so that it fluctuates and can exceed 1.
As in CaloDREAM, u_0 is therefore standardised without a logit: it has no upper bound. u_1, ... are
shares in [0, 1]; they pass dequantisation, regularised logit and
standardisation.

References:
    F. Ernst, L. Favaro, C. Krause, T. Plehn, D. Shih, *Normalizing flows for high-dimensional
    detector simulations*, 2023, https://arxiv.org/abs/2312.09290, section 3.1
    L. Favaro, A. Ore, S. Palacios Schweitzer, T. Plehn, *CaloDREAM: detector response emulation
    via attentive flow matching*, 2024, https://arxiv.org/abs/2405.09629
"""

from collections.abc import Iterable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from calovox.preprocessing.elementwise import Dequantization, RegularizedLogit, Standardization

__all__ = ["LayerEnergyRatios", "LayerEnergyTransform"]


class LayerEnergyRatios(nn.Module):
    """Maps layer energies to ratios u, for any number of layers.

    An event or a tail of layers without energy has the ratios 0.
    """

    def forward(self, layer_energy: Float[Tensor, "event layer"]) -> Float[Tensor, "event layer"]:
        """Compute ratios.

        Args:
            layer_energy: Energies as fractions of the kinetic energy, not negative.

        Returns:
            u_0, u_1, ...
        """
        left = _tail_sums(layer_energy)
        empty = left[:, :-1] <= 0.0
        shares = layer_energy[:, :-1] / torch.where(empty, 1.0, left[:, :-1])
        return torch.cat([left[:, :1], shares], dim=1)

    def inverse(
        self,
        u: Float[Tensor, "event layer"],
        rests: Float[Tensor, "event share"] | None = None,
    ) -> Float[Tensor, "event layer"]:
        """Compute layer energies; they add up to u_0, whatever the shares are.

        Args:
            u: Ratios; a negative u_0 counts as 0, shares outside of [0, 1] as 0 or 1.
            rests: 1 - u_1, 1 - u_2, ..., if they are known to more digits than 1 - u has: the
                layers behind a share close to 1 have as many digits as its rest.

        Returns:
            Energies as fractions of the kinetic energy, not negative.
        """
        shares = u[:, 1:].clamp(0.0, 1.0)
        rests = 1.0 - shares if rests is None else rests.clamp(0.0, 1.0)
        left = u[:, 0].clamp(min=0.0)
        energies = []
        for share, rest in zip(shares.unbind(dim=1), rests.unbind(dim=1), strict=True):
            energies.append(left * share)
            left = left * rest
        return torch.stack([*energies, left], dim=1)

    def log_abs_det_jacobian(
        self, layer_energy: Float[Tensor, "event layer"]
    ) -> Float[Tensor, " event"]:
        """Compute the logarithm of the determinant of du/dE.

        Args:
            layer_energy: Energies as fractions of the kinetic energy.

        Returns:
            -sum_k log(E_k + ... + E_{n-1}) over all layers but the last; large, but finite, for
            an event with empty layers.
        """
        left = _tail_sums(layer_energy)[:, :-1]
        return -left.clamp(min=torch.finfo(left.dtype).tiny).log().sum(dim=1)


class LayerEnergyTransform(nn.Module):
    """Maps layer energies to standardised numbers without bounds, and back.

    Args:
        standardization: The last step, one variable per layer.
        noise_width: Width b of the noise.
        alpha: Regularisation of the logit.
    """

    def __init__(
        self, standardization: Standardization, *, noise_width: float = 1e-6, alpha: float = 1e-6
    ) -> None:
        super().__init__()
        self.ratios = LayerEnergyRatios()
        self.dequantization = Dequantization(noise_width)
        self.logit = RegularizedLogit(alpha)
        self.standardization = standardization

    @classmethod
    def unfitted(
        cls, n_layers: int, *, noise_width: float = 1e-6, alpha: float = 1e-6
    ) -> "LayerEnergyTransform":
        """Build a transform that does not standardise yet.

        Args:
            n_layers: How many layers.
            noise_width: Width b of the noise.
            alpha: Regularisation of the logit.

        Returns:
            The transform.
        """
        return cls(Standardization.identity(n_layers), noise_width=noise_width, alpha=alpha)

    def fit(self, layer_energies: Iterable[Float[Tensor, "_ layer"]]) -> "LayerEnergyTransform":
        """Find the standardisation.

        Args:
            layer_energies: Energies as fractions of the kinetic energy, in parts of any size.

        Returns:
            A new transform.
        """
        return LayerEnergyTransform(
            Standardization.fit(self._unbounded(e, None) for e in layer_energies),
            noise_width=self.dequantization.width,
            alpha=self.logit.alpha,
        )

    @property
    def least_rest(self) -> float:
        """Largest 1 - u that noise alone makes; single precision rounds it by up to 6e-8."""
        return 1.1 * self.dequantization.width

    @property
    def n_layers(self) -> int:
        """Number of layers."""
        return len(self.standardization.mean)

    def forward(
        self,
        layer_energy: Float[Tensor, "event layer"],
        noise: Float[Tensor, "event share"] | None = None,
    ) -> Float[Tensor, "event layer"]:
        """Map layer energies into the space of the models.

        Args:
            layer_energy: Energies as fractions of the kinetic energy.
            noise: Uniform numbers in [0, 1), one per layer but the last; None for no noise.

        Returns:
            Standardised numbers.
        """
        y: Tensor = self.standardization(self._unbounded(layer_energy, noise))
        return y

    def inverse(self, y: Float[Tensor, "event layer"]) -> Float[Tensor, "event layer"]:
        """Map numbers of a model to layer energies.

        Args:
            y: Any numbers.

        Returns:
            Energies as fractions of the kinetic energy, not negative.
        """
        total, shares, rests = self.inverse_ratios(y)
        return self.ratios.inverse(torch.cat([total, shares], dim=1), rests)

    def inverse_ratios(
        self, y: Float[Tensor, "event layer"]
    ) -> tuple[
        Float[Tensor, "event 1"], Float[Tensor, "event share"], Float[Tensor, "event share"]
    ]:
        """Map numbers of a model to ratios.

        A share that only the noise can have made smaller than 1 is 1: the layers behind are empty.

        Args:
            y: Any numbers.

        Returns:
            u_0, which may be negative; the shares u_1, ...; and 1 - u_1, ..., to more digits.
        """
        values = self.standardization.inverse(y)
        shares = self.dequantization.inverse(self.logit.inverse(values[:, 1:]))
        # the logit of 1 - x is -y
        rests = self.dequantization.inverse_rest(self.logit.inverse(-values[:, 1:]))
        full = rests <= self.least_rest
        return values[:, :1], torch.where(full, 1.0, shares), torch.where(full, 0.0, rests)

    def log_abs_det_jacobian(
        self, layer_energy: Float[Tensor, "event layer"]
    ) -> Float[Tensor, " event"]:
        """Compute the logarithm of the determinant of dy/dE without noise.

        Args:
            layer_energy: Energies as fractions of the kinetic energy.

        Returns:
            One number per event.
        """
        total = self.ratios.log_abs_det_jacobian(layer_energy)
        if self.n_layers > 1:
            shares = self.ratios(layer_energy)[:, 1:]
            total = total + self.dequantization.log_abs_det_jacobian(shares)
            total = total + self.logit.log_abs_det_jacobian(self.dequantization(shares, None))
        return total + self.standardization.log_abs_det_jacobian(layer_energy)

    def _unbounded(
        self,
        layer_energy: Float[Tensor, "event layer"],
        noise: Float[Tensor, "event share"] | None,
    ) -> Float[Tensor, "event layer"]:
        u = self.ratios(layer_energy)
        shares = self.logit(self.dequantization(u[:, 1:], noise))
        return torch.cat([u[:, :1], shares], dim=1)


def _tail_sums(layer_energy: Float[Tensor, "event layer"]) -> Float[Tensor, "event layer"]:
    """Sum each layer and all behind it."""
    return layer_energy.flip(1).cumsum(dim=1).flip(1)
