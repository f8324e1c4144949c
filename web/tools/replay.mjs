// Development only: serves dist and plays fixtures/consultation.ndjson over the API of the server, so that the page
// can be worked on, tested and looked at without it.
//
//   node tools/replay.mjs [--port 18020] [--at SECONDS] [--speed FACTOR] [--log FILE] [--rows N]
//
// --at starts with the first so many seconds already in the log; the rest follows live. --rows puts that many
// utterances before it, for looking at long sessions.
import { createServer } from 'node:http';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { WebSocketServer } from 'ws';
import { Calls } from './call-routes.mjs';
import { film } from './film.mjs';
import { sendWaves } from './waves.mjs';

const DIST = fileURLToPath(new URL('../dist', import.meta.url));
const FIXTURE = fileURLToPath(new URL('../fixtures/consultation.ndjson', import.meta.url));
const CSP =
  "default-src 'self'; connect-src 'self' ws: wss:; media-src 'self' blob:; img-src 'self' blob: data:; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'";
const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.woff2': 'font/woff2', '.txt': 'text/plain; charset=utf-8' };
const STATUS = { unknown_session: 404, not_found: 404, session_ended: 410, invalid: 422, unavailable: 503 };

/** A log, who listens to it, and what can be done to both. */
class Session {
  constructor(id) {
    this.id = id;
    this.events = [];
    this.listeners = new Set();
  }

  append(body, at = Date.now()) {
    const event = { v: 1, session: this.id, seq: this.events.length + 1, at: new Date(at).toISOString(), ...body };
    this.events.push(event);
    for (const listener of this.listeners) listener(event);
    return event;
  }

  get started() {
    return this.events[0];
  }

  get ended() {
    return this.events.at(-1)?.type === 'session.ended';
  }

  summary() {
    const { patient, languages, at } = this.started;
    return { session: this.id, patient, languages, started_at: at, ended: this.ended, head: this.events.length };
  }
}

export function loadFixture(file = FIXTURE) {
  return readFileSync(file, 'utf8').trim().split('\n').map((line) => JSON.parse(line));
}

