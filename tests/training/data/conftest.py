from tests.toy_datasets import datasets, region_hits

__all__ = ["datasets", "region_hits"]
