// @vitest-environment happy-dom
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { CommandError, type Connection } from '../net/connection';
import { present } from '../testing/fixture';
import { START, Told } from '../testing/session';
import { Alarms } from './alarms';
import { clockTime } from './format';
import { Popover, Tooltip } from './popover';
import { Sources } from './sources';

interface Sent {
  readonly command: object;
  accept(seq: number): Promise<void>;
  refuse(error: Error): Promise<void>;
}

let told: Told;
let alarms: Alarms;
let sent: Sent[];

async function settled(): Promise<void> {
  for (let i = 0; i < 5; i++) await Promise.resolve();
}

const connection: Pick<Connection, 'send'> = {
  send: (command) =>
    new Promise((resolve, reject) => {
      sent.push({
        command,
        accept: (seq) => { resolve(seq); return settled(); },
        refuse: (error) => { reject(error); return settled(); },
      });
    }),
};

const rows = (): HTMLElement[] => [...alarms.element.querySelectorAll<HTMLElement>('[data-testid="alarm"]')];
const row = (): HTMLElement => present(rows()[0]);
const control = (what: 'acknowledge' | 'silence', of = row()): HTMLButtonElement => present(of.querySelector<HTMLButtonElement>(`[data-testid="alarm-${what}"]`));
const text = (testid: string): string => present(alarms.element.querySelector(`[data-testid="${testid}"]`)).textContent;

beforeEach(() => {
  told = new Told();
  sent = [];
  const sources = new Sources(told.store, new Popover(), new Tooltip());
  alarms = new Alarms(told.store, sources, connection, () => ({ participant: 'clinician' }), () => told.now);
  document.body.replaceChildren(alarms.element, alarms.history);
});

describe('answering an alarm', () => {
  it('sends who acknowledges it, and shows so only once it is recorded', async () => {
    told.raise('a');
    control('acknowledge').click();
    expect(present(sent[0]).command).toEqual({ command: 'alarm.acknowledge', participant: 'clinician', alarm: 'a' });
    expect([control('acknowledge').disabled, control('silence').disabled]).toEqual([true, true]);
    await present(sent[0]).accept(2);
    expect(control('acknowledge').disabled, 'accepted, and its event is not here yet').toBe(true);
    expect(row().dataset.state).toBe('active');
    told.say({ type: 'alarm.acknowledged', alarm: 'a', by: 'clinician' });
    expect(row().dataset.state).toBe('acknowledged');
    expect(row().textContent).toContain(`Acknowledged ${clockTime(START)} by Clinician`);
    expect([control('acknowledge').hidden, control('silence').hidden]).toEqual([true, true]);
  });

  it('is possible anew when the event came before the server’s word', async () => {
    told.raise('a');
    control('silence').click();
    const seq = told.say({ type: 'alarm.silenced', alarm: 'a', by: 'clinician', seconds: 120 });
    expect(control('silence').disabled).toBe(true);
    await present(sent[0]).accept(seq);
    expect(control('silence').disabled).toBe(false);
  });

  it('takes no second press while the first is under way', () => {
    told.raise('a');
    control('acknowledge').click();
    control('acknowledge').click();
    control('silence').click();
    expect(sent).toHaveLength(1);
  });

  it('silences for no longer than the server allows', () => {
    told.raise('a');
    control('silence').click();
    expect(present(sent[0]).command).toEqual({ command: 'alarm.silence', participant: 'clinician', alarm: 'a', seconds: 120 });
    expect(control('silence').textContent).toBe('Silence 2 min');
  });

  it('shows a refusal with its reason, says it, and can be tried again', async () => {
    told.raise('a');
    control('acknowledge').click();
    await present(sent[0]).refuse(new CommandError('No such standing alarm in this session.'));
    expect(text('alarm-refusal')).toBe('Not acknowledged. No such standing alarm in this session.');
    expect(text('alarm-called')).toBe(text('alarm-refusal'));
    expect(control('acknowledge').disabled).toBe(false);
    control('acknowledge').click();
    expect([sent.length, text('alarm-refusal')]).toEqual([2, '']);
  });

  it('leaves the focus at the alarm while its control is away, and gives it back', async () => {
    told.raise('a');
    control('acknowledge').focus();
    control('acknowledge').click();
    expect(document.activeElement).toBe(row());
    await present(sent[0]).refuse(new CommandError('There is no connection.'));
    expect(document.activeElement).toBe(control('acknowledge'));
    control('acknowledge').click();
    await present(sent[1]).accept(told.say({ type: 'alarm.acknowledged', alarm: 'a', by: 'clinician' }));
    expect(document.activeElement).toBe(row());
  });

  it('keeps the focus at an alarm that makes way for one that stands', () => {
    told.raise('a', { latching: true });
    told.raise('b', { priority: 'low' });
    control('acknowledge').focus();
    told.say({ type: 'alarm.acknowledged', alarm: 'a', by: 'clinician' });
    told.say({ type: 'alarm.cleared', alarm: 'a', kind: 'limit_low', because: 1, reason: 'acknowledged' });
    expect(rows().map((r) => r.dataset.state)).toEqual(['active', 'cleared']);
    expect(document.activeElement).toBe(rows()[1]);
  });

  it('is over with the session', () => {
    told.raise('a');
    told.say({ type: 'session.ended', reason: 'ended' });
    expect([control('acknowledge').hidden, control('silence').hidden]).toEqual([true, true]);
  });
});

