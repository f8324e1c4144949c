/** Sends the microphone by WebRTC: one offer by WHIP (RFC 9725), candidates inside, no trickle. */
import type { SessionId } from '@events';
import { ApiError, deleteCall, postOffer } from './api';
import { backoffDelay } from './backoff';

export type CallStatus =
  | { readonly phase: 'idle' }
  | { readonly phase: 'asking' }
  | { readonly phase: 'connecting'; readonly again: boolean }
  | { readonly phase: 'talking' }
  | { readonly phase: 'failed'; readonly reason: string };

/** Host candidates come within milliseconds; a machine with many interfaces must not hold the call up. */
const GATHERING_MS = 1_500;
/** 'disconnected' often heals; longer than this it has not. */
const DISCONNECTED_MS = 4_000;
/** An answer was applied, but no path was found. */
const CONNECT_MS = 15_000;
const MAX_REJOINS = 5;

export interface CallSpec {
  readonly session: SessionId;
  readonly participant: string;
  readonly language: string;
}

export class Call {
  private peer: RTCPeerConnection | undefined;
  private stream: MediaStream | undefined;
  private location: string | undefined;
  private rejoins = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private generation = 0;

  constructor(private readonly onStatus: (status: CallStatus) => void) {}

  /** The microphone while in the call, for a level meter. */
  get microphone(): MediaStream | undefined {
    return this.stream;
  }

  async join(spec: CallSpec): Promise<void> {
    const generation = ++this.generation;
    this.onStatus({ phase: 'asking' });
    let stream: MediaStream;
    try {
      stream = await openMicrophone();
    } catch (error) {
      if (generation === this.generation) this.fail(describeMicrophoneError(error));
      return;
    }
    if (generation !== this.generation) {
      stopTracks(stream);
      return;
    }
    this.stream = stream;
    this.rejoins = 0;
    await this.connect(spec, generation, false);
  }

  setMuted(muted: boolean): void {
    this.stream?.getAudioTracks().forEach((track) => {
      track.enabled = !muted;
    });
  }

  leave(): void {
    this.generation += 1;
    this.close();
    this.onStatus({ phase: 'idle' });
  }

  private async connect(spec: CallSpec, generation: number, again: boolean): Promise<void> {
    const track = this.stream?.getAudioTracks()[0];
    if (track === undefined) return;
    this.onStatus({ phase: 'connecting', again });
    this.hangUp();
    const peer = new RTCPeerConnection();
    this.peer = peer;
    try {
      peer.addTransceiver(track, { direction: 'sendonly' });
      await peer.setLocalDescription(await peer.createOffer());
      await gathered(peer);
      const { participant, language, session } = spec;
      const answer = await postOffer(session, participant, language, peer.localDescription?.sdp ?? '');
      if (generation !== this.generation) {
        if (answer.location !== undefined) void deleteCall(answer.location).catch(() => undefined);
        peer.close();
        return;
      }
      this.location = answer.location;
      this.watch(peer, spec, generation);
      await peer.setRemoteDescription({ type: 'answer', sdp: answer.sdp });
    } catch (error) {
      if (generation !== this.generation) return;
      const passing = error instanceof ApiError && (error.status === 0 || error.status === 429 || error.status === 503);
      if (again && passing) this.rejoin(spec, generation);
      else this.fail(error instanceof ApiError ? error.message : 'The call could not be set up.');
    }
  }

  private watch(peer: RTCPeerConnection, spec: CallSpec, generation: number): void {
    const later = (ms: number): void => {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => {
        this.rejoin(spec, generation);
      }, ms);
    };
    later(CONNECT_MS);
    peer.onconnectionstatechange = () => {
      if (this.peer !== peer || generation !== this.generation) return;
      switch (peer.connectionState) {
        case 'connected':
          clearTimeout(this.timer);
          this.rejoins = 0;
          this.onStatus({ phase: 'talking' });
          break;
        case 'disconnected':
          this.onStatus({ phase: 'connecting', again: true });
          later(DISCONNECTED_MS);
          break;
        case 'failed':
          this.rejoin(spec, generation);
          break;
        default:
      }
    };
  }

  private rejoin(spec: CallSpec, generation: number): void {
    if (generation !== this.generation) return;
    clearTimeout(this.timer);
    if (this.rejoins >= MAX_REJOINS) {
      this.fail('The call was lost and could not be set up again.');
      return;
    }
    this.onStatus({ phase: 'connecting', again: true });
    this.timer = setTimeout(() => void this.connect(spec, generation, true), backoffDelay(this.rejoins, Math.random));
    this.rejoins += 1;
  }

  private fail(reason: string): void {
    this.generation += 1;
    this.close();
    this.onStatus({ phase: 'failed', reason });
  }

  private close(): void {
    clearTimeout(this.timer);
    this.hangUp();
    if (this.stream !== undefined) stopTracks(this.stream);
    this.stream = undefined;
  }

  private hangUp(): void {
    if (this.peer !== undefined) {
      this.peer.onconnectionstatechange = null;
      this.peer.close();
    }
    this.peer = undefined;
    // The server also notices by itself; this only frees the participant at once.
    if (this.location !== undefined) void deleteCall(this.location).catch(() => undefined);
    this.location = undefined;
  }
}

async function openMicrophone(): Promise<MediaStream> {
  // Absent on pages that are neither secure nor on this machine, whatever the types say.
  const devices = navigator.mediaDevices as MediaDevices | undefined;
  if (devices === undefined) throw new DOMException('', 'SecurityError');
  const audio = { channelCount: 1, echoCancellation: true, noiseSuppression: true, autoGainControl: true };
  return devices.getUserMedia({ audio, video: false });
}

function stopTracks(stream: MediaStream): void {
  stream.getTracks().forEach((track) => {
    track.stop();
  });
}

function describeMicrophoneError(error: unknown): string {
  switch (error instanceof DOMException ? error.name : '') {
    case 'NotAllowedError':
      return 'The browser may not use the microphone: allow it for this page and join again.';
    case 'NotFoundError':
      return 'No microphone was found.';
    case 'NotReadableError':
      return 'The microphone is in use by another program.';
    case 'SecurityError':
      return 'Browsers give the microphone only to pages opened over HTTPS or on localhost.';
    default:
      return 'The microphone could not be opened.';
  }
}

function gathered(peer: RTCPeerConnection): Promise<void> {
  if (peer.iceGatheringState === 'complete') return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(done, GATHERING_MS);
    function done(): void {
      clearTimeout(timer);
      peer.onicegatheringstatechange = null;
      resolve();
    }
    peer.onicegatheringstatechange = () => {
      if (peer.iceGatheringState === 'complete') done();
    };
  });
}
