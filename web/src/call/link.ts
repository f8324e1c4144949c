/**
 * One WebRTC connection to the server that keeps itself up: an offer by HTTP with all candidates inside, an ICE
 * restart when the path breaks, a new connection with backoff when that does not help.
 */
import { ApiError, hangUp, restartIce, type Answer } from '../net/api';
import { backoffDelay } from '../net/backoff';
import { iceFragment, withIce } from './sdp';

export type LinkState =
  | { readonly phase: 'idle' }
  | { readonly phase: 'connecting'; readonly again: boolean }
  | { readonly phase: 'live' }
  /** The path broke; it may heal by itself or by an ICE restart. */
  | { readonly phase: 'unsteady' }
  | { readonly phase: 'waiting'; readonly attempt: number; readonly delayMs: number }
  /** `status`: what the server answered, 0 when it did not; none when the browser could not go on. */
  | { readonly phase: 'failed'; readonly status: number | undefined };

/** Host candidates come within milliseconds; a machine with many interfaces must not hold the call up. */
const GATHERING_MS = 1_500;
/** 'disconnected' often heals by itself within this. */
export const DISCONNECTED_MS = 2_000;
/** An ICE restart takes a few round trips. */
export const RESTART_MS = 6_000;
/** An answer was applied, but no path was found. */
export const CONNECT_MS = 15_000;

export interface LinkSpec {
  /** Adds what is sent and received. */
  prepare(peer: RTCPeerConnection): void;
  offer(sdp: string): Promise<Answer>;
  /** A new connection takes the old one's place on the server, so the old one is not ended by itself. */
  readonly replaces: boolean;
  /** Goes on trying even if the first attempt fails. */
  readonly patient: boolean;
}

export interface LinkEnvironment {
  peer(): RTCPeerConnection;
  restart(location: string, fragment: string): Promise<string>;
  hangUp(location: string): Promise<void>;
  random(): number;
  setTimer(run: () => void, ms: number): number;
  clearTimer(timer: number): void;
}

export const browserLinks: LinkEnvironment = {
  peer: () => new RTCPeerConnection(),
  restart: restartIce,
  hangUp,
  random: Math.random,
  setTimer: (run, ms) => window.setTimeout(run, ms),
  clearTimer: (timer) => { window.clearTimeout(timer); },
};

export class Link {
  private peer: RTCPeerConnection | undefined;
  private location: string | undefined;
  private timer: number | undefined;
  private attempt = 0;
  private generation = 0;
  /** The generation whose ICE is being restarted. */
  private restarting = 0;
  private current: LinkState = { phase: 'idle' };

  constructor(
    private readonly spec: LinkSpec,
    private readonly onState: (state: LinkState) => void,
    private readonly env: LinkEnvironment = browserLinks,
  ) {}

  get state(): LinkState {
    return this.current;
  }

  /** For statistics, and for replacing what is sent. */
  get connection(): RTCPeerConnection | undefined {
    return this.peer;
  }

  open(): void {
    this.attempt = 0;
    void this.connect(false);
  }

  close(): void {
    this.generation += 1;
    this.stopTimer();
    this.dropPeer();
    this.endRemote();
    this.report({ phase: 'idle' });
  }

  /** The network changed or came back: asks for a new path at once. */
  renew(): void {
    if (this.current.phase === 'live' || this.current.phase === 'unsteady') void this.restart();
    else if (this.current.phase === 'waiting') void this.connect(true);
  }

  /** Nothing comes although something should: begins anew. */
  replace(): void {
    if (this.current.phase === 'idle' || this.current.phase === 'failed') return;
    this.retry();
  }

  private async connect(again: boolean): Promise<void> {
    const generation = ++this.generation;
    this.stopTimer();
    this.dropPeer();
    if (!this.spec.replaces) this.endRemote();
    this.report({ phase: 'connecting', again });
    if (generation !== this.generation) return;
    const peer = this.env.peer();
    this.peer = peer;
    try {
      this.spec.prepare(peer);
      await peer.setLocalDescription(await peer.createOffer());
      await gathered(peer, this.env);
      const answer = await this.spec.offer(peer.localDescription?.sdp ?? '');
      if (generation !== this.generation) {
        // Given up meanwhile; if it was for another connection, that one has taken this one's place.
        if (answer.location !== undefined && this.current.phase === 'idle') this.end(answer.location);
        peer.close();
        return;
      }
      this.location = answer.location;
      this.watch(peer);
      await peer.setRemoteDescription({ type: 'answer', sdp: answer.sdp });
    } catch (error) {
      if (generation === this.generation) this.refused(error, again);
    }
  }

