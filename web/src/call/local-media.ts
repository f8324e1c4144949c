/** The person's own microphone and camera: opening, muting, changing, and going on when one is unplugged. */
import { afterChange, devicesFrom, ofKind, pick, type Choice, type Device, type Kind } from './devices';

/** Something a person should be told about their devices. */
export type Trouble =
  | { readonly kind: 'denied' | 'missing' | 'busy' | 'insecure' | 'other'; readonly device: Kind }
  | { readonly kind: 'lost'; readonly device: Kind; readonly was: string; readonly now: string | undefined }
  | { readonly kind: 'found'; readonly device: Kind; readonly now: string };

export interface LocalState {
  readonly devices: readonly Device[];
  readonly choice: Choice;
  readonly microphone: MediaStreamTrack | undefined;
  readonly camera: MediaStreamTrack | undefined;
  readonly microphoneOn: boolean;
  readonly cameraOn: boolean;
  /** Why there is no sound or picture although wanted. */
  readonly trouble: Readonly<Partial<Record<Kind, Trouble>>>;
}

type Listener = (state: LocalState) => void;

/** Enough to see a rash or a wound by, little enough for a phone's uplink. */
const PICTURE = { width: { ideal: 1_280 }, height: { ideal: 720 }, frameRate: { ideal: 24, max: 30 } };
const SOUND = { channelCount: 1, echoCancellation: true, noiseSuppression: true, autoGainControl: true };

/** Absent on pages that are neither secure nor on this machine, whatever the types say. */
function mediaDevices(): MediaDevices | undefined {
  return (navigator as { mediaDevices?: MediaDevices }).mediaDevices;
}

export class LocalMedia {
  private current: LocalState;
  private readonly listeners = new Set<Listener>();
  private readonly onDevices = (): void => void this.refresh();
  /** The last request of each kind wins, however long a permission prompt stays open. */
  private readonly requests = { audioinput: 0, videoinput: 0 };

  constructor(
    choice: Choice,
    private onTrouble: (trouble: Trouble) => void,
    private readonly onChoice: (choice: Choice) => void,
  ) {
    this.current = { devices: [], choice, microphone: undefined, camera: undefined, microphoneOn: true, cameraOn: false, trouble: {} };
    mediaDevices()?.addEventListener('devicechange', this.onDevices);
  }

  get state(): LocalState {
    return this.current;
  }

  subscribe(listener: Listener): () => void {
    this.listeners.add(listener);
    listener(this.current);
    return () => this.listeners.delete(listener);
  }

  /** From now on somebody else is told of troubles: the page they were told on may be gone. */
  tell(onTrouble: (trouble: Trouble) => void): void {
    this.onTrouble = onTrouble;
  }

  async openMicrophone(): Promise<void> {
    if (this.current.microphone === undefined) await this.open('audioinput', this.current.choice.audioinput);
  }

  setMicrophoneOn(on: boolean): void {
    if (this.current.microphone !== undefined) this.current.microphone.enabled = on;
    this.set({ microphoneOn: on });
    if (on && this.current.microphone === undefined) void this.open('audioinput', this.current.choice.audioinput);
  }

  /** What a press on the button does; where there is no microphone yet, it asks for one once more. */
  flipMicrophone(): void {
    this.setMicrophoneOn(this.current.microphone === undefined || !this.current.microphoneOn);
  }

  /** Off lets go of the camera: its light goes out. */
  async setCameraOn(on: boolean): Promise<void> {
    this.set({ cameraOn: on });
    if (on) {
      await this.open('videoinput', this.current.choice.videoinput);
      return;
    }
    this.requests.videoinput += 1;
    this.current.camera?.stop();
    this.set({ camera: undefined, trouble: without(this.current.trouble, 'videoinput') });
  }

  async choose(kind: Kind, id: string): Promise<void> {
    const choice = { ...this.current.choice, [kind]: id };
    this.set({ choice });
    this.onChoice(choice);
    if (kind === 'audioinput') await this.open(kind, id);
    if (kind === 'videoinput') {
      this.set({ cameraOn: true });
      await this.open(kind, id);
    }
  }

  /** Lets go of everything; choices stay. */
  close(): void {
    this.requests.audioinput += 1;
    this.requests.videoinput += 1;
    this.current.microphone?.stop();
    this.current.camera?.stop();
    this.set({ microphone: undefined, camera: undefined, cameraOn: false, microphoneOn: true, trouble: {} });
  }

  dispose(): void {
    mediaDevices()?.removeEventListener('devicechange', this.onDevices);
    this.close();
  }

