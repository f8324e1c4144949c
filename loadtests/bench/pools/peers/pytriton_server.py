"""The benchmark's model as PyTriton serves it: a function of this program. Ends when it is told to, and when whoever started
it is gone, however that came about: PyTriton's own server is a child that would stay.

Usage: pytriton_server.py PORT MAX_BATCH DELAY_MICROSECONDS BASE_SECONDS PER_ITEM_SECONDS FLOATS
"""

import os
import signal
import sys
import time

POLL_SECONDS = 0.2


def serve(parent):
    import numpy as np
    from pytriton.decorators import batch
    from pytriton.model_config import DynamicBatcher, ModelConfig, Tensor
    from pytriton.triton import Triton, TritonConfig

    port, max_batch, delay = (int(text) for text in sys.argv[1:4])
    base, per_item = (float(text) for text in sys.argv[4:6])
    shape = (int(sys.argv[6]),)

    @batch
    def fake(INPUT):
        time.sleep(base + per_item * len(INPUT))
        return {"OUTPUT": INPUT}

    config = TritonConfig(http_address="127.0.0.1", http_port=port, allow_grpc=False, allow_metrics=False)
    with Triton(config=config) as triton:
        triton.bind(
            model_name="fake",
            infer_func=fake,
            inputs=[Tensor(name="INPUT", dtype=np.float32, shape=shape)],
            outputs=[Tensor(name="OUTPUT", dtype=np.float32, shape=shape)],
            config=ModelConfig(max_batch_size=max_batch, batcher=DynamicBatcher(max_queue_delay_microseconds=delay)),
        )
        triton.run()
        print("PyTriton serves", file=sys.stderr, flush=True)
        while os.getppid() == parent:
            time.sleep(POLL_SECONDS)


def main():
    parent = os.getpid()
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        serve(parent)
        return
    signal.signal(signal.SIGTERM, lambda *_: os.kill(child, signal.SIGTERM))
    _, status = os.waitpid(child, 0)
    sys.exit(os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    main()
