// Writes fixtures/call.ndjson: a made-up call of forty seconds with what fixtures/consultation.ndjson has not: an
// invitation, a language found out from speech, pictures, translations in progress, two that did not keep what was
// said, speech that was interrupted or left out. Everything in it is invented. Deterministic.
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';

const START = Date.parse('2026-11-24T09:30:00.000Z');
const sha = (text) => createHash('sha256').update(text).digest('hex');
const uuid = (text) => sha(text).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*/, '$1-$2-$3-$4-$5');
const SESSION = uuid('fixture call');

const plan = [];
const add = (t, key, body) => plan.push({ t: Math.round(t), key, body: typeof body === 'function' ? body : () => body });
const model = (name, version) => (inputs) => ({ name, version, weights_sha256: sha(`${name} ${version}`), inputs });
const whisper = model('whisper-base', '1.0.0');
const kokoro = model('kokoro-82m-int8', '0.1.0');
const engine = { 'pt-en': model('fxtranslate-pten', '0.2.0'), 'en-pt': model('fxtranslate-enpt', '0.2.0') };

/** Start in seconds, who, language, text, translation, then what is special about it. */
const TALK = [
  [7, 'patient', 'pt', 'Bom dia, doutora. Estou com dor no peito desde ontem à noite.', 'Good morning, doctor. I have had chest pain since last night.', { clause: 'Good morning, doctor.', unsure: 'ontem' }],
  [14, 'clinician', 'en', 'Do you take any medicine for your blood pressure?', 'Toma algum remédio para a pressão?', {}],
  [19, 'patient', 'pt', 'Tomo 50 mg de losartana, mas não tomo aspirina.', 'I take 50 g of losartan, but I take aspirin.', {
    clause: 'I take 50 g of losartan,',
    findings: [
      { kind: 'unit', problem: 'changed', source: '50 mg', target: '50 g' },
      { kind: 'negation', problem: 'missing', source: 'não' },
    ],
  }],
  [26, 'clinician', 'en', 'I understand. Please take one tablet of aspirin now and stay sitting down.', 'Compreendo. Tome agora um comprimido de aspirina e fique sentado.', { interrupted: true }],
  [31.5, 'patient', 'pt', 'Está bem. Piora quando subo escadas.', 'All right. It gets worse when I climb stairs.', { skipped: 'turn_taken' }],
];

function words(text, start, end, unsure) {
  const list = text.split(' ');
  const step = (end - start) / list.length;
  return list.map((word, i) => ({ text: word, start_ms: Math.round(start + i * step), end_ms: Math.round(start + (i + 1) * step), probability: word.startsWith(unsure ?? '\n') ? 0.41 : 0.93 }));
}

