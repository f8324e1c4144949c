import { describe, expect, it } from 'vitest';
import { encodeWaveBlock } from '../testing/waves';
import { present } from '../testing/fixture';
import { channelName, decodeWaveBlock, HEADER_BYTES } from './wave-blocks';

/** What `the_layout_is_the_one_described` in protocols/waveform/src/block.rs writes. */
const SERVER =
  '4857010102010200b21004000700000090d003000ad7a33b' +
  '0000000000305f018b600600020000000100feff';

function hex(text: string): ArrayBuffer {
  return Uint8Array.from(present(text.match(/../g)), (pair) => parseInt(pair, 16)).buffer;
}

describe('a waveform block', () => {
  it('is read as the server writes it', () => {
    const block = present(decodeWaveBlock(hex(SERVER)));
    expect(block).toMatchObject({ channel: 131_330, unit: 266_418, sequence: 7, first: true, rate: 250 });
    expect(block.start).toBe(1_795_000_000);
    expect(block.values[1]).toBeCloseTo(-0.01, 6);
  });

  it('keeps the times and values it was given, and says where there was none', () => {
    const block = present(decodeWaveBlock(encodeWaveBlock({ start: 1_795_000_000.25, steps: [100, -32_768, -100], scale: 0.005 })));
    expect(block.start).toBe(1_795_000_000.25);
    expect([...block.values].map((v) => Number(v.toFixed(3)))).toEqual([0.5, NaN, -0.5]);
  });

  it('is refused when it is cut, longer than it says, or something else', () => {
    const whole = encodeWaveBlock({ steps: [1, 2, 3] });
    for (let length = 0; length < whole.byteLength; length++) expect(decodeWaveBlock(whole.slice(0, length))).toBeUndefined();
    const changed = (at: number, byte: number): ArrayBuffer => {
      const bytes = new Uint8Array(whole.slice(0));
      bytes[at] = byte;
      return bytes.buffer;
    };
    for (const [at, byte] of [[0, 0], [2, 2], [3, 2], [36, 4], [36, 0], [18, 0xff]] as const) {
      expect(decodeWaveBlock(changed(at, byte)), `byte ${at}`).toBeUndefined();
    }
    expect(whole.byteLength).toBe(HEADER_BYTES + 6);
  });

  it('names what stands at a bedside, and tells other channels apart', () => {
    expect(channelName(131_330)).toBe('ECG II');
    expect(channelName((2 << 16) | 0xf003)).toBe('Channel 3');
  });
});
