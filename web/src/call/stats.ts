/** Reads counters out of a connection's statistics. */
import type { Sample } from './quality';

type Report = Record<string, unknown>;

const number = (value: unknown): number | undefined => (typeof value === 'number' && Number.isFinite(value) ? value : undefined);
const ms = (seconds: number | undefined): number | undefined => (seconds === undefined ? undefined : seconds * 1_000);
const largest = (a: number | undefined, b: number | undefined): number | undefined => (b === undefined ? a : Math.max(a ?? b, b));

interface Sums {
  packets: number;
  lost: number;
  audioBytes: number;
  videoBytes: number;
  jitter: number | undefined;
  rtt: number | undefined;
}

/** `inbound` for what is received; otherwise what is sent, as the server reports having received it. */
export function sampleOf(reports: Iterable<Report>, inbound: boolean, atMs: number): Sample {
  const sums: Sums = { packets: 0, lost: 0, audioBytes: 0, videoBytes: 0, jitter: undefined, rtt: undefined };
  for (const report of reports) {
    if (report.type === 'candidate-pair' && report.nominated === true) sums.rtt = largest(sums.rtt, number(report.currentRoundTripTime));
    if (inbound && report.type === 'inbound-rtp') received(sums, report);
    if (!inbound && report.type === 'outbound-rtp') sent(sums, report);
    if (!inbound && report.type === 'remote-inbound-rtp') reported(sums, report);
  }
  const { packets, lost, audioBytes, videoBytes, jitter, rtt } = sums;
  return { atMs, packets, lost, bytes: audioBytes + videoBytes, audioBytes, videoBytes, jitterMs: ms(jitter), rttMs: ms(rtt) };
}

function received(sums: Sums, report: Report): void {
  sums.packets += number(report.packetsReceived) ?? 0;
  sums.lost += number(report.packetsLost) ?? 0;
  if (report.kind === 'audio') {
    sums.audioBytes += number(report.bytesReceived) ?? 0;
    // A video's frames come in bursts, which its jitter shows and nobody notices.
    sums.jitter = largest(sums.jitter, number(report.jitter));
  } else sums.videoBytes += number(report.bytesReceived) ?? 0;
}

function sent(sums: Sums, report: Report): void {
  sums.packets += number(report.packetsSent) ?? 0;
  if (report.kind === 'audio') sums.audioBytes += number(report.bytesSent) ?? 0;
  else sums.videoBytes += number(report.bytesSent) ?? 0;
}

function reported(sums: Sums, report: Report): void {
  sums.lost += number(report.packetsLost) ?? 0;
  if (report.kind === 'audio') sums.jitter = largest(sums.jitter, number(report.jitter));
  sums.rtt = largest(sums.rtt, number(report.roundTripTime));
}

export async function sampleConnection(peer: RTCPeerConnection, inbound: boolean): Promise<Sample> {
  const reports: Report[] = [];
  // The interface only promises forEach.
  (await peer.getStats()).forEach((report: Report) => reports.push(report));
  return sampleOf(reports, inbound, performance.now());
}
