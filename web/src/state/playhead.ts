/**
 * Where the pen of a sweeping display is. Blocks come in lumps and the network adds its own: the pen follows a little
 * behind the newest sample at an even pace, a touch faster or slower as the distance asks for.
 */

/** Distance the pen keeps: two of the usual blocks. Seconds. */
export const LAG_S = 0.45;
/** A recording that is played faster than time: the pen keeps up with it. */
const MAX_PACE = 12;
/** The pen waits this long for what should have come before it goes on and leaves a gap. Seconds. */
const PATIENCE_S = 1;
/** A page that was hidden: the pen does not race through what was missed. Seconds. */
const MAX_STEP_S = 0.25;

export class Playhead {
  private position: number | undefined;
  private waited = 0;
  private seen = -Infinity;

  /** Seconds by the source's clock, or `undefined` before the first sample. */
  get time(): number | undefined {
    return this.position;
  }

  /** Moves on by `elapsed` seconds, where the newest sample ends at `newest`. */
  advance(elapsed: number, newest: number): number {
    const fresh = newest !== this.seen;
    this.seen = newest;
    // What comes now is of a time the pen has passed: a source that had paused goes on.
    const passed = fresh && this.position !== undefined && newest < this.position - PATIENCE_S / 2;
    if (this.position === undefined || passed) this.position = newest - LAG_S;
    if (elapsed > MAX_STEP_S) return (this.position = Math.max(this.position, newest - LAG_S));
    const distance = newest - this.position;
    if (distance <= 0 && this.waited < PATIENCE_S) {
      this.waited += elapsed;
      return this.position;
    }
    if (distance > 0) this.waited = 0;
    const pace = distance <= 0 ? 1 : Math.min(MAX_PACE, Math.max(0.8, 1 + (distance - LAG_S) * 1.5));
    return (this.position += elapsed * pace);
  }
}
