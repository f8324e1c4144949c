/** The vital signs that are drawn: how they are called, in which unit, and how much room they need. */
import type { NumericVital } from '../state/series';

export interface VitalSpec {
  readonly id: string;
  readonly label: string;
  /** Where there is no room. */
  readonly short: string;
  readonly unit: string;
  /** The first is the one that NEWS2 scores. */
  readonly fields: readonly [NumericVital, ...NumericVital[]];
  readonly decimals: number;
  /** The axis never shows less than this many units. */
  readonly minSpan: number;
}

export const VITALS: readonly VitalSpec[] = [
  { id: 'hr', label: 'Heart rate', short: 'HR', unit: '/min', fields: ['heart_rate'], decimals: 0, minSpan: 40 },
  { id: 'spo2', label: 'SpO₂', short: 'SpO₂', unit: '%', fields: ['spo2'], decimals: 0, minSpan: 10 },
  { id: 'rr', label: 'Respiration', short: 'RR', unit: '/min', fields: ['respiratory_rate'], decimals: 0, minSpan: 14 },
  { id: 'bp', label: 'Blood pressure', short: 'BP', unit: 'mmHg', fields: ['systolic_bp', 'diastolic_bp'], decimals: 0, minSpan: 60 },
  { id: 'temp', label: 'Temperature', short: 'Temp', unit: '°C', fields: ['temperature'], decimals: 1, minSpan: 2 },
];

export const FIELDS: readonly NumericVital[] = VITALS.flatMap((spec) => spec.fields);

/** `118`, `104/66`; `–` where there is none. */
export function readingText(values: readonly (number | null | undefined)[], decimals: number): string {
  const text = (value: number | null | undefined): string => (value == null ? '–' : value.toFixed(decimals));
  return values.every((v) => v == null) ? '–' : values.map(text).join('/');
}
