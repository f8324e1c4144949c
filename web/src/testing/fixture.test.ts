/** The fixture speaks the vocabulary of the server, or every other test here would prove nothing. */
import { readFileSync } from 'node:fs';
import addFormats from 'ajv-formats';
import Ajv from 'ajv/dist/2020';
import { describe, expect, it } from 'vitest';
import { callLines, fixtureLines } from './fixture';
import { clinicalScore, Told } from './session';

const schema = new URL('../../../protocols/events/generated/event.schema.json', import.meta.url);

function validator(): ReturnType<Ajv['compile']> {
  const ajv = new Ajv();
  addFormats(ajv);
  // Widths of Rust's integers: JSON has only numbers, and the schema bounds those that must be.
  for (const name of ['uint8', 'uint16', 'uint32', 'uint64']) {
    ajv.addFormat(name, { type: 'number', validate: (n) => Number.isInteger(n) && n >= 0 });
  }
  return ajv.compile(JSON.parse(readFileSync(schema, 'utf8')) as object);
}

describe('the fixture', () => {
  const validate = validator();

  it.each([
    ['consultation', fixtureLines, 207],
    ['call', callLines, 69],
  ] as const)('of a %s has only events of the schema, numbered from one without a hole', (_, lines, count) => {
    const wrong = lines.flatMap((line, i) => {
      const event = JSON.parse(line) as { seq: number };
      const problems = validate(event) ? [] : [JSON.stringify(validate.errors)];
      return event.seq === i + 1 ? problems : [...problems, `line ${i + 1} is event ${event.seq}`];
    });
    expect(wrong).toEqual([]);
    expect(lines).toHaveLength(count);
  });

  it('that tests write event by event has only events of the schema', () => {
    const told = new Told();
    const wrong: unknown[] = [];
    told.onSaid = (event) => { if (!validate(event)) wrong.push([event.type, validate.errors]); };
    told.observe();
    told.predict();
    told.say({ type: 'scores.computed', scores: [clinicalScore({ missing: ['temperature'] })], because: 1 });
    told.raise('00000000-0000-7000-8000-00000000000a', { kind: 'limit_low', parameter: 'spo2', value: 84, limit: 85, latching: true });
    const alarm = told.state.alarms[0]?.raised.value.alarm ?? '';
    told.say({ type: 'alarm.latched', alarm, because: 1 });
    told.say({ type: 'alarm.silenced', alarm, by: 'nurse', seconds: 120 });
    told.say({ type: 'alarm.escalated', alarm, step: 1, reason: 'worse', because: 1 });
    told.say({ type: 'alarm.acknowledged', alarm, by: 'nurse' });
    told.clear(alarm, 'limit_low');
    expect(wrong).toEqual([]);
    expect(told.state.head).toBe(9);
  });

  it('would fail with a field missing, a wrong type or an unknown event', () => {
    const caption = JSON.parse(fixtureLines.find((line) => line.includes('"caption.final"')) ?? '') as Record<string, unknown>;
    expect(validate(caption)).toBe(true);
    expect(validate({ ...caption, text: undefined })).toBe(false);
    expect(validate({ ...caption, latency_ms: '780' })).toBe(false);
    expect(validate({ ...caption, type: 'caption.guess' })).toBe(false);
  });
});
