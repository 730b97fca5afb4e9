r"""A Wasserstein GAN with gradient penalty: generator and critic, and whose turn it is.

A critic D scores points x for given conditions c. With real points, and points G(z, c) of noise z,

    critic:     minimise  mean D(G(z, c), c) - mean D(x, c) + lambda mean (|dD/dx (x', c)| - 1)^2
    generator:  minimise  -mean D(G(z, c), c),

where x' lies anywhere on the line between a real and a generated point. The critic takes several
turns for each one of the generator. A turn leaves the other's parameters without gradients, so
that one optimiser that skips those, as torch's do, is two optimisers.

References:
    M. Arjovsky, S. Chintala, L. Bottou, *Wasserstein GAN*, 2017, https://arxiv.org/abs/1701.07875
    I. Gulrajani, F. Ahmed, M. Arjovsky, V. Dumoulin, A. Courville, *Improved training of
    Wasserstein GANs*, 2017, https://arxiv.org/abs/1704.00028, algorithm 1
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from jaxtyping import Float
from torch import Tensor, nn

__all__ = ["WassersteinGame", "gradient_penalty"]

Score = Callable[[Float[Tensor, "event variable"]], Float[Tensor, "event 1"]]
"""What a critic thinks of points."""


class WassersteinGame(nn.Module):
    """Generator and critic, who learn in turns.

    Args:
        generator: Makes points of latent numbers and conditions, side by side.
        critic: Scores points and conditions, side by side.
        n_latent: Standard normal numbers that the generator needs.
        n_critic: Turns of the critic for each one of the generator.
        penalty: Weight lambda of the gradient penalty.

    Raises:
        ValueError: If `n_critic` is below 1, or the penalty is not above 0.
    """

    turn: Tensor

    def __init__(
        self,
        generator: nn.Module,
        critic: nn.Module,
        *,
        n_latent: int,
        n_critic: int = 5,
        penalty: float = 10.0,
    ) -> None:
        super().__init__()
        if n_critic < 1:
            raise ValueError(f"WassersteinGame: expected `n_critic` of 1 or more, got {n_critic}")
        if not penalty > 0.0:
            raise ValueError(f"WassersteinGame: expected `penalty` above 0, got {penalty}")
        self.generator = generator
        self.critic = critic
        self.n_latent = n_latent
        self.n_critic = n_critic
        self.penalty = penalty
        self.register_buffer("turn", torch.zeros((), dtype=torch.int64))

    def losses(
        self,
        real: Float[Tensor, "event variable"],
        condition: Float[Tensor, "event condition"],
        rng: torch.Generator,
    ) -> dict[str, Tensor]:
        """Compute the loss of the player whose turn it is; in training, the next one's is next.

        Args:
            real: Real points.
            condition: Their conditions; generated points have the same.
            rng: Where random numbers come from.

        Returns:
            `critic` and `penalty`, or `generator`; without training, `distance`: how much higher
            the critic scores the real points, the Wasserstein distance if it is a good critic.
        """
        latent = torch.empty(len(real), self.n_latent, device=real.device).normal_(generator=rng)
        if not self.training:
            fake = self.generate(latent, condition)
            return {
                "distance": (self._score(real, condition) - self._score(fake, condition)).mean()
            }
        # a buffer, so that a run that is continued takes the turn that was next
        turn = int(self.turn)
        self.turn.fill_((turn + 1) % (self.n_critic + 1))
        if turn == self.n_critic:
            with _frozen(self.critic):
                fake = self.generate(latent, condition)
                return {"generator": -self._score(fake, condition).mean()}
        with torch.no_grad():
            fake = self.generate(latent, condition)
        scores = self._score(fake, condition) - self._score(real, condition)
        # the critic's slope should be 1 between real and generated showers
        share = torch.empty(len(real), 1, device=real.device).uniform_(generator=rng)
        between = torch.lerp(fake, real, share)
        excess = gradient_penalty(lambda x: self._score(x, condition), between)
        return {"critic": scores.mean(), "penalty": self.penalty * excess}

    def generate(
        self,
        latent: Float[Tensor, "event latent"],
        condition: Float[Tensor, "event condition"],
    ) -> Float[Tensor, "event variable"]:
        """Make points.

        Args:
            latent: Standard normal numbers.
            condition: Conditions.

        Returns:
            Points.
        """
        points: Tensor = self.generator(torch.cat([latent, condition], dim=1))
        return points

    def _score(self, x: Tensor, condition: Tensor) -> Tensor:
        score: Tensor = self.critic(torch.cat([x, condition], dim=1))
        return score


def gradient_penalty(score: Score, x: Float[Tensor, "event variable"]) -> Float[Tensor, ""]:
    """Compute how far the slopes of a critic are from 1.

    Args:
        score: The critic.
        x: Where its slopes are taken.

    Returns:
        Mean of (|d score / dx| - 1)^2, which can be differentiated once more.
    """
    x = x.detach().requires_grad_()
    (slope,) = torch.autograd.grad(score(x).sum(), x, create_graph=True)
    return ((slope.square().sum(dim=1) + 1e-12).sqrt() - 1.0).square().mean()


@contextmanager
def _frozen(module: nn.Module) -> Iterator[None]:
    """Let a module's parameters be constants, as far as gradients go."""
    module.requires_grad_(False)
    try:
        yield
    finally:
        module.requires_grad_(True)
