import json

import numpy as np

from calovox.report.plain import to_plain


def test_numbers_become_plain():
    plain = to_plain({"a": np.float32(0.1), "b": np.int64(3), "c": (np.inf, None, True)})
    assert plain == {"a": 0.1, "b": 3, "c": [None, None, True]}
    assert json.dumps(plain, allow_nan=False)
