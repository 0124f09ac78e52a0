import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { PRIORITIES, PriorityMark } from '../../components/priority';
import { formatDate, formatDateTime, formatTime, titleOf, zoneLabel } from '../../lib/format';
import { summaryQuery } from '../../lib/queries';
import { useNow, usePartitions } from '../../live/hooks';
import { useSelectedAsset } from '../../live/selected';

/** Always on screen: counts by priority and the newest unacknowledged alarm, which a click opens. */
export function TopAlarms() {
  const { t } = useTranslation('shell');
  const { data } = useQuery(summaryQuery());
  const newest = data?.newest;
  return (
    <div className="hw-topalarms">
      <Link to="/alarms" className="hw-topcounts" data-testid="top-alarm-count" aria-label={t('shell:alarms.counts')}>
        {PRIORITIES.map((p) => {
          const active = data?.active[p - 1] ?? 0;
          const unacked = data?.unacked[p - 1] ?? 0;
          return (
            <span key={p} className={`hw-count${active + unacked ? ` hw-p${p}` : ' hw-muted'}`}>
              <PriorityMark priority={p} hollow={!unacked} none={!active && !unacked} blink={unacked > 0} />
              <b className="hw-num" data-priority={p}>{data ? Math.max(active, unacked) : t('shell:unknown')}</b>
            </span>
          );
        })}
      </Link>
      {newest ? (
        <Link to={`/alarms?open=${newest.id}`} className="hw-newest hw-nowrap" data-testid="top-newest">
          <span className="hw-num">{formatTime(newest.raised_ms)}</span> {newest.asset.code} {titleOf(newest.title)}
        </Link>
      ) : data ? <span className="hw-newest hw-muted">{t('shell:alarms.none')}</span> : null}
    </div>
  );
}

/** Site time; "as of" where the partition looked at runs on a replay clock. */
export function Clock() {
  const { t } = useTranslation('shell');
  const now = useNow();
  const partitions = usePartitions();
  const wanted = useSelectedAsset()?.partition;
  const replaying = partitions.filter((p) => p.clock === 'replay' && p.watermark_ms !== null);
  // Without a chosen partition the site's time stands, unless everything is a replay.
  const replay = replaying.find((p) => p.code === wanted)
    ?? (!wanted && replaying.length === partitions.length ? replaying[0] : undefined);
  if (replay?.watermark_ms) {
    return (
      <span className="hw-clock hw-num" aria-label={t('shell:clock.replay')}>
        <small>{t('shell:clock.asOf', { code: replay.code })}</small>
        <b className="hw-live">{formatDateTime(replay.watermark_ms)}</b>
      </span>
    );
  }
  return (
    <span className="hw-clock hw-num" aria-label={t('shell:clock.site')}>
      <small>{`${formatDate(now)} ${zoneLabel(now)}`}</small>
      <b>{formatTime(now)}</b>
    </span>
  );
}
