/** What an alarm says of itself, and what is read out when something becomes of it. Pure. */
import { isTechnical, silentUntil } from '../state/alarms';
import type { AlarmEntry } from '../state/model';
import { CLEAR_REASON, clockTime, PRIORITY_NAME, speakerName } from './format';

/** Told apart in words, since colours and drawings are not seen by everybody. */
export function className(entry: AlarmEntry): string {
  return isTechnical(entry.raised.value) ? 'Technical' : 'Clinical';
}

/** What has become of it, the newest last: a line each. */
export function statusLines(entry: AlarmEntry, now: number): string[] {
  const { escalated, latched, acknowledged, cleared } = entry;
  const silent = silentUntil(entry, now);
  return [
    escalated !== undefined && calledAgain(escalated),
    latched !== undefined && cleared === undefined && `Condition over since ${clockTime(latched.at)}: stands until it is acknowledged`,
    acknowledged !== undefined && `Acknowledged ${clockTime(acknowledged.at)} by ${speakerName(acknowledged.by)}`,
    silent !== undefined && entry.silenced !== undefined && `Sound off until ${clockTime(silent)}, by ${speakerName(entry.silenced.by)}`,
    cleared !== undefined && `Cleared ${clockTime(cleared.at)}${cleared.reason === undefined ? '' : `: ${CLEAR_REASON[cleared.reason]}`}`,
  ].filter((line) => line !== false);
}

/** The same for the record, where a silence that is over belongs, too. */
export function historyLines(entry: AlarmEntry): string[] {
  const { silenced } = entry;
  const lines = statusLines(entry, Infinity);
  if (silenced !== undefined) lines.unshift(`Sound off ${clockTime(silenced.at)} to ${clockTime(silenced.until)}, by ${speakerName(silenced.by)}`);
  return lines;
}

function calledAgain({ step, reason, at }: NonNullable<AlarmEntry['escalated']>): string {
  const times = step === 1 ? '' : ` (${step} times)`;
  const why = reason === 'worse' ? 'worse since it was acknowledged' : 'nobody had acknowledged it';
  return `Called again ${clockTime(at)}${times}: ${why}`;
}

export interface Saying {
  readonly text: string;
  /** Interrupts what is being read. */
  readonly urgent: boolean;
}

/** What to read out of a change. That an alarm was raised is read from the banner itself. */
export function saying(before: AlarmEntry | undefined, after: AlarmEntry): Saying | undefined {
  const { message, priority } = after.raised.value;
  const { escalated, cleared, acknowledged, latched, silenced } = after;
  if (cleared !== undefined) return before === undefined || before.cleared !== undefined ? undefined : { text: `Cleared: ${message}`, urgent: false };
  if (escalated !== undefined && escalated.seq !== before?.escalated?.seq) {
    return { text: `${PRIORITY_NAME[priority]} alarm calls again, ${escalated.step}: ${message}`, urgent: true };
  }
  if (acknowledged !== undefined && acknowledged.seq !== before?.acknowledged?.seq) return { text: `Acknowledged by ${speakerName(acknowledged.by)}: ${message}`, urgent: false };
  if (silenced !== undefined && silenced.seq !== before?.silenced?.seq) return { text: `Sound off until ${clockTime(silenced.until)}: ${message}`, urgent: false };
  if (latched !== undefined && before?.latched === undefined) return { text: `Condition over, waits for acknowledgement: ${message}`, urgent: false };
  return undefined;
}

/** When what `saying` says happened. */
export function newestAt({ raised, escalated, latched, acknowledged, silenced, cleared }: AlarmEntry): number {
  const stamps = [raised, escalated, latched, acknowledged, silenced, cleared].map((stamp) => Date.parse(stamp?.at ?? '') || 0);
  return Math.max(...stamps);
}
