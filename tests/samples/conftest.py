from tests.report.conftest import datasets, region_hits

__all__ = ["datasets", "region_hits"]
