import { useHost } from '@headworks/app-sdk';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { Button } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useNavigate, useParams, useSearchParams } from 'react-router';
import { WorstMark } from '../../components/priority';
import { Empty, ErrorState, Loading, Ready } from '../../components/states';
import { TabRow } from '../../components/tabs';
import { titleOf } from '../../lib/format';
import { assetsQuery, healthQuery, tagsQuery } from '../../lib/queries';
import { modelListQuery } from '../models/api';
import '../monitor/monitor.css';
import { TagTable } from '../monitor/tag-table';
import { ordersQuery } from '../orders/api';
import { OrderDialog, type OrderDraft } from '../orders/order-dialog';
import { OrderRows } from '../orders/orders-page';
import { AlarmsTab } from './alarms-tab';
import { assetQuery, kksQuery, type AssetDetail } from './api';
import { FilesTab } from './files-tab';
import '../../components/parts.css';
import './assets.css';

const TABS = ['tags', 'models', 'alarms', 'orders', 'files'] as const;

/** A KKS code and, opened, what each of its parts says. */
function KksCode({ code }: { code: string }) {
  const { t } = useTranslation('assets');
  const [open, setOpen] = useState(false);
  const kks = useQuery({ ...kksQuery(code), enabled: open });
  return (
    <details className="hw-kks" onToggle={(e) => setOpen(e.currentTarget.open)} data-testid="asset-kks">
      <summary><span className="hw-muted">{t('assets:kks')}</span> <b className="hw-mono">{code}</b></summary>
      {open ? (
        <Ready query={kks} rows={2}>
          {(read) => (
            <>
              <dl className="hw-dl">
                {read.parts.map((part) => (
                  <div key={`${part.level}-${part.key}`} className="hw-contents"><dt className="hw-mono">{part.value}</dt><dd>{part.title ? titleOf(part.title) : t(`assets:kksPart.${part.key}`, { defaultValue: part.key })}</dd></div>
                ))}
              </dl>
              {read.problems.map((p) => <p key={p.code} className="hw-muted">{p.text}</p>)}
            </>
          )}
        </Ready>
      ) : null}
    </details>
  );
}

function TagsTab({ asset }: { asset: AssetDetail }) {
  const { t } = useTranslation('monitor');
  const tags = useQuery(tagsQuery(asset.id));
  const { data: assets } = useQuery(assetsQuery());
  return (
    <section className="hw-panel hw-tagpanel">
      <Ready query={tags} rows={8}>
        {(items) => (items.length ? <TagTable tags={items} assets={assets ?? []} /> : <Empty title={t('monitor:tags.empty')} hint={t('monitor:tags.emptyHint')} />)}
      </Ready>
    </section>
  );
}

