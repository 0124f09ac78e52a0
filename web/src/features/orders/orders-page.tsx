import { useHost } from '@headworks/app-sdk';
import { PlusOutlined } from '@ant-design/icons';
import { useInfiniteQuery } from '@tanstack/react-query';
import { Button, Checkbox, Segmented } from 'antd';
import { useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useNavigate, useSearchParams } from 'react-router';
import { AssetSelect } from '../../components/asset-select';
import { Empty, ErrorState, Loading } from '../../components/states';
import { formatWhen, titleOf } from '../../lib/format';
import { useNow } from '../../live/hooks';
import { ORDER_STATES, ordersQuery, type Order, type OrderQuery } from './api';
import { OrderDialog, type OrderDraft } from './order-dialog';
import { Due, OrderStateMark, usePersonName } from './order-parts';
import '../../components/parts.css';
import './orders.css';

const TABS = [...ORDER_STATES, 'all'] as const;

function useOrderFilters() {
  const [params, setParams] = useSearchParams();
  const state = TABS.find((s) => s === params.get('state')) ?? 'open';
  const asset = Number(params.get('asset')) || null;
  const mine = params.get('mine') === '1';
  const query = useMemo<OrderQuery>(() => ({ state, asset, mine }), [state, asset, mine]);
  const set = (changes: Record<string, string | null>) => setParams((old) => {
    const next = new URLSearchParams(old);
    for (const [key, value] of Object.entries(changes)) {
      if (value) next.set(key, value);
      else next.delete(key);
    }
    return next;
  }, { replace: true });
  return { query, set };
}

/** The orders as rows; on a phone as cards of which the whole title is the target. */
export function OrderRows({ orders, withAsset = true }: { orders: Order[]; withAsset?: boolean }) {
  const { t } = useTranslation('orders');
  const now = useNow();
  const nameOf = usePersonName();
  const columns = ['number', 'title', 'state', ...(withAsset ? ['asset'] : []), 'priority', 'assignee', 'due', 'created'];
  return (
    <div className="hw-tablewrap">
      <table className="hw-rows hw-orders">
        <thead><tr>{columns.map((c) => <th key={c} scope="col">{t(`orders:columns.${c}`)}</th>)}</tr></thead>
        <tbody>
          {orders.map((order) => (
            <tr key={order.id} data-testid="order-row" data-order-id={order.id} data-state={order.state}>
              <td className="hw-num hw-ordernumber">{order.number}</td>
              <th scope="row"><Link to={`/orders/${order.id}`}>{order.title}</Link></th>
              <td data-label={t('orders:columns.state')}><OrderStateMark state={order.state} /></td>
              {withAsset ? <td data-label={t('orders:columns.asset')}>{order.asset ? <span><span className="hw-code">{order.asset.code}</span> {titleOf(order.asset.title)}</span> : null}</td> : null}
              <td data-label={t('orders:columns.priority')}>{t('orders:priority', { n: order.priority, name: t(`common:priority.${order.priority}`) })}</td>
              <td data-label={t('orders:columns.assignee')}>{nameOf(order.assignee) || <span className="hw-muted">{t('orders:nobody')}</span>}</td>
              <td data-label={t('orders:columns.due')}><Due order={order} /></td>
              <td data-label={t('orders:columns.created')} className="hw-num hw-muted">{formatWhen(order.created_ms, now)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function useCountLabel(counts: Partial<Record<string, number>>): (state: (typeof TABS)[number]) => string {
  const { t } = useTranslation('orders');
  return (state) => {
    const n = state === 'all' ? undefined : counts[state];
    const name = t(`orders:tab.${state}`);
    return n === undefined ? name : t('orders:tabCount', { name, n });
  };
}

export default function OrdersPage() {
  const { t } = useTranslation('orders');
  const host = useHost();
  const navigate = useNavigate();
  const { query, set } = useOrderFilters();
  const [draft, setDraft] = useState<OrderDraft | null>(null);
  const orders = useInfiniteQuery(ordersQuery(query));
  const items = orders.data?.pages.flatMap((p) => p.items) ?? [];
  const label = useCountLabel(orders.data?.pages[0]?.counts ?? {});
  const narrowed = query.asset !== null || query.mine;
  return (
    <div className="hw-page">
      <div className="hw-page-head">
        <h1>{t('orders:title')}</h1>
        {host.can('orders.create') ? (
          <div className="hw-actions">
            <Button type="primary" icon={<PlusOutlined />} data-testid="order-new" onClick={() => setDraft({ alarm: null, asset: query.asset, title: '', description: '', priority: 3 })}>{t('orders:new')}</Button>
          </div>
        ) : null}
      </div>
      <div className="hw-toolbar hw-orderfilters">
        <div className="hw-scrollx">
          <Segmented<string>
            value={query.state} onChange={(s) => set({ state: s === 'open' ? null : s })} aria-label={t('orders:columns.state')}
            options={TABS.map((s) => ({ value: s, label: <span data-testid={`order-tab-${s}`}>{label(s)}</span> }))}
          />
        </div>
        <AssetSelect className="hw-orderasset" value={query.asset} placeholder={t('orders:anyAsset')} onChange={(id) => set({ asset: id === null ? null : String(id) })} />
        <Checkbox checked={query.mine} data-testid="order-mine" onChange={(e) => set({ mine: e.target.checked ? '1' : null })}>{t('orders:mine')}</Checkbox>
      </div>
      <section className="hw-panel">
        {orders.isPending ? <Loading rows={8} />
          : orders.error && !orders.data ? <ErrorState error={orders.error} retry={() => void orders.refetch()} />
            : items.length ? <OrderRows orders={items} />
              : <Empty title={t(narrowed ? 'orders:noMatch' : 'orders:empty')} hint={t(narrowed ? 'orders:noMatchHint' : 'orders:emptyHint')} />}
        {orders.hasNextPage ? <p className="hw-foot"><Button loading={orders.isFetchingNextPage} onClick={() => void orders.fetchNextPage()}>{t('orders:more')}</Button></p> : null}
      </section>
      <OrderDialog draft={draft} onClose={() => setDraft(null)} onDone={(order) => void navigate(`/orders/${order.id}`)} />
    </div>
  );
}
