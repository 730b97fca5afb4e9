r"""Transforms of one number at a time: dequantisation, regularised logit, standardisation.

The small numbers b and alpha are added as corrections, never as factors 1 + b or 1 - 2 alpha:
those lose digits, and tools that export graphs drop factors so close to 1.

References:
    F. Ernst, L. Favaro, C. Krause, T. Plehn, D. Shih, *Normalizing flows for high-dimensional
    detector simulations*, 2023, https://arxiv.org/abs/2312.09290, appendix A
"""

import math
from collections.abc import Iterable

import torch
from jaxtyping import Float
from torch import Tensor, nn

__all__ = ["Dequantization", "RegularizedLogit", "Standardization"]


class Dequantization(nn.Module):
    """Adds noise to shares, so that those of exactly zero get a density.

    y = (x + b noise) / (1 + b), with noise in [0, 1): y is in [0, 1) if x is in [0, 1]. The
    division is ours; without it a share of 1 would leave the range of the logit. Back, b is
    subtracted and what was below b becomes 0, so that a round trip changes x by at most b.

    Args:
        width: The width b of the noise.
    """

    def __init__(self, width: float = 1e-6) -> None:
        super().__init__()
        self.width = width

    def forward(
        self, x: Float[Tensor, "event variable"], noise: Float[Tensor, "event variable"] | None
    ) -> Float[Tensor, "event variable"]:
        """Add noise.

        Args:
            x: Shares in [0, 1].
            noise: Uniform numbers in [0, 1); None for no noise: b is added then, so that
                `inverse` gives x again.

        Returns:
            Shares in [0, 1].
        """
        return x + self.width / (1.0 + self.width) * ((1.0 if noise is None else noise) - x)

    def inverse(self, y: Float[Tensor, "event variable"]) -> Float[Tensor, "event variable"]:
        """Remove noise.

        Args:
            y: Shares with noise.

        Returns:
            Shares, not below zero.
        """
        return (y - self.width * (1.0 - y)).clamp(min=0.0)

    def inverse_rest(
        self, rest: Float[Tensor, "event variable"]
    ) -> Float[Tensor, "event variable"]:
        """Compute 1 - inverse(1 - rest), without losing the digits of a small rest.

        Args:
            rest: What shares with noise lack to 1.

        Returns:
            What the shares lack to 1, at most 1.
        """
        return (rest + self.width * rest).clamp(max=1.0)

    def log_abs_det_jacobian(self, x: Float[Tensor, "event variable"]) -> Float[Tensor, " event"]:
        """Compute the logarithm of the determinant of dy/dx.

        Args:
            x: Shares.

        Returns:
            One number per event.
        """
        return torch.full_like(x[:, 0], -x.shape[1] * math.log1p(self.width))


class RegularizedLogit(nn.Module):
    """Maps [0, 1] to the real numbers: y = logit(alpha + (1 - 2 alpha) x).

    Back, a y beyond what [0, 1] maps to gives an x outside by at most alpha.

    Args:
        alpha: How far 0 and 1 are kept from the poles of the logit.
    """

    def __init__(self, alpha: float = 1e-6) -> None:
        super().__init__()
        self.alpha = alpha

    def forward(self, x: Float[Tensor, "event variable"]) -> Float[Tensor, "event variable"]:
        """Take the logit.

        Args:
            x: Shares in [0, 1].

        Returns:
            Any numbers.
        """
        p, q = self._shares(x)
        return p.log() - q.log()

    def inverse(self, y: Float[Tensor, "event variable"]) -> Float[Tensor, "event variable"]:
        """Undo the logit.

        Args:
            y: Any numbers.

        Returns:
            Shares.
        """
        # not `sigmoid`: ONNX Runtime's has a relative error of 5e-4 at a share of 1e-4
        p = 1.0 / (1.0 + (-y).exp())
        return p - self.alpha / (1.0 - 2.0 * self.alpha) * (1.0 - 2.0 * p)

    def log_abs_det_jacobian(self, x: Float[Tensor, "event variable"]) -> Float[Tensor, " event"]:
        """Compute the logarithm of the determinant of dy/dx.

        Args:
            x: Shares in [0, 1].

        Returns:
            One number per event.
        """
        p, q = self._shares(x)
        return (math.log1p(-2.0 * self.alpha) - p.log() - q.log()).sum(dim=1)

    def _shares(
        self, x: Float[Tensor, "event variable"]
    ) -> tuple[Float[Tensor, "event variable"], Float[Tensor, "event variable"]]:
        # 1 - x is exact near 1, where alpha would be lost in the rounding of 1 - p
        shift = self.alpha * (1.0 - 2.0 * x)
        return x + shift, (1.0 - x) - shift


