import { useVirtualizer } from '@tanstack/react-virtual';
import { Button } from 'antd';
import { useEffect, useRef, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { isNarrow } from '../../lib/narrow';
import { useNow } from '../../live/hooks';
import { isSuppressed } from '../../live/bridge';
import { AlarmRow } from './alarm-row';
import type { Row } from './order';

const ROW_PX = 40;
const NARROW_ROW_PX = 92;
const NARROW_BADGE_PX = 26;
const NARROW_BUTTON_PX = 48;
const MINUTE_MS = 60_000;
const COLUMNS = ['check', 'mark', 'raised', 'asset', 'title', 'value', 'state', 'by', 'act'] as const;

interface Props {
  rows: Row[];
  expanded: ReadonlySet<string>;
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
  onExpand: (id: string) => void;
}

/** On a phone the story of an alarm has its own line, a high one where there is something to press. */
function storyPx({ alarm, child }: Row): number {
  if (alarm.suppressing) return NARROW_BUTTON_PX;
  return alarm.first_out || (isSuppressed(alarm) && !child) ? NARROW_BADGE_PX : 0;
}

/** The live table. Only the rows on screen exist, so a flood of alarms does not slow the desk. */
export function AlarmList(props: Props) {
  const { t } = useTranslation('alarms');
  const { rows, selected } = props;
  const scroll = useRef<HTMLDivElement>(null);
  // Rows only need to know which day it is: they are not drawn again each second.
  const now = Math.floor(useNow() / MINUTE_MS) * MINUTE_MS;
  const narrow = isNarrow();
  const heightOf = (row: Row | undefined) => (narrow ? NARROW_ROW_PX + (row ? storyPx(row) : 0) : ROW_PX);
  const virtual = useVirtualizer({
    count: rows.length, getScrollElement: () => scroll.current, estimateSize: (i) => heightOf(rows[i]), overscan: 8,
    getItemKey: (i) => rows[i]?.alarm.id ?? i,
  });
  // Heights are remembered by row: a story that appears or goes has to be measured again.
  const stories = narrow ? rows.map(storyPx).join() : '';
  useEffect(() => virtual.measure(), [stories, virtual]);
  const at = rows.findIndex((r) => r.alarm.id === selected);
  useEffect(() => {
    if (at >= 0) virtual.scrollToIndex(at, { align: 'auto' });
    // Only a new selection moves the list; new alarms above it do not.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [selected]);
  return (
    <div className="hw-alarmgrid" role="grid" aria-label={t('alarms:title')} aria-rowcount={rows.length + 1} aria-multiselectable="true">
      <div role="rowgroup">
        <div role="row" className="hw-alarmrow hw-alarmhead" aria-rowindex={1}>
          {COLUMNS.map((c) => <span key={c} role="columnheader" className={`hw-a${c}`}>{t(`alarms:columns.${c}`)}</span>)}
        </div>
      </div>
      <div className="hw-alarmscroll" ref={scroll} role="rowgroup" tabIndex={0} aria-label={t('alarms:title')}>
        {rows.length ? (
          <div className="hw-alarmspace" role="presentation" style={{ height: virtual.getTotalSize() }}>
            {virtual.getVirtualItems().map((item) => {
              const row = rows[item.index];
              return row ? (
                <AlarmRow
                  key={row.alarm.id} alarm={row.alarm} child={row.child} expanded={props.expanded.has(row.alarm.id)} now={now} index={item.index}
                  selected={row.alarm.id === selected} checked={props.checked.has(row.alarm.id)} canAcknowledge={props.canAcknowledge} busy={props.busy}
                  style={{ height: item.size, transform: `translateY(${item.start}px)` }}
                  onOpen={props.onOpen} onCheck={props.onCheck} onAcknowledge={props.onAcknowledge} onExpand={props.onExpand}
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
