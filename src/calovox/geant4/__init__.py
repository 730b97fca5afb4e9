"""Reference showers: a model of the ATLAS barrel in Geant4, through the library calzone.

Only this package imports calzone, and only when a simulation starts.
"""

from calovox.geant4.charge import ElectrodeGaps, TruePhiModulation
from calovox.geant4.detector import DetectorModel
from calovox.geant4.engine import Deposits, Geant4DataError, ShowerEngine
from calovox.geant4.generation import Geant4Settings, ShardDone, generate_hits, simulate_hits
from calovox.geant4.progress import shower_progress
from calovox.geant4.response import Response, deposits_to_hits
from calovox.geant4.sampling import SamplingFractions, measure_sampling_fractions
from calovox.geant4.shards import ShardsError
from calovox.geant4.start import StartRadius
from calovox.geant4.survival import MeanFreePaths, measure_mean_free_paths, survival_probability

__all__ = [
    "Deposits",
    "DetectorModel",
    "ElectrodeGaps",
    "Geant4DataError",
    "Geant4Settings",
    "MeanFreePaths",
    "Response",
    "SamplingFractions",
    "ShardDone",
    "ShardsError",
    "ShowerEngine",
    "StartRadius",
    "TruePhiModulation",
    "deposits_to_hits",
    "generate_hits",
    "measure_mean_free_paths",
    "measure_sampling_fractions",
    "shower_progress",
    "simulate_hits",
    "survival_probability",
]
