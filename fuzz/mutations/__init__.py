"""How files are changed: byte by byte, and with knowledge of their format."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np

from fuzz.mutations.blocks import mutate_bytes
from fuzz.mutations.checkpoints import mutate_checkpoint
from fuzz.mutations.columns import mutate_parquet
from fuzz.mutations.graphs import mutate_onnx
from fuzz.mutations.objects import mutate_hdf5
from fuzz.mutations.root import mutate_root
from fuzz.mutations.tensors import mutate_safetensors
from fuzz.mutations.texts import mutate_json, mutate_text, mutate_toml
from fuzz.mutations.xml import mutate_xml

__all__ = ["mutate_file"]

Mutation = Callable[[Path, np.random.Generator], str]

_BY_FORMAT: Final[dict[str, tuple[Mutation, ...]]] = {
    ".csv": (mutate_text,),
    ".h5": (mutate_hdf5,),
    ".json": (mutate_json, mutate_json, mutate_text),
    ".onnx": (mutate_onnx,),
    ".parquet": (mutate_parquet,),
    ".pt": (mutate_checkpoint,),
    ".root": (mutate_root,),
    ".safetensors": (mutate_safetensors,),
    ".toml": (mutate_toml, mutate_toml, mutate_text),
    ".xml": (mutate_xml, mutate_text),
}

_WITH_FORMAT: Final = 0.65
_ALSO_BYTES: Final = 0.15


def mutate_file(path: Path, rng: np.random.Generator) -> str:
    """Change a file in place.

    Bytes are changed last: the libraries that change objects would stumble over them.

    Args:
        path: The file; its suffix tells its format.
        rng: Decides how.

    Returns:
        What was done, for people.
    """
    done = []
    with_format = rng.random() < _WITH_FORMAT
    if with_format:
        mutations = _BY_FORMAT[path.suffix]
        done.append(_apply(mutations[rng.integers(len(mutations))], path, rng))
    if not with_format or rng.random() < _ALSO_BYTES:
        done.append(mutate_bytes(path, rng))
    return "; ".join(done)


def _apply(mutation: Mutation, path: Path, rng: np.random.Generator) -> str:
    """Apply a mutation, or leave the file as it is where earlier rounds stand in its way."""
    before = path.read_bytes()
    try:
        return mutation(path, rng)
    except Exception as problem:
        path.write_bytes(before)
        return f"not possible: {mutation.__name__}, {type(problem).__name__}"
