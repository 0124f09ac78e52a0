import { useTranslation } from 'react-i18next';
import { PriorityMark } from '../../components/priority';
import { formatDateTime, formatReading, titleOf, unitText } from '../../lib/format';
import type { Alarm, AlarmDetail } from '../../lib/types';
import { isHolding, isSuppressed } from '../../live/bridge';
import { stateKey } from './alarm-row';

interface OpenProps {
  onOpen: (id: string) => void;
}

/** Why an alarm was held back: by which alarm, since when, until when. */
export function SuppressionNote({ alarm, onOpen }: { alarm: AlarmDetail } & OpenProps) {
  const { t } = useTranslation('alarms');
  const cause = alarm.suppressed_by;
  if (!cause) return null;
  const ended = alarm.released_ms ?? (alarm.state === 'cleared' ? alarm.cleared_ms : null);
  const until = alarm.released_ms ? t('alarms:story.released', { time: formatDateTime(alarm.released_ms) })
    : ended ? t('alarms:story.cleared', { time: formatDateTime(ended) }) : t('alarms:story.standing');
  return (
    <div className="hw-note hw-suppression" data-testid="alarm-suppression" data-suppressed={isSuppressed(alarm)}>
      <strong>{t(isSuppressed(alarm) ? 'alarms:story.isSuppressed' : 'alarms:story.wasSuppressed')}</strong>
      <p>{t('alarms:story.why')}</p>
      <dl className="hw-facts-list">
        <dt>{t('alarms:story.cause')}</dt>
        <dd><button type="button" className="hw-linkbutton" data-testid="alarm-cause" onClick={() => onOpen(cause.id)}>{titleOf(cause.title)}</button></dd>
        <dt>{t('alarms:story.since')}</dt><dd className="hw-num">{formatDateTime(alarm.suppressed_ms ?? alarm.raised_ms)}</dd>
        <dt>{t('alarms:story.until')}</dt><dd className="hw-num">{until}</dd>
      </dl>
    </div>
  );
}

function Line({ alarm, onOpen }: { alarm: Alarm } & OpenProps) {
  const { t } = useTranslation('alarms');
  return (
    <li>
      <button type="button" onClick={() => onOpen(alarm.id)} data-testid="alarm-consequence" data-alarm-id={alarm.id}>
        <PriorityMark priority={alarm.priority} hollow size={16} />
        <span className="hw-num hw-muted">{formatDateTime(alarm.raised_ms).slice(11)}</span>
        <span><span className="hw-code">{alarm.asset.code}</span> {titleOf(alarm.title)}</span>
        <span className="hw-muted">{t(stateKey(alarm))}</span>
      </button>
    </li>
  );
}

/** What followed a first-out and is held back because of it. */
export function Consequences({ alarm, onOpen }: { alarm: AlarmDetail } & OpenProps) {
  const { t } = useTranslation('alarms');
  const { total: now, ever, items } = alarm.suppressed;
  if (!alarm.first_out && !ever) return null;
  return (
    <>
      <h2>{t('alarms:story.consequences')}</h2>
      {ever ? <p className="hw-num" data-testid="alarm-suppressed-counts" data-now={now} data-ever={ever}>{t('alarms:hides', { n: now })} {t('alarms:story.ever', { n: ever })}</p> : null}
      {isHolding(alarm) ? <p className="hw-note" data-testid="alarm-holding">{t('alarms:story.holding')}</p> : null}
      <p className="hw-muted">{t(ever ? 'alarms:story.firstOut' : 'alarms:story.nothing')}</p>
      {items.length ? (
        <ul className="hw-consequences" tabIndex={0} aria-label={t('alarms:story.consequences')}>
          {items.map((item) => <Line key={item.id} alarm={item} onOpen={onOpen} />)}
          {ever > items.length ? <li className="hw-muted hw-foot">{t('alarms:story.more', { n: ever - items.length })}</li> : null}
        </ul>
      ) : null}
    </>
  );
}

/** Everything that happened to an alarm, also what the platform did by itself. */
export function Timeline({ alarm }: { alarm: AlarmDetail }) {
  const { t } = useTranslation('alarms');
  return (
    <ol className="hw-timeline" data-testid="alarm-timeline">
      {alarm.transitions.map((step) => (
        <li key={step.id} data-step={step.name}>
          <span className="hw-num hw-muted">{formatDateTime(step.at_ms)}</span>
          <span>
            <b>{t(`alarms:transition.${step.name}`, { defaultValue: step.name })}</b>
            {step.value === null ? null : <span className="hw-num"> {formatReading(step.value)} {unitText(alarm.unit)}</span>}
            {step.by ? <span className="hw-muted"> {step.by}</span> : null}
            {step.comment ? <q>{step.comment}</q> : null}
          </span>
        </li>
      ))}
    </ol>
  );
}
