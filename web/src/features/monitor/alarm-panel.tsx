import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { PriorityMark } from '../../components/priority';
import { Empty, Ready } from '../../components/states';
import { formatReading, formatWhen, titleOf, unitText } from '../../lib/format';
import { alarmsQuery } from '../../lib/queries';
import type { Asset } from '../../lib/types';
import { useNow } from '../../live/hooks';

const SHOWN = 8;

/** Open alarms of the subtree, the newest first; a click opens the alarm in the list. */
export function AlarmPanel({ asset }: { asset: Asset }) {
  const { t } = useTranslation('monitor');
  const now = useNow();
  const alarms = useQuery(alarmsQuery({ state: 'open', priority: [], asset: asset.id }));
  return (
    <section className="hw-panel" data-testid="monitor-alarms">
      <header>
        <h2>{t('monitor:alarms.title')}</h2>
        <Link to={`/alarms?asset=${encodeURIComponent(asset.code)}`}>{t('monitor:alarms.all')}</Link>
      </header>
      <Ready query={alarms} rows={3}>
        {({ items }) => (items.length ? (
          <ul className="hw-alarmlines">
            {items.slice(0, SHOWN).map((alarm) => (
              <li key={alarm.id}>
                <Link to={`/alarms?open=${alarm.id}&asset=${encodeURIComponent(asset.code)}`}>
                  <PriorityMark priority={alarm.priority} hollow={alarm.state !== 'unacked_active'} blink={alarm.state.startsWith('unacked')} />
                  <span className="hw-num hw-muted">{formatWhen(alarm.raised_ms, now)}</span>
                  <span className="hw-nowrap" title={titleOf(alarm.title)}><span className="hw-code">{alarm.asset.code}</span> {titleOf(alarm.title)}</span>
                  <span className="hw-num">{alarm.value === null ? t(`monitor:alarms.state.${alarm.state}`) : `${formatReading(alarm.value)} ${unitText(alarm.unit)}`}</span>
                </Link>
              </li>
            ))}
            {items.length > SHOWN ? <li className="hw-muted hw-more">{t('monitor:alarms.more', { n: items.length - SHOWN })}</li> : null}
          </ul>
        ) : <Empty title={t('monitor:alarms.empty')} />)}
      </Ready>
    </section>
  );
}
