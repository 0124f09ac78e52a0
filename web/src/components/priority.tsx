import { useTranslation } from 'react-i18next';
import type { Counts, Priority } from '../lib/types';

const SHAPES: Record<Priority, string> = {
  1: 'M10 2 L18.5 17 L1.5 17 Z',
  2: 'M10 1 L19 10 L10 19 L1 10 Z',
  3: 'M10 2 A8 8 0 1 1 9.99 2 Z',
  4: 'M3 3 H17 V17 H3 Z',
};
export const PRIORITIES: Priority[] = [1, 2, 3, 4];

interface MarkProps {
  priority: Priority;
  /** Acknowledged or cleared: outline only. */
  hollow?: boolean;
  none?: boolean;
  blink?: boolean;
  size?: number;
}

/** Shape, number and colour of an alarm priority, readable without the colour. */
export function PriorityMark({ priority, hollow, none, blink, size = 18 }: MarkProps) {
  const { t } = useTranslation('common');
  return (
    <svg
      className={`hw-priority hw-p${priority}${blink ? ' hw-blink' : ''}`} data-hollow={hollow || none} data-none={none}
      width={size} height={size} viewBox="0 0 20 20" role="img" aria-label={t('common:priority.name', { n: priority })}
    >
      <path className="shape" d={SHAPES[priority]} />
      <text x="10" y={priority === 1 ? 15.5 : 13.6}>{priority}</text>
    </svg>
  );
}

/** Nothing active, but not everything acknowledged: a neutral dashed ring where words have no room. */
function Returned({ n, brief }: { n: number; brief: boolean }) {
  const { t } = useTranslation('common');
  const words = t('common:unacked', { n });
  if (!brief) return <span className="hw-count hw-muted">{words}</span>;
  return (
    <span className="hw-count hw-muted" role="img" aria-label={words} title={words}>
      <svg width="16" height="16" viewBox="0 0 20 20" aria-hidden="true">
        <circle cx="10" cy="10" r="7.5" fill="none" stroke="currentColor" strokeWidth="2" strokeDasharray="4 3" />
      </svg>
      <span className="hw-num">{n}</span>
    </span>
  );
}

/** Worst priority that has alarms, with the count of all: what a tree node (`brief`) or tile shows. */
export function WorstMark({ active, unacked, brief = false }: { active: Counts; unacked: number; brief?: boolean }) {
  const worst = PRIORITIES.find((p) => active[p - 1]);
  const total = active.reduce((a, b) => a + b, 0);
  if (!worst) return unacked ? <Returned n={unacked} brief={brief} /> : null;
  return (
    <span className={`hw-count hw-p${worst}`}>
      <PriorityMark priority={worst} hollow={!unacked} blink={unacked > 0} size={16} />
      <span className="hw-num">{total}</span>
    </span>
  );
}
