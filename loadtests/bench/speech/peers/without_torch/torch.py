"""Stands in for PyTorch when WhisperLive's server runs on a CPU.

WhisperLive imports torch at the top of its server and of its faster-whisper backend, and asks it one thing there:
whether there is a CUDA device. Recognition is CTranslate2's, voice activity is faster-whisper's own Silero in
onnxruntime. The real package is more than two gigabytes and would cost the server some hundred megabytes of memory;
without it the peer is measured in its favour. Anything else that is asked of this module fails with an
AttributeError, so nothing can silently depend on it.
"""

__version__ = "0"


class cuda:
    @staticmethod
    def is_available() -> bool:
        return False
