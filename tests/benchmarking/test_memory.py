import pytest

from calovox.benchmarking import measure_memory


def test_memory_is_that_of_the_loaded_model(models):
    path = models["a.onnx"].path(0.2)
    assert 0.0 < measure_memory(path) < 100.0


def test_memory_of_several_models_is_that_of_all_in_one_process(models):
    paths = [model.path(0.2) for model in models.values()]
    assert measure_memory(*paths, *paths) > measure_memory(paths[0])


def test_memory_of_a_file_that_is_no_model_is_refused(tmp_path):
    (tmp_path / "no.onnx").write_text("no model")
    with pytest.raises(OSError, match=r"no\.onnx: its memory could not be measured"):
        measure_memory(tmp_path / "no.onnx")


def test_memory_on_a_gpu_is_not_that_on_the_cpu(models):
    path = models["a.onnx"].path(0.2)
    with pytest.raises(OSError, match="it was not loaded with CUDAExecutionProvider"):
        measure_memory(path, accelerator="cuda")
