import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { Link, useParams } from 'react-router';
import { Ready } from '../../components/states';
import { Age, BandBar, QualityMark, Value } from '../../components/value';
import { formatDateTime, formatValue, titleOf, unitText } from '../../lib/format';
import { assetsQuery, tagQuery } from '../../lib/queries';
import type { Tag } from '../../lib/types';
import { usePartitionNow, usePoint } from '../../live/hooks';
import { TrendView } from './trend-view';

function TagHead({ tag }: { tag: Tag }) {
  const { t } = useTranslation('trend');
  const { data: assets } = useQuery(assetsQuery());
  const asset = assets?.find((a) => a.id === tag.asset);
  const point = usePoint(tag.id);
  const { now } = usePartitionNow(tag.partition);
  return (
    <div className="hw-page-head">
      <div>
        {asset ? <p className="hw-crumbs"><Link to={`/monitor/${encodeURIComponent(asset.code)}`}>{titleOf(asset.title)}</Link></p> : null}
        <h1>{titleOf(tag.title)} <span className="hw-code">{tag.code}</span></h1>
      </div>
      <div className="hw-taghero">
        <Value tag={tag} point={point} now={now} />
        <QualityMark tag={tag} point={point} now={now} />
        <span className="hw-num hw-muted">{point ? formatDateTime(point.time) : ''} <Age point={point} now={now} /></span>
        {tag.low !== null && tag.high !== null ? (
          <span className="hw-herorange">
            <BandBar low={tag.low} high={tag.high} value={point?.value ?? null} />
            <small className="hw-muted hw-num">{t('trend:span', { low: formatValue(tag.low, tag.low, tag.high), high: formatValue(tag.high, tag.low, tag.high), unit: unitText(tag.unit) })}</small>
          </span>
        ) : null}
        <span className="hw-muted">{t(`trend:kind.${tag.kind}`)}</span>
      </div>
      <div className="hw-actions"><Link to={`/trend?tags=${tag.id}`}>{t('trend:compare')}</Link></div>
    </div>
  );
}

export default function TagPage() {
  const id = Number(useParams().id);
  const tag = useQuery(tagQuery(id));
  return (
    <Ready query={tag}>
      {(data) => (
        <div className="hw-page hw-trendpage">
          <TagHead tag={data} />
          <TrendView tags={[data]} />
        </div>
      )}
    </Ready>
  );
}