/** Starts the server; resolves with handles that tests use to cut, skip and add. */
export async function startReplay({ port = 18020, at = 0, speed = 1, log = FIXTURE, rows = 0, relay } = {}) {
  const fixture = loadFixture(log);
  const sessions = new Map();
  const timers = new Set();
  const live = play(fixture, { at, speed, rows, timers });
  sessions.set(live.id, live);
  for (const past of pastSessions(fixture)) sessions.set(past.id, past);
  const picture = film();
  const unmatched = [{ received_at: new Date(Date.now() - 400_000).toISOString(), patient: 'PID-2048', message_id: 'M0007', raw: 'MSH|^~\\&|BEDSIDE|WARD7' }];
  const context = { sessions, picture, unmatched, fixture, timers, calls: new Calls(relay, timers), faults: { refuseSockets: false } };
  const http = createServer((request, response) => {
    route(context, request, response).catch((error) => {
      console.error(error);
      response.writeHead(500).end();
    });
  });
  const sockets = new WebSocketServer({ noServer: true });
  http.on('upgrade', (request, socket, head) => {
    const url = new URL(request.url, 'http://localhost');
    const session = sessions.get(url.pathname.match(/^\/api\/v1\/sessions\/([^/]+)\/(?:events|waveforms)$/)?.[1]);
    if (session === undefined || context.faults.refuseSockets) {
      socket.end(`HTTP/1.1 ${session === undefined ? '404 Not Found' : '503 Service Unavailable'}\r\nconnection: close\r\n\r\n`);
      return;
    }
    sockets.handleUpgrade(request, socket, head, (ws) => {
      if (url.pathname.endsWith('/waveforms')) sendWaves(ws);
      else stream(context, session, ws, url.searchParams);
    });
  });
  await new Promise((resolve) => http.listen(port, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${http.address().port}`,
    session: live.id,
    live,
    sessions,
    calls: context.calls,
    connections: () => sockets.clients.size,
    /** Cuts every stream as a crashed server would. */
    cut: () => sockets.clients.forEach((ws) => ws.terminate()),
    refuseSockets: (refuse) => (context.faults.refuseSockets = refuse),
    /** The next event is kept from everyone connected now. */
    loseNext: () => (context.faults.loseNext = true),
    broadcast: (message) => sockets.clients.forEach((ws) => ws.send(JSON.stringify(message))),
    close: async () => {
      timers.forEach(clearTimeout);
      sockets.clients.forEach((ws) => ws.terminate());
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    },
  };
}

function play(fixture, { at, speed, rows, timers }) {
  const session = new Session(fixture[0].session);
  const origin = Date.parse(fixture[0].at);
  const elapsed = (event) => Date.parse(event.at) - origin;
  const now = Date.now();
  const begin = now - at * 1000;
  const [first, ...rest] = fixture;
  session.append(shift(first, begin - origin, 0), begin);
  const before = longHistory(rows, session, begin);
  for (const event of rest) {
    const body = shift(event, begin - origin, before);
    const due = begin + elapsed(event);
    if (due <= now) session.append(body, due);
    else {
      const timer = setTimeout(() => timers.delete(timer) && !session.ended && session.append(body), (due - now) / speed);
      timers.add(timer);
    }
  }
  return session;
}

/** The body of an event, without the header that `append` gives anew. */
function bodyOf(event) {
  const body = structuredClone(event);
  for (const field of ['v', 'session', 'seq', 'at']) delete body[field];
  return body;
}

/** Times move with the replay, and sequence numbers past what was put before. */
function shift(event, ms, by) {
  const moved = bodyOf(event);
  if (moved.taken_at !== undefined) moved.taken_at = new Date(Date.parse(moved.taken_at) + ms).toISOString();
  if (by === 0) return moved;
  for (const key of ['of', 'because', 'up_to']) if (typeof moved[key] === 'number') moved[key] += by;
  if (moved.provenance !== undefined) moved.provenance.inputs = moved.provenance.inputs.map((seq) => seq + by);
  for (const text of moved.texts ?? []) for (const part of text.sections) for (const s of part.sentences) s.sources = s.sources.map((seq) => seq + by);
  return moved;
}

function longHistory(rows, session, begin) {
  const provenance = { name: 'whisper-base', version: '1.0.0', weights_sha256: '0'.repeat(64), inputs: [] };
  for (let i = 0; i < rows; i++) {
    const utterance = randomUUID();
    const [participant, language, target] = i % 2 === 0 ? ['patient', 'pt', 'en'] : ['clinician', 'en', 'pt'];
    const span = { start_ms: i * 5000, end_ms: i * 5000 + 3000 };
    const caption = session.append({ type: 'caption.final', utterance, participant, language, text: `Frase número ${i + 1}, dita há algum tempo nesta consulta.`, span, latency_ms: 700, confidence: 0.9, provenance }, begin);
    session.append({ type: 'translation.final', utterance, of: caption.seq, participant, source_language: language, target_language: target, text: `Sentence number ${i + 1}, said some time ago in this consultation.`, engine: 'fxtranslate', review: 'unreviewed', provenance }, begin);
  }
  return rows * 2;
}

function pastSessions(fixture) {
  const origin = Date.parse(fixture[0].at);
  return [['PID-4410', 26], ['PID-1187', 50]].map(([patient, hours]) => {
    const session = new Session(randomUUID());
    const ms = Date.now() - hours * 3_600_000 - origin;
    for (const event of fixture) session.append({ ...shift(event, ms, 0), ...(event.type === 'session.started' ? { patient } : {}) }, Date.parse(event.at) + ms);
    session.append({ type: 'session.ended', reason: 'ended' }, Date.parse(fixture.at(-1).at) + ms + 4000);
    return session;
  });
}

function stream(context, session, ws, query) {
  const asked = Math.max(1, Number(query.get('from') ?? 1));
  const speech = query.get('speech');
  const send = (message) => ws.readyState === ws.OPEN && ws.send(JSON.stringify(message));
  if (asked > session.events.length + 1) {
    send({ notice: 'stream.cannot_resume', asked, head: session.events.length });
    ws.close();
    return;
  }
  for (const event of session.events.slice(asked - 1)) send(event);
  const listener = (event) => {
    if (context.faults.loseNext === true) {
      context.faults.loseNext = false;
      return;
    }
    send(event);
    if (event.type === 'speech.announced' && event.language === speech) hum(context, ws, event);
    if (event.type === 'session.ended') ws.close();
  };
  if (session.ended) ws.close();
  session.listeners.add(listener);
  ws.on('close', () => session.listeners.delete(listener));
  ws.on('message', (data) => command(context, session, JSON.parse(data), send));
}

function command(context, session, { command: name, id, ...rest }, send) {
  if (session.ended) {
    send({ notice: 'stream.refused', id, error: { code: 'session_ended' } });
    return;
  }
  if (name === 'media.mute' || name === 'language.set') {
    const changed = context.calls.command(session, name, rest);
    if (changed === undefined) send({ notice: 'stream.refused', id, error: { code: 'not_found', what: 'call of this participant' } });
    else send({ notice: 'stream.accepted', id, seq: session.append(changed).seq });
    return;
  }
  if (name.startsWith('alarm.')) {
    answerAlarm(session, name, id, rest, send);
    return;
  }
  const bodies = {
    'chat.send': { type: 'chat.message', participant: rest.participant, language: rest.language, text: rest.text },
    'report.request': { type: 'report.requested', languages: [] },
    'session.end': { type: 'session.ended', reason: 'ended' },
  };
  const { seq } = session.append(bodies[name]);
  send({ notice: 'stream.accepted', id, seq });
  if (name !== 'report.request') return;
  const ready = context.fixture.find((e) => e.type === 'report.ready');
  const timer = setTimeout(() => timers(context, timer) && !session.ended && session.append({ ...shift(ready, 0, 0), up_to: seq }), 600);
  context.timers.add(timer);
}

/** As the server does: what does not stand cannot be answered, and a silence has an end. */
function answerAlarm(session, name, id, { participant: by, alarm, seconds }, send) {
  const stands = (e) => e.type === 'alarm.raised' && e.alarm === alarm && !session.events.some((c) => c.type === 'alarm.cleared' && c.alarm === alarm);
  const refuse = (error) => send({ notice: 'stream.refused', id, error });
  if (alarm !== undefined && !session.events.some(stands)) return refuse({ code: 'not_found', what: 'standing alarm' });
  if (name === 'alarm.silence' && !(seconds >= 1 && seconds <= 300)) return refuse({ code: 'invalid', field: 'seconds', reason: 'must be 1 to 300' });
  const body = name === 'alarm.silence' ? { type: 'alarm.silenced', alarm, by, seconds } : { type: 'alarm.acknowledged', alarm, by };
  return send({ notice: 'stream.accepted', id, seq: session.append(body).seq });
}

function timers(context, timer) {
  return context.timers.delete(timer);
}

/** Binary frames for an announced speech: a quiet hum in syllables instead of a voice. */
function hum(context, ws, { speech, sample_rate: rate }) {
  const frames = 15;
  for (let index = 0; index < frames; index++) {
    const timer = setTimeout(() => {
      context.timers.delete(timer);
      const samples = Buffer.alloc(rate / 5);
      for (let i = 0; i < samples.length / 2; i++) {
        const t = (index * samples.length) / 2 / rate + i / rate;
        samples.writeInt16LE(Math.round(1800 * Math.sin(2 * Math.PI * 150 * t) * Math.abs(Math.sin(9 * t))), i * 2);
      }
      const head = Buffer.alloc(21);
      Buffer.from(speech.replaceAll('-', ''), 'hex').copy(head);
      head.writeUInt32LE(index, 16);
      head[20] = index === frames - 1 ? 1 : 0;
      if (ws.readyState === ws.OPEN) ws.send(Buffer.concat([head, samples]));
    }, index * 40);
    context.timers.add(timer);
  }
}

async function route(context, request, response) {
  const url = new URL(request.url, 'http://localhost');
  const json = (status, body, headers = {}) => response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
  const refuse = (code, message) => json(STATUS[code] ?? 500, { code, message });
  if (!url.pathname.startsWith('/api/')) return asset(url, response);
  if (url.pathname === '/api/v1/unmatched') return json(200, context.unmatched);
  if (url.pathname === '/api/v1/sessions') {
    if (request.method === 'GET') return json(200, [...context.sessions.values()].map((s) => s.summary()));
    const { patient, languages, spo2_scale = 'scale1' } = JSON.parse(await body(request));
    const session = new Session(randomUUID());
    session.append({ type: 'session.started', patient, languages, spo2_scale });
    context.sessions.set(session.id, session);
    return json(201, session.summary());
  }
  const reply = {
    json: (status, value) => { json(status, value); return true; },
    refuse: (code, message) => { refuse(code, message); return true; },
    sdp: (text, location) => { response.writeHead(201, { 'content-type': 'application/sdp', location }).end(text); return true; },
    fragment: (text) => { response.writeHead(200, { 'content-type': 'application/trickle-ice-sdpfrag' }).end(text); return true; },
  };
  const [, token] = url.pathname.match(/^\/api\/v1\/invitations\/([^/]+)$/) ?? [];
  if (token !== undefined) return context.calls.read(decodeURIComponent(token), reply);
  const called = url.pathname.match(/^\/api\/v1\/sessions\/([^/]+)\/(whip|whep|invitations)/);
  if (called !== null && context.sessions.has(called[1])) {
    const read = async () => (await body(request)).toString();
    if (await context.calls.route(context.sessions.get(called[1]), called[2], request, url, read, reply)) return undefined;
  }
  const [, id, what, image] = url.pathname.match(/^\/api\/v1\/sessions\/([^/]+)(?:\/([a-z]+)(?:\/([^/]+)\/preview)?)?$/) ?? [];
  const session = context.sessions.get(id);
  if (session === undefined) return refuse('unknown_session', 'no such session');
  if (what === undefined) return json(200, session.summary());
  if (what === 'images' && image !== undefined) return response.writeHead(200, { 'content-type': 'image/png' }).end(context.picture);
  if (what === 'images') return upload(context, session, request, json);
  const report = session.events.findLast((e) => e.type === 'report.ready');
  if (what === 'report' && report !== undefined) return markdown(report, response);
  return refuse('not_found', `no such ${what} in this session`);
}

async function upload(context, session, request, json) {
  const bytes = (await body(request)).length;
  const image = randomUUID();
  const { seq } = session.append({ type: 'image.received', image, bytes, sha256: '0'.repeat(64) });
  const ready = context.fixture.find((e) => e.type === 'image.ready');
  const timer = setTimeout(() => {
    context.timers.delete(timer);
    if (bytes < 600) session.append({ type: 'image.rejected', image, reason: 'pixel data is missing' });
    else session.append({ ...shift(ready, 0, 0), image });
  }, 300);
  context.timers.add(timer);
  json(201, { image, seq });
}

function markdown(report, response) {
  const text = report.texts.map((t) => `# ${t.title}\n\n${t.sections.map((s) => `## ${s.heading}\n\n${s.sentences.map((x) => `- ${x.text}`).join('\n')}`).join('\n\n')}`).join('\n\n');
  response.writeHead(200, { 'content-type': 'text/markdown; charset=utf-8' }).end(text);
}

async function asset(url, response) {
  const path = normalize(join(DIST, url.pathname === '/' ? 'index.html' : url.pathname));
  if (!path.startsWith(DIST)) return response.writeHead(404).end();
  try {
    const bytes = await readFile(path);
    response.writeHead(200, { 'content-type': TYPES[extname(path)] ?? 'application/octet-stream', 'content-security-policy': CSP, 'cache-control': 'no-cache' }).end(bytes);
  } catch {
    response.writeHead(404).end();
  }
}

async function body(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const options = { port: { type: 'string' }, at: { type: 'string' }, speed: { type: 'string' }, log: { type: 'string' }, rows: { type: 'string' } };
  const { values } = parseArgs({ options });
  const number = (text, fallback) => (text === undefined ? fallback : Number(text));
  const replay = await startReplay({ port: number(values.port, 18020), at: number(values.at, 0), speed: number(values.speed, 1), rows: number(values.rows, 0), ...(values.log === undefined ? {} : { log: values.log }) });
  console.log(`${replay.url}/?session=${replay.session}`);
}
