"""TOML files that are none."""

from pathlib import Path

import pytest

from calovox.files.toml import read_toml


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"a = ", "Invalid value"),
        (b"a = '\xff'", "codec can't decode"),
        (b"a = " + b"[" * 5000, "nested too deeply"),
    ],
)
def test_what_is_no_toml_is_refused(tmp_path: Path, content: bytes, fault: str) -> None:
    path = tmp_path / "x.toml"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f"x.toml is not a TOML file: .*{fault}"):
        read_toml(path)
