import { describe, expect, it } from 'vitest';
import { present } from '../testing/fixture';
import { decodeSpeechFrame, HEADER_BYTES, pcmSamples } from './frames';

const SPEECH = 'e870de37-dfe0-8bd0-73e3-392ace7a57e8';

function frame({ index = 0, flags = 0, payload = [] as number[] } = {}): ArrayBuffer {
  const bytes = new Uint8Array(HEADER_BYTES + payload.length);
  bytes.set(present(SPEECH.replaceAll('-', '').match(/../g)).map((pair) => parseInt(pair, 16)));
  new DataView(bytes.buffer).setUint32(16, index, true);
  bytes[20] = flags;
  bytes.set(payload, HEADER_BYTES);
  return bytes.buffer;
}

describe('a speech frame', () => {
  it('names its speech, its place and its samples', () => {
    const decoded = present(decodeSpeechFrame(frame({ index: 258, payload: [0x00, 0x40, 0x00, 0x80] })));
    expect(decoded.speech).toBe(SPEECH);
    expect(decoded.index).toBe(258);
    expect(decoded.last).toBe(false);
    expect([...pcmSamples(decoded.payload)]).toEqual([0.5, -1]);
  });

  it('is little-endian and may be the last', () => {
    const bytes = frame({ flags: 1 });
    new Uint8Array(bytes).set([1, 2, 3, 4], 16);
    expect(decodeSpeechFrame(bytes)).toMatchObject({ index: 0x04030201, last: true });
  });

  it('may end a speech without samples', () => {
    const decoded = present(decodeSpeechFrame(frame({ flags: 1 })));
    expect(decoded.payload.byteLength).toBe(0);
    expect(pcmSamples(decoded.payload)).toHaveLength(0);
  });

  it('says when it ends because somebody took the turn', () => {
    expect(decodeSpeechFrame(frame({ flags: 1 }))).toMatchObject({ last: true, interrupted: false });
    expect(decodeSpeechFrame(frame({ flags: 3 }))).toMatchObject({ last: true, interrupted: true });
  });

  it('is refused when cut anywhere within its header', () => {
    const whole = frame({ payload: [1, 2, 3, 4] });
    for (let length = 0; length < HEADER_BYTES; length++) {
      expect(decodeSpeechFrame(whole.slice(0, length)), `${length} bytes`).toBeUndefined();
    }
    expect(decodeSpeechFrame(whole.slice(0, HEADER_BYTES))).toBeDefined();
  });

  it('loses only the half sample when cut within its samples', () => {
    const cut = frame({ payload: [0x00, 0x40, 0x00, 0xc0] }).slice(0, HEADER_BYTES + 3);
    expect([...pcmSamples(present(decodeSpeechFrame(cut)).payload)]).toEqual([0.5]);
  });

  it('is refused with flags of a later version', () => {
    for (const flags of [2, 4, 5, 255]) expect(decodeSpeechFrame(frame({ flags })), `flags ${flags}`).toBeUndefined();
  });
});
