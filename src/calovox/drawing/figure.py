"""Figures that show themselves in a notebook, and files of them."""

import io
from pathlib import Path
from typing import Final

from matplotlib.figure import Figure

from calovox.files.whole import whole_file
from calovox.report.style import style

__all__ = ["ShowerFigure", "save_shower"]

_FORMATS: Final = ("png", "svg", "pdf")


class ShowerFigure(Figure):
    """A matplotlib figure that a notebook shows without pyplot."""

    def _repr_png_(self) -> bytes:
        content = io.BytesIO()
        with style():
            self.savefig(content, format="png")
        return content.getvalue()


def save_shower(figure: Figure, path: Path, *, overwrite: bool = False) -> None:
    """Write a figure, in the format that its name ends with.

    Args:
        figure: The figure.
        path: A name that ends with .png, .svg or .pdf.
        overwrite: Whether an existing file may be replaced.

    Raises:
        ValueError: If the name ends otherwise.
        FileExistsError: If the file exists and may not be replaced.
    """
    kind = path.suffix.removeprefix(".").lower()
    if kind not in _FORMATS:
        raise ValueError(f"{path}: expected a name that ends with .png, .svg or .pdf")
    dates = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}  # the same file every time
    with whole_file(path, overwrite=overwrite) as partial, style():
        figure.savefig(partial, format=kind, metadata=dates.get(kind))
