/** A WebSocket that is there again after it was cut, for streams that begin anew each time: waveforms, the ward. */
import { backoffDelay } from './backoff';

/** As much of a WebSocket as is needed here. */
export interface LiveConnection {
  binaryType: string;
  onopen: ((event: never) => void) | null;
  onmessage: ((event: MessageEvent) => void) | null;
  onclose: ((event: CloseEvent) => void) | null;
  close(): void;
}

export interface LiveEnvironment {
  open(): LiveConnection;
  /** Within [0, 1). */
  random(): number;
  setTimer(run: () => void, ms: number): number;
  clearTimer(timer: number): void;
}

export interface LiveListener {
  /** A connection stands: what comes now begins anew. */
  opened(): void;
  message(data: unknown): void;
  /** The connection is gone; another is tried unless nothing more will come. */
  lost(over: boolean): void;
}

/** The server says that there is nothing more to come (RFC 6455, section 7.4.1). */
const NORMAL_CLOSURE = 1000;
/** A server that never completes the opening handshake. */
const OPEN_TIMEOUT_MS = 10_000;

export class LiveSocket {
  private connection: LiveConnection | undefined;
  private timer: number | undefined;
  private attempt = 0;
  private stopped = false;

  constructor(
    private readonly listener: LiveListener,
    private readonly env: LiveEnvironment,
  ) {}

  start(): void {
    this.connect();
  }

  stop(): void {
    this.stopped = true;
    this.drop();
  }

  /** Tries at once: the network came back. */
  reconnectNow(): void {
    if (this.stopped) return;
    this.attempt = 0;
    this.drop();
    this.connect();
  }

  private connect(): void {
    const connection = this.env.open();
    connection.binaryType = 'arraybuffer';
    this.connection = connection;
    this.wait(OPEN_TIMEOUT_MS, () => { this.lost(); });
    connection.onopen = () => {
      if (this.connection !== connection) return;
      this.wait();
      this.listener.opened();
    };
    connection.onmessage = (message) => {
      if (this.connection !== connection) return;
      // What was read shows that the connection works: the next failure starts a new series.
      this.attempt = 0;
      this.listener.message(message.data);
    };
    connection.onclose = (event) => {
      if (this.connection !== connection) return;
      if (event.code === NORMAL_CLOSURE) this.stopped = true;
      this.lost();
    };
  }

  private lost(): void {
    this.drop();
    this.listener.lost(this.stopped);
    if (this.stopped) return;
    this.wait(backoffDelay(this.attempt, () => this.env.random()), () => { this.connect(); });
    this.attempt += 1;
  }

  private drop(): void {
    this.wait();
    const connection = this.connection;
    this.connection = undefined;
    if (connection === undefined) return;
    connection.onopen = connection.onmessage = connection.onclose = null;
    connection.close();
  }

  /** One timer at a time, or none. */
  private wait(ms = 0, run?: () => void): void {
    if (this.timer !== undefined) this.env.clearTimer(this.timer);
    this.timer = run === undefined ? undefined : this.env.setTimer(run, ms);
  }
}

export function browserEnvironment(url: () => string): LiveEnvironment {
  return {
    open: () => new WebSocket(url()),
    random: Math.random,
    setTimer: (run, ms) => window.setTimeout(run, ms),
    clearTimer: (timer) => { window.clearTimeout(timer); },
  };
}
