import numpy as np
import pytest

from calovox.files.hdf5 import round_mantissa


@pytest.mark.parametrize("bits", [1, 5, 12, 22])
def test_rounding_keeps_so_many_mantissa_bits(bits: int) -> None:
    rng = np.random.default_rng(1)
    values = (rng.normal(size=1000) * 10.0 ** rng.uniform(-20, 20, 1000)).astype(np.float32)
    rounded = round_mantissa(values, bits)
    assert np.all(np.abs(rounded / values.astype(np.float64) - 1.0) <= 2.0 ** -(bits + 1))
    assert np.all(rounded.view(np.uint32) % 2 ** (23 - bits) == 0)
    np.testing.assert_array_equal(round_mantissa(rounded, bits), rounded)


def test_rounding_is_off_without_bits_and_refuses_too_many() -> None:
    values = np.float32([0.1, 0.0, -3.3])
    assert round_mantissa(values, None) is values
    assert round_mantissa(values, 3)[1] == 0.0
    with pytest.raises(ValueError, match="expected 1 to 23, got 24"):
        round_mantissa(values, 24)
