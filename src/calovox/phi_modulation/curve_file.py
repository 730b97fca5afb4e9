r"""Files of phi modulation curves: our own HDF5, and the ROOT files that FastCaloSim loads.

HDF5, with the attributes `format` ("calovox phi modulation") and `version` on the root:

| dataset | shape | meaning |
| --- | --- | --- |
| `values` | (range, 4, bin) | g by range of abs(eta), layer 0-3 and phase of the hit |
| `uncertainties` | the same | standard deviation of each value; absent if not known |
| `eta_edges` | (range + 1) | edges of the ranges of abs(eta) |
| `fit/...` | | loss history, E_tot(T) before and after, settings, warnings; absent without a fit |
| `truth/...` | | curves of the generator, if known; never used by the fit |
| `average/...` | | average showers in bins of T, if the generator's curves are known |

ROOT: one file per layer and |eta| range with a TH2F ``hWt_Layer0``; x is the phase, 0 to
2 pi / 1024. FastCaloSim reads the content by running number 1 to nx, which in a two-dimensional
histogram is the underflow row of y: that row holds the curve as well as the row y = 1. FastCaloSim
takes the range of the hit's |eta|, not the photon's: the first range starts at 0, and the last one
ends at 2.5, beyond all hits.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict
from pathlib import Path

import h5py
import numpy as np
import uproot
from uproot.writing import identify

from calovox.arrays import Array, Float64
from calovox.files.hdf5 import check_version, open_for_reading, read_json, write_json
from calovox.files.root import open_root
from calovox.files.whole import check_writable, whole_file
from calovox.files.writer import create_hdf5
from calovox.phi_modulation.average_shower import AverageProfile
from calovox.phi_modulation.curve import MODULATED_LAYERS, PhiModulation
from calovox.phi_modulation.fit import FitResult, FitSettings
from calovox.phi_modulation.phases import PERIOD

__all__ = [
    "CurveFileError",
    "read_average",
    "read_curve",
    "read_curve_root",
    "read_fit",
    "read_truth",
    "write_curve",
    "write_curve_root",
]

FORMAT = "calovox phi modulation"
VERSION = 1
_HISTOGRAM = "hWt_Layer0"
_FURTHEST_HIT = 2.5  # |eta|
_AVERAGE_ARRAYS = ("edges", "phase_edges", "density", "n_showers")
_FIT_ARRAYS = ("loss", "phases", "response_before", "response_after", "response_error")


class CurveFileError(ValueError):
    """A curve file that cannot be used, and why."""


def write_curve(
    path: Path,
    curve: PhiModulation | FitResult,
    *,
    settings: FitSettings | None = None,
    truth: PhiModulation | None = None,
    average: AverageProfile | None = None,
    root: Path | None = None,
    overwrite: bool = False,
) -> None:
    """Write curves, and the fit that gave them; no file appears before all are written.

    Args:
        path: The file.
        curve: Curves alone, or the result of a fit.
        settings: Settings of the fit.
        truth: Curves of the generator, to compare with.
        average: Average showers in bins of T.
        root: Folder for the ROOT files of FastCaloSim, made if it is not there.
        overwrite: Whether an existing file may be replaced.
    """
    modulation = curve.modulation if isinstance(curve, FitResult) else curve
    with whole_file(path, overwrite=overwrite) as partial:
        with create_hdf5(partial) as file:
            file.attrs["format"] = FORMAT
            file.attrs["version"] = VERSION
            _write_modulation(file, modulation)
            if truth is not None:
                _write_modulation(file.create_group("truth"), truth)
            if average is not None:
                group = file.create_group("average")
                for name in _AVERAGE_ARRAYS:
                    group[name] = getattr(average, name)
            if isinstance(curve, FitResult):
                _write_fit(file.create_group("fit"), curve, settings)
        if root is not None:
            with _folder(root):
                write_curve_root(root, modulation, overwrite=overwrite)


def read_truth(path: Path) -> PhiModulation | None:
    """Read the generator's curves, None if the file does not know them."""
    with open_for_reading(path, CurveFileError) as file:
        _check_format(path, file)
        return _read_modulation(path, file["truth"]) if "truth" in file else None


def read_average(path: Path) -> AverageProfile | None:
    """Read average showers in bins of T, None if the file has none."""
    with open_for_reading(path, CurveFileError) as file:
        _check_format(path, file)
        if "average" not in file:
            return None
        average = file["average"]
        return AverageProfile(**{name: _numbers(path, average, name) for name in _AVERAGE_ARRAYS})


def read_curve(path: Path) -> PhiModulation:
    """Read curves from our own HDF5 file.

    Args:
        path: The file.

    Returns:
        The curves.

    Raises:
        CurveFileError: If the file is not one of curves, or is damaged.
    """
    with open_for_reading(path, CurveFileError) as file:
        _check_format(path, file)
        return _read_modulation(path, file)


def read_fit(path: Path) -> FitResult:
    """Read curves together with the fit that gave them.

    Args:
        path: The file.

    Returns:
        The result of the fit.

    Raises:
        CurveFileError: If the file holds no fit.
    """
    with open_for_reading(path, CurveFileError) as file:
        _check_format(path, file)
        modulation = _read_modulation(path, file)
        if "fit" not in file:
            raise CurveFileError(f"{path} holds curves without the fit that gave them")
        fit = file["fit"]
        return FitResult(
            modulation=modulation,
            **{name: _numbers(path, fit, name) for name in _FIT_ARRAYS},
            n_showers=tuple(int(number) for number in _numbers(path, fit, "n_showers")),
            warnings=tuple(_read_warnings(fit)),
        )


