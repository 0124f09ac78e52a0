import { Button, Form, Input, Modal, Select } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Refusal, useSend } from '../../components/send';
import { submits } from '../../components/submit';
import { usePartitions } from '../../live/hooks';
import { changeSource, look, sourceKeys, type Offer, type OfferedEndpoint, type Source, type SourceForm } from './api';
import { bySecurity, EndpointList } from './endpoint-list';

interface Values {
  endpoint: string;
  username?: string;
  password?: string;
  partition: string;
}

/** What is to become of the security: nothing, undecided (looked at but not trusted yet), or another endpoint. */
type Choice = 'same' | 'open' | OfferedEndpoint;

/** Asks the server again what it offers: after a new certificate, or to raise the security. */
function Security({ endpoint, onChosen }: { endpoint: string; onChosen: (chosen: Choice) => void }) {
  const { t } = useTranslation('sources');
  const [offer, setOffer] = useState<Offer | null>(null);
  const [chosen, setChosen] = useState<OfferedEndpoint | null>(null);
  const [trusted, setTrusted] = useState(false);
  const asking = useSend<string, Offer>(look, { done: (found) => { setOffer(found); setChosen(bySecurity(found.endpoints)[0] ?? null); setTrusted(false); onChosen('open'); } });
  return (
    <div className="hw-stackgap">
      <p><Button loading={asking.isPending} onClick={() => asking.mutate(endpoint)} data-testid="source-look-again">{t('sources:edit.look')}</Button> <span className="hw-muted hw-beside">{t('sources:edit.lookHint')}</span></p>
      {offer ? (
        <EndpointList
          endpoints={offer.endpoints} chosen={chosen} trusted={trusted} onChoose={(e) => { setChosen(e); setTrusted(false); onChosen('open'); }}
          onTrust={(on) => { setTrusted(on); onChosen(on && chosen ? chosen : 'open'); }}
        />
      ) : null}
      {offer && chosen && !trusted ? <p className="hw-muted">{t(chosen.mode === 'None' ? 'sources:open.needed' : 'sources:certificate.needed')}</p> : null}
    </div>
  );
}

/** Changes how a source is reached. An empty password keeps the one that is stored. */
export function EditDialog({ source, open, onClose }: { source: Source; open: boolean; onClose: () => void }) {
  const { t } = useTranslation('sources');
  const partitions = usePartitions();
  const [form] = Form.useForm<Values>();
  const endpoint = Form.useWatch('endpoint', form) ?? source.connection?.endpoint ?? '';
  const [security, setSecurity] = useState<Choice>('same');
  const saving = useSend<Partial<SourceForm>, Source>((changes) => changeSource(source.code, changes), { stale: [sourceKeys.all], quiet: true, done: onClose });
  const submit = (v: Values) => saving.mutate({
    endpoint: v.endpoint.trim(), username: v.username?.trim() ?? '', ...(v.password ? { password: v.password } : {}),
    ...(v.partition === source.partition ? {} : { partition: v.partition }),
    ...(typeof security === 'object' ? { policy: security.policy, mode: security.mode, server_certificate: security.mode === 'None' ? '' : security.certificate } : {}),
  });
  return (
    <Modal
      open={open} title={t('sources:edit.title', { code: source.code })} onCancel={onClose} destroyOnHidden width={680} okText={t('sources:edit.save')} cancelText={t('sources:back')}
      okButtonProps={{ ...submits('source-edit', saving.isPending, 'source-edit-save'), disabled: security === 'open' }} afterClose={() => { saving.reset(); setSecurity('same'); }}
    >
      <Form<Values>
        id="source-edit" form={form} layout="vertical" requiredMark={false} className="hw-formgrid" onFinish={submit}
        initialValues={{ endpoint: source.connection?.endpoint, username: source.connection?.username, partition: source.partition }}
      >
        {saving.error ? <div className="hw-wide"><Refusal error={saving.error} /></div> : null}
        <Form.Item className="hw-wide" name="endpoint" label={t('sources:field.endpoint')} rules={[{ required: true, pattern: /^\s*opc\.tcp:\/\/[^\s/]+/, message: t('sources:need.endpoint') }]}>
          <Input spellCheck={false} className="hw-mono" />
        </Form.Item>
        <Form.Item name="username" label={t('sources:field.username')}><Input autoComplete="off" /></Form.Item>
        <Form.Item name="password" label={t('sources:field.password')} extra={source.connection?.has_password ? t('sources:hint.keepPassword') : undefined}>
          <Input.Password autoComplete="new-password" />
        </Form.Item>
        <Form.Item name="partition" label={t('sources:field.partition')}><Select options={partitions.map((p) => ({ value: p.code, label: p.code }))} /></Form.Item>
      </Form>
      <Security endpoint={endpoint.trim()} onChosen={setSecurity} />
    </Modal>
  );
}