function speak([at, participant, language, text, translation, special], i) {
  const utterance = uuid(`call utterance ${i}`);
  const [start, spoken] = [at * 1000, 500 + text.length * 55];
  const end = start + spoken;
  const key = `u${i}`;
  const target = language === 'pt' ? 'en' : 'pt';
  const translate = engine[`${language}-${target}`];
  const common = { utterance, participant };
  add(start + 120, `${key}.started`, { type: 'utterance.started', ...common, at_ms: start - 4000 });
  if (i === 0) add(start + 1300, 'detected', { type: 'language.detected', ...common, language, probability: 0.97, provenance: whisper([]) });
  const list = text.split(' ');
  const steps = Math.max(2, Math.floor(spoken / 500));
  for (let s = 1; s < steps; s++) {
    const heard = Math.ceil((list.length * s) / steps);
    const committed = list.slice(0, Math.max(0, heard - 2)).join(' ');
    const tentative = list.slice(Math.max(0, heard - 2), heard).join(' ');
    add(start + 400 + s * 500, `${key}.p${s}`, { type: 'caption.partial', ...common, language, committed, tentative, span: { start_ms: start - 4000, end_ms: start - 4000 + s * 500 }, provenance: whisper([]) });
  }
  const pair = { ...common, source_language: language, target_language: target, engine: 'fxtranslate', review: 'unreviewed' };
  if (special.clause !== undefined) {
    add(start + spoken * 0.7, `${key}.tp`, (ref) => ({ type: 'translation.partial', ...pair, text: special.clause, provenance: translate([ref(`${key}.p1`)]) }));
  }
  add(end + 300, `${key}.ended`, { type: 'utterance.ended', ...common, at_ms: end - 4000 });
  add(end + 700, key, {
    type: 'caption.final', ...common, language, text, span: { start_ms: start - 4000, end_ms: end - 4000 }, latency_ms: 700, confidence: 0.9,
    words: words(text, start - 4000, end - 4000, special.unsure), provenance: whisper([]),
  });
  add(end + 760, `${key}.t`, (ref) => ({ type: 'translation.final', ...pair, of: ref(key), text: translation, preservation: { findings: special.findings ?? [] }, provenance: translate([ref(key)]) }));
  const skipped = special.findings !== undefined ? 'not_preserved' : special.skipped;
  if (skipped !== undefined) {
    add(end + 780, `${key}.k`, (ref) => ({ type: 'speech.skipped', utterance, of: ref(`${key}.t`), language: target, reason: skipped }));
    return;
  }
  const speech = uuid(`call speech ${i}`);
  add(end + 1200, `${key}.s`, (ref) => ({
    type: 'speech.announced', speech, utterance, of: ref(`${key}.t`), language: target, voice: target === 'pt' ? 'pf_dora' : 'joe',
    codec: 'opus', sample_rate: 24000, latency_ms: 1200, provenance: kokoro([ref(`${key}.t`)]),
  }));
  const duration = special.interrupted === true ? 900 : 400 + translation.length * 50;
  add(end + 1200 + duration, `${key}.sc`, { type: 'speech.completed', speech, duration_ms: duration, interrupted: special.interrupted === true });
}

add(0, 'start', { type: 'session.started', patient: 'PID-5520', languages: ['pt', 'en'], spo2_scale: 'scale1', terms: ['losartana', 'aspirina'] });
add(600, 'join.c', { type: 'participant.joined', participant: 'clinician', language: 'en' });
add(620, 'media.c', { type: 'media.changed', participant: 'clinician', audio: 'on', video: 'on' });
add(1500, 'invite', { type: 'participant.invited', invitation: uuid('call invitation'), participant: 'patient', language: 'und', token_sha256: sha('call token'), expires_at: new Date(START + 3_600_000).toISOString() });
add(4000, 'join.p', { type: 'participant.joined', participant: 'patient', language: 'und' });
add(4020, 'media.p', { type: 'media.changed', participant: 'patient', audio: 'on', video: 'on' });
add(4200, 'mute.p', { type: 'media.changed', participant: 'patient', audio: 'on', video: 'muted' });
add(6000, 'video.p', { type: 'media.changed', participant: 'patient', audio: 'on', video: 'on' });
TALK.forEach(speak);
add(36500, 'set', { type: 'language.set', participant: 'patient', language: 'pt' });
add(38000, 'mute.c', { type: 'media.changed', participant: 'clinician', audio: 'muted', video: 'on' });
add(40000, 'left', { type: 'participant.left', participant: 'patient' });

plan.sort((a, b) => a.t - b.t);
const seqs = new Map(plan.map((p, i) => [p.key, i + 1]));
const ref = (key) => {
  const seq = seqs.get(key);
  if (seq === undefined) throw new Error(`no event ${key}`);
  return seq;
};
const lines = plan.map((p, i) => JSON.stringify({ v: 1, session: SESSION, seq: i + 1, at: new Date(START + p.t).toISOString(), ...p.body(ref) }));
writeFileSync(new URL('../fixtures/call.ndjson', import.meta.url), `${lines.join('\n')}\n`);
console.log(`${lines.length} events`);
