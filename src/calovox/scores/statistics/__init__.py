"""Two-sample statistics with honest floors: distances, correlations, outliers."""

from calovox.scores.statistics.exchange import Exchange, Tested, judge_by_exchange
from calovox.scores.statistics.many_features import (
    ManyFeatures,
    measure_many_features,
    normal_scores,
)
from calovox.scores.statistics.one_feature import (
    METRICS,
    NotMeasured,
    OneFeature,
    measure_one_feature,
)
from calovox.scores.statistics.outliers import OutlierCount, count_outliers

__all__ = [
    "METRICS",
    "Exchange",
    "ManyFeatures",
    "NotMeasured",
    "OneFeature",
    "OutlierCount",
    "Tested",
    "count_outliers",
    "judge_by_exchange",
    "measure_many_features",
    "measure_one_feature",
    "normal_scores",
]
