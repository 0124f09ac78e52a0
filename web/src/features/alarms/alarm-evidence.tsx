import { useQueries } from '@tanstack/react-query';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { Loading } from '../../components/states';
import { LiveValue } from '../../components/value';
import { titleOf } from '../../lib/format';
import { tagQuery } from '../../lib/queries';
import type { AlarmDetail, Tag } from '../../lib/types';
import { useNow } from '../../live/hooks';
import { usePreferences } from '../../theme/preferences';
import { PEN_DASH, PENS } from '../../theme/tokens';
import { usePens } from '../trend/pens';
import { TrendChart } from '../trend/trend-chart';

const BEFORE_MS = 10 * 60_000;
const AFTER_MS = 10 * 60_000;
const LEAST_AFTER_MS = 4 * 60_000;
const STEP_MS = 30_000;
const EVIDENCE_PENS = 4;

/** Which pen is which, with the value now: the chart itself has no legend. */
function Legend({ tags }: { tags: Tag[] }) {
  const { theme } = usePreferences();
  return (
    <ul className="hw-penlegend">
      {tags.map((tag, i) => (
        <li key={tag.id}>
          <svg width="22" height="10" aria-hidden="true"><line x1="0" x2="22" y1="5" y2="5" stroke={PENS[theme][i]} strokeWidth="3" strokeDasharray={PEN_DASH[i]?.join(' ')} /></svg>
          <Link to={`/tags/${tag.id}`}>{titleOf(tag.title)}</Link> <span className="hw-code">{tag.code}</span> <LiveValue tag={tag} />
        </li>
      ))}
    </ul>
  );
}

/** The limits of the tags that are drawn; without them the one of the alarm, where it stands on the scale of a tag. */
function limitsOf(alarm: AlarmDetail, ids: number[], label: (kind: string) => string) {
  const drawn = (alarm.evidence ?? []).filter((tag) => ids.includes(tag.id));
  const known = drawn.flatMap((tag) => tag.limits.map((l) => ({ value: l.value, unit: tag.unit || '1', label: label(l.kind), priority: alarm.priority })));
  const unique = [...new Map(known.map((l) => [`${l.unit} ${l.value} ${l.label}`, l])).values()];
  if (unique.length || alarm.limit === null || alarm.limit === undefined) return unique;
  return drawn.some((tag) => tag.unit === alarm.unit) ? [{ value: alarm.limit, unit: alarm.unit || '1', label: label('any'), priority: alarm.priority }] : [];
}

/** What the signals did around the raise, with the limit they went over. */
export function Evidence({ alarm }: { alarm: AlarmDetail }) {
  const { t } = useTranslation('alarms');
  const now = Math.floor(useNow() / STEP_MS) * STEP_MS;
  const ids = useMemo(() => alarm.tags.slice(0, EVIDENCE_PENS), [alarm.tags]);
  const queries = useQueries({ queries: ids.map(tagQuery) });
  const tags = queries.map((q) => q.data).filter((tag): tag is Tag => tag !== undefined);
  const from = alarm.raised_ms - BEFORE_MS;
  const fresh = now > alarm.raised_ms && now < alarm.raised_ms + AFTER_MS;
  // Under a replay clock the raise may lie far from now; the window then simply ends after the raise.
  const to = alarm.raised_ms + (fresh ? Math.max(LEAST_AFTER_MS, now - alarm.raised_ms) : AFTER_MS);
  const { pens, query } = usePens(ids, from, to, false);
  if (!ids.length) return <p className="hw-muted">{t('alarms:noEvidence')}</p>;
  if (query.isPending || queries.some((q) => q.isPending)) return <Loading rows={4} />;
  const lines = [{ time: alarm.raised_ms, label: t('alarms:raisedLine') }];
  if (alarm.cleared_ms !== null) lines.push({ time: alarm.cleared_ms, label: t('alarms:clearedLine') });
  const limits = limitsOf(alarm, ids, (kind) => t(`alarms:limitLine.${kind}`));
  return (
    <>
      {pens.some((pen) => pen.time.length)
        ? <TrendChart tags={tags} pens={pens} from={from} to={to} height={220} lines={lines} limits={limits} until={fresh ? now : undefined} />
        : <p className="hw-muted">{t('alarms:evidenceEmpty')}</p>}
      <Legend tags={tags} />
      <p><Link to={`/trend?tags=${ids.join(',')}&from=${from}&to=${to}`}>{t('alarms:toTrend')}</Link></p>
    </>
  );
}
