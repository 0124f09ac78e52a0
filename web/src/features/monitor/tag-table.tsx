import { useVirtualizer } from '@tanstack/react-virtual';
import { Input } from 'antd';
import { memo, useMemo, useRef, useState, type CSSProperties } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { Sparkline } from '../../components/sparkline';
import { Age, BandBar, QualityMark, Value } from '../../components/value';
import { Empty } from '../../components/states';
import { formatValue, titleOf } from '../../lib/format';
import { isNarrow } from '../../lib/narrow';
import type { Asset, Tag } from '../../lib/types';
import { usePartitionNow, usePoint } from '../../live/hooks';

const ROW_PX = 36;
const NARROW_ROW_PX = 64;
const COLUMNS = ['name', 'value', 'range', 'hour', 'age', 'status'] as const;

const TagRow = memo(function TagRow({ tag, place, style, index }: { tag: Tag; place: string; style: CSSProperties; index: number }) {
  const { t } = useTranslation('monitor');
  const point = usePoint(tag.id);
  const { now, replay } = usePartitionNow(tag.partition);
  return (
    <div role="row" className="hw-tagrow" style={style} aria-rowindex={index + 2} data-testid="tag-row" data-tag={tag.code}>
      <span role="cell" className="hw-tagname">
        <Link to={`/tags/${tag.id}`} className="hw-nowrap">{titleOf(tag.title)}</Link>
        <span className="hw-code hw-nowrap">{tag.code}{place ? ` · ${place}` : ''}</span>
      </span>
      <span role="cell" className="hw-tagvalue"><Value tag={tag} point={point} now={now} /></span>
      <span role="cell" className="hw-tagrange">
        <BandBar low={tag.low} high={tag.high} value={point?.value ?? null} />
        {tag.low !== null && tag.high !== null
          ? <small className="hw-num">{t('monitor:tags.span', { low: formatValue(tag.low, tag.low, tag.high), high: formatValue(tag.high, tag.low, tag.high) })}</small>
          : null}
      </span>
      <span role="cell" className="hw-tagspark"><Sparkline id={tag.id} low={tag.low} high={tag.high} end={replay ? now : undefined} /></span>
      <span role="cell" className="hw-tagage"><Age point={point} now={now} /></span>
      <span role="cell" className="hw-tagstatus"><QualityMark tag={tag} point={point} now={now} /></span>
    </div>
  );
});

/** All tags of a subtree; only the rows on screen exist, subscribe and ask for their last hour. */
export function TagTable({ tags, assets }: { tags: Tag[]; assets: Asset[] }) {
  const { t } = useTranslation('monitor');
  const [search, setSearch] = useState('');
  const scroll = useRef<HTMLDivElement>(null);
  const places = useMemo(() => new Map(assets.map((a) => [a.id, a])), [assets]);
  const shown = useMemo(() => {
    const text = search.trim().toLowerCase();
    if (!text) return tags;
    return tags.filter((tag) => [tag.code, tag.title.zh, tag.title.en].some((s) => s.toLowerCase().includes(text)));
  }, [tags, search]);
  const rowPx = isNarrow() ? NARROW_ROW_PX : ROW_PX;
  const virtual = useVirtualizer({
    count: shown.length, getScrollElement: () => scroll.current, estimateSize: () => rowPx, overscan: 6,
  });
  return (
    <>
      <div className="hw-tagsearch">
        <Input
          value={search} onChange={(e) => setSearch(e.target.value)} allowClear placeholder={t('monitor:tags.search')}
          aria-label={t('monitor:tags.search')}
        />
        <span className="hw-muted hw-num">{t('monitor:tags.count', { n: shown.length })}</span>
      </div>
      {shown.length ? (
        <div className="hw-tagtable" role="table" aria-label={t('monitor:tags.title')} aria-rowcount={shown.length + 1}>
          <div role="rowgroup">
            <div role="row" className="hw-tagrow hw-taghead" aria-rowindex={1}>
              {COLUMNS.map((c) => <span key={c} role="columnheader" className={`hw-tag${c}`}>{t(`monitor:tags.columns.${c}`)}</span>)}
            </div>
          </div>
          <div
            role="rowgroup" className="hw-tagscroll" ref={scroll} tabIndex={0} aria-label={t('monitor:tags.title')}
            style={{ flex: `0 1 ${virtual.getTotalSize() + 1}px` }}
          >
            <div role="presentation" className="hw-tagspace" style={{ height: virtual.getTotalSize() }}>
              {virtual.getVirtualItems().map((item) => {
                const tag = shown[item.index];
                if (!tag) return null;
                const asset = places.get(tag.asset);
                return (
                  <TagRow
                    key={tag.id} tag={tag} place={asset ? titleOf(asset.title) : ''} index={item.index}
                    style={{ height: item.size, transform: `translateY(${item.start}px)` }}
                  />
                );
              })}
            </div>
          </div>
        </div>
      ) : <Empty title={t('monitor:tags.noMatch')} />}
    </>
  );
}
