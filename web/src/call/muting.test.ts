import { describe, expect, it } from 'vitest';
import { muteNeeded } from './muting';

describe('telling others what is muted', () => {
  it('is needed when a switch was turned', () => {
    const on = { audio: 'on', video: 'on' } as const;
    expect(muteNeeded(on, { microphone: false, camera: true })).toEqual({ audio: true, video: false });
    expect(muteNeeded(on, { microphone: true, camera: false })).toEqual({ audio: false, video: true });
    expect(muteNeeded({ audio: 'muted', video: 'on' }, { microphone: true, camera: true })).toEqual({ audio: false, video: false });
  });

  it('is not needed when they know', () => {
    expect(muteNeeded({ audio: 'muted', video: 'on' }, { microphone: false, camera: true })).toBeUndefined();
    expect(muteNeeded({ audio: 'on', video: 'muted' }, { microphone: true, camera: false })).toBeUndefined();
  });

  it('is not needed of what was never sent', () => {
    expect(muteNeeded({ audio: 'on', video: 'off' }, { microphone: true, camera: false })).toBeUndefined();
    expect(muteNeeded({ audio: 'on', video: 'off' }, { microphone: true, camera: true })).toBeUndefined();
    expect(muteNeeded(undefined, { microphone: false, camera: false })).toBeUndefined();
  });
});
