import { useHost } from '@headworks/app-sdk';
import { CloseOutlined } from '@ant-design/icons';
import { useQuery } from '@tanstack/react-query';
import { Button, Input } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useNavigate } from 'react-router';
import { GuidanceView } from '../../components/guidance';
import { PriorityMark } from '../../components/priority';
import { Ready } from '../../components/states';
import { formatDateTime, formatReading, titleOf, unitText } from '../../lib/format';
import { alarmQuery } from '../../lib/queries';
import type { AlarmDetail } from '../../lib/types';
import { isSuppressed } from '../../live/bridge';
import { OrderDialog, type OrderDraft } from '../orders/order-dialog';
import { OrderStateMark } from '../orders/order-parts';
import type { OrderState } from '../orders/api';
import { Evidence } from './alarm-evidence';
import { needsAck, stateKey } from './alarm-row';
import { Consequences, SuppressionNote, Timeline } from './alarm-story';

function Facts({ alarm }: { alarm: AlarmDetail }) {
  const { t } = useTranslation('alarms');
  const unit = unitText(alarm.unit);
  return (
    <dl className="hw-facts-list">
      <dt>{t('alarms:columns.state')}</dt><dd>{t(stateKey(alarm))}</dd>
      <dt>{t('alarms:columns.priority')}</dt><dd>{t('alarms:priority', { n: alarm.priority, name: t(`common:priority.${alarm.priority}`) })}</dd>
      <dt>{t('alarms:columns.asset')}</dt>
      <dd>
        <Link to={`/monitor/${encodeURIComponent(alarm.asset.code)}`}>{titleOf(alarm.asset.title)} <span className="hw-code">{alarm.asset.code}</span></Link>
        {alarm.asset.id === null ? null : <Link className="hw-second" to={`/assets/${alarm.asset.id}`} data-testid="alarm-asset">{t('alarms:toAsset')}</Link>}
      </dd>
      <dt>{t('alarms:columns.raised')}</dt><dd className="hw-num">{formatDateTime(alarm.raised_ms)}</dd>
      {alarm.cleared_ms === null ? null : <><dt>{t('alarms:columns.cleared')}</dt><dd className="hw-num">{formatDateTime(alarm.cleared_ms)}</dd></>}
      {alarm.value === null ? null : <><dt>{t('alarms:columns.value')}</dt><dd className="hw-num">{formatReading(alarm.value)} {unit}</dd></>}
      {alarm.limit === null || alarm.limit === undefined ? null : <><dt>{t('alarms:columns.limit')}</dt><dd className="hw-num">{formatReading(alarm.limit)} {unit}</dd></>}
      <dt>{t('alarms:columns.model')}</dt><dd>{alarm.instance.code} <span className="hw-code">{alarm.condition}</span></dd>
      {alarm.acked_by ? <><dt>{t('alarms:columns.by')}</dt><dd>{alarm.acked_by} <span className="hw-num hw-muted">{alarm.acked_ms === null ? '' : formatDateTime(alarm.acked_ms)}</span></dd></> : null}
      {alarm.comment ? <><dt>{t('alarms:columns.comment')}</dt><dd>{alarm.comment}</dd></> : null}
    </dl>
  );
}

function Acknowledge({ busy, onAcknowledge }: { busy: boolean; onAcknowledge: (comment: string) => void }) {
  const { t } = useTranslation('alarms');
  const [comment, setComment] = useState('');
  return (
    <form className="hw-ackform" onSubmit={(e) => { e.preventDefault(); onAcknowledge(comment); }}>
      <label htmlFor="ack-comment">{t('alarms:comment')}</label>
      <Input.TextArea
        id="ack-comment" data-testid="alarm-ack-comment" value={comment} onChange={(e) => setComment(e.target.value)} maxLength={500}
        rows={2} placeholder={t('alarms:commentHint')}
      />
      <Button type="primary" htmlType="submit" data-testid="alarm-ack-confirm" loading={busy}>{t('alarms:acknowledge')}</Button>
    </form>
  );
}

/** What is known of the alarm, as the first words of an order: the person who goes there should not have to look it up. */
function useDraft(alarm: AlarmDetail): OrderDraft {
  const { t } = useTranslation('orders');
  const title = titleOf(alarm.title);
  const asset = titleOf(alarm.asset.title);
  const lines = [t('orders:alarmText', { title, asset: `${asset} ${alarm.asset.code}`, time: formatDateTime(alarm.raised_ms) })];
  if (alarm.value !== null) lines.push(t('orders:alarmValue', { value: formatReading(alarm.value), unit: unitText(alarm.unit) }));
  const actions = alarm.guidance?.actions ?? [];
  if (actions.length) lines.push('', t('orders:alarmActions'), ...actions.map((a, i) => `${i + 1}. ${titleOf(a)}`));
  return { alarm: alarm.id, asset: alarm.asset.id, title: t('orders:fromAlarm', { asset, title }), description: lines.join('\n'), priority: alarm.priority };
}