  private watch(peer: RTCPeerConnection): void {
    this.later(CONNECT_MS, () => { this.retry(); });
    peer.onconnectionstatechange = () => {
      if (this.peer !== peer) return;
      switch (peer.connectionState) {
        case 'connected':
          this.stopTimer();
          this.restarting = 0;
          this.attempt = 0;
          this.report({ phase: 'live' });
          break;
        case 'disconnected':
          // A restart under way has its own limit.
          if (this.restarting !== this.generation) this.later(DISCONNECTED_MS, () => void this.restart());
          this.report({ phase: 'unsteady' });
          break;
        case 'failed':
          this.retry();
          break;
        default:
      }
    };
  }

  private async restart(): Promise<void> {
    const { peer, location, generation } = this;
    // The browser tells of one change of network in several ways.
    if (this.restarting === generation) return;
    if (peer === undefined || location === undefined) {
      this.retry();
      return;
    }
    this.restarting = generation;
    this.later(RESTART_MS, () => { this.settle(peer); });
    this.report({ phase: 'unsteady' });
    try {
      await peer.setLocalDescription(await peer.createOffer({ iceRestart: true }));
      await gathered(peer, this.env);
      const fragment = await this.env.restart(location, iceFragment(peer.localDescription?.sdp ?? ''));
      if (generation !== this.generation) return;
      const answer = withIce(peer.remoteDescription?.sdp ?? '', fragment);
      if (answer === undefined) throw new TypeError('no credentials');
      await peer.setRemoteDescription({ type: 'answer', sdp: answer });
      this.settled(peer);
    } catch {
      // A server that does not restart ICE says so: a new connection does the same, only slower.
      if (generation === this.generation) this.retry();
    }
  }

  /** A restart that finds its path quickly may never leave 'connected'. */
  private settled(peer: RTCPeerConnection): void {
    if (peer.connectionState !== 'connected') return;
    this.later(DISCONNECTED_MS, () => { this.settle(peer); });
  }

  private settle(peer: RTCPeerConnection): void {
    if (this.peer !== peer) return;
    this.restarting = 0;
    if (peer.connectionState === 'connected') this.report({ phase: 'live' });
    else this.retry();
  }

  private refused(error: unknown, again: boolean): void {
    const passing = error instanceof ApiError ? passes(error, this.spec.patient) : false;
    if (passing && (again || this.spec.patient)) {
      this.retry(error instanceof ApiError ? error.retryAfterMs : 0);
      return;
    }
    this.generation += 1;
    this.stopTimer();
    this.dropPeer();
    this.endRemote();
    this.report({ phase: 'failed', status: error instanceof ApiError ? error.status : undefined });
  }

  private retry(notBeforeMs = 0): void {
    this.generation += 1;
    this.dropPeer();
    const delayMs = Math.max(notBeforeMs, backoffDelay(this.attempt, () => this.env.random()));
    this.attempt += 1;
    // First the timer: whoever hears of it may close the link.
    this.later(delayMs, () => void this.connect(true));
    this.report({ phase: 'waiting', attempt: this.attempt, delayMs });
  }

  private dropPeer(): void {
    if (this.peer === undefined) return;
    this.peer.onconnectionstatechange = null;
    this.peer.close();
    this.peer = undefined;
  }

  private endRemote(): void {
    if (this.location !== undefined) this.end(this.location);
    this.location = undefined;
  }

  /** The server also notices by itself; this only frees what it holds at once. */
  private end(location: string): void {
    void this.env.hangUp(location).catch(() => undefined);
  }

  private later(ms: number, run: () => void): void {
    this.stopTimer();
    this.timer = this.env.setTimer(() => {
      this.timer = undefined;
      run();
    }, ms);
  }

  private stopTimer(): void {
    if (this.timer !== undefined) this.env.clearTimer(this.timer);
    this.timer = undefined;
  }

  private report(state: LinkState): void {
    this.current = state;
    this.onState(state);
  }
}

/** Whether the same request may succeed later. Somebody watched may not have arrived yet, or be between connections. */
function passes({ status }: ApiError, patient: boolean): boolean {
  return status === 0 || status === 429 || status >= 500 || (patient && (status === 404 || status === 409));
}

function gathered(peer: RTCPeerConnection, env: LinkEnvironment): Promise<void> {
  if (peer.iceGatheringState === 'complete') return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      env.clearTimer(timer);
      peer.onicegatheringstatechange = null;
      resolve();
    };
    const timer = env.setTimer(done, GATHERING_MS);
    peer.onicegatheringstatechange = () => {
      if (peer.iceGatheringState === 'complete') done();
    };
  });
}
