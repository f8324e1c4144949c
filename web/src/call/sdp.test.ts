import { describe, expect, it } from 'vitest';
import { iceFragment, withIce } from './sdp';

const lines = (...l: string[]): string => `${l.join('\r\n')}\r\n`;
const sdp = lines(
  'v=0',
  'a=group:BUNDLE 0 1',
  'm=audio 9 UDP/TLS/RTP/SAVPF 111',
  'a=ice-ufrag:old',
  'a=ice-pwd:oldpassword',
  'a=candidate:1 1 udp 2130706431 192.0.2.1 5000 typ host',
  'a=end-of-candidates',
  'a=mid:0',
  'a=rtpmap:111 opus/48000/2',
  'm=video 9 UDP/TLS/RTP/SAVPF 96',
  'a=ice-ufrag:old',
  'a=ice-pwd:oldpassword',
  'a=mid:1',
);

describe('a fragment that asks for an ICE restart', () => {
  it('has the credentials and candidates of the bundle, and nothing of the media', () => {
    expect(iceFragment(sdp)).toBe(
      lines('a=group:BUNDLE 0 1', 'a=ice-ufrag:old', 'a=ice-pwd:oldpassword', 'm=audio 9 UDP/TLS/RTP/SAVPF 111', 'a=mid:0', 'a=candidate:1 1 udp 2130706431 192.0.2.1 5000 typ host', 'a=end-of-candidates'),
    );
  });

  it('of something that is no SDP asks for nothing', () => {
    expect(iceFragment('')).toBe(lines('a=end-of-candidates'));
  });
});

describe('an answer after an ICE restart', () => {
  const fresh = lines('a=ice-ufrag:new', 'a=ice-pwd:newpassword', 'a=candidate:9 1 udp 2130706431 192.0.2.9 6000 typ host');

  it('has the server’s new credentials everywhere and its new candidates once', () => {
    const answer = withIce(sdp, fresh) ?? '';
    expect(answer).not.toContain('old');
    expect(answer.match(/a=ice-ufrag:new/g)).toHaveLength(2);
    expect(answer.match(/a=ice-pwd:newpassword/g)).toHaveLength(2);
    expect(answer.match(/a=candidate:/g)).toHaveLength(1);
    expect(answer).toContain('192.0.2.9 6000');
    expect(answer).toContain('a=rtpmap:111 opus/48000/2');
  });

  it('is none where the server gave no credentials', () => {
    expect(withIce(sdp, 'a=ice-ufrag:new')).toBeUndefined();
    expect(withIce(sdp, '')).toBeUndefined();
  });
});
