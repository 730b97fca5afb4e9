"""Detectors in files, and what other files say of theirs."""

from calovox.geometry.detector_files.choice import check_barrel, choose_detector, read_detector
from calovox.geometry.detector_files.description import DetectorFileError, parse_detector
from calovox.geometry.detector_files.mark import DetectorMark

__all__ = [
    "DetectorFileError",
    "DetectorMark",
    "check_barrel",
    "choose_detector",
    "parse_detector",
    "read_detector",
]
