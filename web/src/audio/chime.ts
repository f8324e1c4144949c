/** Two notes, to hear whether a loudspeaker is the right one. */

const NOTES_HZ = [523.25, 783.99] as const;
const NOTE_S = 0.28;

export async function chime(sink: string): Promise<void> {
  const context = new AudioContext();
  try {
    // Chromium only; elsewhere the notes come from the system's default.
    if (sink !== '' && 'setSinkId' in context) await (context.setSinkId as (id: string) => Promise<void>)(sink);
  } catch {
    // Unplugged meanwhile.
  }
  NOTES_HZ.forEach((hertz, i) => {
    const at = context.currentTime + i * NOTE_S;
    const tone = new OscillatorNode(context, { frequency: hertz });
    const gain = new GainNode(context, { gain: 0 });
    gain.gain.setValueAtTime(0, at);
    gain.gain.linearRampToValueAtTime(0.25, at + 0.03);
    gain.gain.exponentialRampToValueAtTime(0.001, at + NOTE_S * 2);
    tone.connect(gain).connect(context.destination);
    tone.start(at);
    tone.stop(at + NOTE_S * 2);
    if (i === NOTES_HZ.length - 1) tone.onended = () => void context.close();
  });
}
