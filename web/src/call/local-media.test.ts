// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { present } from '../testing/fixture';
import { LocalMedia, type Trouble } from './local-media';

class FakeTrack extends EventTarget {
  enabled = true;
  stopped = false;
  constructor(
    readonly kind: 'audio' | 'video',
    readonly id: string,
  ) {
    super();
  }
  getSettings(): { deviceId: string } {
    return { deviceId: this.id };
  }
  stop(): void {
    this.stopped = true;
  }
}

interface Entry {
  kind: MediaDeviceKind;
  deviceId: string;
  label: string;
}
const entry = (kind: MediaDeviceKind, deviceId: string): Entry => ({ kind, deviceId, label: `The ${deviceId}` });

class FakeDevices extends EventTarget {
  list: Entry[] = [entry('audioinput', 'built-in'), entry('audioinput', 'headset'), entry('videoinput', 'camera')];
  refusal: string | undefined;
  opened: FakeTrack[] = [];

  enumerateDevices(): Promise<Entry[]> {
    return Promise.resolve(this.list);
  }

  getUserMedia(wanted: { audio?: { deviceId?: { ideal: string } }; video?: { deviceId?: { ideal: string } } }): Promise<{ getTracks: () => FakeTrack[] }> {
    if (this.refusal !== undefined) return Promise.reject(new DOMException('', this.refusal));
    const [kind, input] = wanted.audio !== undefined ? (['audio', 'audioinput'] as const) : (['video', 'videoinput'] as const);
    const ideal = (wanted.audio ?? wanted.video)?.deviceId?.ideal;
    const there = this.list.filter((d) => d.kind === input);
    const device = there.find((d) => d.deviceId === ideal) ?? there[0];
    if (device === undefined) return Promise.reject(new DOMException('', 'NotFoundError'));
    const track = new FakeTrack(kind, device.deviceId);
    this.opened.push(track);
    return Promise.resolve({ getTracks: () => [track] });
  }

  async become(list: Entry[]): Promise<void> {
    this.list = list;
    this.dispatchEvent(new Event('devicechange'));
    await vi.waitFor(() => { expect(media.state.devices).toHaveLength(list.length); });
  }
}

let devices: FakeDevices;
let media: LocalMedia;
let told: Trouble[];

const microphone = (): FakeTrack | undefined => media.state.microphone as unknown as FakeTrack | undefined;
const camera = (): FakeTrack | undefined => media.state.camera as unknown as FakeTrack | undefined;

beforeEach(() => {
  devices = new FakeDevices();
  vi.stubGlobal('navigator', { mediaDevices: devices });
  told = [];
  media = new LocalMedia({}, (trouble) => told.push(trouble), () => undefined);
});

afterEach(() => {
  media.dispose();
  vi.unstubAllGlobals();
});

describe('one’s own microphone and camera', () => {
  it('begin with the microphone only', async () => {
    await media.openMicrophone();
    expect([microphone()?.id, camera(), media.state.cameraOn]).toEqual(['built-in', undefined, false]);
  });

  it('send nothing while muted, without letting go of the microphone', async () => {
    await media.openMicrophone();
    media.setMicrophoneOn(false);
    expect([microphone()?.enabled, microphone()?.stopped]).toEqual([false, false]);
    await media.choose('audioinput', 'headset');
    expect([microphone()?.id, microphone()?.enabled]).toEqual(['headset', false]);
    media.setMicrophoneOn(true);
    expect(microphone()?.enabled).toBe(true);
  });

  it('tell of troubles to whoever asked last', async () => {
    const later: Trouble[] = [];
    media.tell((trouble) => later.push(trouble));
    devices.refusal = 'NotReadableError';
    await media.openMicrophone();
    expect([told, later]).toEqual([[], [{ kind: 'busy', device: 'audioinput' }]]);
  });

  it('are asked for once more where they were refused', async () => {
    devices.refusal = 'NotAllowedError';
    await media.openMicrophone();
    expect(media.state).toMatchObject({ microphone: undefined, trouble: { audioinput: { kind: 'denied' } } });
    devices.refusal = undefined;
    media.flipMicrophone();
    await vi.waitFor(() => { expect(media.state.microphone).toBeDefined(); });
    expect(media.state).toMatchObject({ microphoneOn: true, trouble: {} });
    media.flipMicrophone();
    expect(media.state.microphoneOn).toBe(false);
  });

  it('let go of the camera when it is turned off', async () => {
    await media.setCameraOn(true);
    const track = present(camera());
    await media.setCameraOn(false);
    expect([track.stopped, camera(), media.state.cameraOn]).toEqual([true, undefined, false]);
  });

  it('do not turn the camera on after it was turned off while the browser still asked', async () => {
    const opening = media.setCameraOn(true);
    await media.setCameraOn(false);
    await opening;
    expect([camera(), devices.opened[0]?.stopped]).toEqual([undefined, true]);
  });

  it('change in place, and the earlier one is let go', async () => {
    await media.openMicrophone();
    const before = present(microphone());
    await media.choose('audioinput', 'headset');
    expect([before.stopped, microphone()?.id, media.state.choice.audioinput]).toEqual([true, 'headset', 'headset']);
  });

  it.each([
    ['NotAllowedError', 'denied'],
    ['NotFoundError', 'missing'],
    ['NotReadableError', 'busy'],
    ['SecurityError', 'insecure'],
    ['OtherError', 'other'],
  ])('say why they cannot be opened: %s', async (name, kind) => {
    devices.refusal = name;
    await media.setCameraOn(true);
    expect(told).toEqual([{ kind, device: 'videoinput' }]);
    expect([media.state.cameraOn, media.state.trouble.videoinput?.kind]).toEqual([false, kind]);
  });
});

describe('a device that is unplugged', () => {
  it('gives way to another, and the person is told', async () => {
    await media.choose('audioinput', 'headset');
    await devices.become([entry('audioinput', 'built-in'), entry('videoinput', 'camera')]);
    await vi.waitFor(() => { expect(microphone()?.id).toBe('built-in'); });
    expect(told).toEqual([{ kind: 'lost', device: 'audioinput', was: 'The headset', now: 'The built-in' }]);
  });

  it('is used again when it comes back', async () => {
    await media.choose('audioinput', 'headset');
    await devices.become([entry('audioinput', 'built-in')]);
    await vi.waitFor(() => { expect(microphone()?.id).toBe('built-in'); });
    await devices.become([entry('audioinput', 'built-in'), entry('audioinput', 'headset')]);
    await vi.waitFor(() => { expect(microphone()?.id).toBe('headset'); });
    expect(told.at(-1)).toEqual({ kind: 'found', device: 'audioinput', now: 'The headset' });
  });

  it('that was the only camera turns the picture off', async () => {
    await media.setCameraOn(true);
    await devices.become([entry('audioinput', 'built-in')]);
    await vi.waitFor(() => { expect(media.state.cameraOn).toBe(false); });
    expect(told).toEqual([{ kind: 'lost', device: 'videoinput', was: 'The camera', now: undefined }]);
    expect(camera()).toBeUndefined();
  });

  it('may also only end its track', async () => {
    await media.choose('audioinput', 'headset');
    microphone()?.dispatchEvent(new Event('ended'));
    await vi.waitFor(() => { expect(microphone()?.id).toBe('built-in'); });
    expect(told).toEqual([{ kind: 'lost', device: 'audioinput', was: 'The headset', now: 'The built-in' }]);
  });

  it('that is not used is none of the person’s business', async () => {
    await media.openMicrophone();
    await devices.become([entry('audioinput', 'built-in')]);
    expect(told).toEqual([]);
  });
});
