import { useQueries, useQuery } from '@tanstack/react-query';
import { Select } from 'antd';
import { useTranslation } from 'react-i18next';
import { useSearchParams } from 'react-router';
import { Empty, ErrorState, Loading } from '../../components/states';
import { titleOf } from '../../lib/format';
import { tagQuery, tagsQuery } from '../../lib/queries';
import type { Tag } from '../../lib/types';
import { TrendView } from './trend-view';

const MAX_PENS = 8;

function AddPen({ taken, onAdd }: { taken: number[]; onAdd: (id: number) => void }) {
  const { t } = useTranslation('trend');
  const { data, isPending } = useQuery(tagsQuery(null));
  const full = taken.length >= MAX_PENS;
  return (
    <Select<number | null>
      className="hw-addpen" value={null} loading={isPending} disabled={full} showSearch={{
        filterOption: (text, option) => String(option?.search ?? '').includes(text.trim().toLowerCase()),
      }}
      placeholder={t(full ? 'trend:full' : 'trend:add', { n: MAX_PENS })} aria-label={t('trend:add')} popupMatchSelectWidth={360}
      options={(data ?? []).filter((tag) => !taken.includes(tag.id)).map((tag) => ({
        value: tag.id, label: `${tag.code} ${titleOf(tag.title)}`, search: `${tag.code} ${tag.title.zh} ${tag.title.en}`.toLowerCase(),
      }))}
      onChange={(id) => { if (id !== null) onAdd(id); }}
    />
  );
}

export default function TrendPage() {
  const { t } = useTranslation('trend');
  const [params, setParams] = useSearchParams();
  const ids = [...new Set((params.get('tags') ?? '').split(',').map(Number).filter((n) => n > 0))].slice(0, MAX_PENS);
  const queries = useQueries({ queries: ids.map(tagQuery) });
  const tags = queries.map((q) => q.data).filter((tag): tag is Tag => tag !== undefined);
  const failed = queries.find((q) => q.error);
  const setTags = (next: number[]) => setParams((old) => {
    const changed = new URLSearchParams(old);
    changed.set('tags', next.join(','));
    return changed;
  });
  return (
    <div className="hw-page hw-trendpage">
      <div className="hw-page-head">
        <h1>{t('trend:title')}</h1>
        <div className="hw-actions"><AddPen taken={ids} onAdd={(id) => setTags([...ids, id])} /></div>
      </div>
      {failed && !tags.length ? <ErrorState error={failed.error} retry={() => void failed.refetch()} />
        : !ids.length ? <section className="hw-panel"><Empty title={t('trend:empty')} hint={t('trend:emptyHint')} /></section>
          : queries.some((q) => q.isPending) ? <Loading rows={10} />
            : <TrendView tags={tags} onRemove={(id) => setTags(ids.filter((i) => i !== id))} />}
    </div>
  );
}
