"""The pools, used by NVIDIA's own client: prints what it found as JSON. Usage: client.py HOST:PORT TOKEN"""

import json
import sys

import numpy as np
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException

url, token = sys.argv[1:3]
allowed = {"Authorization": f"Bearer {token}"}
client = triton.InferenceServerClient(url, concurrency=4, connection_timeout=60, network_timeout=180)


def tensor(name, values, datatype, binary, shape=None):
    array = np.array(values, dtype=np.float32 if datatype == "FP32" else np.object_)
    made = triton.InferInput(name, list(shape or array.shape), datatype)
    made.set_data_from_numpy(array, binary_data=binary)
    return made


def translation(texts, binary=True, source="pt", target="en"):
    return [
        tensor("TEXT", texts, "BYTES", binary),
        tensor("SOURCE_LANGUAGE", [source], "BYTES", binary),
        tensor("TARGET_LANGUAGE", [target], "BYTES", binary),
    ]


def texts(result, name="TEXT"):
    return [text.decode() if isinstance(text, bytes) else text for text in result.as_numpy(name)]


def refusal(call):
    try:
        call()
    except InferenceServerException as refused:
        return {"status": refused.status(), "message": refused.message()}
    return None


def ask(model, inputs, **more):
    return client.infer(model, inputs, headers=allowed, **more)


found = {
    "live": client.is_server_live(headers=allowed),
    "ready": client.is_server_ready(headers=allowed),
    "models_ready": [client.is_model_ready(name, headers=allowed) for name in ("transcribe", "translate", "speak")],
    "unknown_ready": client.is_model_ready("nobody", headers=allowed),
    "server": client.get_server_metadata(headers=allowed),
    "metadata": client.get_model_metadata("translate", headers=allowed),
    "config": client.get_model_config("transcribe", headers=allowed),
    "index": client.get_model_repository_index(headers=allowed),
    "without_token": {
        "live": client.is_server_live(),
        "metadata": refusal(lambda: client.get_server_metadata()),
        "infer": refusal(lambda: client.infer("translate", translation(["Estou com febre."]))),
        "wrong": refusal(lambda: client.get_server_metadata(headers={"Authorization": "Bearer " + "0" * 32})),
    },
}

# JSON in, JSON out; binary in, binary out; several texts at once.
as_json = ask(
    "translate",
    translation(["Estou com dor no peito desde ontem à noite."], binary=False),
    outputs=[triton.InferRequestedOutput("TEXT", binary_data=False)],
    request_id="r1",
)
found["json"] = {"response": as_json.get_response(), "texts": texts(as_json)}
several = ["Estou com dor no peito desde ontem à noite.", "Não tenho febre.", "Tomo 50 mg de atenolol."]
as_binary = ask("translate", translation(several))
found["binary"] = {"response": as_binary.get_response(), "texts": texts(as_binary)}

# Many clients at a time.
pending = [client.async_infer("translate", translation([several[i % 3]]), headers=allowed) for i in range(24)]
found["concurrent"] = [texts(one.get_result()) == [found["binary"]["texts"][i % 3]] for i, one in enumerate(pending)]

# What is spoken is understood.
sentence = "Good morning. Please sit down and tell me what happened yesterday."
spoken = ask("speak", [tensor("TEXT", [sentence], "BYTES", True), tensor("LANGUAGE", ["en"], "BYTES", True)])
audio, rate = spoken.as_numpy("AUDIO"), int(spoken.as_numpy("SAMPLE_RATE")[0])
at_16k = np.interp(np.arange(0, len(audio) * 16000 // rate) * rate / 16000, np.arange(len(audio)), audio)
heard = ask("transcribe", [tensor("AUDIO", at_16k, "FP32", True), tensor("LANGUAGE", ["en", "pt"], "BYTES", True)])
found["heard"] = {
    "said": sentence,
    "text": texts(heard)[0],
    "language": texts(heard, "LANGUAGE")[0],
    "confidence": float(heard.as_numpy("CONFIDENCE")[0]),
}

found["refused"] = {
    "shape": refusal(lambda: ask("translate", [tensor("TEXT", [["Oi."]], "BYTES", True)] + translation(["x"])[1:])),
    "datatype": refusal(lambda: ask("transcribe", [tensor("AUDIO", ["x"], "BYTES", True), tensor("LANGUAGE", ["en"], "BYTES", True)])),
    "missing": refusal(lambda: ask("translate", translation(["x"])[:2])),
    "output": refusal(lambda: ask("translate", translation(["Oi."]), outputs=[triton.InferRequestedOutput("NOPE")])),
    "too_many": refusal(lambda: ask("translate", translation(["Oi."] * 33))),
    "too_long": refusal(lambda: ask("transcribe", [tensor("AUDIO", np.zeros(480001), "FP32", True), tensor("LANGUAGE", ["en"], "BYTES", True)])),
    "direction": refusal(lambda: ask("translate", translation(["Oi."], source="ja", target="fi"))),
    "model": refusal(lambda: ask("nobody", translation(["Oi."]))),
    "version": refusal(lambda: ask("translate", translation(["Oi."]), model_version="999")),
    "compressed": refusal(lambda: ask("translate", translation(["Oi."]), request_compression_algorithm="gzip")),
}
client.close()
print(json.dumps(found))
