import { useHost } from '@headworks/app-sdk';
import { Button, Form, Input, Select, Steps } from 'antd';
import { useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useNavigate } from 'react-router';
import { Refusal, useSend } from '../../components/send';
import { Empty } from '../../components/states';
import { usePartitions } from '../../live/hooks';
import { addSource, look, sourceKeys, type Offer, type OfferedEndpoint, type Source, type SourceForm } from './api';
import { bySecurity, EndpointList } from './endpoint-list';
import '../../components/parts.css';
import './sources.css';

interface Identity {
  code: string;
  partition: string;
  username?: string;
  password?: string;
}

/** A first name for the source, from the host in its address. */
function codeOf(endpoint: string): string {
  const host = /^opc\.tcp:\/\/([^:/]+)/.exec(endpoint)?.[1] ?? '';
  return `OPCUA-${host.replace(/[^A-Za-z0-9]+/g, '-').replace(/^-|-$/g, '').toUpperCase()}`.slice(0, 60);
}

function EndpointStep({ endpoint, onFound }: { endpoint: string; onFound: (endpoint: string, offer: Offer) => void }) {
  const { t } = useTranslation('sources');
  const asking = useSend<string, Offer>(look, { quiet: true, done: (offer, asked) => onFound(asked, offer) });
  return (
    <Form<{ endpoint: string }> layout="vertical" requiredMark={false} initialValues={{ endpoint: endpoint || 'opc.tcp://' }} disabled={asking.isPending} onFinish={(v) => asking.mutate(v.endpoint.trim())}>
      {asking.error ? <Refusal error={asking.error} /> : null}
      <Form.Item
        name="endpoint" label={t('sources:field.endpoint')} extra={t('sources:hint.endpoint')}
        rules={[{ required: true, pattern: /^\s*opc\.tcp:\/\/[^\s/]+/, message: t('sources:need.endpoint') }]}
      >
        <Input data-testid="source-endpoint" autoComplete="off" spellCheck={false} className="hw-mono" />
      </Form.Item>
      <Button type="primary" htmlType="submit" loading={asking.isPending} data-testid="source-look">{t('sources:look')}</Button>
      {asking.isPending ? <span className="hw-muted hw-beside">{t('sources:looking')}</span> : null}
    </Form>
  );
}

function SecurityStep({ offer, onBack, onChosen }: { offer: Offer; onBack: () => void; onChosen: (endpoint: OfferedEndpoint) => void }) {
  const { t } = useTranslation('sources');
  const [chosen, setChosen] = useState<OfferedEndpoint | null>(bySecurity(offer.endpoints).find((e) => e.supported !== false) ?? null);
  const [trusted, setTrusted] = useState(false);
  return (
    <div className="hw-stackgap">
      <p className="hw-muted">{t('sources:found', { name: offer.server.name || offer.server.uri, n: offer.endpoints.length })}</p>
      <EndpointList endpoints={offer.endpoints} chosen={chosen} trusted={trusted} onTrust={setTrusted} onChoose={(e) => { setChosen(e); setTrusted(false); }} />
      <p className="hw-toolbar">
        <Button onClick={onBack}>{t('sources:back')}</Button>
        <Button type="primary" disabled={!chosen || !trusted} data-testid="source-next" onClick={() => { if (chosen) onChosen(chosen); }}>{t('sources:next')}</Button>
        {chosen && !trusted ? <span className="hw-muted">{t(chosen.mode === 'None' ? 'sources:open.needed' : 'sources:certificate.needed')}</span> : null}
      </p>
    </div>
  );
}

