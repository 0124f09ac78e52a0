import { Button, Checkbox } from 'antd';
import { memo, type CSSProperties } from 'react';
import { useTranslation } from 'react-i18next';
import { PriorityMark } from '../../components/priority';
import { formatValue, formatWhen, titleOf } from '../../lib/format';
import type { Alarm } from '../../lib/types';

interface Props {
  alarm: Alarm;
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
}

export const isUnacked = (alarm: Alarm): boolean => alarm.state.startsWith('unacked');

export const AlarmRow = memo(function AlarmRow(props: Props) {
  const { alarm, now, index, selected, checked, canAcknowledge, busy, style } = props;
  const { t, i18n } = useTranslation('alarms');
  const unacked = isUnacked(alarm);
  const active = alarm.state.endsWith('_active');
  return (
    <div
      role="row" aria-rowindex={index + 2} aria-selected={selected} className="hw-alarmrow" style={style} lang={i18n.language}
      data-testid="alarm-row" data-alarm-id={alarm.id} data-state={alarm.state} data-instance={alarm.instance.code}
      data-condition={alarm.condition} data-priority={alarm.priority} onClick={() => props.onOpen(alarm.id)}
    >
      <span role="gridcell" className="hw-acheck" onClick={(e) => e.stopPropagation()}>
        {unacked && canAcknowledge
          ? <Checkbox checked={checked} aria-label={t('alarms:select', { title: titleOf(alarm.title) })} onChange={(e) => props.onCheck(alarm.id, e.target.checked)} />
          : null}
      </span>
      <span role="gridcell" className="hw-amark"><PriorityMark priority={alarm.priority} hollow={!active || !unacked} blink={unacked} size={20} /></span>
      <span role="gridcell" className="hw-num hw-araised">{formatWhen(alarm.raised_ms, now)}</span>
      <span role="gridcell" className="hw-aasset hw-nowrap"><b>{alarm.asset.code}</b> <span className="hw-muted">{titleOf(alarm.asset.title)}</span></span>
      <span role="gridcell" className={unacked ? 'hw-atitle hw-nowrap hw-strong' : 'hw-atitle hw-nowrap'} title={titleOf(alarm.title)}>{titleOf(alarm.title)}</span>
      <span role="gridcell" className="hw-num hw-avalue">
        {alarm.value === null ? null : <>{formatValue(alarm.value)} <small className="hw-muted">{alarm.unit === '1' ? '' : alarm.unit}</small></>}
      </span>
      <span role="gridcell" className="hw-astate">{t(`alarms:state.${alarm.state}`)}</span>
      <span role="gridcell" className="hw-aby hw-nowrap hw-muted">{alarm.acked_by}</span>
      <span role="gridcell" className="hw-aact" onClick={(e) => e.stopPropagation()}>
        {unacked && canAcknowledge
          ? <Button size="small" data-testid="alarm-ack" disabled={busy} onClick={() => props.onAcknowledge(alarm.id)}>{t('alarms:acknowledge')}</Button>
          : null}
      </span>
    </div>
  );
});
