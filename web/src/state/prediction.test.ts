import { beforeEach, describe, expect, it } from 'vitest';
import { START, Told } from '../testing/session';
import { BEHIND_MS, staleness } from './prediction';

let told: Told;
const stale = (): ReturnType<typeof staleness> => staleness(told.state, told.now);

beforeEach(() => {
  told = new Told();
});

describe('what the learned model expects', () => {
  it('holds for the hours that it speaks of', () => {
    expect(stale()).toBeUndefined();
    told.observe();
    told.predict();
    told.wait(6 * 3_600);
    expect(stale()).toBeUndefined();
    told.wait(1);
    expect(stale()).toEqual({ why: 'over' });
    told.predict();
    expect(stale()).toBeUndefined();
  });

  it('is out of date when measurements have gone without an answer', () => {
    told.observe();
    told.predict();
    told.wait(BEHIND_MS / 1_000);
    told.observe();
    expect(stale()).toBeUndefined();
    told.wait(1);
    told.observe();
    expect(stale()).toEqual({ why: 'behind', newest: START + BEHIND_MS + 1_000 });
  });

  it('does not wait for an answer to what the model is not told', () => {
    told.observe();
    told.predict();
    told.wait(3_600);
    told.observe({ consciousness: 'voice', supplemental_oxygen: true });
    expect(stale()).toBeUndefined();
  });

  it('is read as it stood when the session ended', () => {
    told.predict();
    told.wait(60);
    told.say({ type: 'session.ended', reason: 'ended' });
    told.wait(24 * 3_600);
    expect(stale()).toBeUndefined();
  });
});
