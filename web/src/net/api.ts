/** The REST door. Errors come as `{code, message}`; the message holds no patient data. */
import type {
  ImageId,
  InvitationId,
  Language,
  NewSession,
  ParticipantId,
  Seq,
  SessionId,
  SessionSummary,
  Timestamp,
  UnmatchedMessage,
} from '@events';

const ROOT = '/api/v1';
/** Long enough for a phone on a poor network, short enough to tell a person that nothing comes. */
const TIMEOUT_MS = 15_000;
/** 64 MiB over 2 Mbit/s takes over four minutes. */
const UPLOAD_TIMEOUT_MS = 300_000;

export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    /** How long the server wants to be left alone (RFC 9110, section 10.2.3). */
    readonly retryAfterMs = 0,
  ) {
    super(message);
    this.name = 'ApiError';
  }
}

/** Server time minus this machine's, in milliseconds, from the Date header; a second of error at most. */
let skewMs = 0;

export function serverNow(): number {
  return Date.now() + skewMs;
}

async function request(path: string, init: RequestInit = {}, timeoutMs = TIMEOUT_MS): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(path, { ...init, signal: init.signal ?? AbortSignal.timeout(timeoutMs) });
  } catch {
    throw new ApiError(0, 'unreachable', 'The server cannot be reached.');
  }
  noteSkew(response);
  if (!response.ok) throw await refusal(response);
  return response;
}

function noteSkew(response: Response): void {
  noteServerTime(Date.parse(response.headers.get('date') ?? ''));
}

/** What the server's clock says now, in milliseconds since the epoch, to a second or so. */
export function noteServerTime(date: number): void {
  const skew = date - Date.now();
  // The header counts whole seconds: smaller differences say nothing.
  if (Number.isFinite(skew)) skewMs = Math.abs(skew) > 2_000 ? skew : 0;
}

async function refusal(response: Response): Promise<ApiError> {
  const fallback = `The server answered ${response.status}.`;
  // Seconds; our server gives no dates here.
  const seconds = Number(response.headers.get('retry-after') ?? 0);
  const wait = Number.isFinite(seconds) ? Math.max(0, seconds) * 1_000 : 0;
  try {
    const body = (await response.json()) as { code?: unknown; message?: unknown };
    const code = typeof body.code === 'string' ? body.code : 'unknown';
    return new ApiError(response.status, code, typeof body.message === 'string' ? body.message : fallback, wait);
  } catch {
    return new ApiError(response.status, 'unknown', fallback, wait);
  }
}

async function json<T>(path: string, init?: RequestInit): Promise<T> {
  return (await (await request(path, init)).json()) as T;
}

function sessionPath(session: SessionId): string {
  return `${ROOT}/sessions/${encodeURIComponent(session)}`;
}

export function listSessions(): Promise<SessionSummary[]> {
  return json(`${ROOT}/sessions`);
}

export function getSession(session: SessionId): Promise<SessionSummary> {
  return json(sessionPath(session));
}

export function createSession(session: NewSession): Promise<SessionSummary> {
  const headers = { 'content-type': 'application/json' };
  return json(`${ROOT}/sessions`, { method: 'POST', headers, body: JSON.stringify(session) });
}

export function listUnmatched(): Promise<UnmatchedMessage[]> {
  return json(`${ROOT}/unmatched`);
}

export async function uploadImage(session: SessionId, file: File): Promise<{ image: ImageId; seq: Seq }> {
  const body = new FormData();
  body.append('file', file);
  const response = await request(`${sessionPath(session)}/images`, { method: 'POST', body }, UPLOAD_TIMEOUT_MS);
  return (await response.json()) as { image: ImageId; seq: Seq };
}

export function previewUrl(session: SessionId, image: ImageId): string {
  return `${sessionPath(session)}/images/${encodeURIComponent(image)}/preview`;
}

export async function fetchMarkdown(
  session: SessionId,
  what: 'report' | 'transcript',
  language?: string,
): Promise<Blob> {
  const query = language === undefined ? '' : `?language=${encodeURIComponent(language)}`;
  const response = await request(`${sessionPath(session)}/${what}${query}`, { headers: { accept: 'text/markdown' } });
  return response.blob();
}

export interface Answer {
  readonly sdp: string;
  /** Where DELETE ends the connection and PATCH restarts its ICE. */
  readonly location: string | undefined;
  /** When the server answered, by its clock, in milliseconds. */
  readonly at: number;
}

async function offer(path: string, sdp: string): Promise<Answer> {
  const response = await request(path, { method: 'POST', headers: { 'content-type': 'application/sdp' }, body: sdp });
  const at = Date.parse(response.headers.get('date') ?? '');
  const location = response.headers.get('location') ?? undefined;
  return { sdp: await response.text(), location, at: Number.isFinite(at) ? at : serverNow() };
}

/** WHIP (RFC 9725): sends sound and pictures as a participant. Replaces what the participant had before. */
export function publish(session: SessionId, participant: ParticipantId, language: Language, sdp: string): Promise<Answer> {
  return offer(`${sessionPath(session)}/whip?${new URLSearchParams({ participant, language })}`, sdp);
}

/** WHEP: receives another participant, or the interpreter's voice in a language. */
export function receive(
  session: SessionId,
  what: { readonly of: ParticipantId } | { readonly speech: Language },
  sdp: string,
): Promise<Answer> {
  return offer(`${sessionPath(session)}/whep?${new URLSearchParams({ ...what })}`, sdp);
}

/** Restarts ICE (RFC 9725, section 4.3.3); answers with the server's fragment. */
export async function restartIce(location: string, fragment: string): Promise<string> {
  const headers = { 'content-type': 'application/trickle-ice-sdpfrag', 'if-match': '"*"' };
  return (await request(location, { method: 'PATCH', headers, body: fragment })).text();
}

export interface Invitation {
  readonly invitation: InvitationId;
  readonly participant: ParticipantId;
  readonly language: Language;
  readonly expires_at: Timestamp;
  readonly token: string;
  /** A path of this server. */
  readonly link: string;
}

export function createInvitation(session: SessionId, participant: ParticipantId, language: Language): Promise<Invitation> {
  const headers = { 'content-type': 'application/json' };
  const body = JSON.stringify({ participant, language });
  return json(`${sessionPath(session)}/invitations`, { method: 'POST', headers, body });
}

/** What a link is good for. */
export interface Invited {
  readonly session: SessionId;
  readonly participant: ParticipantId;
  readonly language: Language;
  /** Of the consultation. */
  readonly languages: readonly Language[];
  readonly expires_at: Timestamp;
}

export function readInvitation(token: string): Promise<Invited> {
  return json(`${ROOT}/invitations/${encodeURIComponent(token)}`);
}

/** Ends a connection; also while the page is being closed. */
export async function hangUp(location: string): Promise<void> {
  await request(location, { method: 'DELETE', keepalive: true });
}

function socketRoot(): string {
  return `${window.location.protocol === 'https:' ? 'wss:' : 'ws:'}//${window.location.host}`;
}

/** The waveforms of a session: its last seconds, then what comes. */
export function waveformsUrl(session: SessionId): string {
  return `${socketRoot()}${sessionPath(session)}/waveforms`;
}

/** Every open session, then what changes. */
export function wardUrl(): string {
  return `${socketRoot()}${ROOT}/ward/live`;
}

export function eventsUrl(session: SessionId, from: Seq, speech: string | undefined): string {
  const query = new URLSearchParams({ from: String(from), ...(speech === undefined ? {} : { speech }) });
  return `${socketRoot()}${sessionPath(session)}/events?${query}`;
}