class Standardization(nn.Module):
    """Subtracts the mean of each variable and divides by its standard deviation.

    Args:
        mean: Means.
        std: Standard deviations; above 0.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, mean: Float[Tensor, " variable"], std: Float[Tensor, " variable"]) -> None:
        super().__init__()
        if not bool((std > 0).all() and std.isfinite().all() and mean.isfinite().all()):
            raise ValueError("Standardization: expected finite `mean` and `std`, and `std` > 0")
        self.register_buffer("mean", mean)
        self.register_buffer("std", std)

    @classmethod
    def identity(cls, n_variables: int) -> "Standardization":
        """Build a transform that changes nothing yet.

        Args:
            n_variables: How many variables.

        Returns:
            Mean 0, standard deviation 1.
        """
        return cls(torch.zeros(n_variables), torch.ones(n_variables))

    @staticmethod
    def fit(batches: Iterable[Float[Tensor, "_ variable"]]) -> "Standardization":
        """Find means and standard deviations in one pass, in double precision.

        Args:
            batches: The data, in parts of any size.

        Returns:
            A new transform; a variable that never changes gets the standard deviation 1.

        Raises:
            ValueError: If there are no events, or a number is not finite.

        References:
            T. Chan, G. Golub, R. LeVeque, *Updating formulae and a pairwise algorithm for
            computing sample variances*, 1979, equation 2.1
        """
        count, mean, squares = 0, torch.zeros(()), torch.zeros(())
        for batch in batches:
            values = batch.double()
            if len(values) == 0:
                continue
            # moments about the mean, joined batch by batch: sums of squares would lose digits
            of_batch = values.mean(dim=0)
            change = of_batch - mean
            total = count + len(values)
            squares = squares + ((values - of_batch) ** 2).sum(dim=0)
            squares = squares + change**2 * (count * len(values) / total)
            mean = mean + change * (len(values) / total)
            count = total
        if count == 0 or not bool(squares.isfinite().all()):
            raise ValueError(f"Standardization: expected finite data, got {count} events")
        std = (squares / count).sqrt()
        # a number that never changes is left as it is: rounding is no spread
        constant = std <= 1e-6 * (1.0 + mean.abs())
        return Standardization(mean.float(), torch.where(constant, 1.0, std).float())

    def forward(self, x: Float[Tensor, "event variable"]) -> Float[Tensor, "event variable"]:
        """Standardise.

        Args:
            x: Variables.

        Returns:
            (x - mean) / std.
        """
        return (x - self.mean) / self.std

    def inverse(self, y: Float[Tensor, "event variable"]) -> Float[Tensor, "event variable"]:
        """Undo the standardisation.

        Args:
            y: Standardised variables.

        Returns:
            mean + std y.
        """
        return self.mean + self.std * y

    def log_abs_det_jacobian(self, x: Float[Tensor, "event variable"]) -> Float[Tensor, " event"]:
        """Compute the logarithm of the determinant of dy/dx.

        Args:
            x: Variables.

        Returns:
            One number per event.
        """
        return -self.std.log().sum().expand(x.shape[0])

    def extra_repr(self) -> str:
        """Say how many variables there are."""
        return f"{len(self.mean)} variables"
