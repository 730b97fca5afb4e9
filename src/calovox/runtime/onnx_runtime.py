"""ONNX Runtime without its telemetry. The only module that imports it.

While it is imported, ONNX Runtime (1.31.1) writes a device id and a database of events below HOME,
and looks up its collector when a model is loaded. Its call `disable_telemetry_events` comes
too late for that; the variable ``ORT_DISABLE_TELEMETRY`` is read in time. It is set for the import
only. A program that has imported ONNX Runtime before calovox decides for itself.
"""

import os
from typing import Final

__all__ = ["WITHOUT_TELEMETRY", "onnxruntime"]

WITHOUT_TELEMETRY: Final = {"ORT_DISABLE_TELEMETRY": "1"}
"""What an environment needs in which ONNX Runtime is imported."""

_before = {name: os.environ.get(name) for name in WITHOUT_TELEMETRY}
os.environ.update(WITHOUT_TELEMETRY)
try:
    import onnxruntime
finally:
    for _name, _value in _before.items():
        if _value is None:
            del os.environ[_name]
        else:
            os.environ[_name] = _value
