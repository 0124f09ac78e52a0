import { useTranslation } from 'react-i18next';
import type { Reading } from './signals';

const SHAPES = {
  true: 'M2 6.5 L5 9.5 L10 2.5', false: 'M2.5 6 H9.5', unknown: '',
};

/** A signal as it is now: a number with its quality, or true, false and unknown by shape and word. */
export function SignalValue({ reading, brief = false }: { reading: Reading; brief?: boolean }) {
  const { t } = useTranslation('models');
  if (reading.kind === 'none') return <span className="hw-signal" data-kind="none">{t('models:signal.none')}</span>;
  if (reading.kind === 'value') {
    return (
      <span className="hw-signal hw-num" data-kind="value" data-quality={reading.quality}>
        <b>{reading.text}</b>{reading.unit && !brief ? <i>{reading.unit}</i> : null}
        {reading.quality === 'good' ? null : <em>{t(`common:status.${reading.status}`)}</em>}
      </span>
    );
  }
  return (
    <span className="hw-signal" data-kind={reading.kind}>
      <svg width="12" height="12" viewBox="0 0 12 12" aria-hidden="true">
        {reading.kind === 'unknown' ? <circle cx="6" cy="6" r="4" fill="none" stroke="currentColor" strokeWidth="1.6" strokeDasharray="3 2" />
          : <path d={SHAPES[reading.kind]} fill="none" stroke="currentColor" strokeWidth="2" />}
      </svg>
      <b>{t(`models:signal.${reading.kind}`)}</b>
    </span>
  );
}
