import { Checkbox, Radio } from 'antd';
import { useTranslation } from 'react-i18next';
import type { OfferedEndpoint } from './api';
import { CertificateFacts } from './source-parts';

export const keyOf = (e: OfferedEndpoint): string => `${e.policy}/${e.mode}`;

/** Encrypted before signed before open; what the platform does not support comes last. */
export function bySecurity(endpoints: OfferedEndpoint[]): OfferedEndpoint[] {
  const rank = (e: OfferedEndpoint) => (e.supported === false ? 9 : { SignAndEncrypt: 0, Sign: 1 }[e.mode] ?? 2);
  return [...endpoints].sort((a, b) => rank(a) - rank(b));
}

interface Props {
  endpoints: OfferedEndpoint[];
  chosen: OfferedEndpoint | null;
  trusted: boolean;
  onChoose: (endpoint: OfferedEndpoint) => void;
  onTrust: (trusted: boolean) => void;
}

/** What the server offers; a certificate is only taken after a person has said that it is the right one. */
export function EndpointList({ endpoints, chosen, trusted, onChoose, onTrust }: Props) {
  const { t } = useTranslation('sources');
  const secure = chosen !== null && chosen.mode !== 'None';
  return (
    <>
      <Radio.Group className="hw-endpoints" value={chosen ? keyOf(chosen) : null} aria-label={t('sources:step.security')}>
        {bySecurity(endpoints).map((e) => (
          <Radio key={keyOf(e)} value={keyOf(e)} disabled={e.supported === false} data-testid="source-policy" data-policy={e.policy} data-mode={e.mode} onChange={() => onChoose(e)}>
            <b>{e.policy}</b> <span>{t(`sources:mode.${e.mode}`, { defaultValue: e.mode })}</span>
            <span className="hw-muted">{e.supported === false ? t('sources:unsupported') : e.identities.map((i) => t(`sources:identity.${i}`, { defaultValue: i })).join(' · ')}</span>
          </Radio>
        ))}
      </Radio.Group>
      {chosen && secure ? (
        <section className="hw-panel hw-pad hw-certificate">
          <h2>{t('sources:certificate.title')}</h2>
          <CertificateFacts endpoint={chosen} />
          <p className="hw-muted">{t('sources:certificate.compare')}</p>
          <Checkbox checked={trusted} data-testid="source-trust" onChange={(e) => onTrust(e.target.checked)}>{t('sources:certificate.trust')}</Checkbox>
        </section>
      ) : null}
      {chosen && !secure ? (
        <div className="hw-note">
          <strong>{t('sources:open.title')}</strong>
          <p>{t('sources:open.text')}</p>
          <Checkbox checked={trusted} data-testid="source-trust" onChange={(e) => onTrust(e.target.checked)}>{t('sources:open.accept')}</Checkbox>
        </div>
      ) : null}
    </>
  );
}
