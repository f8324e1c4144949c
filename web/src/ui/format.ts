/** Words and numbers as a clinician reads them. Pure. */
import type { AlarmClearReason, AlarmPriority, Component, ImageFormat, Language, MonitorProtocol, RiskBand, ScoreName } from '@events';

const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const clockShort = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });
const day = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' });

export function clockTime(at: string | number): string {
  return clock.format(new Date(at));
}

export function clockMinutes(at: string | number): string {
  return clockShort.format(new Date(at));
}

export function dayTime(at: string | number): string {
  return day.format(new Date(at));
}

/** Age of a value: `now`, `12 s`, `3 min`, `2 h`. */
export function age(ms: number): string {
  const s = Math.max(0, Math.round(ms / 1_000));
  if (s < 5) return 'now';
  if (s < 60) return `${s} s ago`;
  if (s < 3_600) return `${Math.floor(s / 60)} min ago`;
  return `${Math.floor(s / 3_600)} h ago`;
}

/** `4:07`, `1:04:07`. */
export function elapsed(ms: number): string {
  const s = Math.max(0, Math.floor(ms / 1_000));
  const pad = (n: number): string => String(n).padStart(2, '0');
  const [hours, minutes] = [Math.floor(s / 3_600), Math.floor(s / 60) % 60];
  return hours > 0 ? `${hours}:${pad(minutes)}:${pad(s % 60)}` : `${minutes}:${pad(s % 60)}`;
}

export function bytes(count: number): string {
  if (count < 1_024) return `${count} B`;
  if (count < 1_024 ** 2) return `${Math.round(count / 1_024)} KiB`;
  return `${(count / 1_024 ** 2).toFixed(1)} MiB`;
}

export function primary(language: Language): string {
  return language.split('-')[0]?.toLowerCase() ?? '';
}

export function sameLanguage(a: Language, b: Language): boolean {
  return primary(a) === primary(b);
}

/** The language's name in itself: patients read it too. */
export function languageName(language: Language): string {
  try {
    const name = new Intl.DisplayNames([language], { type: 'language' }).of(language) ?? language;
    return name.charAt(0).toLocaleUpperCase(language) + name.slice(1);
  } catch {
    return language;
  }
}

export function speakerName(participant: string): string {
  const words = participant.replaceAll(/[-_]+/g, ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

export const BAND_NAME: Record<RiskBand, string> = {
  low: 'Low',
  low_medium: 'Low–medium',
  medium: 'Medium',
  high: 'High',
};

/** Thresholds and triggers of NEWS2 (Royal College of Physicians, 2017, chart 2). */
export const BAND_RESPONSE: Record<RiskBand, string> = {
  low: 'Ward-based response',
  low_medium: 'One parameter scores 3: urgent ward-based response',
  medium: 'Key threshold for urgent response',
  high: 'Urgent or emergency response',
};

export const PRIORITY_NAME: Record<AlarmPriority, string> = {
  low: 'Low priority',
  medium: 'Medium priority',
  high: 'High priority',
};

export const CLEAR_REASON: Record<AlarmClearReason, string> = {
  condition_over: 'condition over',
  superseded: 'another took its place',
  acknowledged: 'condition over and acknowledged',
  monitoring_changed: 'monitoring was changed',
};

/** Short, and in full. */
export const SCORE_NAME: Record<ScoreName, readonly [string, string]> = {
  news2: ['NEWS2', 'National Early Warning Score 2'],
  mews: ['MEWS', 'Modified Early Warning Score'],
  qsofa: ['qSOFA', 'Quick sequential organ failure assessment'],
  sirs: ['SIRS', 'Systemic inflammatory response syndrome'],
  shock_index: ['Shock index', 'Pulse by systolic pressure'],
  pews: ['PEWS', 'Bedside Paediatric Early Warning Score'],
};

export const PARAMETER_NAME: Record<string, string> = {
  respiratory_rate: 'Respiration',
  spo2: 'SpO₂',
  supplemental_oxygen: 'Air or oxygen',
  systolic_bp: 'Systolic BP',
  heart_rate: 'Pulse',
  consciousness: 'Consciousness',
  temperature: 'Temperature',
  diastolic_bp: 'Diastolic BP',
  mean_bp: 'Mean BP',
  white_cells: 'White cells',
  capillary_refill: 'Capillary refill',
  respiratory_effort: 'Respiratory effort',
  fio2: 'FiO₂',
  ph: 'pH',
  paco2: 'PaCO₂',
  sao2: 'SaO₂',
  ast: 'AST',
  ptt: 'PTT',
};

export function parameterName(parameter: string): string {
  return PARAMETER_NAME[parameter] ?? parameter.replaceAll('_', ' ');
}

export const COMPONENT_NAME: Record<Component, string> = {
  session: 'Session',
  audio_track: 'Audio',
  interpreter: 'Interpreter',
  vitals: 'Vitals',
  imaging: 'Imaging',
  scribe: 'Report',
  transcribe: 'Speech recognition',
  translate: 'Translation',
  speak: 'Speech synthesis',
  deterioration: 'Learned risk',
};

export const FORMAT_NAME: Record<ImageFormat, string> = {
  'application/dicom': 'DICOM',
  'image/png': 'PNG',
  'image/jpeg': 'JPEG',
};

export const PROTOCOL_NAME: Record<MonitorProtocol, string> = {
  hl7_v2: 'HL7 v2',
  fhir: 'FHIR',
  kafka: 'Kafka',
  websocket: 'WebSocket',
  http: 'HTTP',
};

export function shortHash(sha256: string): string {
  return sha256.slice(0, 12);
}

/** A chance in percent, no more exact than it can be: `<0.1 %`, `3.1 %`, `31 %`. */
export function chance(probability: number): string {
  const percent = probability * 100;
  if (percent < 0.1) return '<0.1 %';
  if (percent > 99) return '>99 %';
  return `${percent < 9.95 ? percent.toFixed(1) : percent.toFixed(0)} %`;
}
