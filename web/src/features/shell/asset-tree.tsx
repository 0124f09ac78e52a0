import { useQuery } from '@tanstack/react-query';
import { Input } from 'antd';
import { useMemo, useState, type CSSProperties, type KeyboardEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useNavigate } from 'react-router';
import { WorstMark } from '../../components/priority';
import { Empty, Ready } from '../../components/states';
import { titleOf } from '../../lib/format';
import { assetsQuery, healthQuery } from '../../lib/queries';
import type { Asset, AssetHealth } from '../../lib/types';
import { useAssetPath, useSelectedCode } from '../../live/selected';

interface Node {
  asset: Asset;
  level: number;
  children: boolean;
  open: boolean;
}

function matchesText(asset: Asset, text: string): boolean {
  return [asset.code, asset.title.zh, asset.title.en].some((s) => s.toLowerCase().includes(text));
}

/** The rows to draw, in order. A search keeps what matches and the way to it, all opened. */
export function visibleNodes(assets: Asset[], closed: ReadonlySet<number>, search: string): Node[] {
  const children = Map.groupBy(assets, (a) => a.parent);
  const byId = new Map(assets.map((a) => [a.id, a]));
  const text = search.trim().toLowerCase();
  const kept = new Set<number>();
  if (text) {
    for (const asset of assets) {
      if (!matchesText(asset, text)) continue;
      for (let a: Asset | undefined = asset; a; a = a.parent === null ? undefined : byId.get(a.parent)) kept.add(a.id);
    }
  }
  const rows: Node[] = [];
  const walk = (asset: Asset, level: number) => {
    if (text && !kept.has(asset.id)) return;
    const below = children.get(asset.id) ?? [];
    const open = text !== '' || !closed.has(asset.id);
    rows.push({ asset, level, children: below.length > 0, open });
    if (open) below.forEach((child) => walk(child, level + 1));
  };
  assets.filter((a) => a.parent === null || !byId.has(a.parent)).forEach((root) => walk(root, 1));
  return rows;
}

function QualityNote({ health }: { health: AssetHealth }) {
  const { t } = useTranslation('shell');
  if (!health.bad && !health.stale) return null;
  return (
    <span className="hw-treequality hw-num" title={t('shell:tree.quality', { bad: health.bad, stale: health.stale })}>
      <span aria-hidden="true">{t('shell:tree.qualityMark')}</span>{health.bad + health.stale}
      <span className="hw-sr">{t('shell:tree.quality', { bad: health.bad, stale: health.stale })}</span>
    </span>
  );
}

function Row({ node, path, health, selected, focusable, onToggle }: {
  node: Node; path: string; health: AssetHealth | undefined; selected: boolean; focusable: boolean; onToggle: () => void;
}) {
  const { asset, level, children, open } = node;
  const inner = { '--level': level } as CSSProperties;
  return (
    <li
      role="treeitem" aria-level={level} aria-selected={selected} aria-expanded={children ? open : undefined} style={inner}
      data-testid="tree-node" data-code={asset.code} data-id={asset.id} tabIndex={focusable ? 0 : -1}
    >
      <span className="hw-twist" aria-hidden="true" onClick={onToggle} data-open={open}>
        {children ? <svg width="12" height="12" viewBox="0 0 12 12"><path d="M4 2 L8 6 L4 10" fill="none" stroke="currentColor" strokeWidth="1.6" /></svg> : null}
      </span>
      <Link to={path} tabIndex={-1}>
        <span className="hw-nowrap">{titleOf(asset.title)}</span>
        <span className="hw-code">{asset.code}</span>
      </Link>
      {health ? <QualityNote health={health} /> : null}
      {health ? <WorstMark active={health.active} unacked={health.unacked} brief /> : null}
    </li>
  );
}

function useTreeKeys(rows: Node[], pathOf: (asset: Asset) => string, setClosed: (id: number, closed: boolean) => void) {
  const navigate = useNavigate();
  return (event: KeyboardEvent<HTMLUListElement>) => {
    const items = [...event.currentTarget.querySelectorAll<HTMLElement>('[role=treeitem]')];
    const at = items.indexOf(document.activeElement as HTMLElement);
    const node = rows[at];
    if (!node) return;
    const target = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 }[event.key];
    if (target !== undefined) items[target]?.focus();
    else if (event.key === 'ArrowRight') setClosed(node.asset.id, false);
    else if (event.key === 'ArrowLeft') setClosed(node.asset.id, true);
    else if (event.key === 'Enter' || event.key === ' ') void navigate(pathOf(node.asset));
    else return;
    event.preventDefault();
  };
}

function Tree({ assets }: { assets: Asset[] }) {
  const { t } = useTranslation('shell');
  const [search, setSearch] = useState('');
  const [closed, setClosedSet] = useState<ReadonlySet<number>>(new Set());
  const selected = useSelectedCode();
  const { data: health } = useQuery(healthQuery());
  const byAsset = useMemo(() => new Map(health?.map((h) => [h.asset, h])), [health]);
  const rows = useMemo(() => visibleNodes(assets, closed, search), [assets, closed, search]);
  const setClosed = (id: number, close: boolean) => {
    const next = new Set(closed);
    if (close) next.add(id);
    else next.delete(id);
    setClosedSet(next);
  };
  const pathOf = useAssetPath();
  const onKeyDown = useTreeKeys(rows, pathOf, setClosed);
  const focusAt = Math.max(0, rows.findIndex((r) => r.asset.code === selected));
  return (
    <div className="hw-tree">
      <Input.Search
        value={search} onChange={(e) => setSearch(e.target.value)} allowClear placeholder={t('shell:tree.search')}
        aria-label={t('shell:tree.search')} data-testid="tree-search" enterButton={false}
      />
      {rows.length ? (
        <ul role="tree" aria-label={t('shell:tree.title')} onKeyDown={onKeyDown}>
          {rows.map((node, i) => (
            <Row
              key={node.asset.id} node={node} path={pathOf(node.asset)} health={byAsset.get(node.asset.id)} selected={node.asset.code === selected}
              focusable={i === focusAt} onToggle={() => setClosed(node.asset.id, node.open)}
            />
          ))}
        </ul>
      ) : <Empty title={t(search ? 'shell:tree.noMatch' : 'shell:tree.empty')} hint={t(search ? 'shell:tree.noMatchHint' : 'shell:tree.emptyHint')} />}
    </div>
  );
}

export function AssetTree() {
  const assets = useQuery(assetsQuery());
  return <Ready query={assets} rows={10}>{(items) => <Tree assets={items} />}</Ready>;
}
