import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useParams } from 'react-router';
import { WorstMark } from '../../components/priority';
import { Empty, Ready } from '../../components/states';
import { titleOf } from '../../lib/format';
import { assetsQuery, healthQuery, tagsQuery } from '../../lib/queries';
import type { Asset, AssetHealth, Tag } from '../../lib/types';
import { subtreeOf } from '../../live/bridge';
import { AlarmPanel } from './alarm-panel';
import { ChildTile } from './child-tile';
import { ModelPanel } from './model-panel';
import { TagTable } from './tag-table';
import './monitor.css';

function Crumbs({ assets, asset }: { assets: Asset[]; asset: Asset }) {
  const { t } = useTranslation('monitor');
  const way: Asset[] = [];
  for (let a = assets.find((p) => p.id === asset.parent); a; a = assets.find((p) => p.id === a?.parent)) way.unshift(a);
  if (!way.length) return null;
  return (
    <nav aria-label={t('monitor:way')}>
      <ol className="hw-crumbs">
        {way.map((a) => <li key={a.id}><Link to={`/monitor/${encodeURIComponent(a.code)}`}>{titleOf(a.title)}</Link></li>)}
      </ol>
    </nav>
  );
}

function Facts({ health, tags }: { health: AssetHealth | undefined; tags: Tag[] | undefined }) {
  const { t } = useTranslation('monitor');
  const total = health?.tags ?? tags?.length ?? 0;
  return (
    <p className="hw-facts hw-num">
      {health ? <WorstMark active={health.active} unacked={health.unacked} /> : null}
      <span>{t('monitor:facts.tags', { n: total })}</span>
      {health && (health.bad || health.stale)
        ? <span className="hw-quality">{t('monitor:facts.quality', { bad: health.bad, stale: health.stale })}</span>
        : <span className="hw-muted">{t('monitor:facts.allGood')}</span>}
    </p>
  );
}

function Overview({ assets, asset }: { assets: Asset[]; asset: Asset }) {
  const { t } = useTranslation('monitor');
  const { data: health } = useQuery(healthQuery());
  const tags = useQuery(tagsQuery(asset.id));
  const children = assets.filter((a) => a.parent === asset.id);
  const byAsset = useMemo(() => new Map(health?.map((h) => [h.asset, h])), [health]);
  const tagsOf = useMemo(() => {
    const found = new Map<number, Tag[]>();
    for (const child of assets.filter((a) => a.parent === asset.id)) {
      const inside = subtreeOf(assets, child.id);
      found.set(child.id, (tags.data ?? []).filter((tag) => inside.has(tag.asset)));
    }
    return found;
  }, [assets, asset.id, tags.data]);
  const inside = useMemo(() => subtreeOf(assets, asset.id), [assets, asset.id]);
  return (
    <div className="hw-page hw-monitor">
      <div className="hw-page-head">
        <div>
          <Crumbs assets={assets} asset={asset} />
          <h1>{titleOf(asset.title)} <span className="hw-code">{asset.code}</span></h1>
        </div>
        <Facts health={byAsset.get(asset.id)} tags={tags.data} />
        <div className="hw-monitorlinks"><Link to={`/assets/${asset.id}`} data-testid="monitor-asset">{t('monitor:toAsset')}</Link></div>
      </div>
      <div className="hw-monitor-grid">
        {children.length ? (
          <section className="hw-tiles" aria-label={t('monitor:children')}>
            {children.map((child) => (
              <ChildTile key={child.id} asset={child} health={byAsset.get(child.id)} tags={tagsOf.get(child.id) ?? []} />
            ))}
          </section>
        ) : null}
        <section className="hw-panel hw-tagpanel">
          <header><h2>{t('monitor:tags.title')}</h2></header>
          <Ready query={tags} rows={8}>
            {(items) => (items.length
              ? <TagTable tags={items} assets={assets} />
              : <Empty title={t('monitor:tags.empty')} hint={t('monitor:tags.emptyHint')} />)}
          </Ready>
        </section>
        <div className="hw-monitor-side">
          <AlarmPanel asset={asset} />
          <ModelPanel inside={inside} />
        </div>
      </div>
    </div>
  );
}

export default function MonitorPage() {
  const { t } = useTranslation('monitor');
  const { asset: code } = useParams();
  const assets = useQuery(assetsQuery());
  return (
    <Ready query={assets} rows={12}>
      {(items) => {
        const asset = code ? items.find((a) => a.code === code) : items.find((a) => a.parent === null);
        if (!items.length) return <Empty title={t('monitor:empty')} hint={t('monitor:emptyHint')} />;
        if (!asset) return <Empty title={t('monitor:unknown', { code })} hint={t('monitor:unknownHint')} />;
        return <Overview key={asset.id} assets={items} asset={asset} />;
      }}
    </Ready>
  );
}
