/** A peer connection that goes where a test leads it. */

/** As much of a sender as a call touches. */
class FakeSender {
  constructor(public track: unknown) {}
  replaceTrack(track: unknown): Promise<void> {
    this.track = track;
    return Promise.resolve();
  }
}

/** As much of a peer connection as a call touches. */
export class FakePeer {
  onconnectionstatechange: (() => void) | null = null;
  readonly iceGatheringState = 'complete';
  connectionState = 'new';
  localDescription = { sdp: 'offer' };
  remoteDescription = { sdp: 'answer' };
  readonly senders: FakeSender[] = [];
  readonly directions: string[] = [];
  closed = false;

  addTransceiver(what: unknown, { direction }: { direction: string }): unknown {
    const kind = typeof what === 'string' ? what : (what as { kind: string }).kind;
    this.directions.push(`${kind} ${direction}`);
    const sender = new FakeSender(typeof what === 'string' ? null : what);
    this.senders.push(sender);
    return { sender, receiver: { track: { kind } }, currentDirection: direction, setCodecPreferences: () => undefined };
  }
  createOffer(): Promise<object> {
    return Promise.resolve({});
  }
  setLocalDescription(): Promise<void> {
    return Promise.resolve();
  }
  setRemoteDescription(): Promise<void> {
    return Promise.resolve();
  }
  getStats(): Promise<Map<string, object>> {
    return Promise.resolve(new Map<string, object>());
  }
  close(): void {
    this.closed = true;
  }
  become(state: string): void {
    this.connectionState = state;
    this.onconnectionstatechange?.();
  }
}
