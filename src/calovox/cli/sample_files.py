"""Files of samples, by the names that a report gives them."""

from pathlib import Path

from calovox.cli.settings import split_named_file
from calovox.text import check_name

__all__ = ["name_samples", "name_simulations"]


def name_samples(texts: list[str]) -> dict[str, list[Path]]:
    """Collect the files of each sample: those that are given the same name.

    Args:
        texts: Files, with or without names; one without a name bears that of the file.

    Returns:
        Files by the names of the samples, in order.

    Raises:
        ValueError: If a file without a name would join others.
        FileNotFoundError: If a file does not exist.
    """
    samples: dict[str, list[Path]] = {}
    unnamed = set()
    for text in texts:
        given, path = split_named_file(text)
        name = given or Path(path).stem
        check_name("simulation", name)
        if name in samples and (not given or name in unnamed):
            raise ValueError(f"two simulations are called '{name}': name them with NAME=FILE")
        if not Path(path).is_file():
            raise FileNotFoundError(f"{path}: no such file")
        if not given:
            unnamed.add(name)
        samples.setdefault(name, []).append(Path(path))
    return samples


def name_simulations(texts: list[str]) -> dict[str, Path]:
    """Give each simulation of one file the name in ``NAME=FILE``, or that of its file.

    Args:
        texts: Files, with or without names.

    Returns:
        Files by name, in order.

    Raises:
        ValueError: If two have the same name.
        FileNotFoundError: If a file does not exist.
    """
    samples = name_samples(texts)
    for name, files in samples.items():
        if len(files) > 1:
            raise ValueError(f"two simulations are called '{name}': name them with NAME=FILE")
    return {name: file for name, (file,) in samples.items()}
