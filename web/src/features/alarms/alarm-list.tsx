import { useVirtualizer } from '@tanstack/react-virtual';
import { Button } from 'antd';
import { useEffect, useRef, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { Alarm } from '../../lib/types';
import { useNow } from '../../live/hooks';
import { AlarmRow } from './alarm-row';

const ROW_PX = 40;
const NARROW_ROW_PX = 92;
const MINUTE_MS = 60_000;
const COLUMNS = ['check', 'mark', 'raised', 'asset', 'title', 'value', 'state', 'by', 'act'] as const;

interface Props {
  alarms: Alarm[];
  selected: string | null;
  checked: ReadonlySet<string>;
  canAcknowledge: boolean;
  busy: boolean;
  empty: ReactNode;
  /** Given when older alarms can be fetched. */
  onMore?: () => void;
  loadingMore: boolean;
  onOpen: (id: string) => void;
  onCheck: (id: string, checked: boolean) => void;
  onAcknowledge: (id: string) => void;
}

/** The live table. Only the rows on screen exist, so a flood of alarms does not slow the desk. */
export function AlarmList(props: Props) {
  const { t } = useTranslation('alarms');
  const { alarms, selected } = props;
  const scroll = useRef<HTMLDivElement>(null);
  // Rows only need to know which day it is: they are not drawn again each second.
  const now = Math.floor(useNow() / MINUTE_MS) * MINUTE_MS;
  const rowPx = matchMedia('(max-width: 767px)').matches ? NARROW_ROW_PX : ROW_PX;
  const virtual = useVirtualizer({
    count: alarms.length, getScrollElement: () => scroll.current, estimateSize: () => rowPx, overscan: 8,
    getItemKey: (i) => alarms[i]?.id ?? i,
  });
  const at = alarms.findIndex((a) => a.id === selected);
  useEffect(() => {
    if (at >= 0) virtual.scrollToIndex(at, { align: 'auto' });
    // Only a new selection moves the list; new alarms above it do not.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [selected]);
  return (
    <div className="hw-alarmgrid" role="grid" aria-label={t('alarms:title')} aria-rowcount={alarms.length + 1} aria-multiselectable="true">
      <div role="rowgroup">
        <div role="row" className="hw-alarmrow hw-alarmhead" aria-rowindex={1}>
          {COLUMNS.map((c) => <span key={c} role="columnheader" className={`hw-a${c}`}>{t(`alarms:columns.${c}`)}</span>)}
        </div>
      </div>
      <div className="hw-alarmscroll" ref={scroll} role="rowgroup" tabIndex={0} aria-label={t('alarms:title')}>
        {alarms.length ? (
          <div className="hw-alarmspace" role="presentation" style={{ height: virtual.getTotalSize() }}>
            {virtual.getVirtualItems().map((item) => {
              const alarm = alarms[item.index];
              return alarm ? (
                <AlarmRow
                  key={alarm.id} alarm={alarm} now={now} index={item.index} selected={alarm.id === selected}
                  checked={props.checked.has(alarm.id)} canAcknowledge={props.canAcknowledge} busy={props.busy}
                  style={{ height: item.size, transform: `translateY(${item.start}px)` }}
                  onOpen={props.onOpen} onCheck={props.onCheck} onAcknowledge={props.onAcknowledge}
                />
              ) : null;
            })}
          </div>
        ) : <div role="row"><div role="gridcell">{props.empty}</div></div>}
        {props.onMore ? (
          <div role="row" className="hw-more"><div role="gridcell">
            <Button onClick={props.onMore} loading={props.loadingMore}>{t('alarms:older')}</Button>
          </div></div>
        ) : null}
      </div>
    </div>
  );
}
