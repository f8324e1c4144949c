/** Which microphone, camera and loudspeaker to use, and what to do when they come and go. Pure. */

export type Kind = 'audioinput' | 'videoinput' | 'audiooutput';

export interface Device {
  readonly kind: Kind;
  readonly id: string;
  /** Empty until the person has allowed the page to use devices of the kind. */
  readonly label: string;
}

/** Ids as the person chose them; they stay chosen while the device is away. */
export type Choice = Readonly<Partial<Record<Kind, string>>>;

export function devicesFrom(list: readonly Pick<MediaDeviceInfo, 'kind' | 'deviceId' | 'label'>[]): Device[] {
  return list.filter((d) => d.deviceId !== '').map((d) => ({ kind: d.kind, id: d.deviceId, label: d.label }));
}

export function ofKind(devices: readonly Device[], kind: Kind): Device[] {
  return devices.filter((d) => d.kind === kind);
}

/** The wanted one if it is there, otherwise the system's default, otherwise the first; `undefined` where there is none. */
export function pick(devices: readonly Device[], kind: Kind, wanted: string | undefined): Device | undefined {
  const mine = ofKind(devices, kind);
  return mine.find((d) => d.id === wanted) ?? mine.find((d) => d.id === 'default') ?? mine[0];
}

export type Change =
  | { readonly kind: 'same' }
  /** The used one is gone; `now` takes its place, if anything can. */
  | { readonly kind: 'lost'; readonly was: string; readonly now: Device | undefined }
  /** The one the person chose is back, or one came where there was none. */
  | { readonly kind: 'found'; readonly now: Device };

/** What to do about devices of a kind after the list changed from `before` to `after`, with `used` in use. */
export function afterChange(
  kind: Kind,
  before: readonly Device[],
  after: readonly Device[],
  used: string | undefined,
  wanted: string | undefined,
): Change {
  const now = pick(after, kind, wanted);
  if (used === undefined) {
    const hadNone = ofKind(before, kind).length === 0;
    return hadNone && now !== undefined ? { kind: 'found', now } : { kind: 'same' };
  }
  if (!ofKind(after, kind).some((d) => d.id === used)) {
    const was = before.find((d) => d.kind === kind && d.id === used)?.label ?? '';
    return { kind: 'lost', was, now };
  }
  const isBack = wanted !== undefined && wanted !== used && now?.id === wanted && !ofKind(before, kind).some((d) => d.id === wanted);
  return isBack ? { kind: 'found', now } : { kind: 'same' };
}
