import pytest
import torch
from torch import nn

from calovox.nn.attention import attention


@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float32, {}), (torch.bfloat16, {"rtol": 0.02, "atol": 0.02})]
)
@pytest.mark.parametrize("n_tokens", [7, 32, 60])
def test_attention_on_a_processor_is_that_of_the_fused_kernel(
    n_tokens: int, dtype: torch.dtype, tolerance: dict[str, float]
) -> None:
    rng = torch.Generator().manual_seed(4)
    exact = torch.randn(4, 3, 2, n_tokens, 8, generator=rng)
    *inputs, weights = (part.to(dtype).requires_grad_() for part in exact)
    found = attention(*inputs)
    assert found.dtype == dtype
    fused = nn.functional.scaled_dot_product_attention(*(part.float() for part in inputs))
    torch.testing.assert_close(found.float(), fused, **tolerance)
    gradients = [torch.autograd.grad((y * weights).sum(), inputs) for y in (found, fused)]
    torch.testing.assert_close(*gradients, **tolerance)
