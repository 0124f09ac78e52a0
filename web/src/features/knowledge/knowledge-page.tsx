import { RightOutlined, SearchOutlined } from '@ant-design/icons';
import { useQuery } from '@tanstack/react-query';
import { Button, Input } from 'antd';
import { useEffect, useId, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useSearchParams } from 'react-router';
import { GuidanceView } from '../../components/guidance';
import { PriorityMark } from '../../components/priority';
import { StaleNote } from '../../components/stale-note';
import { Empty, Ready } from '../../components/states';
import { formatCount, titleOf } from '../../lib/format';
import { foundIn, groupsOf, keyOf, knowledgeQuery, type KnowledgeGroup, type KnowledgeItem } from './api';
import '../../components/parts.css';
import './knowledge.css';

const STEP = 30;
const SETTLE_MS = 200;

/** What is searched and what stands open, in the address; typing is shown at once and asked when it pauses. */
function useView() {
  const [params, setParams] = useSearchParams();
  const q = params.get('q') ?? '';
  const [text, setText] = useState(q);
  const open = useMemo(() => new Set((params.get('open') ?? '').split(',').filter(Boolean)), [params]);
  useEffect(() => {
    const wanted = text.trim();
    if (wanted === q) return undefined;
    const timer = setTimeout(() => setParams(wanted ? { q: wanted } : {}, { replace: true }), SETTLE_MS);
    return () => clearTimeout(timer);
    // Only what is typed sets the time running; going back in the browser does not.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [text]);
  const toggle = (key: string) => setParams((old) => {
    const now = new Set((old.get('open') ?? '').split(',').filter(Boolean));
    if (!now.delete(key)) now.add(key);
    const next = new URLSearchParams(old);
    if (now.size) next.set('open', [...now].join(','));
    else next.delete('open');
    return next;
  }, { replace: true });
  return { q, text, setText, open, toggle };
}

function Item({ item, q, open, onToggle }: { item: KnowledgeItem; q: string; open: boolean; onToggle: () => void }) {
  const { t } = useTranslation('knowledge');
  const id = useId();
  const found = open ? null : foundIn(item, q);
  const mode = titleOf(item.guidance.mode);
  return (
    <li className="hw-know" data-testid="knowledge-item" data-template={item.template} data-condition={item.condition} data-open={open}>
      <button type="button" aria-expanded={open} aria-controls={open ? id : undefined} onClick={onToggle}>
        <RightOutlined aria-hidden className="hw-knowtwist" />
        <PriorityMark priority={item.priority} hollow />
        <span className="hw-knowtitle">
          <b>{titleOf(item.title)}</b>
          {mode && mode !== titleOf(item.title) ? <span className="hw-muted">{mode}</span> : null}
          {found ? <span className="hw-muted hw-knowfound">{t('knowledge:found', { part: t(`common:guidance.${found.part}`), text: found.text })}</span> : null}
        </span>
      </button>
      {open ? <div id={id} className="hw-knowbody"><GuidanceView guidance={item.guidance} /></div> : null}
    </li>
  );
}

interface GroupProps {
  group: KnowledgeGroup;
  q: string;
  isOpen: (item: KnowledgeItem) => boolean;
  onToggle: (item: KnowledgeItem) => void;
}

function Group({ group, q, isOpen, onToggle }: GroupProps) {
  const { t } = useTranslation('knowledge');
  return (
    <section className="hw-panel" data-testid="knowledge-group" data-template={group.template}>
      <header className="hw-knowhead">
        <h2>{titleOf(group.title)} <span className="hw-code">{group.template}</span></h2>
        {group.models ? (
          <Link to={`/models?template=${encodeURIComponent(group.template)}`} data-testid="knowledge-models">{t('knowledge:models', { n: formatCount(group.models) })}</Link>
        ) : <span className="hw-muted">{t('knowledge:noModels')}</span>}
      </header>
      <ul className="hw-knowlist">
        {group.items.map((item) => <Item key={keyOf(item)} item={item} q={q} open={isOpen(item)} onToggle={() => onToggle(item)} />)}
      </ul>
    </section>
  );
}

function List({ items, view }: { items: KnowledgeItem[]; view: ReturnType<typeof useView> }) {
  const { t } = useTranslation('knowledge');
  const groups = useMemo(() => groupsOf(items), [items]);
  const [most, setMost] = useState(STEP);
  const { q, open, toggle } = view;
  if (!items.length) {
    return <section className="hw-panel"><Empty title={t(q ? 'knowledge:noMatch' : 'knowledge:empty')} hint={t(q ? 'knowledge:noMatchHint' : 'knowledge:emptyHint')} /></section>;
  }
  return (
    <>
      {groups.slice(0, most).map((group) => (
        <Group key={group.template} group={group} q={q} isOpen={(item) => open.has(keyOf(item))} onToggle={(item) => toggle(keyOf(item))} />
      ))}
      {groups.length > most ? <p><Button data-testid="knowledge-more" onClick={() => setMost(most + STEP)}>{t('knowledge:more', { n: groups.length - most })}</Button></p> : null}
    </>
  );
}

/** What experts know of failures: searched by what is seen, what may be the cause, or what to do. */
export default function KnowledgePage() {
  const { t } = useTranslation('knowledge');
  const view = useView();
  const knowledge = useQuery(knowledgeQuery(view.q));
  return (
    <div className="hw-page">
      <div className="hw-page-head"><h1>{t('knowledge:title')}</h1><p className="hw-muted">{t('knowledge:explain')}</p></div>
      <div className="hw-toolbar">
        <Input
          className="hw-knowsearch" type="search" allowClear prefix={<SearchOutlined aria-hidden />} value={view.text} placeholder={t('knowledge:search')} aria-label={t('knowledge:search')}
          data-testid="knowledge-search" onChange={(e) => view.setText(e.target.value)}
        />
        <span className="hw-muted hw-num" role="status" data-testid="knowledge-count" data-count={knowledge.isPlaceholderData ? undefined : knowledge.data?.length}>
          {knowledge.data ? t('knowledge:count', { n: formatCount(knowledge.data.length) }) : null}
        </span>
      </div>
      <StaleNote query={knowledge} />
      <Ready query={knowledge} rows={10}>{(items) => <List key={view.q} items={items} view={view} />}</Ready>
    </div>
  );
}
