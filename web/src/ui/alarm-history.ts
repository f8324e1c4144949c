/** Every alarm of the session, the newest first, and what people did about it. */
import { isTechnical, phaseOf } from '../state/alarms';
import type { AlarmEntry, SessionState } from '../state/model';
import { className, historyLines } from './alarm-words';
import { h, replace } from './dom';
import { clockTime, PRIORITY_NAME } from './format';
import type { Sources } from './sources';

export class AlarmHistory {
  readonly element = h('div', { class: 'alarm-history' });

  constructor(private readonly sources: Sources) {}

  render({ alarms }: SessionState): void {
    if (alarms.length === 0) {
      replace(this.element, h('p', { class: 'empty' }, 'No alarms in this session.'));
      return;
    }
    replace(this.element, h('ul', { class: 'alarm-list' }, ...alarms.toReversed().map((entry) => this.row(entry))));
  }

  private row(entry: AlarmEntry): HTMLElement {
    const { raised, cleared } = entry;
    const { priority, message, because } = raised.value;
    const lines = historyLines(entry);
    if (phaseOf(entry) === 'active') lines.push('Active');
    return h(
      'li',
      { 'data-priority': priority, 'data-state': phaseOf(entry), 'data-class': isTechnical(raised.value) ? 'technical' : 'clinical' },
      h('time', { datetime: raised.at }, clockTime(raised.at)),
      h(
        'div',
        {},
        h('p', {}, message),
        h('p', { class: 'fine' }, `${PRIORITY_NAME[priority]} · ${className(entry)} `, this.sources.chips([because, ...(cleared === undefined ? [] : [cleared.because])])),
        ...lines.map((line) => h('p', { class: 'fine' }, line)),
      ),
    );
  }
}
