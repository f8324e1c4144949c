// Writes fixtures/consultation.ndjson: a made-up consultation of two minutes, as the server would log it.
// Everything in it is invented; hashes stand for weights that do not exist. Deterministic.
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';

const START = Date.parse('2026-11-23T14:02:00.000Z');
const sha = (text) => createHash('sha256').update(text).digest('hex');
const uuid = (text) => sha(text).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*/, '$1-$2-$3-$4-$5');
const SESSION = uuid('fixture consultation');

/** `{t: ms, key, body: (ref) => event body}`; `ref` turns keys into sequence numbers once the order is known. */
const plan = [];
const add = (t, key, body) => plan.push({ t: Math.round(t), key, body: typeof body === 'function' ? body : () => body });
const model = (name, version) => (inputs) => ({ name, version, weights_sha256: sha(`${name} ${version}`), inputs });
const whisper = model('whisper-base', '1.0.0');
const kokoro = model('kokoro-82m-int8', '0.1.0');
const news2Chart = model('NEWS2 (RCP 2017)', '2017.12');
const template = model('report-template', '1.0.0');
const engine = { 'pt-en': model('fxtranslate-pten', '0.2.0'), 'en-pt': model('fxtranslate-enpt', '0.2.0') };

// Conversation: [start s, participant, language, text, translation]
const TALK = [
  [6, 'clinician', 'en', 'Good afternoon. What brings you here today?', 'Boa tarde. O que a traz aqui hoje?'],
  [11, 'patient', 'pt', 'Boa tarde, doutora. Estou com tosse e febre há três dias.', 'Good afternoon, doctor. I have had a cough and fever for three days.'],
  [18, 'clinician', 'en', 'Do you have any pain in your chest when you breathe?', 'Sente alguma dor no peito quando respira?'],
  [24, 'patient', 'pt', 'Sim, do lado direito, sobretudo quando respiro fundo.', 'Yes, on the right side, especially when I breathe deeply.'],
  [32, 'clinician', 'en', 'Are you short of breath even when you are resting?', 'Tem falta de ar mesmo quando está em repouso?'],
  [38, 'patient', 'pt', 'Desde ontem à noite, sim. Custa-me subir as escadas.', 'Since last night, yes. It is hard for me to climb the stairs.'],
  [47, 'clinician', 'en', 'Do you take any medicines, or have any allergies?', 'Toma algum medicamento ou tem alguma alergia?'],
  [53, 'patient', 'pt', 'Tomo remédio para a tensão e sou alérgica à penicilina.', 'I take medicine for blood pressure and I am allergic to penicillin.'],
  [68, 'clinician', 'en', 'Your oxygen is falling. I am asking the nurse to give you oxygen now.', 'O seu oxigénio está a descer. Vou pedir à enfermeira que lhe dê oxigénio agora.'],
  [77, 'patient', 'pt', 'Está bem. Estou a sentir-me muito cansada.', 'All right. I am feeling very tired.'],
  [92, 'clinician', 'en', 'We will take you to the hospital. The ambulance is on its way.', 'Vamos levá-la ao hospital. A ambulância está a caminho.'],
];

