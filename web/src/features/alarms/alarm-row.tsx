import { Button, Checkbox } from 'antd';
import { memo, type CSSProperties } from 'react';
import { useTranslation } from 'react-i18next';
import { PriorityMark } from '../../components/priority';
import { formatReading, formatWhen, titleOf, unitText } from '../../lib/format';
import type { Alarm } from '../../lib/types';
import { isHolding, isSuppressed } from '../../live/bridge';

interface Props {
  alarm: Alarm;
  /** Shown below the first-out that suppresses it. */
  child: boolean;
  /** Those it suppresses are shown below it. */
  expanded: boolean;
  now: number;
  index: number;
  selected: boolean;
  checked: boolean;
  canAcknowledge: boolean;
  busy: boolean;
  style: CSSProperties;
  onOpen: (id: string) => void;
  onCheck: (id: string, checked: boolean) => void;
  onAcknowledge: (id: string) => void;
  onExpand: (id: string) => void;
}

export const isUnacked = (alarm: Alarm): boolean => alarm.state.startsWith('unacked');
/** What a person has to answer: a suppressed alarm asks for nothing until it is released. */
export const needsAck = (alarm: Alarm): boolean => isUnacked(alarm) && !isSuppressed(alarm);

/** The key of the words for its state, among the texts of the alarms. */
export const stateKey = (alarm: Alarm): string =>
  (isSuppressed(alarm) ? `alarms:suppressedState.${alarm.state.endsWith('_active') ? 'active' : 'cleared'}` : `alarms:state.${alarm.state}`);

/** First-out, how many it hides, or by which alarm this one is hidden. */
function Story({ alarm, child, expanded, onExpand }: Pick<Props, 'alarm' | 'child' | 'expanded' | 'onExpand'>) {
  const { t } = useTranslation('alarms');
  const count = alarm.suppressing ?? 0;
  return (
    <>
      {alarm.first_out ? <span className="hw-badge" data-strong="true" data-testid="alarm-first-out">{t('alarms:firstOut')}</span> : null}
      {count > 0 ? (
        <button
          type="button" className="hw-badge" data-testid="alarm-suppressed-count" data-count={count} data-holding={isHolding(alarm)} aria-expanded={expanded}
          onClick={(e) => { e.stopPropagation(); onExpand(alarm.id); }}
        >
          <svg width="10" height="10" viewBox="0 0 12 12" aria-hidden="true">
            <path d={expanded ? 'M2 4 L6 8 L10 4' : 'M4 2 L8 6 L4 10'} fill="none" stroke="currentColor" strokeWidth="1.8" />
          </svg>
          {t(isHolding(alarm) ? 'alarms:holds' : 'alarms:hides', { n: count })}
        </button>
      ) : null}
      {isSuppressed(alarm) && !child && alarm.suppressed_by
        ? <span className="hw-badge hw-nowrap" data-dashed="true">{t('alarms:suppressedBy', { title: titleOf(alarm.suppressed_by.title) })}</span> : null}
      {alarm.order ? <span className="hw-badge" data-quiet="true">{alarm.order.number}</span> : null}
    </>
  );
}

export const AlarmRow = memo(function AlarmRow(props: Props) {
  const { alarm, child, now, index, selected, checked, canAcknowledge, busy, style } = props;
  const { t, i18n } = useTranslation('alarms');
  const suppressed = isSuppressed(alarm);
  const unacked = needsAck(alarm);
  const active = alarm.state.endsWith('_active');
  return (
    <div
      role="row" aria-rowindex={index + 2} aria-selected={selected} className="hw-alarmrow" style={style} lang={i18n.language}
      data-testid={child ? 'alarm-hidden-row' : 'alarm-row'} data-alarm-id={alarm.id} data-state={alarm.state} data-instance={alarm.instance.code}
      data-condition={alarm.condition} data-priority={alarm.priority} data-suppressed={suppressed} data-child={child}
      onClick={() => props.onOpen(alarm.id)}
    >
      <span role="gridcell" className="hw-acheck" onClick={(e) => e.stopPropagation()}>
        {unacked && canAcknowledge
          ? <Checkbox checked={checked} aria-label={t('alarms:select', { title: titleOf(alarm.title) })} onChange={(e) => props.onCheck(alarm.id, e.target.checked)} />
          : null}
      </span>
      <span role="gridcell" className="hw-amark"><PriorityMark priority={alarm.priority} hollow={!active || !unacked} blink={unacked} size={20} /></span>
      <span role="gridcell" className="hw-num hw-araised">{formatWhen(alarm.raised_ms, now)}</span>
      <span role="gridcell" className="hw-aasset hw-nowrap"><b>{alarm.asset.code}</b> <span className="hw-muted">{titleOf(alarm.asset.title)}</span></span>
      <span role="gridcell" className="hw-atitle">
        <span className={unacked ? 'hw-atext hw-strong' : 'hw-atext'} title={titleOf(alarm.title)}>{titleOf(alarm.title)}</span>
        <Story alarm={alarm} child={child} expanded={props.expanded} onExpand={props.onExpand} />
      </span>
      <span role="gridcell" className="hw-num hw-avalue">
        {alarm.value === null ? null : <>{formatReading(alarm.value)} <small className="hw-muted">{unitText(alarm.unit)}</small></>}
      </span>
      <span role="gridcell" className="hw-astate">{t(stateKey(alarm))}</span>
      <span role="gridcell" className="hw-aby hw-nowrap hw-muted">{alarm.acked_by}</span>
      <span role="gridcell" className="hw-aact" onClick={(e) => e.stopPropagation()}>
        {unacked && canAcknowledge
          ? <Button size="small" data-testid="alarm-ack" disabled={busy} onClick={() => props.onAcknowledge(alarm.id)}>{t('alarms:acknowledge')}</Button>
          : null}
      </span>
    </div>
  );
});
