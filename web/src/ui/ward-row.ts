/** One patient of the ward: risk, newest values with their age, the last half hour, alarms. */
import type { WardAlarm, WardValue, WardVitals } from '@events';
import { serverNow } from '../net/api';
import { alarmsOf, type Patient } from '../state/ward';
import { h, setAttribute, setText } from './dom';
import { age, BAND_NAME } from './format';
import { sessionHref } from './session-href';
import type { RowView } from './virtual-list';
import { drawTrend } from './ward-trend';

export const ROW_PX = 58;

/** Older than this and a value no longer describes the patient. */
const STALE_MS = 5 * 60_000;
/** The trend moves left by a pixel in about this time. */
const TREND_REDRAW_MS = 15_000;

interface Column {
  readonly id: string;
  readonly label: string;
  readonly unit: string;
  readonly read: (vitals: WardVitals) => { readonly text: string; readonly at: string } | undefined;
}

function numeric(value: WardValue<number> | undefined, decimals = 0): { text: string; at: string } | undefined {
  return value === undefined ? undefined : { text: value.value.toFixed(decimals), at: value.at };
}

export const COLUMNS: readonly Column[] = [
  { id: 'hr', label: 'Heart rate', unit: '/min', read: (v) => numeric(v.heart_rate) },
  { id: 'rr', label: 'Respiration', unit: '/min', read: (v) => numeric(v.respiratory_rate) },
  { id: 'spo2', label: 'SpO₂', unit: '%', read: (v) => numeric(v.spo2) },
  {
    id: 'bp',
    label: 'Blood pressure',
    unit: 'mmHg',
    read: ({ systolic_bp: systolic, diastolic_bp: diastolic }) =>
      systolic === undefined ? undefined : { text: `${systolic.value.toFixed(0)}/${diastolic?.value.toFixed(0) ?? '–'}`, at: systolic.at },
  },
  { id: 'temp', label: 'Temperature', unit: '°C', read: (v) => numeric(v.temperature, 1) },
];

interface Cell {
  readonly column: Column;
  readonly element: HTMLElement;
  readonly value: HTMLElement;
  readonly age: HTMLElement;
}

export class WardRowView implements RowView<Patient> {
  readonly element: HTMLElement;
  private readonly badge = h('span', { class: 'ward-score' });
  private readonly band = h('span', { class: 'sub' });
  private readonly link = h('a', { class: 'ward-link' });
  private readonly sub = h('span', { class: 'sub' });
  private readonly cells: readonly Cell[];
  private readonly trend = h('canvas', { class: 'ward-trend', role: 'img' });
  private readonly alarms = h('div', { class: 'ward-alarms', role: 'cell', 'data-testid': 'ward-alarms' });
  private patient: Patient;
  private drawnAt = 0;

  constructor(patient: Patient) {
    this.patient = patient;
    this.cells = COLUMNS.map((column) => {
      const value = h('span', { class: 'ward-value' });
      const ageText = h('span', { class: 'age' });
      return { column, value, age: ageText, element: h('div', { class: 'ward-cell', role: 'cell', 'data-vital': column.id }, value, ageText) };
    });
    this.element = h(
      'div',
      { class: 'ward-row', role: 'row', 'data-testid': 'ward-row' },
      h('div', { class: 'ward-risk', role: 'cell' }, this.badge, this.band),
      h('div', { class: 'ward-patient', role: 'rowheader' }, this.link, this.sub),
      ...this.cells.map((cell) => cell.element),
      h('div', { class: 'ward-cell', role: 'cell' }, this.trend),
      this.alarms,
    );
    this.update(patient);
  }

  update(patient: Patient): void {
    const { row } = patient;
    const moved = patient.heartRate !== this.patient.heartRate || patient.news2 !== this.patient.news2;
    this.patient = patient;
    setText(this.link, row.patient);
    setAttribute(this.link, 'href', sessionHref(row.session));
    this.showScore();
    for (const { column, element, value } of this.cells) {
      const read = column.read(row.vitals);
      setText(value, read?.text ?? '–');
      setAttribute(element, 'data-missing', read === undefined);
    }
    this.showAlarms();
    this.showAges();
    if (moved || this.drawnAt === 0) this.draw();
  }

  /** Once a second. */
  tick(): void {
    this.showAges();
    if (serverNow() - this.drawnAt > TREND_REDRAW_MS) this.draw();
  }

  recolour(): void {
    this.draw();
  }

  private showScore(): void {
    const score = this.patient.row.news2;
    setAttribute(this.badge, 'data-band', score?.band);
    setText(this.badge, score === undefined ? '–' : `${score.missing > 0 ? '≥' : ''}${score.total}`);
    setAttribute(this.badge, 'aria-label', score === undefined ? 'Not scored yet' : `NEWS2 ${score.missing > 0 ? 'at least ' : ''}${score.total}`);
    setText(this.band, score === undefined ? 'Not scored' : BAND_NAME[score.band]);
  }

  private showAlarms(): void {
    const { clinical, technical } = alarmsOf(this.patient.row);
    const first = clinical[0] ?? technical[0];
    setAttribute(this.element, 'data-alarm', first?.priority);
    // Without an alarm of their own the row is about the equipment: another stripe, and a word that says so.
    setAttribute(this.element, 'data-alarm-class', first === undefined ? undefined : clinical.length > 0 ? 'clinical' : 'technical');
    setText(this.alarms, alarmText(clinical, technical));
    const titles = [...clinical.map((a) => a.message), ...technical.map((a) => `Technical: ${a.message}`)];
    setAttribute(this.alarms, 'title', titles.length === 0 ? undefined : titles.join('\n'));
  }

  private showAges(): void {
    const now = serverNow();
    for (const { column, element, age: text } of this.cells) {
      const read = column.read(this.patient.row.vitals);
      const ms = read === undefined ? undefined : now - Date.parse(read.at);
      setText(text, ms === undefined ? column.unit : `${column.unit} · ${age(ms)}`);
      setAttribute(element, 'data-stale', ms !== undefined && ms > STALE_MS);
    }
    const { supplemental_oxygen: oxygen, consciousness } = this.patient.row.vitals;
    const { unit = '', room = '', bed = '' } = this.patient.row.location ?? {};
    const place = [unit, room, bed].filter((part) => part !== '').join(' ');
    const facts = [place !== '' && place, oxygen?.value === true && 'on oxygen', consciousness !== undefined && consciousness.value !== 'alert' && consciousness.value];
    setText(this.sub, facts.filter((fact) => fact !== false).join(' · '));
  }

  private draw(): void {
    this.drawnAt = serverNow();
    const { heartRate, news2, row } = this.patient;
    const rates = heartRate.map(([, rate]) => rate);
    const label = rates.length === 0 ? 'No trend yet' : `Heart rate over half an hour, ${Math.min(...rates).toFixed(0)} to ${Math.max(...rates).toFixed(0)}; NEWS2 now ${row.news2?.total ?? 'not scored'}`;
    setAttribute(this.trend, 'aria-label', label);
    drawTrend(this.trend, heartRate, news2, this.drawnAt);
  }
}

function alarmText(clinical: readonly WardAlarm[], technical: readonly WardAlarm[]): string {
  const some = (alarms: readonly WardAlarm[]): string => `${alarms[0]?.message ?? ''}${alarms.length > 1 ? ` +${alarms.length - 1}` : ''}`;
  if (clinical.length === 0) return technical.length === 0 ? '' : `Technical: ${some(technical)}`;
  return technical.length === 0 ? some(clinical) : `${some(clinical)} · ${technical.length} technical`;
}
