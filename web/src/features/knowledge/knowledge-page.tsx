import { keepPreviousData, queryOptions, useQuery } from '@tanstack/react-query';
import { Button, Input } from 'antd';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useSearchParams } from 'react-router';
import { GuidanceView } from '../../components/guidance';
import { PriorityMark } from '../../components/priority';
import { Empty, Ready } from '../../components/states';
import { titleOf } from '../../lib/format';
import { get } from '../../lib/http';
import type { Guidance, Priority, Title } from '../../lib/types';
import '../../components/parts.css';
import './knowledge.css';

interface Entry {
  template: string;
  template_title: Title;
  condition: string;
  title: Title;
  priority: Priority;
  guidance: Guidance;
  models: number;
}

const STEP = 40;
const SETTLE_MS = 250;

const knowledgeQuery = (q: string) =>
  queryOptions({
    queryKey: ['knowledge', q], queryFn: async ({ signal }) => (await get<{ items: Entry[] }>(`knowledge?q=${encodeURIComponent(q)}`, signal)).items,
    staleTime: 300_000, placeholderData: keepPreviousData,
  });

function Card({ entry }: { entry: Entry }) {
  const { t } = useTranslation('knowledge');
  return (
    <article className="hw-panel hw-knowledge" data-testid="knowledge-item" data-template={entry.template} data-condition={entry.condition}>
      <header>
        <h2><PriorityMark priority={entry.priority} hollow /> {titleOf(entry.title)}</h2>
        <span className="hw-muted">{titleOf(entry.template_title)} <span className="hw-code">{entry.template}</span></span>
      </header>
      <div className="hw-pad"><GuidanceView guidance={entry.guidance} /></div>
      <footer className="hw-foot hw-muted">
        {entry.models ? <Link to={`/models?template=${encodeURIComponent(entry.template)}`}>{t('knowledge:models', { n: entry.models })}</Link> : t('knowledge:noModels')}
      </footer>
    </article>
  );
}

function List({ entries }: { entries: Entry[] }) {
  const { t } = useTranslation('knowledge');
  const [shown, setShown] = useState(STEP);
  return (
    <>
      <div className="hw-knowledgegrid">{entries.slice(0, shown).map((e) => <Card key={`${e.template}/${e.condition}`} entry={e} />)}</div>
      {entries.length > shown ? <p><Button onClick={() => setShown(shown + STEP)}>{t('knowledge:more', { n: entries.length - shown })}</Button></p> : null}
    </>
  );
}

/** What experts know of failures: searched by what is seen, what may be the cause, or what to do. */
export default function KnowledgePage() {
  const { t } = useTranslation('knowledge');
  const [params, setParams] = useSearchParams();
  const q = params.get('q') ?? '';
  const [text, setText] = useState(q);
  useEffect(() => {
    if (text.trim() === q) return undefined;
    const timer = setTimeout(() => setParams(text.trim() ? { q: text.trim() } : {}, { replace: true }), SETTLE_MS);
    return () => clearTimeout(timer);
  }, [text, q, setParams]);
  const entries = useQuery(knowledgeQuery(q));
  return (
    <div className="hw-page">
      <div className="hw-page-head"><h1>{t('knowledge:title')}</h1><p className="hw-muted">{t('knowledge:explain')}</p></div>
      <div className="hw-toolbar">
        <Input className="hw-knowledgesearch" allowClear value={text} onChange={(e) => setText(e.target.value)} placeholder={t('knowledge:search')} aria-label={t('knowledge:search')} data-testid="knowledge-search" />
        {entries.data ? <span className="hw-muted hw-num" aria-live="polite">{t('knowledge:count', { n: entries.data.length })}</span> : null}
      </div>
      <Ready query={entries} rows={10}>
        {(items) => (items.length ? <List key={q} entries={items} /> : <section className="hw-panel"><Empty title={t(q ? 'knowledge:noMatch' : 'knowledge:empty')} hint={t(q ? 'knowledge:noMatchHint' : 'knowledge:emptyHint')} /></section>)}
      </Ready>
    </div>
  );
}
