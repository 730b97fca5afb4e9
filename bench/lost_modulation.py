"""What the hits of a dataset's voxels lack if the voxels were made without the phi modulation."""

from pathlib import Path

from calovox.dataset import DatasetReader
from calovox.phi_modulation import PhiModulation
from calovox.phi_modulation.curve_file import read_curve
from calovox.phi_modulation.state import modulation_state

__all__ = ["SAMPLE", "lost_modulation"]

SAMPLE = Path(__file__).parents[1] / "sample"


def lost_modulation(reader: DatasetReader) -> PhiModulation | None:
    """Give the curves that were taken out of the voxels of a dataset of the built-in barrel."""
    state = modulation_state(reader.provenance.get("phi_modulation"))
    return read_curve(SAMPLE / "phi_curve.h5") if state == "removed" else None
