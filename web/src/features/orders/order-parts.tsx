import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { formatAge, formatDateTime } from '../../lib/format';
import { useNow } from '../../live/hooks';
import { peopleQuery, type Order, type OrderState } from './api';

const PATHS: Record<OrderState, string> = {
  open: 'M6 1.5 A4.5 4.5 0 1 1 5.99 1.5 Z',
  in_progress: 'M6 1.5 A4.5 4.5 0 1 1 5.99 1.5 Z M6 3.5 V6 L8 7.5',
  finished: 'M1.5 6.5 L4.7 9.5 L10.5 2.5',
  closed: 'M1.5 6.5 L4.7 9.5 L10.5 2.5 M1 11.5 H11',
  cancelled: 'M2 2 L10 10 M10 2 L2 10',
};

/** State of an order by shape and word; the colours of alarms are not used. */
export function OrderStateMark({ state }: { state: OrderState }) {
  const { t } = useTranslation('orders');
  const ended = state === 'closed' || state === 'cancelled';
  return (
    <span className="hw-badge" data-quiet={ended || undefined} data-testid="order-state" data-state={state}>
      <svg width="12" height="12" viewBox="0 0 12 12" aria-hidden="true">
        <path d={PATHS[state]} fill="none" stroke="currentColor" strokeWidth="1.5" strokeLinejoin="round" />
      </svg>
      {t(`orders:state.${state}`)}
    </span>
  );
}

/** The due time; said in words when it has passed while there is still work to do. */
export function Due({ order }: { order: Order }) {
  const { t } = useTranslation('orders');
  const now = useNow();
  if (order.due_ms === null) return null;
  const late = (order.state === 'open' || order.state === 'in_progress') && order.due_ms < now;
  return (
    <span className="hw-num">
      {formatDateTime(order.due_ms).slice(0, -3)}
      {late ? <span className="hw-badge" data-dashed="true">{t('orders:overdue', { age: formatAge(now - order.due_ms) })}</span> : null}
    </span>
  );
}

/** The name people know somebody by. */
export function usePersonName(): (name: string | null | undefined) => string {
  const { data } = useQuery(peopleQuery());
  return (name) => data?.find((p) => p.name === name)?.display ?? name ?? '';
}
