import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { formatTime } from '../../lib/format';
import { serverNow } from '../../lib/http';
import { useLink } from '../../live/hooks';

/** Live, reconnecting or stale: by shape and word, not by a colour of the alarms. */
export function LinkState() {
  const { t } = useTranslation('shell');
  const link = useLink();
  return (
    <span className="hw-link" data-state={link} role="status" data-testid="link-state">
      <svg width="12" height="12" viewBox="0 0 12 12" aria-hidden="true">
        {link === 'live'
          ? <circle cx="6" cy="6" r="4.5" fill="currentColor" />
          : <path d="M2 2 L10 10 M10 2 L2 10" stroke="currentColor" strokeWidth="2" />}
      </svg>
      <span>{t(`shell:link.${link}`)}</span>
    </span>
  );
}

/** Over every page while its values are not live: since when, and what happens next. */
export function StaleStrip() {
  const { t } = useTranslation('shell');
  const link = useLink();
  const [since, setSince] = useState(serverNow);
  useEffect(() => { if (link === 'live' || link === 'reconnecting') setSince(serverNow()); }, [link]);
  if (link !== 'stale') return null;
  return <p className="hw-note hw-stalestrip" role="alert">{t('shell:link.strip', { time: formatTime(since) })}</p>;
}
