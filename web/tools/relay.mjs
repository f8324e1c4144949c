// Development and tests only: passes sound and pictures on between pages, in place of the server. A page of headless
// Chromium is the other end of every connection.
import { randomUUID } from 'node:crypto';

/** `open()` gives a page, as `withBrowser` does. */
export async function startRelay(open) {
  const page = await open();
  await page.evaluate(inPage);
  const call = (name, ...args) => page.evaluate(([n, a]) => globalThis.relay[n](...a), [name, args]);
  return {
    publish: async (participant, sdp) => ({ id: randomUUID(), sdp: await call('publish', participant, sdp) }),
    watch: async (of, sdp) => {
      const id = randomUUID();
      return { id, sdp: await call('watch', id, of, sdp) };
    },
    speech: async (language, sdp) => {
      const id = randomUUID();
      return { id, sdp: await call('speech', id, language, sdp) };
    },
    /** A hum in place of the interpreter's voice. */
    hum: (language, on) => call('hum', language, on),
    /** The fragment that answers an ICE restart. */
    restart: (id, participant, fragment) => call('restart', id, participant, fragment),
    end: (id, participant) => call('end', id, participant),
  };
}

function inPage() {
  const publishers = new Map();
  const watchers = new Map();
  const voices = new Map();
  const gathered = (pc) => new Promise((resolve) => {
    if (pc.iceGatheringState === 'complete') resolve();
    pc.onicegatheringstatechange = () => pc.iceGatheringState === 'complete' && resolve();
    setTimeout(resolve, 1500);
  });
  const answer = async (pc) => {
    await pc.setLocalDescription(await pc.createAnswer());
    await gathered(pc);
    return pc.localDescription.sdp;
  };
  const feed = (pc, tracks) => Promise.all(pc.getTransceivers().map((t) => t.sender.replaceTrack(tracks[t.receiver.track.kind] ?? null)));
  const send = async (id, of, tracks, sdp) => {
    const pc = new RTCPeerConnection();
    await pc.setRemoteDescription({ type: 'offer', sdp });
    const stream = new MediaStream();
    for (const transceiver of pc.getTransceivers()) {
      transceiver.direction = 'sendonly';
      transceiver.sender.setStreams(stream);
    }
    await feed(pc, tracks);
    watchers.set(id, { pc, of });
    return answer(pc);
  };
  const context = new AudioContext();
  // Chromium sends a received sound on only by way of Web Audio, and gives it there only while an element plays it.
  const sendable = (track) => {
    if (track.kind !== 'audio') return track;
    const element = new Audio();
    element.muted = true;
    element.srcObject = new MediaStream([track]);
    void element.play();
    const out = context.createMediaStreamDestination();
    context.createMediaStreamSource(element.srcObject).connect(out);
    return out.stream.getAudioTracks()[0];
  };
  const voice = (language) => {
    if (!voices.has(language)) {
      const gain = new GainNode(context, { gain: 0 });
      const out = context.createMediaStreamDestination();
      const tone = new OscillatorNode(context, { frequency: 190 });
      tone.connect(gain).connect(out);
      tone.start();
      voices.set(language, { gain, track: out.stream.getAudioTracks()[0] });
    }
    return voices.get(language);
  };
  globalThis.relay = {
    async publish(participant, sdp) {
      const pc = new RTCPeerConnection();
      await pc.setRemoteDescription({ type: 'offer', sdp });
      const tracks = Object.fromEntries(pc.getReceivers().map((r) => [r.track.kind, sendable(r.track)]));
      publishers.get(participant)?.pc.close();
      publishers.set(participant, { pc, tracks });
      for (const watcher of watchers.values()) if (watcher.of === participant) await feed(watcher.pc, tracks);
      return answer(pc);
    },
    watch: async (id, of, sdp) => (publishers.has(of) ? send(id, of, publishers.get(of).tracks, sdp) : null),
    speech: async (id, language, sdp) => send(id, undefined, { audio: voice(language).track }, sdp),
    hum: (language, on) => { voice(language).gain.gain.value = on ? 0.3 : 0; },
    async restart(id, participant, fragment) {
      const pc = (watchers.get(id) ?? publishers.get(participant))?.pc;
      if (pc === undefined) return null;
      const line = (name) => fragment.split('\r\n').find((l) => l.startsWith(name));
      const offer = pc.remoteDescription.sdp
        .replaceAll(/a=ice-ufrag:[^\r]*/g, line('a=ice-ufrag:'))
        .replaceAll(/a=ice-pwd:[^\r]*/g, line('a=ice-pwd:'));
      await pc.setRemoteDescription({ type: 'offer', sdp: offer });
      const sdp = await answer(pc);
      return sdp.split('\r\n').filter((l) => /^a=(ice-ufrag|ice-pwd|candidate):/.test(l)).join('\r\n');
    },
    end(id, participant) {
      watchers.get(id)?.pc.close();
      watchers.delete(id);
      if (participant === undefined) return;
      publishers.get(participant)?.pc.close();
      publishers.delete(participant);
    },
  };
}
