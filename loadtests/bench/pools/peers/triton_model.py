"""The benchmark's model for Triton's Python backend: sleeps as long as it is told, then gives its input back."""

import os
import sys
import time

# The backend's interpreter takes nothing from the environment it runs in.
sys.path.insert(0, os.environ["BENCH_SITE_PACKAGES"])

import triton_python_backend_utils as backend  # noqa: E402

BASE = float(os.environ["BENCH_BASE_SECONDS"])
PER_ITEM = float(os.environ["BENCH_PER_ITEM_SECONDS"])


class TritonPythonModel:
    def execute(self, requests):
        # One item each: clients send no batches of their own.
        time.sleep(BASE + PER_ITEM * len(requests))
        return [
            backend.InferenceResponse([backend.Tensor("OUTPUT", backend.get_input_tensor_by_name(one, "INPUT").as_numpy())])
            for one in requests
        ]
