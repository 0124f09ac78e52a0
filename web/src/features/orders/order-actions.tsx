import { useHost } from '@headworks/app-sdk';
import { useQuery } from '@tanstack/react-query';
import { Button, Form, Input, Modal, Radio, Select } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Refusal, useSend } from '../../components/send';
import { submits } from '../../components/submit';
import { queryClient } from '../../lib/client';
import { request } from '../../lib/http';
import { orderKeys, OUTCOMES, peopleQuery, type Order, type OrderResult } from './api';

export type Step = 'start' | 'finish' | 'close' | 'reopen' | 'cancel' | 'assign' | 'comment';

/** Which steps an order allows from its state, the usual next one first. */
export function stepsOf(order: Order, may: (permission: string) => boolean): Step[] {
  const execute = may('orders.execute');
  const close = may('orders.close');
  const found: Step[] = [];
  if (order.state === 'open' && execute) found.push('start');
  if (order.state === 'in_progress' && execute) found.push('finish');
  if (order.state === 'finished' && close) found.push('close', 'reopen');
  if ((order.state === 'open' || order.state === 'in_progress') && execute) found.push('assign');
  if (execute) found.push('comment');
  if ((order.state === 'open' || order.state === 'in_progress') && close) found.push('cancel');
  if (order.state === 'closed' && close) found.push('reopen');
  return found;
}

interface FormProps {
  order: Order;
  onSubmit: (body: object) => void;
}

function ResultForm({ onSubmit }: FormProps) {
  const { t } = useTranslation('orders');
  return (
    <Form<OrderResult> id="order-step" layout="vertical" requiredMark={false} onFinish={(v) => onSubmit({ result: { ...v, note: v.note ?? '' } })}>
      <Form.Item name="outcome" label={t('orders:result.outcome')} rules={[{ required: true, message: t('orders:need.outcome') }]}>
        <Radio.Group className="hw-outcomes" options={OUTCOMES.map((o) => ({ value: o, label: <span data-testid={`order-result-outcome-${o}`}>{t(`orders:outcome.${o}`)}</span> }))} />
      </Form.Item>
      <Form.Item name="cause" label={t('orders:result.cause')} rules={[{ required: true, whitespace: true, message: t('orders:need.cause') }]}>
        <Input.TextArea rows={2} maxLength={2000} placeholder={t('orders:result.causeHint')} data-testid="order-result-cause" />
      </Form.Item>
      <Form.Item name="action" label={t('orders:result.action')} rules={[{ required: true, whitespace: true, message: t('orders:need.action') }]}>
        <Input.TextArea rows={2} maxLength={2000} placeholder={t('orders:result.actionHint')} data-testid="order-result-action" />
      </Form.Item>
      <Form.Item name="note" label={t('orders:result.note')}>
        <Input.TextArea rows={2} maxLength={2000} data-testid="order-result-note" />
      </Form.Item>
    </Form>
  );
}

function AssignForm({ order, onSubmit }: FormProps) {
  const { t } = useTranslation('orders');
  const { data: people } = useQuery(peopleQuery());
  return (
    <Form<{ assignee?: string }> id="order-step" layout="vertical" initialValues={{ assignee: order.assignee ?? undefined }} onFinish={(v) => onSubmit({ assignee: v.assignee ?? null })}>
      <Form.Item name="assignee" label={t('orders:field.assignee')}>
        <Select allowClear placeholder={t('orders:nobody')} options={(people ?? []).map((p) => ({ value: p.name, label: p.display || p.name }))} />
      </Form.Item>
    </Form>
  );
}

/** A comment; what is undone or given up needs a reason, the others may go without. */
function CommentForm({ order, step, onSubmit }: FormProps & { step: Step }) {
  const { t } = useTranslation('orders');
  const standing = step === 'close' && Boolean(order.alarm?.state.endsWith('_active'));
  const needed = step === 'cancel' || step === 'reopen' || step === 'comment' || standing;
  return (
    <Form<{ comment?: string }> id="order-step" layout="vertical" requiredMark={false} onFinish={(v) => onSubmit({ comment: v.comment ?? '' })}>
      {step === 'comment' ? null : <p className="hw-steptext">{t(`orders:explain.${step}`)}</p>}
      {standing ? <p className="hw-note hw-steptext">{t('orders:explain.standing')}</p> : null}
      <Form.Item name="comment" label={t(needed && step !== 'comment' ? 'orders:reason' : 'orders:comment')} rules={needed ? [{ required: true, whitespace: true, message: t('orders:need.reason') }] : []}>
        <Input.TextArea rows={3} maxLength={2000} data-testid="order-comment" />
      </Form.Item>
    </Form>
  );
}

/** The steps of an order as buttons; each opens its form and says what it changes. */
export function OrderActions({ order }: { order: Order }) {
  const { t } = useTranslation('orders');
  const host = useHost();
  const [step, setStep] = useState<Step | null>(null);
  const send = useSend<{ step: Step; body: object }, Order>(
    ({ step: name, body }) => request<Order>('POST', `orders/${order.id}/${name}`, body),
    {
      stale: [orderKeys.all, ['alarms']], quiet: true,
      done: (result) => { setStep(null); queryClient.setQueryData(orderKeys.one(order.id), result); },
    },
  );
  const steps = stepsOf(order, host.can);
  const submit = (body: object) => { if (step) send.mutate({ step, body }); };
  if (!steps.length) return null;
  return (
    <div className="hw-orderacts">
      {steps.map((name, i) => (
        <Button key={name} type={i === 0 && name !== 'comment' && order.state !== 'closed' ? 'primary' : 'default'} data-testid={`order-${name}`} onClick={() => setStep(name)}>
          {t(`orders:step.${name}`)}
        </Button>
      ))}
      <Modal
        open={step !== null} title={step ? t(`orders:step.${step}`) : ''} onCancel={() => setStep(null)} destroyOnHidden
        okText={step ? t(`orders:step.${step}`) : ''} cancelText={t('orders:back')} afterClose={send.reset}
        okButtonProps={submits('order-step', send.isPending, 'order-step-confirm')}
      >
        {send.error ? <Refusal error={send.error} /> : null}
        {step === 'finish' ? <ResultForm order={order} onSubmit={submit} />
          : step === 'assign' ? <AssignForm order={order} onSubmit={submit} />
            : step ? <CommentForm order={order} step={step} onSubmit={submit} /> : null}
      </Modal>
    </div>
  );
}
