/** The two kinds of connections of a call: what is sent, and what is received of one participant or the interpreter. */
import type { Language, ParticipantId, SessionId } from '@events';
import { silence } from '../audio/levels';
import { publish, receive, type Answer } from '../net/api';
import { Link, type LinkState } from './link';
import type { LocalState } from './local-media';
import { nextQuality, measure, Stall, type Quality, type Sample } from './quality';
import { sampleConnection } from './stats';

/** What one 720p picture of a talking person needs; more would only fill a poor uplink. */
const MAX_VIDEO_BPS = 1_500_000;
/** A server's answer says when by whole seconds, and somewhat after the event it tells of. */
const CLAIM_MS = 2_000;
/** What the server passes on; every browser has one of them. */
const VIDEO_CODECS = ['video/vp8', 'video/h264', 'video/rtx'];

export interface Identity {
  readonly participant: ParticipantId;
  /** `und`: to be found out from speech. */
  readonly language: Language;
}

/** Keeps the last sample of a connection and rates what happened since. */
class Gauge {
  quality: Quality | undefined;
  private last: { readonly peer: RTCPeerConnection; readonly sample: Sample } | undefined;
  private readonly stall = new Stall();

  /** Returns whether nothing came for so long that the connection should begin anew. */
  async read(peer: RTCPeerConnection, inbound: boolean, expected: { audio: boolean; video: boolean }): Promise<boolean> {
    const sample = await sampleConnection(peer, inbound);
    const before = this.last?.peer === peer ? this.last.sample : undefined;
    this.last = { peer, sample };
    if (before === undefined) return false;
    this.quality = nextQuality(this.quality, measure(before, sample));
    return this.stall.next(before, sample, expected);
  }
}

export class Publisher {
  readonly link: Link;
  private readonly gauge = new Gauge();
  private senders: { readonly audio: RTCRtpSender; readonly video: RTCRtpTransceiver } | undefined;
  private claimedUntil = Infinity;

  constructor(
    session: SessionId,
    /** Read again for each connection: the language may have been put right meanwhile. */
    identity: () => Identity,
    private local: LocalState,
    onState: (state: LinkState) => void,
  ) {
    const spec = {
      prepare: (peer: RTCPeerConnection) => { this.prepare(peer); },
      offer: async (sdp: string): Promise<Answer> => {
        const { participant, language } = identity();
        // Until the server has answered, whoever joins may be this page.
        this.claimedUntil = Infinity;
        const answer = await publish(session, participant, language, sdp);
        this.claimedUntil = answer.at + CLAIM_MS;
        return answer;
      },
      replaces: true,
      patient: false,
    };
    this.link = new Link(spec, onState);
  }

  get quality(): Quality | undefined {
    return this.gauge.quality;
  }

  /** Whether somebody who joined at this time, by the server's clock, did so from elsewhere. */
  tookOver(joinedAt: string): boolean {
    return Date.parse(joinedAt) > this.claimedUntil;
  }

  /** The server does not take pictures. */
  get soundOnly(): boolean {
    const video = this.senders?.video;
    return video !== undefined && this.link.state.phase === 'live' && video.currentDirection !== 'sendonly';
  }

  /** Changes what is sent without a new negotiation. */
  setLocal(local: LocalState): void {
    this.local = local;
    void this.put();
  }

  async measure(): Promise<void> {
    const peer = this.link.connection;
    if (peer === undefined || this.link.state.phase !== 'live') return;
    await this.gauge.read(peer, false, { audio: false, video: false });
  }

  private prepare(peer: RTCPeerConnection): void {
    const { camera } = this.local;
    const streams = [new MediaStream()];
    const audio = peer.addTransceiver(this.sound ?? 'audio', { direction: 'sendonly', streams });
    // Offered even while the camera is off: it goes on without a new negotiation.
    const video = peer.addTransceiver(camera ?? 'video', { direction: 'sendonly', streams, sendEncodings: [{ maxBitrate: MAX_VIDEO_BPS }] });
    preferCodecs(video);
    this.senders = { audio: audio.sender, video };
  }

  /** Whoever has no microphone is still in the call. */
  private get sound(): MediaStreamTrack | undefined {
    return this.local.microphone ?? silence();
  }

  private async put(): Promise<void> {
    const { camera } = this.local;
    const { senders } = this;
    if (senders === undefined) return;
    try {
      const sound = this.sound ?? null;
      if (senders.audio.track !== sound) await senders.audio.replaceTrack(sound);
      if (senders.video.sender.track !== (camera ?? null)) await senders.video.sender.replaceTrack(camera ?? null);
    } catch {
      // The connection is being replaced: the next one begins with these tracks.
    }
  }
}

interface Tracks {
  readonly audio: MediaStreamTrack;
  readonly video: MediaStreamTrack | undefined;
}

/** One participant, or the interpreter's voice in a language. */
export class Watcher {
  readonly link: Link;
  private readonly gauge = new Gauge();
  private tracks: Tracks | undefined;
  private coming: Tracks | undefined;

  constructor(
    session: SessionId,
    what: { readonly of: ParticipantId } | { readonly speech: Language },
    onState: () => void,
  ) {
    const spec = {
      prepare: (peer: RTCPeerConnection) => {
        const audio = peer.addTransceiver('audio', { direction: 'recvonly' }).receiver.track;
        const video = 'of' in what ? peer.addTransceiver('video', { direction: 'recvonly' }) : undefined;
        if (video !== undefined) preferCodecs(video);
        this.coming = { audio, video: video?.receiver.track };
      },
      offer: (sdp: string) => receive(session, what, sdp),
      replaces: false,
      patient: true,
    };
    this.link = new Link(spec, ({ phase }) => {
      if (phase === 'live') this.tracks = this.coming;
      onState();
    });
  }

  get quality(): Quality | undefined {
    return this.gauge.quality;
  }

  /** While connected or about to reconnect; a broken connection's last picture stays. */
  get audio(): MediaStreamTrack | undefined {
    return this.tracks?.audio;
  }

  get video(): MediaStreamTrack | undefined {
    return this.tracks?.video;
  }

  async measure(expected: { audio: boolean; video: boolean }): Promise<void> {
    const peer = this.link.connection;
    if (peer === undefined || this.link.state.phase !== 'live') return;
    if (await this.gauge.read(peer, true, expected)) this.link.replace();
  }
}

function preferCodecs(transceiver: RTCRtpTransceiver): void {
  const all = RTCRtpReceiver.getCapabilities('video')?.codecs ?? [];
  const usable = all.filter((codec) => VIDEO_CODECS.includes(codec.mimeType.toLowerCase()));
  const first = usable.filter((codec) => codec.mimeType.toLowerCase() === 'video/vp8');
  const rest = usable.filter((codec) => codec.mimeType.toLowerCase() !== 'video/vp8');
  if (first.length + rest.length > 0) transceiver.setCodecPreferences([...first, ...rest]);
}
