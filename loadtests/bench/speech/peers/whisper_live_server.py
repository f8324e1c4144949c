"""Starts WhisperLive's server on loopback, as its own run_server.py does (which its package does not contain).

One model for all clients, which is its way for many; int8 on CPUs is its own choice. `--batch` adds its batched
inference, greedy and with the batches that are its defaults.
"""

import argparse
import os
import sys
from pathlib import Path


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--model", required=True, help="folder of CTranslate2 weights")
    arguments.add_argument("--port", type=int, required=True)
    arguments.add_argument("--threads", type=int, default=2)
    arguments.add_argument("--max-clients", type=int, default=64)
    arguments.add_argument("--batch", action="store_true")
    given = arguments.parse_args()
    # What --omp_num_threads of run_server.py sets: before anything is loaded.
    os.environ["OMP_NUM_THREADS"] = str(given.threads)
    # A model that is not where it should be is an error, not a download.
    os.environ["HF_HUB_OFFLINE"] = "1"
    try:
        import torch  # noqa: F401
    except ImportError:
        # No compiled copy beside the source.
        sys.dont_write_bytecode = True
        sys.path.append(str(Path(__file__).parent / "without_torch"))
    from whisper_live.server import TranscriptionServer

    TranscriptionServer().run(
        "127.0.0.1",
        port=given.port,
        backend="faster_whisper",
        faster_whisper_custom_model_path=given.model,
        single_model=True,
        max_clients=given.max_clients,
        # Longer than any run: a client is never sent away for its age.
        max_connection_time=24 * 3600,
        cache_path=str(Path(given.model).parent),
        batch_enabled=given.batch,
        # Every client connects within a second or two; they are to be served, not turned away.
        batch_max_queue_wait_s=3600.0,
        batch_max_admissions_per_s=1000.0,
    )


if __name__ == "__main__":
    main()