function speak([at, participant, language, text, translation], i) {
  const utterance = uuid(`utterance ${i}`);
  const start = at * 1000;
  const spoken = 600 + text.length * 62;
  const end = start + spoken;
  const key = `u${i}`;
  add(start + 120, `${key}.started`, { type: 'utterance.started', participant, utterance, at_ms: start - 2000 });
  const words = text.split(' ');
  const steps = Math.max(2, Math.floor(spoken / 550));
  for (let s = 1; s < steps; s++) {
    const heard = Math.ceil((words.length * s) / steps);
    const committed = words.slice(0, Math.max(0, heard - 2)).join(' ');
    const tentative = words.slice(Math.max(0, heard - 2), heard).join(' ').replace(/[.,?]$/, '');
    add(start + 400 + s * 550, `${key}.p${s}`, {
      type: 'caption.partial', utterance, participant, language, committed, tentative,
      span: { start_ms: start - 2000, end_ms: start - 2000 + s * 550 }, provenance: whisper([]),
    });
  }
  add(end + 300, `${key}.ended`, { type: 'utterance.ended', participant, utterance, at_ms: end - 2000 });
  if (translation === undefined) return;
  add(end + 780, key, {
    type: 'caption.final', utterance, participant, language, text, span: { start_ms: start - 2000, end_ms: end - 2000 },
    latency_ms: 780 + (i * 37) % 140, confidence: i === 5 ? 0.58 : 0.86 + ((i * 7) % 11) / 100, provenance: whisper([]),
  });
  const target = language === 'pt' ? 'en' : 'pt';
  const translate = engine[`${language}-${target}`];
  add(end + 830, `${key}.t`, (ref) => ({
    type: 'translation.final', utterance, of: ref(key), participant, source_language: language, target_language: target,
    text: translation, engine: 'fxtranslate', review: 'unreviewed', provenance: translate([ref(key)]),
  }));
  const speech = uuid(`speech ${i}`);
  add(end + 1350, `${key}.s`, (ref) => ({
    type: 'speech.announced', speech, utterance, of: ref(`${key}.t`), language: target,
    voice: target === 'pt' ? 'pf_dora' : 'af_heart', codec: 'pcm_s16le', sample_rate: 24000, latency_ms: 1350 + (i * 53) % 200,
    provenance: kokoro([ref(`${key}.t`)]),
  }));
  const duration = 500 + translation.length * 60;
  add(end + 1500 + duration * 0.3, `${key}.sc`, { type: 'speech.completed', speech, duration_ms: duration });
}

/** Linear course through [t s, value] points. */
const course = (points) => (t) => {
  const next = points.findIndex(([at]) => at >= t);
  if (next <= 0) return points.at(next === 0 ? 0 : -1)[1];
  const [[t0, v0], [t1, v1]] = [points[next - 1], points[next]];
  return v0 + ((v1 - v0) * (t - t0)) / (t1 - t0);
};
const HEART = course([[0, 84], [30, 92], [60, 108], [85, 128], [105, 122], [120, 116]]);
const BREATH = course([[0, 18], [30, 20], [55, 22], [80, 27], [105, 24], [120, 22]]);
const SPO2 = course([[0, 97], [25, 96], [50, 93.6], [72, 90], [85, 90.4], [105, 94], [120, 95]]);
const SYS = course([[0, 128], [40, 120], [75, 104], [95, 100], [120, 108]]);
const DIA = course([[0, 78], [60, 70], [95, 61], [120, 66]]);
const TEMP = course([[0, 38.2], [60, 38.5], [120, 38.6]]);
const wobble = (t, k, size) => Math.sin(t * k) * size;

// NEWS2 chart 1 (Royal College of Physicians, 2017), SpO2 scale 1: [upper bound, points, row].
const CHART = {
  respiratory_rate: ['/min', [[8, 3, '≤8'], [11, 1, '9–11'], [20, 0, '12–20'], [24, 2, '21–24'], [999, 3, '≥25']]],
  spo2: ['%', [[91, 3, '≤91'], [93, 2, '92–93'], [95, 1, '94–95'], [100, 0, '≥96']]],
  systolic_bp: ['mmHg', [[90, 3, '≤90'], [100, 2, '91–100'], [110, 1, '101–110'], [219, 0, '111–219'], [999, 3, '≥220']]],
  heart_rate: ['/min', [[40, 3, '≤40'], [50, 1, '41–50'], [90, 0, '51–90'], [110, 1, '91–110'], [130, 2, '111–130'], [999, 3, '≥131']]],
  temperature: ['°C', [[35, 3, '≤35.0'], [36, 1, '35.1–36.0'], [38, 0, '36.1–38.0'], [39, 1, '38.1–39.0'], [99, 2, '≥39.1']]],
};

function score(vitals) {
  const numeric = (name) => {
    const [unit, rows] = CHART[name];
    const [, points, range] = rows.find(([upper]) => vitals[name] <= upper);
    const value = name === 'temperature' ? vitals[name].toFixed(1) : vitals[name];
    return { parameter: name, value: `${value} ${unit}`, range: `${range} ${unit}`, points };
  };
  const missing = vitals.temperature === undefined ? ['temperature'] : [];
  const items = [
    numeric('respiratory_rate'),
    numeric('spo2'),
    { parameter: 'supplemental_oxygen', value: vitals.supplemental_oxygen ? 'oxygen' : 'air', range: vitals.supplemental_oxygen ? 'Oxygen' : 'Air', points: vitals.supplemental_oxygen ? 2 : 0 },
    numeric('systolic_bp'),
    numeric('heart_rate'),
    { parameter: 'consciousness', value: 'alert', range: 'Alert', points: 0 },
    ...(missing.length > 0 ? [] : [numeric('temperature')]),
  ];
  const total = items.reduce((sum, i) => sum + i.points, 0);
  const band = total >= 7 ? 'high' : total >= 5 ? 'medium' : items.some((i) => i.points === 3) ? 'low_medium' : 'low';
  return { total, band, items, missing };
}

