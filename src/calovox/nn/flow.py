r"""A normalizing flow: coupling blocks with fixed permutations between them.

With z = f(x, c) and a standard normal z, log p(x | c) = log N(z; 0, 1) + log |det dz/dx|.

References:
    I. Kobyzev, S. Prince, M. Brubaker, *Normalizing flows: an introduction and review of current
    methods*, 2019, https://arxiv.org/abs/1908.09257
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

from calovox.nn.mlp import MLP, ScalarEmbedding
from calovox.nn.spline import SplineCoupling

__all__ = ["ConditionalFlow"]


class ConditionalFlow(nn.Module):
    """Spline coupling blocks, a fixed random permutation of the variables between any two.

    Args:
        embedding: What becomes of the numbers that the flow is conditioned on.
        n_variables: How many variables the density has.
        n_blocks: How many coupling blocks.
        hidden: Widths of the hidden layers of the network of each block.
        n_bins: Bins of each spline.
        bound: The splines act in [-bound, bound].
        permutation_seed: Which random permutations; they are saved with the weights.
        activation: Activation of the networks.
    """

    inverse_permutations: Tensor
    permutations: Tensor

    def __init__(
        self,
        embedding: ScalarEmbedding,
        *,
        n_variables: int,
        n_blocks: int,
        hidden: tuple[int, ...],
        n_bins: int = 10,
        bound: float = 10.0,
        permutation_seed: int = 5,
        activation: type[nn.Module] = nn.ReLU,
    ) -> None:
        super().__init__()
        self.n_variables = n_variables
        n_changed = max(1, n_variables // 2)
        n_unchanged = n_variables - n_changed
        n_inputs = n_unchanged + embedding.n_outputs
        sizes = (n_inputs, *hidden, n_changed * (3 * n_bins - 1))
        self.embedding = embedding
        self.blocks = nn.ModuleList(
            SplineCoupling(
                MLP(sizes, activation=activation),
                n_unchanged=n_unchanged,
                n_changed=n_changed,
                bound=bound,
            )
            for _ in range(n_blocks)
        )
        # drawn once and stored: an exported graph must have those of the training
        permutations = _draw_permutations(n_blocks - 1, n_variables, permutation_seed)
        _check_every_variable_changes(permutations, n_variables, n_changed)
        self.register_buffer("permutations", permutations)
        self.register_buffer("inverse_permutations", permutations.argsort(dim=1))

    def forward(
        self, x: Float[Tensor, "event variable"], scalars: Float[Tensor, "event scalar"]
    ) -> Float[Tensor, "event variable"]:
        """Map variables to standard normal numbers.

        Args:
            x: Variables.
            scalars: What the density is conditioned on.

        Returns:
            The numbers z.
        """
        return self.forward_and_log_det(x, scalars)[0]

    def inverse(
        self, z: Float[Tensor, "event variable"], scalars: Float[Tensor, "event scalar"]
    ) -> Float[Tensor, "event variable"]:
        """Map standard normal numbers to variables: a sample.

        Args:
            z: Standard normal numbers.
            scalars: What the density is conditioned on.

        Returns:
            The variables x.
        """
        condition = self.embedding(scalars)
        for k in reversed(range(len(self.blocks))):
            z = self._block(k).inverse(z, condition)
            if k > 0:
                z = z.index_select(1, self.inverse_permutations[k - 1])
        return z

    def log_abs_det_jacobian(
        self, x: Float[Tensor, "event variable"], scalars: Float[Tensor, "event scalar"]
    ) -> Float[Tensor, " event"]:
        """Compute the logarithm of the determinant of dz/dx.

        Args:
            x: Variables.
            scalars: What the density is conditioned on.

        Returns:
            One number per event.
        """
        return self.forward_and_log_det(x, scalars)[1]

    def forward_and_log_det(
        self, x: Float[Tensor, "event variable"], scalars: Float[Tensor, "event scalar"]
    ) -> tuple[Float[Tensor, "event variable"], Float[Tensor, " event"]]:
        """Do `forward` and `log_abs_det_jacobian` in one pass.

        Args:
            x: Variables.
            scalars: What the density is conditioned on.

        Returns:
            What the two return.
        """
        condition = self.embedding(scalars)
        log_det = x.new_zeros(x.shape[0])
        for k in range(len(self.blocks)):
            if k > 0:
                x = x.index_select(1, self.permutations[k - 1])
            x, of_block = self._block(k).forward_and_log_det(x, condition)
            log_det = log_det + of_block
        return x, log_det

    def log_prob(
        self, x: Float[Tensor, "event variable"], scalars: Float[Tensor, "event scalar"]
    ) -> Float[Tensor, " event"]:
        """Compute the logarithm of the density.

        Args:
            x: Variables.
            scalars: What the density is conditioned on.

        Returns:
            log p(x | scalars), natural logarithm.
        """
        z, log_det = self.forward_and_log_det(x, scalars)
        normal = -0.5 * (z**2).sum(dim=1) - 0.5 * self.n_variables * math.log(2.0 * math.pi)
        return normal + log_det

    def _block(self, k: int) -> SplineCoupling:
        block = self.blocks[k]
        assert isinstance(block, SplineCoupling)
        return block


def _draw_permutations(number: int, n_variables: int, seed: int) -> Tensor:
    rng = torch.Generator().manual_seed(seed)
    drawn = [torch.randperm(n_variables, generator=rng) for _ in range(number)]
    return torch.stack(drawn) if drawn else torch.empty((0, n_variables), dtype=torch.long)


def _check_every_variable_changes(permutations: Tensor, n_variables: int, n_changed: int) -> None:
    order = torch.arange(n_variables)
    changed = set(order[-n_changed:].tolist())
    for permutation in permutations:
        order = order[permutation]
        changed |= set(order[-n_changed:].tolist())
    missing = sorted(set(range(n_variables)) - changed)
    if missing:
        raise ValueError(
            f"ConditionalFlow: {len(permutations) + 1} blocks never change the variables "
            f"{missing}; take more blocks or another `permutation_seed`"
        )
