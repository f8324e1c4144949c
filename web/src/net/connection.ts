/**
 * The event stream of one session: keeps it open, resumes after the last event taken in, and says what it is
 * doing. It knows nothing of what events mean; the fold behind `Sink` decides what is new.
 */
import type { Event, Seq, StreamCommand, StreamNotice } from '@events';
import { backoffDelay } from './backoff';
import { decodeSpeechFrame, type SpeechFrame } from './frames';
import { describeRefusal, parseMessage } from './messages';

export type ConnectionStatus =
  | { readonly phase: 'connecting' }
  | { readonly phase: 'live' }
  | { readonly phase: 'waiting'; readonly attempt: number; readonly delayMs: number }
  /** The session has ended and everything was read: nothing more will come. */
  | { readonly phase: 'ended' }
  /** There is nothing to connect to; trying again would not help. */
  | { readonly phase: 'gone'; readonly reason: string };

/** Where events go, and how far they have come. */
export interface Sink {
  head(): Seq;
  ended(): boolean;
  /** The position to read again from, when an event came out of order. */
  gap(): Seq | undefined;
  event(event: Event): void;
  notice(notice: StreamNotice): void;
  frame(frame: SpeechFrame): void;
  /** Forget everything: the stream starts again from the first event. */
  reset(): void;
  status(status: ConnectionStatus): void;
}

export interface Socket {
  binaryType: string;
  onopen: ((event: never) => void) | null;
  onmessage: ((event: MessageEvent) => void) | null;
  onclose: ((event: never) => void) | null;
  send(data: string): void;
  close(): void;
}

/** What `probe` found: the server's newest event, that there is no such session, or no answer. */
export type Probe = { readonly head: Seq } | 'gone' | 'unreachable';

export interface Environment {
  open(from: Seq, speech: string | undefined): Socket;
  probe(): Promise<Probe>;
  random(): number;
  setTimer(run: () => void, ms: number): number;
  clearTimer(timer: number): void;
}

/** Silence after which the server is asked whether there is anything that should have come. */
export const SILENCE_MS = 20_000;
/** How long an event may take from the log to here once the server says that it exists. */
const GRACE_MS = 3_000;
/** A server that never completes the opening handshake. */
const OPEN_TIMEOUT_MS = 10_000;
/** The server answers commands once they are durable: milliseconds, seconds under load. */
const COMMAND_TIMEOUT_MS = 10_000;
/** Nobody types faster than the server answers. */
const MAX_PENDING = 32;
/** The same gap seen this often in a row is not a hiccup: read everything again. */
const MAX_SAME_GAP = 2;

export class CommandError extends Error {
  override name = 'CommandError';
}

interface Pending {
  readonly resolve: (seq: Seq) => void;
  readonly reject: (error: CommandError) => void;
  readonly timer: number;
}

type Command = StreamCommand extends infer C ? (C extends unknown ? Omit<C, 'id'> : never) : never;

export class Connection {
  private socket: Socket | undefined;
  private speech: string | undefined;
  private attempt = 0;
  private opened = false;
  private stopped = false;
  private retryTimer: number | undefined;
  private watchTimer: number | undefined;
  private nextId = 1;
  private lastGap = { at: -1, times: 0 };
  private readonly pending = new Map<string, Pending>();

  constructor(
    private readonly sink: Sink,
    private readonly env: Environment,
  ) {}

  start(): void {
    this.connect();
  }

  stop(): void {
    this.stopped = true;
    this.drop();
    if (this.retryTimer !== undefined) this.env.clearTimer(this.retryTimer);
  }

  /** Asks for synthesised speech in a language, or for none; the stream goes on where it was. */
  setSpeech(language: string | undefined): void {
    if (language === this.speech) return;
    this.speech = language;
    if (!this.stopped && !this.sink.ended()) this.reconnectNow();
  }

  /** Tries at once: the network came back, or the person asked. */
  reconnectNow(): void {
    if (this.stopped) return;
    if (this.retryTimer !== undefined) this.env.clearTimer(this.retryTimer);
    this.retryTimer = undefined;
    this.attempt = 0;
    this.drop();
    this.connect();
  }

  /** Resolves with the sequence number once the command is durable. Never sent twice by itself. */
  send(command: Command): Promise<Seq> {
    const socket = this.socket;
    if (socket === undefined || !this.opened) return Promise.reject(new CommandError('There is no connection.'));
    if (this.pending.size >= MAX_PENDING) return Promise.reject(new CommandError('Too much is waiting already.'));
    const id = String(this.nextId++);
    return new Promise((resolve, reject) => {
      const late = (): void => {
        this.pending.delete(id);
        reject(new CommandError('The server did not answer in time.'));
      };
      this.pending.set(id, { resolve, reject, timer: this.env.setTimer(late, COMMAND_TIMEOUT_MS) });
      socket.send(JSON.stringify({ ...command, id }));
    });
  }