function monitor() {
  const known = {};
  let standing;
  for (let n = 0; n * 4 <= 116; n++) {
    const t = 3 + n * 4;
    const vitals = {
      heart_rate: Math.round(HEART(t) + wobble(t, 1.3, 1.4)), respiratory_rate: Math.round(BREATH(t)), spo2: Math.round(SPO2(t)),
      systolic_bp: Math.round(SYS(t) + wobble(t, 0.7, 1.5)), diastolic_bp: Math.round(DIA(t)), consciousness: 'alert', supplemental_oxygen: t > 82,
    };
    // The thermometer is read less often.
    if (t >= 15 && n % 3 === 0) vitals.temperature = Math.round(TEMP(t) * 10) / 10;
    Object.assign(known, vitals);
    const rejected = n === 9 ? { rejected: [{ code: '150456', reason: 'unit_mismatch' }] } : {};
    add(t * 1000, `v${n}`, {
      type: 'vitals.observed', source: { protocol: 'hl7_v2', application: 'BEDSIDE', facility: 'WARD7', message_id: `M${1000 + n}` },
      taken_at: new Date(START + t * 1000 - 180).toISOString(), vitals, ...rejected,
    });
    const { total, band, items, missing } = score(known);
    add(t * 1000 + 5, `r${n}`, (ref) => ({
      type: 'risk.scored', score: 'NEWS2', total, band, spo2_scale: 'scale1', items, ...(missing.length > 0 ? { missing } : {}),
      provenance: news2Chart([ref(`v${n}`)]),
    }));
    standing = alarms(standing, n, t, total);
  }
}

const ALARMS = {
  news2_urgent: ['medium', (total) => `NEWS2 is ${total}: urgent review by a clinician competent in acute illness.`],
  news2_emergency: ['high', (total) => `NEWS2 is ${total}: emergency assessment by a critical care team.`],
};

function alarms(standing, n, t, total) {
  const wanted = total >= 7 ? 'news2_emergency' : total >= 5 ? 'news2_urgent' : undefined;
  // Hysteresis: an alarm stands until the total is a point below its threshold.
  if (wanted === standing?.kind || (wanted !== 'news2_emergency' && standing?.kind === 'news2_emergency' && total >= 6)) return standing;
  if (standing !== undefined) {
    const { alarm, kind } = standing;
    add(t * 1000 + 8, `ac${n}`, (ref) => ({ type: 'alarm.cleared', alarm, kind, because: ref(`r${n}`) }));
  }
  if (wanted === undefined) return undefined;
  const [priority, message] = ALARMS[wanted];
  const alarm = uuid(`alarm ${n}`);
  add(t * 1000 + 9, `al${n}`, (ref) => ({ type: 'alarm.raised', alarm, kind: wanted, priority, message: message(total), because: ref(`r${n}`) }));
  return { alarm, kind: wanted };
}

