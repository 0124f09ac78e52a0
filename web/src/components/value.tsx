import { useTranslation } from 'react-i18next';
import { usePartitionNow, usePoint } from '../live/hooks';
import type { Point } from '../live/values';
import { formatAge, formatValue, unitText } from '../lib/format';
import { isOverride, quality, statusKey } from '../lib/status';
import type { Tag } from '../lib/types';

/** A signal that is 0 or 1 is written so, and not as 1.000. */
const isState = (tag: Tag, value: number | null | undefined): boolean =>
  tag.low === 0 && tag.high === 1 && !unitText(tag.unit) && (value === 0 || value === 1);

/** A number with its unit; quality and staleness change how it is drawn, "no data" is a dash and never zero. */
export function Value({ tag, point, now }: { tag: Tag; point: Point | undefined; now: number }) {
  const stale = point !== undefined && now - point.time > tag.staleness_ms;
  return (
    <span className="hw-value hw-num" data-quality={point ? quality(point.status) : 'none'} data-stale={stale}>
      <b>{isState(tag, point?.value) ? String(point?.value) : formatValue(point?.value ?? null, tag.low, tag.high)}</b>
      {unitText(tag.unit) ? <i>{tag.unit}</i> : null}
    </span>
  );
}

/** The quality in words, only when there is something to say. */
export function QualityMark({ tag, point, now }: { tag: Tag; point: Point | undefined; now: number }) {
  const { t } = useTranslation('common');
  if (!point) return <span className="hw-quality">{t('common:status.none')}</span>;
  const kind = quality(point.status);
  if (kind !== 'good' || isOverride(point.status)) {
    return <span className="hw-quality">{t(`common:status.${statusKey(point.status)}`)}</span>;
  }
  if (now - point.time > tag.staleness_ms) return <span className="hw-quality">{t('common:status.stale')}</span>;
  return <span className="hw-muted">{t('common:status.good')}</span>;
}

export function Age({ point, now }: { point: Point | undefined; now: number }) {
  return <span className="hw-num hw-muted">{point ? formatAge(now - point.time) : null}</span>;
}

const MARGIN = 0.12;

/** Where the value stands in its physical range: the band is the range, the mark the value. */
export function BandBar({ low, high, value }: { low: number | null; high: number | null; value: number | null }) {
  const { t } = useTranslation('common');
  if (low === null || high === null || high <= low) return null;
  const at = value === null ? null : (value - low) / (high - low);
  const x = at === null ? null : 100 * Math.min(1, Math.max(0, (at + MARGIN) / (1 + 2 * MARGIN)));
  const left = (100 * MARGIN) / (1 + 2 * MARGIN);
  const outside = at !== null && (at < 0 || at > 1);
  return (
    <svg
      className="hw-band" viewBox="0 0 100 14" preserveAspectRatio="none" role="img"
      aria-label={t(outside ? 'common:band.outside' : 'common:band.label', { low, high })}
    >
      <line x1="0" x2="100" y1="7" y2="7" stroke="var(--line-strong)" strokeWidth="1" vectorEffect="non-scaling-stroke" />
      <rect x={left} y="4" width={100 - 2 * left} height="6" fill="var(--band)" />
      {x === null ? null : (
        <line
          x1={x} x2={x} y1="0" y2="14" stroke="var(--band-mark)" strokeWidth={outside ? 5 : 3} vectorEffect="non-scaling-stroke"
        />
      )}
    </svg>
  );
}

/** Value of a tag as it comes in, for use inside text. */
export function LiveValue({ tag }: { tag: Tag }) {
  const point = usePoint(tag.id);
  const { now } = usePartitionNow(tag.partition);
  return <Value tag={tag} point={point} now={now} />;
}
