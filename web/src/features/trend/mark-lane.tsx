import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { PriorityMark } from '../../components/priority';
import { formatDateTime } from '../../lib/format';
import type { Lane, Mark } from './marks';

const NEAR_PX = 18;

interface Placed {
  mark: Mark;
  more: number;
}

/** Marks closer to each other than a mark is wide are drawn as one; the most urgent of them stays. */
function placed(marks: Mark[], from: number, to: number, width: number): Placed[] {
  const found: Placed[] = [];
  const x = (mark: Mark) => (width * (mark.from - from)) / (to - from);
  for (const mark of marks.filter((m) => m.from >= from && m.from <= to).sort((a, b) => a.from - b.from)) {
    const last = found.at(-1);
    if (!last || x(mark) - x(last.mark) > NEAR_PX) found.push({ mark, more: 0 });
    else {
      last.more += 1;
      if (mark.priority < last.mark.priority) last.mark = mark;
    }
  }
  return found;
}

function Point({ placed: { mark, more }, left }: { placed: Placed; left: number }) {
  const { t } = useTranslation('trend');
  const text = t(mark.to === null ? 'trend:mark.standing' : 'trend:mark.over', {
    title: mark.label, from: formatDateTime(mark.from), to: mark.to === null ? '' : formatDateTime(mark.to),
  });
  const title = `${text}${mark.note ? ` ${mark.note}` : ''}${more ? ` ${t('trend:mark.more', { n: more })}` : ''}`;
  const inner = (
    <>
      <PriorityMark priority={mark.priority} hollow={mark.hollow} size={16} />
      {more ? <small className="hw-num">{`+${more}`}</small> : null}
    </>
  );
  const common = { className: 'hw-mark', style: { left: `${left}%` }, title, 'data-testid': 'trend-mark', 'data-id': mark.id };
  return mark.href ? <Link {...common} to={mark.href} aria-label={title}>{inner}</Link> : <span {...common} role="img" aria-label={title}>{inner}</span>;
}

/** Rows of marks over the chart, on the same time axis; a bar lasts as long as its alarm. */
export function MarkLanes({ lanes, from, to, until, left, width }: {
  lanes: Lane[]; from: number; to: number; until: number; left: number; width: number;
}) {
  if (!width) return null;
  const share = (time: number) => Math.min(100, Math.max(0, (100 * (time - from)) / (to - from)));
  return (
    <div className="hw-lanes" style={{ marginLeft: left, width }}>
      {lanes.map((lane) => (
        <div key={lane.id} className="hw-lane" role="group" aria-label={lane.label} data-testid="trend-lane" data-lane={lane.id}>
          {lanes.length > 1 ? <small className="hw-lanename" aria-hidden="true">{lane.label}</small> : null}
          {lane.marks.filter((m) => m.from < to && (m.to ?? until) > from).map((m) => (
            <span
              key={m.id} className={`hw-lanebar hw-p${m.priority}`} data-hollow={m.hollow}
              style={{ left: `${share(m.from)}%`, width: `${Math.max(0.1, share(m.to ?? Math.max(until, m.from)) - share(m.from))}%` }}
            />
          ))}
          {placed(lane.marks, from, to, width).map((p) => <Point key={p.mark.id} placed={p} left={share(p.mark.from)} />)}
        </div>
      ))}
    </div>
  );
}
