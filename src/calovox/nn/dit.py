r"""The diffusion transformer: a network of x, t and a condition, with tokens made of variables.

Every token is a linear map of a few variables; tokens of as many variables share the map. A block
changes the tokens h, given the condition c, by

    h <- h + g_1 Attention(s_1 norm(h) + b_1),
    h <- h + g_2 MLP(s_2 norm(h) + b_2),

where s - 1, b and g are linear in SiLU(c) and 0 at the start ("adaLN-zero"). c has two halves: an
embedding of t, and one of the numbers that stay the same while t changes. The output is 0 at the
start as well.

References:
    W. Peebles, S. Xie, *Scalable diffusion models with transformers*, 2022,
    https://arxiv.org/abs/2212.09748
    A. Vaswani et al., *Attention is all you need*, 2017, https://arxiv.org/abs/1706.03762
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from calovox.nn.attention import attention
from calovox.nn.mlp import MLP, count_parameters

__all__ = [
    "DiffusionTransformer",
    "TokenLayout",
    "TransformerBlock",
    "number_waves",
    "position_waves",
]

TIME_FREQUENCIES = (0.1, 10.0)
"""Slowest and fastest of the waves that describe t, in rad: smooth where t is of the order of 1.
Noise levels far apart differ, and those beside each other look alike, as distillation needs it."""

LONGEST_PERIOD = 1e4
"""Of the waves that describe positions, as in *Attention is all you need*, over 2 pi."""


@dataclass(frozen=True, eq=False)
class TokenLayout:
    """Which variables make which token, and where it is.

    Attributes:
        members: Groups of tokens; those of a group have as many variables, and share weights.
        positions: Of every token of all groups, in their order; neighbours differ by 1.
    """

    members: tuple[Int64[Tensor, "_ _"], ...]
    positions: Float[Tensor, "token axis"]

    def __post_init__(self) -> None:
        flat = self.order
        if not torch.equal(flat.sort().values, torch.arange(len(flat))):
            raise ValueError("TokenLayout: expected every variable in exactly one of `members`")
        if len(self.positions) != self.n_tokens:
            raise ValueError(
                f"TokenLayout: expected {self.n_tokens} `positions`, one per token, got "
                f"{len(self.positions)}"
            )

    @property
    def n_tokens(self) -> int:
        """Number of tokens of all groups."""
        return sum(len(group) for group in self.members)

    @property
    def order(self) -> Int64[Tensor, " variable"]:
        """The variables, token by token."""
        return torch.cat([group.flatten() for group in self.members])


class DiffusionTransformer(nn.Module):
    """Tokens, blocks and a head, of the same call as `VelocityNetwork`.

    Args:
        layout: The tokens.
        n_scalars: How many numbers the variables depend on, besides t.
        width: Numbers per token.
        n_heads: Heads of the attention.
        n_blocks: Blocks.
        n_waves: Waves that describe t.
        embedding_width: Neurons of hidden layers in the embeddings, and of each half of c.
    """

    order: Tensor
    places: Tensor
    position_table: Tensor

    def __init__(
        self,
        layout: TokenLayout,
        *,
        n_scalars: int,
        width: int = 144,
        n_heads: int = 8,
        n_blocks: int = 4,
        n_waves: int = 64,
        embedding_width: int = 128,
    ) -> None:
        super().__init__()
        if width % n_heads:
            raise ValueError(
                f"DiffusionTransformer: expected a `width` that {n_heads} heads can share, got "
                f"{width}"
            )
        sizes = [tuple(group.shape) for group in layout.members]
        self.group_sizes = sizes
        self.n_variables = len(layout.order)
        self.n_waves = n_waves
        e = embedding_width
        self.of_time = MLP([n_waves, e, e])
        self.of_scalars = MLP([n_scalars, e // 2, e, e])
        self.inward = nn.ModuleList([nn.Linear(n, width) for _, n in sizes])
        self.blocks = nn.ModuleList(
            [TransformerBlock(width, n_heads, n_condition=2 * e) for _ in range(n_blocks)]
        )
        self.head = nn.Sequential(_norm(width), nn.Linear(width, width), _norm(width))
        # zeros at the start: the network gives 0 and learns from there (adaLN-Zero, as in DiT)
        self.outward = nn.ModuleList([_zeroed(nn.Linear(width, n)) for _, n in sizes])
        table = position_waves(layout.positions, width)
        self.register_buffer("order", layout.order, persistent=False)
        self.register_buffer("places", layout.order.argsort(), persistent=False)
        self.register_buffer("position_table", table, persistent=False)

    @property
    def n_tokens(self) -> int:
        """Number of tokens."""
        return len(self.position_table)

    def count(self) -> dict[str, int]:
        """Count the numbers of the network by its parts, the fixed table of positions included.

        Returns:
            Numbers by part; what the note counts is their sum.
        """
        return {
            "blocks": count_parameters(self.blocks),
            "tokens": count_parameters(self.inward),
            "head": count_parameters(self.head) + count_parameters(self.outward),
            "positions": self.position_table.numel(),
            "time": count_parameters(self.of_time),
            "conditions": count_parameters(self.of_scalars),
        }

    def embed(self, scalars: Float[Tensor, "event scalar"]) -> Float[Tensor, "event condition"]:
        """Prepare what stays the same while t changes.

        Args:
            scalars: The numbers.

        Returns:
            The condition that `forward` takes.
        """
        condition: Tensor = self.of_scalars(scalars)
        return condition

    def forward(
        self,
        x: Float[Tensor, "event variable"],
        t: Float[Tensor, "#event 1"],
        condition: Float[Tensor, "event condition"],
    ) -> Float[Tensor, "event variable"]:
        """Evaluate the network.

        Args:
            x: Variables.
            t: A number of the order of 1, for each event or for all.
            condition: What `embed` returned.

        Returns:
            As many numbers.
        """
        # one time for all events is embedded once
        of_time = self.of_time(number_waves(t, self.n_waves)).expand(x.shape[0], -1)
        # time apart from the rest: the condition is embedded once for all evaluations
        c = torch.cat([of_time, condition], dim=1)
        h = self._tokens(x) + self.position_table
        for block in self.blocks:
            h = block(h, c)
        return self._variables(self.head(h))

    def _tokens(self, x: Float[Tensor, "event variable"]) -> Float[Tensor, "event token width"]:
        parts = torch.split(
            x.index_select(1, self.order), [n * m for n, m in self.group_sizes], dim=1
        )
        tokens = [
            linear(part.reshape(-1, *size))
            for linear, part, size in zip(self.inward, parts, self.group_sizes, strict=True)
        ]
        return torch.cat(tokens, dim=1)

    def _variables(self, h: Float[Tensor, "event token width"]) -> Float[Tensor, "event variable"]:
        parts = torch.split(h, [n for n, _ in self.group_sizes], dim=1)
        values = [
            linear(part).flatten(1) for linear, part in zip(self.outward, parts, strict=True)
        ]
        return torch.cat(values, dim=1).index_select(1, self.places)


class TransformerBlock(nn.Module):
    """Attention and MLP, whose inputs and outputs are scaled as the condition says.

    Args:
        width: Numbers per token.
        n_heads: Heads of the attention.
        n_condition: Numbers of the condition.
    """

    def __init__(self, width: int, n_heads: int, *, n_condition: int) -> None:
        super().__init__()
        self.n_heads = n_heads
        self.norm = _norm(width)
        self.query_key_value = nn.Linear(width, 3 * width)
        self.projection = nn.Linear(width, width)
        self.mlp = MLP([width, 4 * width, width], activation=nn.GELU)
        self.modulation = nn.Sequential(nn.SiLU(), _zeroed(nn.Linear(n_condition, 6 * width)))

    def forward(
        self,
        h: Float[Tensor, "event token width"],
        condition: Float[Tensor, "event condition"],
    ) -> Float[Tensor, "event token width"]:
        """Change the tokens.

        Args:
            h: Tokens.
            condition: What the change depends on.

        Returns:
            Tokens.
        """
        shift_1, scale_1, gate_1, shift_2, scale_2, gate_2 = self.modulation(condition)[
            :, None
        ].chunk(6, dim=2)
        # without a norm of the stream itself: tokens pass through unchanged while the gates are 0
        h = h + gate_1 * self._attention(self.norm(h) * (1.0 + scale_1) + shift_1)
        y: Tensor = h + gate_2 * self.mlp.layers(self.norm(h) * (1.0 + scale_2) + shift_2)
        return y

    def _attention(
        self, h: Float[Tensor, "event token width"]
    ) -> Float[Tensor, "event token width"]:
        query, key, value = (
            part.unflatten(2, (self.n_heads, -1)).transpose(1, 2)
            for part in self.query_key_value(h).chunk(3, dim=2)
        )
        mixed = attention(query, key, value)
        y: Tensor = self.projection(mixed.transpose(1, 2).flatten(2))
        return y


def number_waves(
    t: Float[Tensor, "event 1"],
    n_waves: int,
    *,
    frequencies: tuple[float, float] = TIME_FREQUENCIES,
) -> Float[Tensor, "event wave"]:
    """Describe numbers by sines and cosines.

    Args:
        t: The numbers.
        n_waves: How many, half of them sines.
        frequencies: The slowest and the fastest, in rad; the others are between, with equal
            ratios.

    Returns:
        First the sines, then the cosines.
    """
    slowest, fastest = frequencies
    steps = torch.linspace(0.0, 1.0, n_waves // 2, dtype=t.dtype, device=t.device)
    phase = t * (slowest * (fastest / slowest) ** steps)
    return torch.cat([phase.sin(), phase.cos()], dim=1)


def position_waves(
    positions: Float[Tensor, "token axis"], width: int
) -> Float[Tensor, "token width"]:
    """Describe positions by sines and cosines, with equal shares of the width for every axis.

    Args:
        positions: Coordinates.
        width: How many waves for all axes.

    Returns:
        The table, which is not trained.

    Raises:
        ValueError: If the width cannot be shared.
    """
    n_axes = positions.shape[1]
    if width % (2 * n_axes):
        raise ValueError(
            f"position_waves: expected a `width` that is a multiple of {2 * n_axes}, for sines "
            f"and cosines of {n_axes} axes, got {width}"
        )
    n_waves = width // n_axes
    exponents = torch.arange(0, n_waves, 2) / n_waves
    columns: Sequence[Tensor] = [
        axis[:, None] * LONGEST_PERIOD**-exponents for axis in positions.unbind(dim=1)
    ]
    return torch.cat([torch.cat([phase.sin(), phase.cos()], dim=1) for phase in columns], dim=1)


def _norm(width: int) -> nn.LayerNorm:
    return nn.LayerNorm(width, eps=1e-6, elementwise_affine=False)


def _zeroed(linear: nn.Linear) -> nn.Linear:
    nn.init.zeros_(linear.weight)
    nn.init.zeros_(linear.bias)
    return linear
