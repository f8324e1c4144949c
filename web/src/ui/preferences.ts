/** Choices that outlive a reload. Nothing about a patient is kept here. */
import type { Choice, Kind } from '../call/devices';
import type { Hearing } from '../call/mix';
import type { Preference } from '../call/sound';

export type Role = 'clinician' | 'patient';

export function loadRole(): Role {
  return read('role') === 'patient' ? 'patient' : 'clinician';
}

export function saveRole(role: Role): void {
  write('role', role);
}

export type Theme = 'light' | 'dark';

export function chosenTheme(): Theme | undefined {
  const theme = read('theme');
  return theme === 'light' || theme === 'dark' ? theme : undefined;
}

export function saveTheme(theme: Theme): void {
  write('theme', theme);
}

const HEARINGS: readonly Hearing[] = ['original', 'both', 'translation'];

/** Both: who does not follow the language hears the interpreter over the voice of the person, as in a room. */
export function loadHearing(): Preference {
  const hearing = HEARINGS.find((h) => h === read('hearing')) ?? 'both';
  const volume = Number.parseFloat(read('voice-volume') ?? '1');
  return { hearing, voiceVolume: volume >= 0 && volume <= 1 ? volume : 1 };
}

export function saveHearing({ hearing, voiceVolume }: Preference): void {
  write('hearing', hearing);
  write('voice-volume', String(voiceVolume));
}

const KINDS: readonly Kind[] = ['audioinput', 'videoinput', 'audiooutput'];

export function loadDevices(): Choice {
  return Object.fromEntries(KINDS.flatMap((kind) => { const id = read(`device.${kind}`); return id === null ? [] : [[kind, id]]; }));
}

export function saveDevices(choice: Choice): void {
  for (const kind of KINDS) if (choice[kind] !== undefined) write(`device.${kind}`, choice[kind]);
}

export function loadOverlay(): boolean {
  return read('overlay') !== 'off';
}

export function saveOverlay(on: boolean): void {
  write('overlay', on ? 'on' : 'off');
}

/** Storage may be forbidden: then choices last as long as the page. */
function read(key: string): string | null {
  try {
    return localStorage.getItem(`healthsync.${key}`);
  } catch {
    return null;
  }
}

function write(key: string, value: string): void {
  try {
    localStorage.setItem(`healthsync.${key}`, value);
  } catch {
    // See above.
  }
}
