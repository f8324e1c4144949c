/** Plays what comes in, each source as loud as the mix says, on the loudspeaker the person chose. */

/** Fast enough that the interpreter's first word is understood, slow enough not to click. */
const FADE_MS = 160;
const STEP_MS = 20;

interface Source {
  readonly element: HTMLAudioElement;
  readonly track: MediaStreamTrack;
  target: number;
  gain: number;
}

export class Loudspeaker {
  private readonly sources = new Map<string, Source>();
  private sink = '';
  private fading: ReturnType<typeof setInterval> | undefined;

  /** `onBlocked` when the browser wants a click before it plays anything. */
  constructor(private readonly onBlocked: () => void) {}

  play(key: string, track: MediaStreamTrack): void {
    const known = this.sources.get(key);
    if (known?.track === track) return;
    this.remove(key);
    const element = new Audio();
    element.autoplay = true;
    element.srcObject = new MediaStream([track]);
    element.dataset.source = key;
    const target = known?.target ?? 1;
    const source = { element, track, target, gain: target };
    this.sources.set(key, source);
    apply(element, target);
    void this.route(element);
    this.start(element);
  }

  remove(key: string): void {
    const source = this.sources.get(key);
    if (source === undefined) return;
    source.element.pause();
    source.element.srcObject = null;
    this.sources.delete(key);
  }

  /** 0 to 1. */
  setGain(key: string, gain: number): void {
    const source = this.sources.get(key);
    if (source === undefined || source.target === gain) return;
    source.target = gain;
    this.fading ??= setInterval(() => { this.fade(); }, STEP_MS);
  }

  /** Plays on another device; falls back to the system's when it is gone. */
  async setSink(id: string): Promise<void> {
    this.sink = id;
    await Promise.all([...this.sources.values()].map(({ element }) => this.route(element)));
  }

  /** After a click: plays what the browser held back. */
  resume(): void {
    for (const { element } of this.sources.values()) this.start(element);
  }

  clear(): void {
    for (const key of [...this.sources.keys()]) this.remove(key);
    clearInterval(this.fading);
    this.fading = undefined;
  }

  private start(element: HTMLAudioElement): void {
    element.play().catch((error: unknown) => {
      if (error instanceof DOMException && error.name === 'NotAllowedError') this.onBlocked();
    });
  }

  private async route(element: HTMLAudioElement): Promise<void> {
    if (!canChooseSpeaker()) return;
    try {
      await element.setSinkId(this.sink);
    } catch {
      // Unplugged meanwhile: the system's default goes on playing.
    }
  }

  private fade(): void {
    let moving = false;
    const step = STEP_MS / FADE_MS;
    for (const source of this.sources.values()) {
      const { target, gain } = source;
      if (gain === target) continue;
      source.gain = Math.abs(target - gain) <= step ? target : gain + Math.sign(target - gain) * step;
      apply(source.element, source.gain);
      moving ||= source.gain !== target;
    }
    if (moving) return;
    clearInterval(this.fading);
    this.fading = undefined;
  }
}

/** Some phones leave the volume to their keys: there a source that should be quiet is silent. */
function apply(element: HTMLAudioElement, gain: number): void {
  element.volume = gain;
  const obeyed = Math.abs(element.volume - gain) < 0.01;
  element.muted = obeyed ? gain === 0 : gain < 0.5;
}

export function canChooseSpeaker(): boolean {
  return typeof HTMLMediaElement !== 'undefined' && 'setSinkId' in HTMLMediaElement.prototype;
}
