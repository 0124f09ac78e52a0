import { useQuery } from '@tanstack/react-query';
import { DatePicker, Form, Input, Modal, Select } from 'antd';
import type { Dayjs } from 'dayjs';
import { useTranslation } from 'react-i18next';
import { AssetSelect } from '../../components/asset-select';
import { PRIORITIES } from '../../components/priority';
import { Refusal, useSend } from '../../components/send';
import { submits } from '../../components/submit';
import { zoneOffsetMs } from '../../lib/format';
import { request } from '../../lib/http';
import { orderKeys, peopleQuery, type Order } from './api';

export interface OrderDraft {
  alarm: string | null;
  asset: number | null;
  title: string;
  description: string;
  priority: number;
}

interface Values {
  asset: number;
  title: string;
  description?: string;
  priority: number;
  assignee?: string;
  due?: Dayjs | null;
}

/** The picker only knows the browser's zone; what it shows is the wall time of the site. */
export function siteTime(day: Dayjs): number {
  const wall = Date.parse(`${day.format('YYYY-MM-DDTHH:mm:ss')}Z`);
  return wall - zoneOffsetMs(wall - zoneOffsetMs(wall));
}

function Fields({ draft, error, busy, onSubmit }: { draft: OrderDraft; error: unknown; busy: boolean; onSubmit: (values: Values) => void }) {
  const { t } = useTranslation('orders');
  const { data: people } = useQuery(peopleQuery());
  return (
    <Form<Values>
      id="order-form" layout="vertical" requiredMark={false} initialValues={{ ...draft, asset: draft.asset ?? undefined }} disabled={busy}
      onFinish={onSubmit} className="hw-formgrid"
    >
      {error ? <div className="hw-wide"><Refusal error={error} /></div> : null}
      <Form.Item className="hw-wide" name="title" label={t('orders:field.title')} rules={[{ required: true, whitespace: true, message: t('orders:need.title') }]}>
        <Input maxLength={200} data-testid="order-title" />
      </Form.Item>
      <Form.Item className="hw-wide" name="asset" label={t('orders:field.asset')} rules={[{ required: true, message: t('orders:need.asset') }]}>
        <AssetSelect disabled={draft.alarm !== null && draft.asset !== null} />
      </Form.Item>
      <Form.Item className="hw-wide" name="description" label={t('orders:field.description')}>
        <Input.TextArea rows={6} maxLength={4000} data-testid="order-description" />
      </Form.Item>
      <Form.Item name="priority" label={t('orders:field.priority')}>
        <Select options={PRIORITIES.map((p) => ({ value: p, label: t('orders:priority', { n: p, name: t(`common:priority.${p}`) }) }))} />
      </Form.Item>
      <Form.Item name="assignee" label={t('orders:field.assignee')}>
        <Select allowClear placeholder={t('orders:nobody')} options={(people ?? []).map((p) => ({ value: p.name, label: p.display || p.name }))} />
      </Form.Item>
      <Form.Item name="due" label={t('orders:field.due')}>
        <DatePicker showTime={{ format: 'HH:mm' }} format="YYYY-MM-DD HH:mm" placeholder={t('orders:noDue')} />
      </Form.Item>
    </Form>
  );
}

/** Makes a work order; from an alarm everything known is filled in. */
export function OrderDialog({ draft, onClose, onDone }: { draft: OrderDraft | null; onClose: () => void; onDone: (order: Order) => void }) {
  const { t } = useTranslation('orders');
  const create = useSend<object, Order>((body) => request<Order>('POST', 'orders', body), {
    stale: [orderKeys.all, ['alarms']], quiet: true,
    done: (order) => { onClose(); onDone(order); },
  });
  const submit = (v: Values) => create.mutate({
    alarm: draft?.alarm ?? null, asset: v.asset, title: v.title.trim(), description: v.description ?? '', priority: v.priority,
    assignee: v.assignee ?? null, due_ms: v.due ? siteTime(v.due) : null,
  });
  return (
    <Modal
      open={draft !== null} title={t('orders:new')} onCancel={onClose} destroyOnHidden width={640} okText={t('orders:create')} cancelText={t('orders:back')}
      okButtonProps={submits('order-form', create.isPending, 'order-create')}
      afterClose={create.reset}
    >
      {draft ? <Fields draft={draft} error={create.error} busy={create.isPending} onSubmit={submit} /> : null}
    </Modal>
  );
}