  private connect(): void {
    this.opened = false;
    this.sink.status({ phase: 'connecting' });
    const socket = this.env.open(this.sink.head() + 1, this.speech);
    socket.binaryType = 'arraybuffer';
    this.socket = socket;
    this.watch(OPEN_TIMEOUT_MS, () => {
      this.lost();
    });
    socket.onopen = () => {
      if (this.socket !== socket) return;
      this.opened = true;
      this.sink.status({ phase: 'live' });
      this.watchSilence();
    };
    socket.onmessage = (message) => {
      if (this.socket === socket) this.receive(message.data);
    };
    socket.onclose = () => {
      if (this.socket === socket) this.lost();
    };
  }

  private receive(data: unknown): void {
    this.watchSilence();
    if (data instanceof ArrayBuffer) {
      const frame = decodeSpeechFrame(data);
      if (frame !== undefined) this.sink.frame(frame);
      return;
    }
    const message = parseMessage(data);
    if (message === undefined) return;
    if ('notice' in message) this.receiveNotice(message);
    else this.receiveEvent(message);
  }

  private receiveEvent(event: Event): void {
    this.sink.event(event);
    if (this.resyncOnGap()) return;
    // What was read shows that the connection works: the next failure starts a new series.
    this.attempt = 0;
    if (this.sink.head() >= this.lastGap.at) this.lastGap = { at: -1, times: 0 };
    // The server closes the stream; until then answers and the last speech frames may still come.
    if (this.sink.ended()) this.sink.status({ phase: 'ended' });
  }

  private resyncOnGap(): boolean {
    const gap = this.sink.gap();
    if (gap !== undefined) this.resync(gap);
    return gap !== undefined;
  }

  private resync(gap: Seq): void {
    this.lastGap = this.lastGap.at === gap ? { at: gap, times: this.lastGap.times + 1 } : { at: gap, times: 1 };
    if (this.lastGap.times > MAX_SAME_GAP) {
      this.lastGap = { at: -1, times: 0 };
      this.sink.reset();
    }
    this.drop();
    this.retry();
  }

  private receiveNotice(notice: StreamNotice): void {
    switch (notice.notice) {
      case 'stream.cannot_resume':
        this.sink.reset();
        this.drop();
        this.retry();
        return;
      case 'stream.accepted':
        this.settle(notice.id)?.resolve(notice.seq);
        return;
      case 'stream.refused':
        this.settle(notice.id)?.reject(new CommandError(describeRefusal(notice.error)));
        return;
      case 'stream.coalesced':
        this.sink.notice(notice);
        this.resyncOnGap();
    }
  }

  private settle(id: string | undefined): Pending | undefined {
    const pending = id === undefined ? undefined : this.pending.get(id);
    if (id === undefined || pending === undefined) return undefined;
    this.pending.delete(id);
    this.env.clearTimer(pending.timer);
    return pending;
  }

  private lost(): void {
    const opened = this.opened;
    this.drop();
    if (this.stopped) return;
    if (this.sink.ended()) {
      this.stopped = true;
      return;
    }
    if (opened) {
      this.retry();
      return;
    }
    // A browser does not say why a handshake failed: ask whether the session exists at all.
    void this.env.probe().then((found) => {
      if (this.stopped || this.socket !== undefined || this.retryTimer !== undefined) return;
      if (found === 'gone') {
        this.stopped = true;
        this.sink.status({ phase: 'gone', reason: 'There is no such session on this server.' });
      } else this.retry();
    });
  }

  private retry(): void {
    if (this.stopped || this.retryTimer !== undefined) return;
    const delayMs = backoffDelay(this.attempt, () => this.env.random());
    this.attempt += 1;
    this.sink.status({ phase: 'waiting', attempt: this.attempt, delayMs });
    this.retryTimer = this.env.setTimer(() => {
      this.retryTimer = undefined;
      this.connect();
    }, delayMs);
  }

  /** Lets go of the socket. Commands not answered by then are not sent again: they may have been recorded. */
  private drop(): void {
    const socket = this.socket;
    this.socket = undefined;
    this.opened = false;
    if (this.watchTimer !== undefined) this.env.clearTimer(this.watchTimer);
    this.watchTimer = undefined;
    if (socket !== undefined) {
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close();
    }
    for (const id of [...this.pending.keys()]) {
      this.settle(id)?.reject(new CommandError('The connection was lost before the server answered.'));
    }
  }

  private watch(ms: number, run: () => void): void {
    if (this.watchTimer !== undefined) this.env.clearTimer(this.watchTimer);
    this.watchTimer = this.env.setTimer(run, ms);
  }

  /** A dead connection looks like a silent one; the session's head tells them apart. */
  private watchSilence(): void {
    this.watch(SILENCE_MS, () => {
      const socket = this.socket;
      void this.env.probe().then((found) => {
        if (this.socket !== socket || socket === undefined || this.sink.ended()) return;
        const behind = found === 'unreachable' || (found !== 'gone' && found.head > this.sink.head());
        if (!behind) {
          this.watchSilence();
          return;
        }
        this.watch(GRACE_MS, () => {
          this.lost();
        });
      });
    });
  }
}
