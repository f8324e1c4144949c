/** The two things done to SDP by hand, both for restarting ICE over WHIP and WHEP. Pure. */

const EOL = '\r\n';

/**
 * The fragment that asks for an ICE restart (RFC 9725, section 4.3.3; RFC 8840): the new credentials and the
 * candidates of the first media section; the others are bundled with it.
 */
export function iceFragment(sdp: string): string {
  const lines = sdp.split(/\r?\n/);
  const first = lines.findIndex((line) => line.startsWith('m='));
  const second = lines.findIndex((line, i) => i > first && line.startsWith('m='));
  const head = lines.slice(0, Math.max(0, first));
  const media = first < 0 ? [] : lines.slice(first, second < 0 ? undefined : second);
  const keep = (list: readonly string[], ...prefixes: string[]): string[] =>
    list.filter((line) => prefixes.some((prefix) => line.startsWith(prefix)));
  const credentials = keep([...media, ...head], 'a=ice-ufrag:', 'a=ice-pwd:').slice(0, 2);
  const part = [
    ...keep(head, 'a=group:BUNDLE'),
    ...credentials,
    ...keep(media, 'm=', 'a=mid:'),
    ...keep(media, 'a=candidate:'),
    'a=end-of-candidates',
  ];
  return part.join(EOL) + EOL;
}

/**
 * The answer in force with the server's new credentials and candidates, as a new answer. `undefined` if the fragment
 * has no credentials: then nothing was restarted.
 */
export function withIce(answer: string, fragment: string): string | undefined {
  const fresh = fragment.split(/\r?\n/);
  const ufrag = fresh.find((line) => line.startsWith('a=ice-ufrag:'));
  const pwd = fresh.find((line) => line.startsWith('a=ice-pwd:'));
  if (ufrag === undefined || pwd === undefined) return undefined;
  const candidates = fresh.filter((line) => line.startsWith('a=candidate:'));
  const out: string[] = [];
  let sections = 0;
  for (const line of answer.split(/\r?\n/)) {
    if (line.startsWith('m=')) sections += 1;
    if (line.startsWith('a=candidate:') || line === 'a=end-of-candidates') continue;
    if (line.startsWith('a=ice-pwd:')) {
      out.push(pwd);
      // Bundled: one transport, described where the credentials stand first.
      if (sections <= 1) out.push(...candidates, ...(candidates.length > 0 ? ['a=end-of-candidates'] : []));
    } else out.push(line.startsWith('a=ice-ufrag:') ? ufrag : line);
  }
  return out.join(EOL);
}
