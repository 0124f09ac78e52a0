/** The order of the alarm list, and where suppressed alarms stand in it. */
import type { Alarm } from '../../lib/types';
import { isHolding, isSuppressed } from '../../live/bridge';

export interface Row {
  alarm: Alarm;
  /** Shown below the alarm that suppresses it. */
  child: boolean;
}

const rank = (alarm: Alarm): number => (alarm.state.startsWith('unacked') ? 0 : alarm.state === 'acked_active' || isHolding(alarm) ? 1 : 2);

/** Unacknowledged first, then those still active or holding others back, by priority; of one instant the first-out first. Ended ones by time. */
export function before(a: Alarm, b: Alarm): number {
  const ranks = rank(a) - rank(b);
  if (ranks) return ranks;
  const priorities = rank(a) < 2 ? a.priority - b.priority : 0;
  if (priorities) return priorities;
  return b.raised_ms - a.raised_ms || Number(b.first_out ?? false) - Number(a.first_out ?? false) || (a.id < b.id ? 1 : -1);
}

/** Rows in order: what a first-out suppresses directly below it, by the time it was raised. */
export function arrange(alarms: Alarm[], opened: ReadonlyMap<string, Alarm[]>, nest: boolean): Row[] {
  const known = new Set(alarms.map((a) => a.id));
  const below = new Map<string, Alarm[]>();
  const top: Alarm[] = [];
  for (const alarm of alarms) {
    const cause = nest && isSuppressed(alarm) ? alarm.suppressed_by?.id : undefined;
    if (cause !== undefined && known.has(cause)) below.set(cause, [...(below.get(cause) ?? []), alarm]);
    else top.push(alarm);
  }
  return top.sort(before).flatMap((alarm) => {
    const children = below.get(alarm.id) ?? opened.get(alarm.id)?.filter((a) => !known.has(a.id)) ?? [];
    const sorted = [...children].sort((a, b) => a.raised_ms - b.raised_ms || (a.id < b.id ? -1 : 1));
    return [{ alarm, child: false }, ...sorted.map((a) => ({ alarm: a, child: true }))];
  });
}
