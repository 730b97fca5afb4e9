from calovox.report.cells import metric_name


def test_every_metric_of_the_scores_has_a_name():
    for metric in ("divergence", "auc", "chi2_ndf"):
        assert metric_name(metric) not in (metric, metric.replace("_", " "))
