r"""Attention: softmax(q k / d^1/2) v, of queries q, keys k and values v of d numbers.

On processors it is written as products of matrices: the gradient of torch's fused kernel is slower
there, in bfloat16 more than ten times.

References:
    A. Vaswani et al., *Attention is all you need*, 2017, https://arxiv.org/abs/1706.03762
"""

from typing import Final

import torch
from jaxtyping import Float
from torch import Tensor, nn

__all__ = ["attention"]

_VECTOR: Final = 32  # numbers of 16 bits in a register of AVX-512; shorter registers divide it


def attention(
    query: Float[Tensor, "event head token part"],
    key: Float[Tensor, "event head token part"],
    value: Float[Tensor, "event head token part"],
) -> Float[Tensor, "event head token part"]:
    """Mix the values of all tokens, for each of them.

    Args:
        query: What each token looks for.
        key: What each token is.
        value: What it gives.

    Returns:
        Means of the values.
    """
    if query.device.type != "cpu":
        return nn.functional.scaled_dot_product_attention(query, key, value)
    if query.dtype == torch.bfloat16 and not torch.compiler.is_compiling():
        return _in_whole_vectors(query, key, value)
    scores = _scores(query, key)
    mixed: Tensor = scores.softmax(dim=-1, dtype=scores.dtype) @ value
    return mixed


def _in_whole_vectors(
    query: Float[Tensor, "event head token part"],
    key: Float[Tensor, "event head token part"],
    value: Float[Tensor, "event head token part"],
) -> Float[Tensor, "event head token part"]:
    """Mix values, with further keys of no weight: rows of scores end where vectors end.

    Torch's softmax of bfloat16 takes three times as long for rows of 60 numbers as for rows of 64.
    """
    n_keys = key.shape[2]
    n_more = -n_keys % _VECTOR
    weightless = torch.zeros(n_keys + n_more, dtype=query.dtype)
    weightless[n_keys:] = -torch.inf
    key, value = (nn.functional.pad(part, (0, 0, 0, n_more)) for part in (key, value))
    scores = _scores(query, key) + weightless
    mixed: Tensor = scores.softmax(dim=-1, dtype=scores.dtype) @ value
    return mixed


def _scores(
    query: Float[Tensor, "event head token part"], key: Float[Tensor, "event head other part"]
) -> Float[Tensor, "event head token other"]:
    # the query is scaled, not the scores: there are fewer of its numbers
    scores: Tensor = (query * query.shape[-1] ** -0.5) @ key.transpose(2, 3)
    return scores
