import { useQuery } from '@tanstack/react-query';
import { Segmented } from 'antd';
import { useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { PriorityMark } from '../../components/priority';
import { Empty, Ready } from '../../components/states';
import { formatDateTime, formatReading, titleOf, unitText } from '../../lib/format';
import type { AlarmQuery } from '../../lib/keys';
import { alarmsQuery } from '../../lib/queries';
import type { Alarm, Asset } from '../../lib/types';
import { needsAck, stateKey } from '../alarms/alarm-row';

function Row({ alarm }: { alarm: Alarm }) {
  const { t } = useTranslation('alarms');
  const active = alarm.state.endsWith('_active');
  return (
    <tr data-testid="asset-alarm-row" data-alarm-id={alarm.id} data-state={alarm.state}>
      <th scope="row">
        <Link to={`/alarms?state=all&suppressed=show&open=${alarm.id}`} className="hw-alarmlink">
          <PriorityMark priority={alarm.priority} hollow={!active || !needsAck(alarm)} blink={needsAck(alarm)} />
          <span>{titleOf(alarm.title)} {alarm.first_out ? <span className="hw-badge" data-strong="true">{t('alarms:firstOut')}</span> : null}</span>
        </Link>
      </th>
      <td data-label={t('alarms:columns.raised')} className="hw-num">{formatDateTime(alarm.raised_ms)}</td>
      <td data-label={t('alarms:columns.cleared')} className="hw-num">{alarm.cleared_ms === null ? null : formatDateTime(alarm.cleared_ms)}</td>
      <td data-label={t('alarms:columns.asset')}><span className="hw-code">{alarm.asset.code}</span></td>
      <td data-label={t('alarms:columns.value')} className="hw-num hw-right">{alarm.value === null ? null : `${formatReading(alarm.value)} ${unitText(alarm.unit)}`}</td>
      <td data-label={t('alarms:columns.state')}>{t(stateKey(alarm))}</td>
      <td data-label={t('alarms:orders')}>{alarm.order ? <Link to={`/orders/${alarm.order.id}`} className="hw-num">{alarm.order.number}</Link> : null}</td>
    </tr>
  );
}

/** Alarms of an asset and everything below it: what is open, or all there ever was, the newest first. */
export function AlarmsTab({ asset }: { asset: Asset }) {
  const { t } = useTranslation('assets');
  const { t: ta } = useTranslation('alarms');
  const [state, setState] = useState<'open' | 'all'>('open');
  const query = useMemo<AlarmQuery>(() => ({ state, priority: [], asset: asset.id, suppressed: 'show' }), [state, asset.id]);
  const alarms = useQuery(alarmsQuery(query));
  return (
    <section className="hw-panel">
      <header>
        <Segmented<string>
          value={state} onChange={(s) => setState(s === 'all' ? 'all' : 'open')} aria-label={ta('alarms:columns.state')}
          options={(['open', 'all'] as const).map((s) => ({ value: s, label: t(`assets:alarms.${s}`) }))}
        />
        <Link to={`/alarms?asset=${encodeURIComponent(asset.code)}`}>{t('assets:alarms.list')}</Link>
      </header>
      <Ready query={alarms} rows={6}>
        {({ items }) => (items.length ? (
          <div className="hw-tablewrap">
            <table className="hw-rows">
              <thead>
                <tr>
                  {(['title', 'raised', 'cleared', 'asset', 'value', 'state'] as const).map((c) => <th key={c} scope="col" className={c === 'value' ? 'hw-right' : ''}>{ta(`alarms:columns.${c}`)}</th>)}
                  <th scope="col">{ta('alarms:orders')}</th>
                </tr>
              </thead>
              <tbody>{items.map((a) => <Row key={a.id} alarm={a} />)}</tbody>
            </table>
          </div>
        ) : <Empty title={t(`assets:alarms.none.${state}`)} />)}
      </Ready>
    </section>
  );
}
