import { useQueries } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { Combobox } from '../../components/combobox';
import { Empty, ErrorState, Loading } from '../../components/states';
import { titleOf, unitText } from '../../lib/format';
import { get } from '../../lib/http';
import { tagQuery } from '../../lib/queries';
import type { Page, Tag } from '../../lib/types';
import { MAX_PENS } from '../../theme/tokens';
import { useIds } from './state';
import { TrendView } from './trend-view';

const FOUND = 40;

async function findTags(text: string, signal: AbortSignal): Promise<Tag[]> {
  return (await get<Page<Tag>>(`tags?${new URLSearchParams({ q: text, limit: String(FOUND) })}`, signal)).items;
}

function AddPen({ taken, onAdd }: { taken: number[]; onAdd: (id: number) => void }) {
  const { t } = useTranslation('trend');
  const full = taken.length >= MAX_PENS;
  return (
    <div className="hw-addpen">
      <Combobox<Tag>
        name="tags" label={t('trend:add')} placeholder={t(full ? 'trend:full' : 'trend:add', { n: MAX_PENS })} testid="trend-add" disabled={full} stay
        search={findTags} keyOf={(tag) => String(tag.id)} onPick={(tag) => { if (!taken.includes(tag.id)) onAdd(tag.id); }}
        render={(tag) => (
          <>
            <span className="hw-nowrap">{titleOf(tag.title)} <small>{unitText(tag.unit)}</small></span>
            <span className="hw-code">{tag.code}</span>
            {taken.includes(tag.id) ? <small>{t('trend:taken')}</small> : null}
          </>
        )}
      />
    </div>
  );
}

export default function TrendPage() {
  const { t } = useTranslation('trend');
  const [ids, setIds] = useIds();
  const queries = useQueries({ queries: ids.map(tagQuery) });
  const tags = queries.map((q) => q.data).filter((tag): tag is Tag => tag !== undefined);
  const failed = queries.find((q) => q.error);
  return (
    <div className="hw-page hw-trendpage">
      <div className="hw-page-head">
        <h1>{t('trend:title')} <span className="hw-muted hw-num hw-pencount">{ids.length ? t('trend:count', { n: ids.length, max: MAX_PENS }) : ''}</span></h1>
        <AddPen taken={ids} onAdd={(id) => setIds((now) => [...new Set([...now, id])])} />
      </div>
      {failed && !tags.length ? <ErrorState error={failed.error} retry={() => void failed.refetch()} />
        : !ids.length ? <section className="hw-panel"><Empty title={t('trend:empty')} hint={t('trend:emptyHint', { n: MAX_PENS })} /></section>
          : queries.some((q) => q.isPending) ? <Loading rows={10} />
            : <TrendView tags={tags} onRemove={(id) => setIds((now) => now.filter((i) => i !== id))} />}
    </div>
  );
}