/** The orders this alarm led to, or the way to make one. */
function Orders({ alarm }: { alarm: AlarmDetail }) {
  const { t } = useTranslation('alarms');
  const host = useHost();
  const navigate = useNavigate();
  const [open, setOpen] = useState(false);
  const draft = useDraft(alarm);
  const orders = alarm.orders ?? (alarm.order ? [alarm.order] : []);
  const running = orders.some((o) => o.state !== 'closed' && o.state !== 'cancelled');
  return (
    <div className="hw-alarmorders">
      {orders.map((order) => (
        <Link key={order.id} to={`/orders/${order.id}`} data-testid="alarm-order">
          <span className="hw-num">{order.number}</span> <OrderStateMark state={order.state as OrderState} />
        </Link>
      ))}
      {!orders.length ? <span className="hw-muted">{t('alarms:noOrder')}</span> : null}
      {host.can('orders.create') && !running
        ? <Button data-testid="alarm-order-new" onClick={() => setOpen(true)}>{t('orders:new')}</Button> : null}
      <OrderDialog draft={open ? draft : null} onClose={() => setOpen(false)} onDone={(order) => void navigate(`/orders/${order.id}`)} />
    </div>
  );
}

interface Props {
  id: string;
  canAcknowledge: boolean;
  busy: boolean;
  onClose: () => void;
  onAcknowledge: (id: string, comment: string) => void;
  onOpen: (id: string) => void;
}

function Body({ alarm, canAcknowledge, busy, onAcknowledge, onOpen }: Omit<Props, 'id' | 'onClose'> & { alarm: AlarmDetail }) {
  const { t } = useTranslation('alarms');
  return (
    <div data-testid="alarm-detail" data-alarm-id={alarm.id} data-state={alarm.state} data-first-out={alarm.first_out ?? false}>
      <SuppressionNote alarm={alarm} onOpen={onOpen} />
      <Facts alarm={alarm} />
      {needsAck(alarm) && canAcknowledge
        ? <Acknowledge busy={busy} onAcknowledge={(comment) => onAcknowledge(alarm.id, comment)} /> : null}
      {needsAck(alarm) && !canAcknowledge ? <p className="hw-note">{t('alarms:mayNot')}</p> : null}
      <h2>{t('alarms:guidance')}</h2>
      {alarm.guidance ? <GuidanceView guidance={alarm.guidance} /> : <p className="hw-muted">{t('alarms:noGuidance')}</p>}
      <h2>{t('alarms:orders')}</h2>
      <Orders alarm={alarm} />
      <Consequences alarm={alarm} onOpen={onOpen} />
      <h2>{t('alarms:evidence')}</h2>
      <Evidence alarm={alarm} />
      <h2>{t('alarms:timeline')}</h2>
      <Timeline alarm={alarm} />
    </div>
  );
}

/** All that is known of one alarm, beside the list: what, where, what to do, what the signals did, what was done. */
export function AlarmDrawer({ id, onClose, ...rest }: Props) {
  const { t } = useTranslation('alarms');
  const alarm = useQuery(alarmQuery(id));
  return (
    <aside className="hw-panel hw-alarmaside" aria-label={t('alarms:detail')}>
      <header>
        <h2 className="hw-drawertitle">
          {alarm.data ? <PriorityMark priority={alarm.data.priority} hollow={alarm.data.state !== 'unacked_active' || isSuppressed(alarm.data)} blink={needsAck(alarm.data)} size={22} /> : null}
          <span>{alarm.data ? titleOf(alarm.data.title) : t('alarms:detail')}</span>
          {alarm.data?.first_out ? <span className="hw-badge" data-strong="true">{t('alarms:firstOut')}</span> : null}
        </h2>
        <button type="button" className="hw-iconbutton" aria-label={t('common:close')} onClick={onClose}><CloseOutlined /></button>
      </header>
      <div className="hw-asidebody" key={id} tabIndex={0} role="region" aria-label={t('alarms:detail')}>
        <Ready query={alarm} rows={10}>{(data) => <Body alarm={data} {...rest} />}</Ready>
      </div>
    </aside>
  );
}