function reportTexts(ref) {
  const worst = 'r21';
  const sentence = (text, ...keys) => ({ text, sources: keys.map(ref) });
  return [
    {
      language: 'pt', title: 'Resumo da consulta',
      sections: [
        { heading: 'Queixas', sentences: [
          sentence('Disse: «Estou com tosse e febre há três dias.»', 'u1'),
          sentence('Disse ter dor do lado direito do peito, sobretudo ao respirar fundo.', 'u2', 'u3'),
          sentence('Disse ter falta de ar em repouso desde ontem à noite.', 'u4', 'u5'),
        ] },
        { heading: 'Medicamentos e alergias', sentences: [sentence('Disse tomar remédio para a tensão e ser alérgica à penicilina.', 'u7')] },
        { heading: 'Sinais vitais', sentences: [
          sentence('A saturação de oxigénio desceu até 90 %.', 'v17', 'v18'),
          sentence('O NEWS2 mais alto foi 13, risco clínico alto.', worst),
          sentence('Recebeu oxigénio suplementar.', 'v20'),
        ] },
        { heading: 'Plano comunicado', sentences: [sentence('Foi-lhe dito que iria para o hospital de ambulância.', 'u10', 'u10.t')] },
        { heading: 'Nota', sentences: [{ text: 'Este texto foi feito por máquina e não substitui a avaliação clínica.', sources: [] }] },
      ],
    },
    {
      language: 'en', title: 'Consultation summary',
      sections: [
        { heading: 'Complaints', sentences: [
          sentence('Said: “I have had a cough and fever for three days.”', 'u1', 'u1.t'),
          sentence('Reported pain on the right side of the chest, especially when breathing deeply.', 'u2', 'u3.t'),
          sentence('Reported being short of breath at rest since last night.', 'u4', 'u5.t'),
        ] },
        { heading: 'Medicines and allergies', sentences: [sentence('Reported taking medicine for blood pressure and being allergic to penicillin.', 'u7.t')] },
        { heading: 'Vital signs', sentences: [
          sentence('Oxygen saturation fell to 90 %.', 'v17', 'v18'),
          sentence('The highest NEWS2 was 13, high clinical risk.', worst),
          sentence('Supplemental oxygen was given.', 'v20'),
        ] },
        { heading: 'Plan as told', sentences: [sentence('Was told that an ambulance takes her to the hospital.', 'u10')] },
        { heading: 'Note', sentences: [{ text: 'This text was made by machine and does not replace clinical assessment.', sources: [] }] },
      ],
    },
  ];
}

add(0, 'start', { type: 'session.started', patient: 'PID-7731', languages: ['pt', 'en'], spo2_scale: 'scale1' });
add(1400, 'join.c', { type: 'participant.joined', participant: 'clinician', language: 'en' });
add(2000, 'join.p', { type: 'participant.joined', participant: 'patient', language: 'pt' });
TALK.forEach(speak);
monitor();
const noise = uuid('utterance noise');
add(44200, 'noise', { type: 'utterance.started', participant: 'patient', utterance: noise, at_ms: 42200 });
add(45300, 'noise.d', { type: 'caption.dropped', participant: 'patient', utterance: noise, span: { start_ms: 42200, end_ms: 43000 }, reason: 'no_speech' });
const image = uuid('image');
add(60200, 'image', { type: 'image.received', image, bytes: 7614208, sha256: sha('image as received') });
add(61100, 'image.ready', {
  type: 'image.ready', image, format: 'application/dicom', width: 1760, height: 2140, frames: 1, modality: 'DX', body_part: 'CHEST',
  elements_deidentified: 37, sha256: sha('image de-identified'), burned_in_text_possible: true,
});
add(63500, 'chat', { type: 'chat.message', participant: 'clinician', language: 'en', text: 'Film from this morning received: portable, AP.' });
add(84500, 'restart', { type: 'actor.restarted', component: 'audio_track', restarts: 1 });
add(86000, 'error', { type: 'error.raised', component: 'speak', error: { code: 'overloaded', queue: 'speech synthesis', retry_after_ms: 400 } });
add(101000, 'report.request', { type: 'report.requested', languages: [] });
add(101900, 'report', (ref) => ({
  type: 'report.ready', up_to: ref('report.request'), texts: reportTexts(ref),
  provenance: template([...Array(11).keys()].map((i) => ref(`u${i}`)).concat(ref('v18'), ref('r21'))),
}));
// Still being said when the log stops.
speak([116.5, 'patient', 'pt', 'Obrigada, doutora. A minha filha vai comigo, ela está'], 12);

plan.sort((a, b) => a.t - b.t);
const kept = plan.filter((p) => p.t <= 120_000);
const seqs = new Map(kept.map((p, i) => [p.key, i + 1]));
const ref = (key) => {
  const seq = seqs.get(key);
  if (seq === undefined) throw new Error(`no event ${key}`);
  return seq;
};
const lines = kept.map((p, i) => JSON.stringify({ v: 1, session: SESSION, seq: i + 1, at: new Date(START + p.t).toISOString(), ...p.body(ref) }));
writeFileSync(new URL('../fixtures/consultation.ndjson', import.meta.url), `${lines.join('\n')}\n`);
console.log(`${lines.length} events`);
