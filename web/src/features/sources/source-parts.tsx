import { useTranslation } from 'react-i18next';
import { formatAge, formatCount, formatDateTime } from '../../lib/format';
import { useNow } from '../../live/hooks';
import { fingerprint, type LinkState, type OfferedEndpoint, type Source } from './api';

const PATHS: Record<LinkState, string> = {
  connected: 'M1.5 6.5 L4.7 9.5 L10.5 2.5', connecting: 'M6 1.5 A4.5 4.5 0 0 1 10.5 6', down: 'M2 2 L10 10 M10 2 L2 10', off: 'M2 6 H10',
  unknown: 'M4 4 A2 2 0 1 1 6 6.5 V8 M6 9.6 V10.4',
};

/** State of the connection by shape and word: what is not connected stands out by its dashed frame. */
export function LinkMark({ state }: { state: LinkState }) {
  const { t } = useTranslation('sources');
  return (
    <span className="hw-badge" data-quiet={state === 'connected' || undefined} data-dashed={state !== 'connected' || undefined} data-testid="source-state" data-state={state}>
      <svg width="12" height="12" viewBox="0 0 12 12" aria-hidden="true"><path d={PATHS[state]} fill="none" stroke="currentColor" strokeWidth="1.8" /></svg>
      {t(`sources:link.${state}`)}
    </span>
  );
}

/** Since when, and why not: the server's own words. */
export function LinkText({ source }: { source: Source }) {
  const { t } = useTranslation('sources');
  const now = useNow();
  const { link } = source;
  return (
    <>
      {link.since_ms === null ? null : <span className="hw-num hw-muted" title={formatDateTime(link.since_ms)}>{t('sources:since', { age: formatAge(now - link.since_ms) })}</span>}
      {link.error ? <p className="hw-linkerror">{link.error.text || link.error.code}</p> : null}
    </>
  );
}

/** A length of time in the largest fitting unit. */
export function useDuration(): (seconds: number) => string {
  const { t } = useTranslation('sources');
  return (seconds) => {
    if (seconds < 60) return t('sources:duration.s', { n: Math.round(seconds) });
    if (seconds < 3600) return t('sources:duration.min', { n: Math.round(seconds / 60) });
    return t('sources:duration.h', { n: (seconds / 3600).toFixed(1) });
  };
}

export function Gaps({ source }: { source: Source }) {
  const { t } = useTranslation('sources');
  const duration = useDuration();
  const { gaps, gap_s: length } = source.link;
  if (!gaps) return <span className="hw-muted">{t('sources:noGaps')}</span>;
  return <span className="hw-num">{t('sources:gaps', { n: formatCount(gaps), length: duration(length) })}</span>;
}

/** The certificate a server shows, as it has to be compared with the server's own. */
export function CertificateFacts({ endpoint }: { endpoint: OfferedEndpoint }) {
  const { t } = useTranslation('sources');
  const now = useNow();
  const expired = endpoint.expires_ms !== null && endpoint.expires_ms < now;
  return (
    <dl className="hw-dl" data-testid="source-certificate">
      <dt>{t('sources:certificate.sha256')}</dt><dd className="hw-mono">{fingerprint(endpoint.certificate)}</dd>
      <dt>{t('sources:certificate.subject')}</dt><dd className="hw-mono">{endpoint.subject || t('sources:certificate.none')}</dd>
      <dt>{t('sources:certificate.expires')}</dt>
      <dd className="hw-num">
        {endpoint.expires_ms === null ? t('sources:certificate.none') : formatDateTime(endpoint.expires_ms)}
        {expired ? <span className="hw-badge" data-dashed="true">{t('sources:certificate.expired')}</span> : null}
      </dd>
    </dl>
  );
}