  private async open(kind: 'audioinput' | 'videoinput', id: string | undefined): Promise<void> {
    const request = ++this.requests[kind];
    let track: MediaStreamTrack | undefined;
    try {
      track = await openTrack(kind, id);
    } catch (error) {
      if (request === this.requests[kind]) this.failed(kind, error);
      return;
    }
    if (request !== this.requests[kind]) {
      track?.stop();
      return;
    }
    const trouble = without(this.current.trouble, kind);
    if (track !== undefined) {
      const opened = track;
      // Some systems say so before the list of devices changes, some only so.
      opened.addEventListener('ended', () => void this.gone(kind, opened));
    }
    if (kind === 'audioinput') {
      this.current.microphone?.stop();
      if (track !== undefined) track.enabled = this.current.microphoneOn;
      this.set({ microphone: track, trouble });
    } else {
      this.current.camera?.stop();
      this.set({ camera: track, trouble });
    }
    await this.list();
  }

  private failed(kind: 'audioinput' | 'videoinput', error: unknown): void {
    const trouble: Trouble = { kind: reason(error), device: kind };
    this.set({ trouble: { ...this.current.trouble, [kind]: trouble }, ...(kind === 'videoinput' ? { cameraOn: false } : {}) });
    this.onTrouble(trouble);
    void this.list();
  }

  private async gone(kind: 'audioinput' | 'videoinput', track: MediaStreamTrack): Promise<void> {
    const used = kind === 'audioinput' ? this.current.microphone : this.current.camera;
    if (used !== track) return;
    const before = this.current.devices;
    const was = before.find((d) => d.kind === kind && d.id === idOf(track))?.label ?? track.label;
    await this.list();
    await this.fallBack(kind, was, pick(this.current.devices.filter((d) => d.id !== idOf(track)), kind, this.current.choice[kind]));
  }

  private async refresh(): Promise<void> {
    const before = this.current.devices;
    await this.list();
    const after = this.current.devices;
    for (const kind of ['audioinput', 'videoinput'] as const) {
      const track = kind === 'audioinput' ? this.current.microphone : this.current.camera;
      const inUse = kind === 'audioinput' ? this.current.microphoneOn : this.current.cameraOn;
      if (track === undefined && !inUse) continue;
      const change = afterChange(kind, before, after, track === undefined ? undefined : idOf(track), this.current.choice[kind]);
      if (change.kind === 'lost') await this.fallBack(kind, change.was, change.now);
      if (change.kind === 'found' && track !== undefined) {
        this.onTrouble({ kind: 'found', device: kind, now: change.now.label });
        await this.open(kind, change.now.id);
      }
    }
    const { audiooutput } = this.current.choice;
    const speaker = afterChange('audiooutput', before, after, audiooutput, audiooutput);
    if (speaker.kind === 'lost') this.onTrouble({ kind: 'lost', device: 'audiooutput', was: speaker.was, now: speaker.now?.label });
  }

  private async fallBack(kind: 'audioinput' | 'videoinput', was: string, now: Device | undefined): Promise<void> {
    this.onTrouble({ kind: 'lost', device: kind, was, now: now?.label });
    if (now !== undefined) {
      await this.open(kind, now.id);
      return;
    }
    this.requests[kind] += 1;
    this.set(kind === 'audioinput' ? { microphone: undefined } : { camera: undefined, cameraOn: false });
  }

  private async list(): Promise<void> {
    try {
      this.set({ devices: devicesFrom((await mediaDevices()?.enumerateDevices()) ?? []) });
    } catch {
      // Without a list there is still the default.
    }
  }

  private set(change: Partial<LocalState>): void {
    this.current = { ...this.current, ...change };
    for (const listener of this.listeners) listener(this.current);
  }
}

function without(trouble: LocalState['trouble'], kind: Kind): LocalState['trouble'] {
  return Object.fromEntries(Object.entries(trouble).filter(([k]) => k !== kind));
}

function idOf(track: MediaStreamTrack): string | undefined {
  return track.getSettings().deviceId;
}

async function openTrack(kind: 'audioinput' | 'videoinput', id: string | undefined): Promise<MediaStreamTrack | undefined> {
  const devices = mediaDevices();
  if (devices === undefined) throw new DOMException('', 'SecurityError');
  // Not `exact`: a device that is away must not keep somebody out of a call.
  const wanted = id === undefined ? {} : { deviceId: { ideal: id } };
  const constraints = kind === 'audioinput' ? { audio: { ...SOUND, ...wanted } } : { video: { ...PICTURE, ...wanted } };
  return (await devices.getUserMedia(constraints)).getTracks()[0];
}

function reason(error: unknown): 'denied' | 'missing' | 'busy' | 'insecure' | 'other' {
  switch (error instanceof DOMException ? error.name : '') {
    case 'NotAllowedError':
      return 'denied';
    case 'NotFoundError':
    case 'OverconstrainedError':
      return 'missing';
    case 'NotReadableError':
    case 'AbortError':
      return 'busy';
    case 'SecurityError':
      return 'insecure';
    default:
      return 'other';
  }
}

/** Whether a choice makes sense: one device is no choice. */
export function hasChoice(devices: readonly Device[], kind: Kind): boolean {
  return ofKind(devices, kind).length > 1;
}
