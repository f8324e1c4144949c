/** Finds what a sequence number stands for on the page, for source chips and provenance. */
import type { Seq } from '@events';
import type { SessionState } from './model';
import { clockTime, speakerName } from '../ui/format';

export type Place = 'conversation' | 'vitals' | 'risk' | 'images' | 'report' | 'session';

export interface Located {
  readonly seq: Seq;
  readonly place: Place;
  /** Key of the element that shows it: a row, an image, a vital sample's time. */
  readonly key: string;
  readonly time: number;
  readonly summary: string;
}

export function locate(state: SessionState, seq: Seq): Located | undefined {
  return locateRow(state, seq) ?? locateSample(state, seq) ?? locateClinical(state, seq) ?? locateSession(state, seq);
}

function locateRow(state: SessionState, seq: Seq): Located | undefined {
  for (const row of state.rows) {
    const who = speakerName(row.participant);
    const found = (at: string, text: string): Located => ({
      seq,
      place: 'conversation',
      key: row.key,
      time: Date.parse(at),
      summary: `${who}, ${clockTime(at)}: “${text}”`,
    });
    if (row.kind === 'chat') {
      if (row.seq === seq) return found(row.at, row.text);
      continue;
    }
    if (row.seq === seq || row.final?.seq === seq) return found(row.at, row.committed);
    const translation = row.translations.find((t) => t.seq === seq);
    if (translation !== undefined) return found(translation.at, translation.value.text);
    const speech = row.speech.find((s) => s.seq === seq);
    if (speech !== undefined) return found(speech.at, 'spoken translation');
  }
  return undefined;
}

function locateSample(state: SessionState, seq: Seq): Located | undefined {
  const sample = state.samples.findLast((s) => s.seq === seq);
  if (sample === undefined) return undefined;
  const summary = `Monitor reading, ${clockTime(sample.time)}`;
  return { seq, place: 'vitals', key: String(sample.time), time: sample.time, summary };
}

function locateClinical(state: SessionState, seq: Seq): Located | undefined {
  const score = state.scores.findLast((s) => s.seq === seq);
  if (score !== undefined) {
    const summary = `NEWS2 ${score.value.total}, ${clockTime(score.at)}`;
    return { seq, place: 'risk', key: 'risk', time: Date.parse(score.at), summary };
  }
  const model = [state.otherScores, state.prediction].find((made) => made?.seq === seq);
  if (model !== undefined) {
    const what = model === state.prediction ? 'Learned risk' : 'Scores';
    return { seq, place: 'risk', key: 'risk', time: Date.parse(model.at), summary: `${what}, ${clockTime(model.at)}` };
  }
  const alarm = state.alarms.find((a) => a.raised.seq === seq || a.cleared?.seq === seq);
  if (alarm !== undefined) {
    const at = alarm.raised.at;
    return { seq, place: 'risk', key: 'risk', time: Date.parse(at), summary: `Alarm, ${clockTime(at)}` };
  }
  const image = state.images.find(
    (i) => i.received.seq === seq || i.ready?.seq === seq || i.findings.some((f) => f.seq === seq),
  );
  if (image !== undefined) {
    const at = image.received.at;
    const key = image.received.value.image;
    return { seq, place: 'images', key, time: Date.parse(at), summary: `Image, ${clockTime(at)}` };
  }
  return undefined;
}

function locateSession(state: SessionState, seq: Seq): Located | undefined {
  const at = [state.started, state.ended].find((s) => s?.seq === seq)?.at;
  if (at === undefined) return undefined;
  const summary = seq === state.started?.seq ? 'Session started' : 'Session ended';
  return { seq, place: 'session', key: 'session', time: Date.parse(at), summary: `${summary}, ${clockTime(at)}` };
}