function IdentityStep({ chosen, endpoint, onBack }: { chosen: OfferedEndpoint; endpoint: string; onBack: () => void }) {
  const { t } = useTranslation('sources');
  const navigate = useNavigate();
  const partitions = usePartitions();
  const anonymous = chosen.identities.includes('anonymous');
  const saving = useSend<SourceForm, Source>(addSource, {
    stale: [sourceKeys.all], quiet: true, done: (source) => void navigate(`/sources/${encodeURIComponent(source.code)}?tab=browse`),
  });
  const submit = (v: Identity) => saving.mutate({
    code: v.code.trim(), partition: v.partition, endpoint, policy: chosen.policy, mode: chosen.mode, username: v.username?.trim() ?? '',
    ...(v.password ? { password: v.password } : {}), server_certificate: chosen.mode === 'None' ? '' : chosen.certificate,
  });
  return (
    <Form<Identity>
      layout="vertical" requiredMark={false} disabled={saving.isPending} className="hw-formgrid" onFinish={submit}
      initialValues={{ code: codeOf(endpoint), partition: partitions.length === 1 ? partitions[0]?.code : undefined }}
    >
      {saving.error ? <div className="hw-wide"><Refusal error={saving.error} /></div> : null}
      <Form.Item name="username" label={t('sources:field.username')} extra={t(anonymous ? 'sources:hint.anonymous' : 'sources:hint.username')} rules={anonymous ? [] : [{ required: true, message: t('sources:need.username') }]}>
        <Input autoComplete="off" data-testid="source-username" />
      </Form.Item>
      <Form.Item name="password" label={t('sources:field.password')} extra={t('sources:hint.password')}>
        <Input.Password autoComplete="new-password" data-testid="source-password" />
      </Form.Item>
      <Form.Item name="code" label={t('sources:field.code')} extra={t('sources:hint.code')} rules={[{ required: true, whitespace: true, message: t('sources:need.code') }]}>
        <Input maxLength={100} data-testid="source-code" />
      </Form.Item>
      <Form.Item name="partition" label={t('sources:field.partition')} extra={t('sources:hint.partition')} rules={[{ required: true, message: t('sources:need.partition') }]}>
        <Select data-testid="source-partition" placeholder={t('sources:choosePartition')} options={partitions.map((p) => ({ value: p.code, label: p.code }))} />
      </Form.Item>
      <p className="hw-toolbar hw-wide">
        <Button onClick={onBack}>{t('sources:back')}</Button>
        <Button type="primary" htmlType="submit" loading={saving.isPending} data-testid="source-save">{t('sources:save')}</Button>
      </p>
    </Form>
  );
}

/** From the address of an OPC UA server to a saved source: address, security and certificate, user. */
export default function WizardPage() {
  const { t } = useTranslation('sources');
  const host = useHost();
  const [endpoint, setEndpoint] = useState('');
  const [offer, setOffer] = useState<Offer | null>(null);
  const [chosen, setChosen] = useState<OfferedEndpoint | null>(null);
  const at = chosen ? 2 : offer ? 1 : 0;
  if (!host.can('devices.edit')) return <Empty title={t('sources:mayNot')} hint={t('sources:mayNotHint')} />;
  let step: ReactNode;
  if (chosen) step = <IdentityStep chosen={chosen} endpoint={endpoint} onBack={() => setChosen(null)} />;
  else if (offer && offer.endpoints.length) step = <SecurityStep offer={offer} onBack={() => setOffer(null)} onChosen={setChosen} />;
  else {
    step = (
      <>
        {offer ? <div className="hw-note">{t('sources:nothingOffered')}</div> : null}
        <EndpointStep endpoint={endpoint} onFound={(asked, found) => { setEndpoint(asked); setOffer(found); }} />
      </>
    );
  }
  return (
    <div className="hw-page">
      <div className="hw-page-head">
        <div>
          <p className="hw-crumbs"><Link to="/sources">{t('sources:title')}</Link></p>
          <h1>{t('sources:addTitle')}</h1>
        </div>
      </div>
      <section className="hw-panel hw-wizard">
        <Steps current={at} size="small" items={(['endpoint', 'security', 'identity'] as const).map((s) => ({ title: t(`sources:step.${s}`) }))} />
        {step}
      </section>
    </div>
  );
}
