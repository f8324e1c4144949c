// The part of the server's contract that a call needs, for the replay server: WHIP, WHEP, invitations, and what is
// said in a call, from fixtures/call.ndjson.
import { randomBytes, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';

const CALL = new URL('../fixtures/call.ndjson', import.meta.url);

export class Calls {
  /** `relay` passes media on; without one there are invitations, but no calls. */
  constructor(relay, timers) {
    this.relay = relay;
    this.timers = timers;
    this.resources = new Map();
    this.invitations = new Map();
    this.talking = new Set();
    this.refused = 0;
  }

  /** Answers a request it knows, and says whether it did. */
  async route(session, what, request, url, read, reply) {
    const { method } = request;
    if (what === 'invitations' && method === 'POST') return this.invite(session, JSON.parse(await read()), reply);
    if (what !== 'whip' && what !== 'whep') return false;
    if (this.relay === undefined) return reply.refuse('unavailable', 'webrtc is not available');
    const id = url.pathname.split('/')[6];
    if (method === 'POST' && what === 'whip') return this.publish(session, url.searchParams, await read(), reply);
    if (method === 'POST') return this.watch(session, url.searchParams, await read(), reply);
    const resource = this.resources.get(id);
    if (resource === undefined) return reply.refuse('not_found', 'no such connection');
    if (method === 'PATCH') return this.restart(id, resource, await read(), reply);
    return this.end(session, id, resource, reply);
  }

  invite(session, { participant, language, expires_in_seconds: seconds = 3600 }, reply) {
    const token = randomBytes(24).toString('base64url');
    const invitation = randomUUID();
    const expires_at = new Date(Date.now() + seconds * 1000).toISOString();
    this.invitations.set(token, { session: session.id, participant, language, languages: session.started.languages, expires_at });
    session.append({ type: 'participant.invited', invitation, participant, language, token_sha256: '0'.repeat(64), expires_at });
    return reply.json(201, { invitation, participant, language, expires_at, token, link: `/?invitation=${token}` });
  }

  read(token, reply) {
    const found = this.invitations.get(token);
    if (found === undefined) return reply.refuse('not_found', 'no such invitation');
    if (Date.parse(found.expires_at) < Date.now()) return reply.json(410, { code: 'expired', message: 'the invitation has expired' });
    return reply.json(200, found);
  }

  async publish(session, query, sdp, reply) {
    const [participant, language] = [query.get('participant'), query.get('language')];
    if (this.refused > 0) {
      this.refused -= 1;
      return reply.refuse('unavailable', 'webrtc is not available');
    }
    const { id, sdp: answer } = await this.relay.publish(`${session.id}/${participant}`, sdp);
    this.resources.set(id, { publisher: participant, session: session.id });
    session.append({ type: 'participant.joined', participant, language });
    session.append({ type: 'media.changed', participant, audio: 'on', video: 'on' });
    if (participant === 'patient' && !this.talking.has(session.id)) this.talk(session);
    return reply.sdp(answer, `/api/v1/sessions/${session.id}/whip/${id}`);
  }

  async watch(session, query, sdp, reply) {
    const of = query.get('of');
    const { id, sdp: answer } = of === null ? await this.relay.speech(query.get('speech'), sdp) : await this.relay.watch(`${session.id}/${of}`, sdp);
    if (answer === null) return reply.refuse('not_found', `nothing of ${of}`);
    this.resources.set(id, { publisher: undefined });
    return reply.sdp(answer, `/api/v1/sessions/${session.id}/whep/${id}`);
  }

  async restart(id, { publisher, session }, fragment, reply) {
    const answer = await this.relay.restart(id, publisher === undefined ? undefined : `${session}/${publisher}`, fragment);
    return answer === null ? reply.refuse('not_found', 'no such connection') : reply.fragment(answer);
  }

  async end(session, id, { publisher }, reply) {
    this.resources.delete(id);
    await this.relay.end(id, publisher === undefined ? undefined : `${session.id}/${publisher}`);
    if (publisher !== undefined) session.append({ type: 'participant.left', participant: publisher });
    return reply.json(200, {});
  }

  command(session, name, rest) {
    const { participant } = rest;
    if (name === 'language.set') return { type: 'language.set', participant, language: rest.language };
    const told = session.events.findLast((e) => e.type === 'media.changed' && e.participant === participant);
    if (told === undefined) return undefined;
    const now = (sending, muted) => (sending === 'off' ? 'off' : muted ? 'muted' : 'on');
    return { type: 'media.changed', participant, audio: now(told.audio, rest.audio), video: now(told.video, rest.video) };
  }

  /** What is said in the fixture, from the moment the patient is there. */
  talk(session) {
    this.talking.add(session.id);
    const events = readFileSync(CALL, 'utf8').trim().split('\n').map((line) => JSON.parse(line));
    const from = events.findIndex((e) => e.type === 'utterance.started');
    const origin = Date.parse(events[from].at) - 2_000;
    const seqs = new Map();
    for (const event of events.slice(from)) {
      if (/^(participant|media|language\.set)/.test(event.type)) continue;
      const { seq, at, ...rest } = event;
      const timer = setTimeout(() => {
        this.timers.delete(timer);
        if (session.ended) return;
        const body = { ...rest };
        for (const field of ['v', 'session']) delete body[field];
        if (body.of !== undefined) body.of = seqs.get(body.of) ?? body.of;
        if (body.provenance !== undefined) body.provenance = { ...body.provenance, inputs: body.provenance.inputs.map((s) => seqs.get(s) ?? s) };
        seqs.set(seq, session.append(body).seq);
        if (body.type === 'speech.announced') void this.relay?.hum(body.language, true);
        if (body.type === 'speech.completed') for (const language of session.started.languages) void this.relay?.hum(language, false);
      }, Date.parse(at) - origin);
      this.timers.add(timer);
    }
  }
}