function ModelsTab({ asset }: { asset: AssetDetail }) {
  const { t } = useTranslation('assets');
  const models = useQuery(modelListQuery(asset.id));
  return (
    <section className="hw-panel">
      <Ready query={models} rows={6}>
        {(items) => (items.length ? (
          <div className="hw-tablewrap">
            <table className="hw-rows">
              <thead><tr>{(['title', 'template', 'state'] as const).map((c) => <th key={c} scope="col">{t(`assets:models.columns.${c}`)}</th>)}</tr></thead>
              <tbody>
                {[...items].sort((a, b) => b.active - a.active || (a.code < b.code ? -1 : 1)).map((m) => (
                  <tr key={m.id} data-testid="asset-model-row" data-code={m.code}>
                    <th scope="row"><Link to={`/models/${m.id}`}><span>{titleOf(m.title)} <span className="hw-code">{m.code}</span></span></Link></th>
                    <td data-label={t('assets:models.columns.template')} className="hw-code">{m.template}</td>
                    <td data-label={t('assets:models.columns.state')}>
                      {m.active ? <span className="hw-badge">{t('assets:models.active', { n: m.active })}</span> : <span className="hw-muted">{t('assets:models.normal', { n: m.conditions.length })}</span>}
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        ) : <Empty title={t('assets:models.empty')} hint={t('assets:models.emptyHint')} />)}
      </Ready>
    </section>
  );
}

function OrdersTab({ asset }: { asset: AssetDetail }) {
  const { t } = useTranslation('assets');
  const orders = useInfiniteQuery(ordersQuery({ state: 'all', asset: asset.id, mine: false }));
  const items = orders.data?.pages.flatMap((p) => p.items) ?? [];
  return (
    <section className="hw-panel">
      {orders.isPending ? <Loading rows={4} />
        : orders.error && !orders.data ? <ErrorState error={orders.error} retry={() => void orders.refetch()} />
          : items.length ? <OrderRows orders={items} withAsset={asset.children.length > 0} /> : <Empty title={t('assets:orders.empty')} hint={t('assets:orders.emptyHint')} />}
      {orders.hasNextPage ? <p className="hw-foot"><Button loading={orders.isFetchingNextPage} onClick={() => void orders.fetchNextPage()}>{t('assets:more')}</Button></p> : null}
    </section>
  );
}

function Head({ asset }: { asset: AssetDetail }) {
  const { t } = useTranslation('assets');
  const host = useHost();
  const navigate = useNavigate();
  const { data: health } = useQuery(healthQuery());
  const [draft, setDraft] = useState<OrderDraft | null>(null);
  const own = health?.find((h) => h.asset === asset.id);
  return (
    <div className="hw-page-head">
      <div>
        <nav aria-label={t('assets:way')}>
          <ol className="hw-crumbs">
            {asset.path.filter((step) => step.id !== asset.id).map((step) => <li key={step.id}><Link to={`/assets/${step.id}`}>{titleOf(step.title)}</Link></li>)}
          </ol>
        </nav>
        <h1>{titleOf(asset.title)} <span className="hw-code">{asset.code}</span></h1>
        <div className="hw-assetfacts">
          {own ? <WorstMark active={own.active} unacked={own.unacked} /> : null}
          {asset.kks ? <KksCode code={asset.kks} /> : null}
        </div>
      </div>
      <div className="hw-actions">
        <Link to={`/monitor/${encodeURIComponent(asset.code)}`} data-testid="asset-monitor">{t('assets:monitor')}</Link>
        {host.can('orders.create') ? (
          <Button data-testid="asset-order-new" onClick={() => setDraft({ alarm: null, asset: asset.id, title: '', description: '', priority: 3 })}>{t('assets:newOrder')}</Button>
        ) : null}
      </div>
      <OrderDialog draft={draft} onClose={() => setDraft(null)} onDone={(order) => void navigate(`/orders/${order.id}`)} />
    </div>
  );
}

function Detail({ asset }: { asset: AssetDetail }) {
  const { t } = useTranslation('assets');
  const [params, setParams] = useSearchParams();
  const active = TABS.find((tab) => tab === params.get('tab')) ?? 'tags';
  const bodies = {
    tags: <TagsTab asset={asset} />, models: <ModelsTab asset={asset} />, alarms: <AlarmsTab asset={asset} />, orders: <OrdersTab asset={asset} />, files: <FilesTab asset={asset.id} />,
  };
  const counts: Partial<Record<(typeof TABS)[number], number>> = { tags: asset.tags, models: asset.models };
  return (
    <div className="hw-page" data-testid="asset-page" data-code={asset.code}>
      <Head asset={asset} />
      {asset.children.length ? (
        <nav className="hw-assetchildren" aria-label={t('assets:children')}>
          {asset.children.map((child) => <Link key={child.id} to={`/assets/${child.id}`} className="hw-badge" data-quiet="true">{titleOf(child.title)}</Link>)}
        </nav>
      ) : null}
      <TabRow
        active={active} label={titleOf(asset.title)} onChange={(tab) => setParams(tab === 'tags' ? {} : { tab }, { replace: true })}
        tabs={TABS.map((tab) => ({
          key: tab, children: bodies[tab], testId: `asset-tab-${tab}`,
          label: counts[tab] === undefined ? t(`assets:tab.${tab}`) : t('assets:tabCount', { name: t(`assets:tab.${tab}`), n: counts[tab] }),
        }))}
      />
    </div>
  );
}

/** Everything the platform knows of one piece of equipment. */
export default function AssetPage() {
  const id = Number(useParams().id);
  const asset = useQuery(assetQuery(id));
  return <Ready query={asset} rows={10}>{(data) => <Detail key={data.id} asset={data} />}</Ready>;
}