def write_curve_root(folder: Path, modulation: PhiModulation, *, overwrite: bool = False) -> None:
    """Write one ROOT file per layer and |eta| range for FastCaloSim.

    Args:
        folder: Existing folder; the files are named
            ``phi_modulation_layer_L_eta_LOW_HIGH.root``.
        modulation: The curves.
        overwrite: Whether existing files may be replaced.
    """
    names = [
        (folder / root_name(modulation, eta_range, layer), modulation.values[eta_range, row])
        for eta_range in range(len(modulation.values))
        for row, layer in enumerate(MODULATED_LAYERS)
    ]
    for path, _ in names:
        check_writable(path, overwrite=overwrite)
    with ExitStack() as stack:  # at whose end all of them appear
        for path, curve in names:
            partial = stack.enter_context(whole_file(path, overwrite=overwrite))
            with uproot.recreate(partial) as file:
                file[_HISTOGRAM] = _histogram(curve)


def root_name(modulation: PhiModulation, eta_range: int, layer: int) -> str:
    """Name the ROOT file of a layer and |eta| range, the outermost of which hold all hits."""
    edges = modulation.eta_edges.copy()
    edges[0], edges[-1] = 0.0, max(edges[-1], _FURTHEST_HIT)
    low, high = edges[eta_range : eta_range + 2]
    return f"phi_modulation_layer_{layer}_eta_{low:.2f}_{high:.2f}.root"


def read_curve_root(path: Path) -> Float64[Array, " bin"]:
    """Read one curve the way FastCaloSim does, by running bin number.

    Args:
        path: A ROOT file with a TH2F ``hWt_Layer0``.

    Returns:
        g in each bin of the phase.

    Raises:
        CurveFileError: If the file has no such histogram.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file")
    with open_root(path, CurveFileError) as file:
        if _HISTOGRAM not in file:
            raise CurveFileError(f"{path} has no histogram {_HISTOGRAM}")
        content = np.asarray(file[_HISTOGRAM].values(flow=True), dtype=np.float64)
    return content.T.ravel()[1 : content.shape[0] - 1]


@contextmanager
def _folder(path: Path) -> Iterator[None]:
    """Make a folder, and leave none that is empty after an error."""
    path.mkdir(exist_ok=True)
    try:
        yield
    except BaseException:
        with suppress(OSError):
            path.rmdir()
        raise


def _write_fit(group: h5py.Group, result: FitResult, settings: FitSettings | None) -> None:
    for name in _FIT_ARRAYS:
        group[name] = getattr(result, name)
    group["n_showers"] = np.asarray(result.n_showers, dtype=np.int64)
    write_json(group, "warnings", list(result.warnings))
    write_json(group, "settings", None if settings is None else asdict(settings))


def _write_modulation(group: h5py.Group, modulation: PhiModulation) -> None:
    group["values"] = modulation.values
    group["eta_edges"] = modulation.eta_edges
    if modulation.uncertainties is not None:
        group["uncertainties"] = modulation.uncertainties


def _check_format(path: Path, file: h5py.File) -> None:
    if file.attrs.get("format") != FORMAT:
        raise CurveFileError(f"{path} is no file of phi modulation curves")
    check_version(file, path, VERSION, CurveFileError)


def _read_modulation(path: Path, group: h5py.Group) -> PhiModulation:
    errors = _numbers(path, group, "uncertainties") if "uncertainties" in group else None
    return PhiModulation(
        _numbers(path, group, "values"), _numbers(path, group, "eta_edges"), errors
    )


def _numbers(path: Path, group: h5py.Group, name: str) -> Array:
    if name not in group:
        raise CurveFileError(f"{path} lacks the dataset `{name}`")
    column = group[name]
    if not isinstance(column, h5py.Dataset) or column.dtype.kind not in "fiu":
        raise CurveFileError(f"{path}: expected real numbers in `{column.name}`")
    return np.asarray(column[()])


def _read_warnings(fit: h5py.Group) -> list[str]:
    return [str(line) for line in read_json(fit, "warnings") or []]


def _histogram(curve: Float64[Array, " bin"]) -> object:
    n_bins = len(curve)
    content = np.zeros((3, n_bins + 2), dtype=np.float32)
    content[0, 1:-1] = curve
    content[1, 1:-1] = curve
    axis_x = identify.to_TAxis("xaxis", "", n_bins, 0.0, PERIOD)
    axis_y = identify.to_TAxis("yaxis", "", 1, 0.0, 1.0)
    return identify.to_TH2x(
        fName=_HISTOGRAM,
        fTitle="phi modulation",
        data=content.ravel(),
        fEntries=float(n_bins),
        fTsumw=0.0,
        fTsumw2=0.0,
        fTsumwx=0.0,
        fTsumwx2=0.0,
        fTsumwy=0.0,
        fTsumwy2=0.0,
        fTsumwxy=0.0,
        fSumw2=None,
        fXaxis=axis_x,
        fYaxis=axis_y,
    )
