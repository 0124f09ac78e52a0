import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Empty, ErrorState, Loading } from '../../components/states';
import type { Tag } from '../../lib/types';
import { usePartitionNow } from '../../live/hooks';
import { PenTable } from './pen-table';
import { usePens } from './pens';
import { RangeBar } from './range-bar';
import { TrendChart } from './trend-chart';
import { useWindow } from './window';

/** Range bar, chart and pen table of up to eight tags. */
export function TrendView({ tags, onRemove }: { tags: Tag[]; onRemove?: (id: number) => void }) {
  const { t } = useTranslation('trend');
  const { now } = usePartitionNow(tags[0]?.partition);
  const window = useWindow(now);
  const [cursor, setCursor] = useState<number | null>(null);
  const [ids, setIds] = useState<number[]>([]);
  const wanted = tags.map((tag) => tag.id);
  if (wanted.join() !== ids.join()) setIds(wanted);
  const { pens, query } = usePens(ids, window.asked.from, window.asked.to, window.follow);
  const empty = pens.every((pen) => !pen.time.length);
  return (
    <>
      <RangeBar window={window} />
      <section className="hw-panel hw-chartpanel" data-fetching={query.isFetching}>
        {query.error && !query.data ? <ErrorState error={query.error} retry={() => void query.refetch()} />
          : query.isPending ? <Loading rows={8} /> : (
            <>
              <TrendChart
                tags={tags} pens={pens} from={window.shown.from} to={window.shown.to} onCursor={setCursor}
                onZoom={window.setSpan} onZoomOut={window.zoomOut}
              />
              {empty ? <div className="hw-chartnote"><Empty title={t('trend:noData')} hint={t('trend:noDataHint')} /></div> : null}
            </>
          )}
      </section>
      <section className="hw-panel"><PenTable tags={tags} pens={pens} cursor={cursor} onRemove={onRemove} /></section>
    </>
  );
}
