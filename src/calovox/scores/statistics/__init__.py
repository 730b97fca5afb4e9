"""Two-sample statistics with honest floors: distances, correlations, outliers."""

from calovox.scores.statistics.chi2 import Floor, measure_chi2, split_floor
from calovox.scores.statistics.exchange import (
    N_EXCHANGES,
    Division,
    Exchange,
    FloorSource,
    Tested,
)
from calovox.scores.statistics.kernel import measure_kernel
from calovox.scores.statistics.many_features import (
    ManyFeatures,
    compare_scores,
    measure_many_features,
    normal_scores,
)
from calovox.scores.statistics.neighbours import NEIGHBOUR_METRICS, measure_neighbours
from calovox.scores.statistics.one_feature import (
    METRICS,
    NotMeasured,
    OneFeature,
    measure_one_feature,
)
from calovox.scores.statistics.outliers import OutlierCount, count_outliers

__all__ = [
    "METRICS",
    "NEIGHBOUR_METRICS",
    "N_EXCHANGES",
    "Division",
    "Exchange",
    "Floor",
    "FloorSource",
    "ManyFeatures",
    "NotMeasured",
    "OneFeature",
    "OutlierCount",
    "Tested",
    "compare_scores",
    "count_outliers",
    "measure_chi2",
    "measure_kernel",
    "measure_many_features",
    "measure_neighbours",
    "measure_one_feature",
    "normal_scores",
    "split_floor",
]
