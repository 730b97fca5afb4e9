"""Models of run folders whose record is damaged."""

import json
from pathlib import Path

import pytest

from calovox.training.runs.model import read_run
from calovox.training.runs.record import RECORD, RunFileError
from tests.export.toy_runs import write_runs


@pytest.mark.parametrize(("kind", "name"), [("inn", "n_blocks"), ("cfm", "width")])
def test_sizes_that_the_weights_contradict_take_no_memory(
    tmp_path: Path, kind: str, name: str
) -> None:
    write_runs(tmp_path)
    record = tmp_path / kind / RECORD
    content = json.loads(record.read_text(encoding="utf-8"))
    content["sizes"][name] = 2**63
    record.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(RunFileError, match=f"expected `{name}` of at most"):
        read_run(tmp_path / kind)
