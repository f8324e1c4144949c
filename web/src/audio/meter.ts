/** Level of the microphone, for a meter: 0 to 1, from -60 dBFS to full scale. */
const FLOOR_DB = -60;

export function levelOf(samples: Float32Array): number {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  const rms = Math.sqrt(sum / Math.max(1, samples.length));
  const db = 20 * Math.log10(Math.max(rms, 1e-6));
  return Math.min(1, Math.max(0, 1 - db / FLOOR_DB));
}

/** Calls `show` with the level each frame until the returned function is called. */
export function meter(stream: MediaStream, show: (level: number) => void): () => void {
  const context = new AudioContext();
  const analyser = context.createAnalyser();
  analyser.fftSize = 1_024;
  context.createMediaStreamSource(stream).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  let shown = 0;
  let frame = requestAnimationFrame(tick);
  function tick(): void {
    analyser.getFloatTimeDomainData(samples);
    // Rises at once, falls slowly: easier on the eye.
    shown = Math.max(levelOf(samples), shown * 0.92);
    show(shown);
    frame = requestAnimationFrame(tick);
  }
  return () => {
    cancelAnimationFrame(frame);
    void context.close();
    show(0);
  };
}
