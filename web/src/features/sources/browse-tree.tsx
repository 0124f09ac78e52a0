import { useQuery } from '@tanstack/react-query';
import { Input, Radio } from 'antd';
import { createContext, use, useMemo, useState, type CSSProperties, type KeyboardEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { Refusal } from '../../components/send';
import { quality } from '../../lib/status';
import { browseQuery, type BrowseNode } from './api';

/** What a server gives is shown as it is, but not with sixteen digits. */
const DIGITS = 7;

interface Tree {
  source: string;
  chosen: string | null;
  choose: (node: BrowseNode) => void;
  search: string;
}

const TreeContext = createContext<Tree>({ source: '', chosen: null, choose: () => undefined, search: '' });

/** A value as the server gave it: numbers short, texts cut, bad ones struck out. */
function NodeValue({ node }: { node: BrowseNode }) {
  const { t } = useTranslation('sources');
  if (node.kind !== 'variable' || node.value === null) return null;
  const { value } = node;
  const text = typeof value === 'number' ? String(Number(value.toPrecision(DIGITS))) : typeof value === 'boolean' ? t(`sources:bool.${value}`) : value;
  return (
    <span className="hw-value hw-num" data-quality={quality(node.status)}>
      <b>{text.length > 40 ? `${text.slice(0, 40)}…` : text}</b>{node.unit ? <i>{node.unit}</i> : null}
    </span>
  );
}

const matches = (node: BrowseNode, text: string): boolean =>
  !text || [node.name, node.title, node.description, node.node].some((s) => s.toLowerCase().includes(text));

function NodeRow({ node, level }: { node: BrowseNode; level: number }) {
  const { t } = useTranslation('sources');
  const tree = use(TreeContext);
  const [open, setOpen] = useState(false);
  const inner = { '--level': level } as CSSProperties;
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.target !== event.currentTarget) return;
    if (event.key === 'ArrowRight' && node.children) setOpen(true);
    else if (event.key === 'ArrowLeft') setOpen(false);
    else if ((event.key === 'Enter' || event.key === ' ') && node.children) setOpen(!open);
    else return;
    event.preventDefault();
  };
  return (
    <li
      role="treeitem" aria-expanded={node.children ? open : undefined} aria-selected={tree.chosen === node.node} aria-label={node.title || node.name} tabIndex={0}
      onKeyDown={onKeyDown} data-testid="browse-node" data-node={node.node} data-kind={node.kind} data-open={open}
    >
      <div className="hw-browserow" style={inner}>
        {node.children ? (
          <button type="button" className="hw-browsetwist" data-testid="browse-open" data-open={open} tabIndex={-1} aria-label={t(open ? 'sources:browse.close' : 'sources:browse.open', { name: node.title || node.name })} onClick={() => setOpen(!open)}>
            <svg width="12" height="12" viewBox="0 0 12 12" aria-hidden="true"><path d="M4 2 L8 6 L4 10" fill="none" stroke="currentColor" strokeWidth="1.6" /></svg>
          </button>
        ) : <span className="hw-browsetwist" />}
        {node.kind === 'variable' ? null
          : <Radio checked={tree.chosen === node.node} data-testid="browse-choose" aria-label={t('sources:browse.choose', { name: node.title || node.name })} onChange={() => tree.choose(node)} />}
        <span className="hw-browsename">
          <span>{node.title || node.name}</span> {node.title && node.title !== node.name ? <span className="hw-code">{node.name}</span> : null}
          {node.description ? <small className="hw-muted hw-nowrap">{node.description}</small> : null}
        </span>
        <NodeValue node={node} />
        <span className="hw-browsetype hw-muted">{node.kind === 'variable' ? node.type : t(`sources:kind.${node.kind}`)}</span>
        <span className="hw-browsetag">{node.tag ? <span className="hw-badge" data-quiet="true">{node.tag}</span> : null}</span>
      </div>
      {open ? <Level node={node.node} level={level + 1} /> : null}
    </li>
  );
}

function Level({ node, level }: { node: string | null; level: number }) {
  const { t } = useTranslation('sources');
  const { source, search } = use(TreeContext);
  const { data, error, isFetching } = useQuery(browseQuery(source, node));
  const inner = { '--level': level } as CSSProperties;
  const shown = useMemo(() => (data ?? []).filter((n) => n.children || matches(n, search)), [data, search]);
  if (error) return <div className="hw-browsenote" style={inner}><Refusal error={error} /></div>;
  if (!data) return <div className="hw-browsenote hw-muted" role="status" style={inner}>{t('sources:browse.loading')}</div>;
  const note = !data.length ? 'empty' : !shown.length ? 'noMatch' : null;
  return (
    <ul role={level === 1 ? 'tree' : 'group'} aria-label={level === 1 ? t('sources:browse.title') : undefined} aria-busy={isFetching}>
      {shown.map((n) => <NodeRow key={n.node} node={n} level={level} />)}
      {note ? <li role="none" className="hw-browsenote hw-muted" style={inner}>{t(`sources:browse.${note}`)}</li> : null}
    </ul>
  );
}

/** The address space of a server, level by level, with values and units; folders can be chosen for a tag list. */
export function BrowseTree({ source, chosen, onChoose }: { source: string; chosen: string | null; onChoose: (node: BrowseNode) => void }) {
  const { t } = useTranslation('sources');
  const [search, setSearch] = useState('');
  const tree = { source, chosen, choose: onChoose, search: search.trim().toLowerCase() };
  return (
    <TreeContext value={tree}>
      <div className="hw-toolbar hw-browsebar">
        <Input allowClear value={search} onChange={(e) => setSearch(e.target.value)} placeholder={t('sources:browse.search')} aria-label={t('sources:browse.search')} data-testid="browse-search" />
      </div>
      <div className="hw-browse"><Level node={null} level={1} /></div>
    </TreeContext>
  );
}
