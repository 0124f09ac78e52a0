import { CheckOutlined, CopyOutlined } from '@ant-design/icons';
import { Button, Checkbox, Form, Input, InputNumber, Modal, Segmented } from 'antd';
import { useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Refusal, useSend } from '../../components/send';
import { submits } from '../../components/submit';
import { formatDateTime } from '../../lib/format';
import { accountKeys, issueToken, type IssuedToken, type NewToken } from './api';

const MOST_DAYS = 366;
const USUAL_DAYS = [7, 30, 90, 365];
const AS_FIRST: NewToken = { name: '', days: 90, read_only: true };

/** Days as a number, with the usual ones a press away. */
function Days({ value, onChange, id }: { value?: number | null; onChange?: (days: number | null) => void; id?: string }) {
  const { t } = useTranslation('account');
  return (
    <div className="hw-days">
      <InputNumber<number> id={id} value={value} min={1} max={MOST_DAYS} precision={0} onChange={onChange} data-testid="token-days" suffix={t('account:tokens.daysUnit')} />
      <Segmented<number>
        value={value ?? 0} aria-label={t('account:tokens.days')} onChange={(days) => onChange?.(days)}
        options={USUAL_DAYS.map((n) => ({ value: n, label: t('account:tokens.daysOf', { n }) }))}
      />
    </div>
  );
}

function Fields({ error, busy, onSubmit }: { error: unknown; busy: boolean; onSubmit: (values: NewToken) => void }) {
  const { t } = useTranslation('account');
  return (
    <Form<NewToken> id="token-form" layout="vertical" requiredMark={false} initialValues={AS_FIRST} disabled={busy} onFinish={onSubmit}>
      {error ? <Refusal error={error} /> : null}
      <Form.Item name="name" label={t('account:tokens.name')} extra={t('account:tokens.nameHint')} rules={[{ required: true, whitespace: true, message: t('account:tokens.nameNeeded') }]}>
        <Input maxLength={100} autoFocus autoComplete="off" data-testid="token-name" />
      </Form.Item>
      <Form.Item name="days" label={t('account:tokens.days')} rules={[{ required: true, message: t('account:tokens.daysNeeded', { most: MOST_DAYS }) }]}><Days /></Form.Item>
      <Form.Item name="read_only" valuePropName="checked" extra={t('account:tokens.readOnlyHint')}>
        <Checkbox data-testid="token-read-only">{t('account:tokens.onlyRead')}</Checkbox>
      </Form.Item>
    </Form>
  );
}

/** Puts a text on the clipboard; by the old way where the page came without encryption. */
async function copy(text: string, field: HTMLInputElement | null): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    field?.focus();
    field?.select();
    return document.execCommand('copy');
  }
}

/** The token itself: this once, and never again. */
function Issued({ issued }: { issued: IssuedToken }) {
  const { t } = useTranslation('account');
  const field = useRef<HTMLInputElement>(null);
  const [state, setState] = useState<'' | 'copied' | 'byHand'>('');
  const take = async () => setState((await copy(issued.token, field.current)) ? 'copied' : 'byHand');
  const use = `curl -H 'Authorization: Bearer ${issued.token}' ${window.location.origin}/api/v1/alarms/summary`;
  return (
    <div className="hw-stackgap" data-testid="token-issued">
      <div className="hw-note" role="alert"><strong>{t('account:tokens.once')}</strong><p>{t('account:tokens.onceText')}</p></div>
      <div className="hw-copyrow">
        <input
          ref={field} readOnly className="hw-mono" value={issued.token} aria-label={t('account:tokens.value', { name: issued.name })} data-testid="token-value"
          autoFocus onFocus={(e) => e.currentTarget.select()}
        />
        <Button icon={state === 'copied' ? <CheckOutlined /> : <CopyOutlined />} data-testid="token-copy" onClick={() => void take()}>
          {t(state === 'copied' ? 'account:tokens.copied' : 'account:tokens.copy')}
        </Button>
      </div>
      <p role="status" className="hw-muted">{state === 'byHand' ? t('account:tokens.byHand') : t('account:tokens.until', { time: formatDateTime(issued.expires_ms).slice(0, -3) })}</p>
      <div>
        <p className="hw-muted">{t('account:tokens.use')}</p>
        <pre className="hw-mono hw-codebox">{use}</pre>
      </div>
    </div>
  );
}

/** Makes a token; afterwards shows it until it is put away. */
export function TokenDialog({ open, onClose }: { open: boolean; onClose: () => void }) {
  const { t } = useTranslation('account');
  const create = useSend<NewToken, IssuedToken>(issueToken, { stale: [accountKeys.tokens], quiet: true });
  const issued = create.data;
  const footer = issued
    ? { footer: <Button type="primary" data-testid="token-done" onClick={onClose}>{t('account:tokens.done')}</Button> }
    : { okText: t('account:tokens.make'), cancelText: t('account:back'), okButtonProps: submits('token-form', create.isPending, 'token-submit') };
  return (
    <Modal
      open={open} onCancel={onClose} destroyOnHidden width={560} title={t(issued ? 'account:tokens.made' : 'account:tokens.create')} afterClose={create.reset}
      mask={{ closable: !issued }} keyboard={!issued} closable={!issued} {...footer}
    >
      {issued ? <Issued issued={issued} /> : <Fields error={create.error} busy={create.isPending} onSubmit={(v) => create.mutate({ ...v, name: v.name.trim() })} />}
    </Modal>
  );
}
