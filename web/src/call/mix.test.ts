import { describe, expect, it } from 'vitest';
import { DUCKED, interpreted, originalGain, voiceGain, type Listener } from './mix';

const listener: Listener = { hearing: 'both', language: 'en', voiceVolume: 0.8, voiceLive: true, voiceSpeaking: true };

describe('how loud people are', () => {
  it('is full for who speaks the listener’s language, whatever they chose', () => {
    for (const hearing of ['original', 'both', 'translation'] as const) {
      expect(originalGain('en-GB', { ...listener, hearing }), hearing).toBe(1);
    }
  });

  it('drops to about 15 % under the interpreter, and only then', () => {
    expect(DUCKED).toBe(0.15);
    expect(originalGain('pt', listener)).toBe(DUCKED);
    expect(originalGain('pt', { ...listener, voiceSpeaking: false })).toBe(1);
  });

  it('is nothing where only the translation is wanted, also between speeches', () => {
    const translation: Listener = { ...listener, hearing: 'translation' };
    expect(originalGain('pt', translation)).toBe(0);
    expect(originalGain('pt', { ...translation, voiceSpeaking: false })).toBe(0);
  });

  it('is full where only the original is wanted', () => {
    expect(originalGain('pt', { ...listener, hearing: 'original' })).toBe(1);
    expect(voiceGain({ ...listener, hearing: 'original' })).toBe(0);
  });

  it('is full rather than silent while there is no interpreter to be heard', () => {
    expect(originalGain('pt', { ...listener, hearing: 'translation', voiceLive: false })).toBe(1);
    expect(originalGain('pt', { ...listener, voiceLive: false })).toBe(1);
    expect(originalGain('pt', { ...listener, voiceVolume: 0 })).toBe(1);
  });

  it('is full while nobody knows yet who speaks what', () => {
    const translation: Listener = { ...listener, hearing: 'translation' };
    expect(originalGain('und', translation)).toBe(1);
    expect(originalGain(undefined, translation)).toBe(1);
    expect(originalGain('pt', { ...translation, language: undefined })).toBe(1);
    expect(interpreted('pt', 'und')).toBe(false);
  });
});

describe('how loud the interpreter is', () => {
  it('is what the listener set, within what can be played', () => {
    expect(voiceGain(listener)).toBe(0.8);
    expect(voiceGain({ ...listener, hearing: 'translation', voiceVolume: 3 })).toBe(1);
    expect(voiceGain({ ...listener, voiceVolume: -1 })).toBe(0);
  });
});
