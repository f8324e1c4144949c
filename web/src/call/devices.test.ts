import { describe, expect, it } from 'vitest';
import { afterChange, devicesFrom, pick, type Device } from './devices';

const device = (id: string, kind: Device['kind'] = 'audioinput'): Device => ({ kind, id, label: `The ${id}` });
const [builtIn, headset, dongle] = [device('built-in'), device('headset'), device('dongle')];
const camera = device('camera', 'videoinput');

describe('the device that is used', () => {
  it('is the one the person chose, while it is there', () => {
    expect(pick([builtIn, headset, camera], 'audioinput', 'headset')).toBe(headset);
    expect(pick([builtIn, camera], 'audioinput', 'headset')).toBe(builtIn);
  });

  it('is otherwise the system’s default', () => {
    const system = device('default');
    expect(pick([builtIn, system, headset], 'audioinput', undefined)).toBe(system);
  });

  it('is never of another kind', () => {
    expect(pick([camera], 'audioinput', 'camera')).toBeUndefined();
  });
});

describe('when devices come and go', () => {
  it('the used one unplugged gives way to another, and is named', () => {
    expect(afterChange('audioinput', [builtIn, headset], [builtIn], 'headset', 'headset')).toEqual({ kind: 'lost', was: 'The headset', now: builtIn });
  });

  it('the last one unplugged leaves none', () => {
    expect(afterChange('videoinput', [builtIn, camera], [builtIn], 'camera', undefined)).toEqual({ kind: 'lost', was: 'The camera', now: undefined });
  });

  it('one that is not used may go without a word', () => {
    expect(afterChange('audioinput', [builtIn, headset], [builtIn], 'built-in', undefined)).toEqual({ kind: 'same' });
  });

  it('a new one is not taken without being asked for', () => {
    expect(afterChange('audioinput', [builtIn], [builtIn, dongle], 'built-in', undefined)).toEqual({ kind: 'same' });
    expect(afterChange('audioinput', [builtIn], [builtIn, dongle], 'built-in', 'headset')).toEqual({ kind: 'same' });
  });

  it('the chosen one that is back is used again', () => {
    expect(afterChange('audioinput', [builtIn], [builtIn, headset], 'built-in', 'headset')).toEqual({ kind: 'found', now: headset });
  });

  it('the first to come where there was none is used', () => {
    expect(afterChange('audioinput', [], [dongle], undefined, undefined)).toEqual({ kind: 'found', now: dongle });
  });
});

describe('a list of devices', () => {
  it('leaves out those a page may not know yet', () => {
    expect(devicesFrom([{ kind: 'audioinput', deviceId: '', label: '' }, { kind: 'videoinput', deviceId: 'x', label: 'Cam' }])).toEqual([{ kind: 'videoinput', id: 'x', label: 'Cam' }]);
  });
});
