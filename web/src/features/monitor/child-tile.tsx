import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { WorstMark } from '../../components/priority';
import { BandBar, QualityMark, Value } from '../../components/value';
import { titleOf } from '../../lib/format';
import { quality } from '../../lib/status';
import type { Asset, AssetHealth, Tag } from '../../lib/types';
import { usePartitionNow, usePoint } from '../../live/hooks';

const SHOWN = 3;

function TileValue({ tag }: { tag: Tag }) {
  const point = usePoint(tag.id);
  const { now } = usePartitionNow(tag.partition);
  const doubtful = !point || quality(point.status) !== 'good' || now - point.time > tag.staleness_ms;
  return (
    <li>
      <Link to={`/tags/${tag.id}`} className="hw-nowrap" title={tag.code}>{titleOf(tag.title)}</Link>
      {doubtful ? <QualityMark tag={tag} point={point} now={now} /> : <BandBar low={tag.low} high={tag.high} value={point.value} />}
      <Value tag={tag} point={point} now={now} />
    </li>
  );
}

/** One asset below the one looked at: its alarms, its data quality and its first values. */
export function ChildTile({ asset, health, tags }: { asset: Asset; health: AssetHealth | undefined; tags: Tag[] }) {
  const { t } = useTranslation('monitor');
  return (
    <article className="hw-panel hw-tile" data-alarm={health?.active.some((n) => n > 0) || undefined}>
      <header>
        <Link to={`/monitor/${encodeURIComponent(asset.code)}`} className="hw-nowrap hw-tiletitle">
          {titleOf(asset.title)} <span className="hw-code">{asset.code}</span>
        </Link>
        {health ? <WorstMark active={health.active} unacked={health.unacked} /> : null}
      </header>
      {tags.length
        ? <ul>{tags.slice(0, SHOWN).map((tag) => <TileValue key={tag.id} tag={tag} />)}</ul>
        : <p className="hw-muted hw-tilenote">{t('monitor:tile.noTags')}</p>}
      {health && (health.bad || health.stale)
        ? <p className="hw-tilenote hw-num">{t('monitor:tile.quality', { tags: health.tags, bad: health.bad, stale: health.stale })}</p>
        : <p className="hw-tilenote hw-muted hw-num">{t('monitor:tile.tags', { n: health?.tags ?? tags.length })}</p>}
    </article>
  );
}
