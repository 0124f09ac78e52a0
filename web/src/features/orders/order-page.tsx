import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { Link, useParams } from 'react-router';
import { Ready } from '../../components/states';
import { formatDateTime, titleOf } from '../../lib/format';
import { orderQuery, type Order } from './api';
import { OrderActions } from './order-actions';
import { Due, OrderStateMark, usePersonName } from './order-parts';
import '../../components/parts.css';
import './orders.css';

const AROUND_MS = 15 * 60_000;

function Facts({ order }: { order: Order }) {
  const { t } = useTranslation('orders');
  const nameOf = usePersonName();
  const times = (['created_ms', 'started_ms', 'finished_ms', 'closed_ms'] as const).filter((name) => order[name] !== null);
  return (
    <dl className="hw-dl">
      <dt>{t('orders:field.asset')}</dt>
      <dd>
        {order.asset?.id ? <Link to={`/assets/${order.asset.id}`} data-testid="order-asset">{titleOf(order.asset.title)} <span className="hw-code">{order.asset.code}</span></Link>
          : order.asset ? <>{titleOf(order.asset.title)} <span className="hw-code">{order.asset.code}</span></> : t('orders:none')}
      </dd>
      {order.alarm ? (
        <>
          <dt>{t('orders:field.alarm')}</dt>
          <dd>
            <Link to={`/alarms?state=all&open=${order.alarm.id}`} data-testid="order-alarm">{titleOf(order.alarm.title)}</Link>
            <span className="hw-muted"> {formatDateTime(order.alarm.raised_ms)} · {t(`alarms:state.${order.alarm.state}`)}</span>
          </dd>
        </>
      ) : null}
      {order.evidence?.tags.length ? (
        <>
          <dt>{t('orders:field.evidence')}</dt>
          <dd><Link data-testid="order-evidence" to={`/trend?tags=${order.evidence.tags.join(',')}&from=${order.evidence.at_ms - AROUND_MS}&to=${order.evidence.at_ms + AROUND_MS}`}>{t('orders:toTrend')}</Link></dd>
        </>
      ) : null}
      <dt>{t('orders:field.priority')}</dt><dd>{t('orders:priority', { n: order.priority, name: t(`common:priority.${order.priority}`) })}</dd>
      <dt>{t('orders:field.assignee')}</dt><dd>{nameOf(order.assignee) || <span className="hw-muted">{t('orders:nobody')}</span>}</dd>
      <dt>{t('orders:field.createdBy')}</dt><dd>{nameOf(order.created_by)}</dd>
      {order.due_ms === null ? null : <><dt>{t('orders:field.due')}</dt><dd><Due order={order} /></dd></>}
      {times.map((name) => (
        <div key={name} className="hw-contents"><dt>{t(`orders:time.${name}`)}</dt><dd className="hw-num">{formatDateTime(order[name] ?? 0)}</dd></div>
      ))}
    </dl>
  );
}

function Result({ order }: { order: Order }) {
  const { t } = useTranslation('orders');
  const { result } = order;
  if (!result) return null;
  return (
    <section className="hw-panel" data-testid="order-result">
      <header><h2>{t('orders:result.title')}</h2><span className="hw-badge">{t(`orders:outcome.${result.outcome}`)}</span></header>
      <dl className="hw-dl hw-pad">
        <dt>{t('orders:result.cause')}</dt><dd className="hw-prewrap">{result.cause}</dd>
        <dt>{t('orders:result.action')}</dt><dd className="hw-prewrap">{result.action}</dd>
        {result.note ? <><dt>{t('orders:result.note')}</dt><dd className="hw-prewrap">{result.note}</dd></> : null}
      </dl>
    </section>
  );
}

function Steps({ order }: { order: Order }) {
  const { t } = useTranslation('orders');
  const nameOf = usePersonName();
  return (
    <section className="hw-panel">
      <header><h2>{t('orders:steps')}</h2></header>
      <ol className="hw-ordersteps">
        {order.steps.map((step, i) => (
          <li key={`${step.at_ms}-${i}`} data-testid="order-step" data-step={step.name}>
            <span className="hw-num hw-muted">{formatDateTime(step.at_ms)}</span>
            <span>
              <b>{t(`orders:did.${step.name}`, { defaultValue: step.name })}</b> <span className="hw-muted">{nameOf(step.by)}</span>
              {step.name === 'assign' ? <span> {nameOf(step.detail.assignee) || t('orders:nobody')}</span> : null}
              {step.detail.outcome ? <span className="hw-stepresult">{[t(`orders:outcome.${step.detail.outcome}`), step.detail.cause, step.detail.action].filter(Boolean).join(' · ')}</span> : null}
              {step.comment ? <q className="hw-prewrap">{step.comment}</q> : null}
            </span>
          </li>
        ))}
      </ol>
    </section>
  );
}

function Detail({ order }: { order: Order }) {
  const { t } = useTranslation('orders');
  return (
    <div className="hw-page" data-testid="order-detail" data-state={order.state}>
      <div className="hw-page-head">
        <div>
          <p className="hw-crumbs"><Link to="/orders">{t('orders:title')}</Link> <span className="hw-num">{order.number}</span></p>
          <h1>{order.title} <OrderStateMark state={order.state} /></h1>
        </div>
        <OrderActions order={order} />
      </div>
      <div className="hw-two">
        <div className="hw-stackgap">
          <Result order={order} />
          <section className="hw-panel">
            <header><h2>{t('orders:field.description')}</h2></header>
            <p className={order.description ? 'hw-pad hw-prewrap' : 'hw-pad hw-muted'}>{order.description || t('orders:noDescription')}</p>
          </section>
          <Steps order={order} />
        </div>
        <section className="hw-panel hw-orderfacts"><div className="hw-pad"><Facts order={order} /></div></section>
      </div>
    </div>
  );
}

export default function OrderPage() {
  const { id = '' } = useParams();
  const order = useQuery(orderQuery(id));
  return <Ready query={order} rows={10}>{(data) => <Detail order={data} />}</Ready>;
}
