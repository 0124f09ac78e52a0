import { useHost } from '@headworks/app-sdk';
import { useQuery } from '@tanstack/react-query';
import { App, Button, Form, Input, InputNumber, Radio } from 'antd';
import { useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Refusal, useSend } from '../../components/send';
import { Empty, Ready } from '../../components/states';
import { formatAge, formatDate, formatDateTime } from '../../lib/format';
import { useNow } from '../../live/hooks';
import { accountKeys, issueToken, revokeToken, tokensQuery, type NewToken, type Token } from './api';
import '../../components/parts.css';
import './account.css';

/** The token itself, this once. Copying works also where the browser gives a page no clipboard: the text is selected. */
function Issued({ token, onDone }: { token: Token & { token: string }; onDone: () => void }) {
  const { t } = useTranslation('account');
  const { message } = App.useApp();
  const box = useRef<HTMLElement>(null);
  const copy = async () => {
    const range = document.createRange();
    if (box.current) range.selectNodeContents(box.current);
    getSelection()?.removeAllRanges();
    getSelection()?.addRange(range);
    try {
      await navigator.clipboard.writeText(token.token);
      void message.success(t('account:token.copied'));
    } catch {
      // No clipboard without HTTPS: the text is selected, the person copies it.
      void message.info(t('account:token.selected'));
    }
  };
  return (
    <div className="hw-note hw-stackgap" role="status">
      <strong>{t('account:token.issued', { name: token.name })}</strong>
      <p>{t('account:token.once')}</p>
      <code ref={box} className="hw-mono hw-token" data-testid="token-value">{token.token}</code>
      <p className="hw-toolbar">
        <Button type="primary" data-testid="token-copy" onClick={() => void copy()}>{t('account:token.copy')}</Button>
        <Button data-testid="token-done" onClick={onDone}>{t('account:token.done')}</Button>
      </p>
      <p className="hw-muted">{t('account:token.use')}</p>
      <code className="hw-mono">{`Authorization: Bearer ${token.prefix}…`}</code>
    </div>
  );
}

function Create({ onIssued }: { onIssued: (token: Token & { token: string }) => void }) {
  const { t } = useTranslation('account');
  const [form] = Form.useForm<NewToken>();
  const issue = useSend<NewToken, Token & { token: string }>(issueToken, {
    quiet: true, stale: [accountKeys.tokens], done: (token) => { form.resetFields(); onIssued(token); },
  });
  return (
    <Form<NewToken> form={form} layout="vertical" requiredMark={false} initialValues={{ days: 90, read_only: true }} disabled={issue.isPending} onFinish={(v) => issue.mutate(v)}>
      {issue.error ? <Refusal error={issue.error} /> : null}
      <Form.Item name="name" label={t('account:token.name')} rules={[{ required: true, whitespace: true, message: t('account:token.needName') }]}>
        <Input maxLength={100} placeholder={t('account:token.nameHint')} data-testid="token-name" />
      </Form.Item>
      <Form.Item name="days" label={t('account:token.days')} rules={[{ required: true, message: t('account:token.needDays') }]}>
        <InputNumber<number> min={1} max={365} precision={0} data-testid="token-days" />
      </Form.Item>
      <Form.Item name="read_only" label={t('account:token.rights')}>
        <Radio.Group options={[{ value: true, label: t('account:token.readOnly') }, { value: false, label: t('account:token.full') }]} />
      </Form.Item>
      <Button type="primary" htmlType="submit" loading={issue.isPending} data-testid="token-create">{t('account:token.create')}</Button>
    </Form>
  );
}

function Rows({ tokens }: { tokens: Token[] }) {
  const { t } = useTranslation('account');
  const { modal } = App.useApp();
  const now = useNow();
  const revoke = useSend<string>(revokeToken, { stale: [accountKeys.tokens] });
  const ask = (token: Token) => void modal.confirm({
    title: t('account:token.revokeTitle', { name: token.name }), content: t('account:token.revokeText'), okText: t('account:token.revoke'), cancelText: t('account:back'),
    okButtonProps: { danger: true }, onOk: () => revoke.mutateAsync(token.id).catch(() => undefined),
  });
  if (!tokens.length) return <Empty title={t('account:token.empty')} hint={t('account:token.emptyHint')} />;
  return (
    <div className="hw-tablewrap">
      <table className="hw-rows">
        <thead><tr>{(['name', 'prefix', 'rights', 'created', 'expires', 'used', 'act'] as const).map((c) => <th key={c} scope="col">{t(`account:token.columns.${c}`)}</th>)}</tr></thead>
        <tbody>
          {tokens.map((token) => (
            <tr key={token.id} data-testid="token-row" data-name={token.name}>
              <th scope="row">{token.name}</th>
              <td data-label={t('account:token.columns.prefix')} className="hw-mono">{`${token.prefix}…`}</td>
              <td data-label={t('account:token.columns.rights')}>{t(token.read_only ? 'account:token.readOnly' : 'account:token.full')}</td>
              <td data-label={t('account:token.columns.created')} className="hw-num">{formatDate(token.created_ms)}</td>
              <td data-label={t('account:token.columns.expires')} className="hw-num">{formatDate(token.expires_ms)}</td>
              <td data-label={t('account:token.columns.used')} className="hw-num">{token.last_used_ms === null ? <span className="hw-muted">{t('account:token.never')}</span> : <span title={formatDateTime(token.last_used_ms)}>{formatAge(now - token.last_used_ms)}</span>}</td>
              <td className="hw-acts"><Button size="small" data-testid="token-revoke" onClick={() => ask(token)}>{t('account:token.revoke')}</Button></td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Who somebody is here, and the tokens that act in their name. */
export default function AccountPage() {
  const { t } = useTranslation('account');
  const { t: ts } = useTranslation('shell');
  const { user } = useHost();
  const tokens = useQuery(tokensQuery());
  const [issued, setIssued] = useState<(Token & { token: string }) | null>(null);
  return (
    <div className="hw-page">
      <div className="hw-page-head">
        <h1>{t('account:title')}</h1>
        <p className="hw-muted">{t('account:who', { display: user.display || user.name, name: user.name, roles: user.roles.map((r) => ts(`shell:role.${r}`, { defaultValue: r })).join(' ') })}</p>
      </div>
      {issued ? <Issued token={issued} onDone={() => setIssued(null)} /> : null}
      <div className="hw-two">
        <section className="hw-panel">
          <header><h2>{t('account:token.title')}</h2></header>
          <Ready query={tokens} rows={4}>{(items) => <Rows tokens={items} />}</Ready>
        </section>
        <section className="hw-panel">
          <header><h2>{t('account:token.new')}</h2></header>
          <div className="hw-pad"><p className="hw-muted hw-tokenhint">{t('account:token.explain')}</p><Create onIssued={setIssued} /></div>
        </section>
      </div>
    </div>
  );
}
