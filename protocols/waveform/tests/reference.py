"""What python's wfdb reads of records: one JSON object a record, one signal after the other.

    reference.py RECORD...            records as they are
    reference.py --write FOLDER       first writes records in formats that no sample record has, and prints their names
"""

import hashlib
import json
import sys
from pathlib import Path

import numpy as np
import wfdb


def describe(name):
    digital = wfdb.rdrecord(name, physical=False, smooth_frames=False)
    physical = wfdb.rdrecord(name, physical=True, smooth_frames=False)
    signals = []
    for place, steps in enumerate(digital.e_d_signal):
        values = physical.e_p_signal[place]
        picked = list(range(0, len(values), max(1, len(values) // 50)))
        signals.append(
            {
                "samples": len(steps),
                "sha256": list(hashlib.sha256(steps.astype("<i2").tobytes()).digest()),
                "picked": [[i, None if np.isnan(values[i]) else float(values[i])] for i in picked],
                "unit": digital.units[place],
                "description": digital.sig_name[place],
            }
        )
    return {"record": name, "rate": float(digital.fs), "signals": signals}


def write(folder):
    """Format 80 and a 212 with an odd number of samples and missing values, as wfdb itself writes them."""
    seconds = np.arange(1001) / 125.0
    wave = np.column_stack([np.sin(2 * np.pi * seconds), 0.4 * np.cos(7 * seconds)])
    gone = wave.copy()
    gone[100:120, 0] = np.nan
    common = {"fs": 125, "units": ["mV", "NU"], "sig_name": ["II", "PLETH"], "write_dir": folder}
    wfdb.wrsamp("eighty", p_signal=gone, fmt=["80", "80"], **common)
    wfdb.wrsamp("twelve", p_signal=gone[:, :1], fmt=["212"], **{**common, "units": ["mV"], "sig_name": ["V5"]})
    wfdb.wrsamp("sixteen", p_signal=gone, fmt=["16", "16"], **common)
    return [str(Path(folder) / name) for name in ("eighty", "twelve", "sixteen")]


if sys.argv[1] == "--write":
    names = write(sys.argv[2])
else:
    names = sys.argv[1:]
print(json.dumps([describe(name) for name in names]))