describe('the banner', () => {
  it('tells alarms about the equipment in words', () => {
    told.raise('a');
    told.raise('b', { kind: 'sensor_off', class: 'technical', priority: 'low', message: 'SpO₂ is no longer measured: check the sensor' });
    expect(rows().map((r) => r.querySelector('.alarm-class')?.textContent)).toEqual(['Clinical', 'Technical']);
    expect(rows().map((r) => r.getAttribute('aria-label'))).toEqual(['Clinical alarm: Alarm a', 'Technical alarm: SpO₂ is no longer measured: check the sensor']);
  });

  it('says until when a sound is off, and stops saying so then', () => {
    told.raise('a');
    told.say({ type: 'alarm.silenced', alarm: 'a', by: 'nurse', seconds: 60 });
    expect(row().textContent).toContain(`Sound off until ${clockTime(START + 60_000)}, by Nurse`);
    told.wait(60);
    alarms.tick();
    expect(row().textContent).not.toContain('Sound off');
    expect(row().hasAttribute('data-silent')).toBe(false);
  });

  it('shows an alarm whose condition is over as one that waits to be seen', () => {
    told.raise('a', { latching: true });
    told.say({ type: 'alarm.latched', alarm: 'a', because: 1 });
    expect(row().dataset.state).toBe('latched');
    expect(row().textContent).toContain('stands until it is acknowledged');
    expect(control('acknowledge').hidden).toBe(false);
  });

  it('asks again for an answer when the patient got worse', () => {
    told.raise('a');
    told.say({ type: 'alarm.acknowledged', alarm: 'a', by: 'nurse' });
    told.say({ type: 'alarm.escalated', alarm: 'a', step: 1, reason: 'worse', because: 1 });
    expect(row().dataset.state).toBe('active');
    expect(row().textContent).toContain(`Called again ${clockTime(START)}: worse since it was acknowledged`);
    expect(control('acknowledge').hidden).toBe(false);
  });

  it('keeps the same element for an alarm, so that only what is new is read out', () => {
    told.raise('a');
    const element = row();
    told.say({ type: 'alarm.acknowledged', alarm: 'a', by: 'nurse' });
    told.clear('a');
    expect(row()).toBe(element);
  });

  it('moves a cleared alarm out of the way of those that stand, which stay where they are', () => {
    told.raise('a', { priority: 'high' });
    told.raise('b');
    told.raise('c');
    const [first, second, third] = rows();
    const banner = present(first?.parentElement);
    const [moved, put] = [vi.spyOn(banner, 'append'), vi.spyOn(banner, 'insertBefore')];
    told.clear('a');
    expect([second, third, first].map((r, i) => r === rows()[i])).toEqual([true, true, true]);
    expect(new Set(moved.mock.calls.flat())).toEqual(new Set([first]));
    expect(put).not.toHaveBeenCalled();
  });

  it('shows a cleared alarm with its reason for a while', () => {
    told.raise('a');
    told.clear('a');
    expect(row().textContent).toContain('condition over');
    told.wait(31);
    alarms.tick();
    expect(rows()).toEqual([]);
  });
});

describe('a screen reader', () => {
  it('is told politely what people did, and at once when an alarm calls again', () => {
    told.raise('a');
    told.say({ type: 'alarm.silenced', alarm: 'a', by: 'nurse', seconds: 60 });
    expect(text('alarm-said')).toBe(`Sound off until ${clockTime(START + 60_000)}: Alarm a`);
    told.say({ type: 'alarm.escalated', alarm: 'a', step: 1, reason: 'unacknowledged', because: 1 });
    expect(text('alarm-called')).toBe('Medium priority alarm calls again, 1: Alarm a');
    told.say({ type: 'alarm.acknowledged', alarm: 'a', by: 'nurse' });
    expect(text('alarm-said')).toBe('Acknowledged by Nurse: Alarm a');
  });

  it('is told of all alarms that one answer was about', () => {
    told.raise('a');
    told.raise('b');
    told.say({ type: 'alarm.silenced', by: 'nurse', seconds: 60 });
    expect(text('alarm-said')).toMatch(/Alarm a\. .*Alarm b$/);
  });

  it('is not told what happened long before the page was opened', () => {
    told.raise('a');
    told.say({ type: 'alarm.acknowledged', alarm: 'a', by: 'nurse' });
    told.wait(60);
    const later = new Alarms(told.store, new Sources(told.store, new Popover(), new Tooltip()), connection, () => ({ participant: 'clinician' }), () => told.now);
    expect(present(later.element.querySelector('[data-testid="alarm-said"]')).textContent).toBe('');
  });
});

describe('the list of all alarms', () => {
  it('keeps who answered, when a silence was, and why an alarm is over', () => {
    told.raise('a', { kind: 'no_data', class: 'technical' });
    told.say({ type: 'alarm.silenced', alarm: 'a', by: 'nurse', seconds: 60 });
    told.say({ type: 'alarm.acknowledged', alarm: 'a', by: 'clinician' });
    told.wait(600);
    told.clear('a', 'no_data');
    const item = present(alarms.history.querySelector('li')).textContent;
    expect(item).toContain('Medium priority · Technical');
    expect(item).toContain(`Sound off ${clockTime(START)} to ${clockTime(START + 60_000)}, by Nurse`);
    expect(item).toContain(`Acknowledged ${clockTime(START)} by Clinician`);
    expect(item).toContain(`Cleared ${clockTime(START + 600_000)}: condition over`);
    expect(item).not.toContain('Active');
  });
});
