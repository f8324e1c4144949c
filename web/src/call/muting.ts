/** Keeps what the others are told about a participant's sound and picture in step with what is sent. Pure. */
import type { Media } from '../state/model';

export interface Wanted {
  readonly microphone: boolean;
  readonly camera: boolean;
}

/** The body of `media.mute`: `true` silences. */
export interface Mute {
  readonly audio: boolean;
  readonly video: boolean;
}

/** What to tell the server, `undefined` if it says so already or knows of nothing that could be muted. */
export function muteNeeded(told: Media | undefined, wanted: Wanted): Mute | undefined {
  if (told === undefined) return undefined;
  const audio = told.audio !== 'off' && (told.audio === 'muted') === wanted.microphone;
  const video = told.video !== 'off' && (told.video === 'muted') === wanted.camera;
  return audio || video ? { audio: !wanted.microphone, video: !wanted.camera } : undefined;
}
