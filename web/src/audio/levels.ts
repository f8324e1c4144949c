/** Levels of sounds, for meters and for seeing who speaks. One audio context for all: browsers allow few. */

/** From -60 dBFS to full scale. */
const FLOOR_DB = -60;
const WINDOW = 1_024;

/** 0 to 1. */
export function levelOf(samples: Float32Array): number {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  const rms = Math.sqrt(sum / Math.max(1, samples.length));
  const db = 20 * Math.log10(Math.max(rms, 1e-6));
  return Math.min(1, Math.max(0, 1 - db / FLOOR_DB));
}

let shared: AudioContext | undefined;

/** Call from a click or key press: browsers start audio only then. */
export function wakeLevels(): void {
  shared ??= new AudioContext();
  void shared.resume();
}

let silent: MediaStreamTrack | undefined;

/** Nothing to be heard, sent like a voice: the server ends a connection over which nothing comes. */
export function silence(): MediaStreamTrack | undefined {
  if (silent?.readyState === 'live') return silent;
  wakeLevels();
  if (shared === undefined) return undefined;
  const source = new ConstantSourceNode(shared, { offset: 0 });
  const destination = new MediaStreamAudioDestinationNode(shared, { channelCount: 1 });
  source.connect(destination);
  source.start();
  silent = destination.stream.getAudioTracks()[0];
  return silent;
}

export interface Probe {
  /** 0 to 1, now. */
  level(): number;
  stop(): void;
}

export function probe(track: MediaStreamTrack): Probe {
  shared ??= new AudioContext();
  if (shared.state === 'suspended') void shared.resume();
  const analyser = shared.createAnalyser();
  analyser.fftSize = WINDOW;
  const source = shared.createMediaStreamSource(new MediaStream([track]));
  source.connect(analyser);
  const samples = new Float32Array(WINDOW);
  return {
    level: () => {
      analyser.getFloatTimeDomainData(samples);
      return levelOf(samples);
    },
    stop: () => { source.disconnect(); },
  };
}

/** Calls `show` each frame with a level that rises at once and falls slowly, easier on the eye. */
export function meter(track: MediaStreamTrack, show: (level: number) => void): () => void {
  const source = probe(track);
  let shown = 0;
  let frame = requestAnimationFrame(tick);
  function tick(): void {
    shown = Math.max(source.level(), shown * 0.92);
    show(shown);
    frame = requestAnimationFrame(tick);
  }
  return () => {
    cancelAnimationFrame(frame);
    source.stop();
    show(0);
  };
}
