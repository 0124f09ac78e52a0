import { CloseOutlined } from '@ant-design/icons';
import { useQueries, useQuery } from '@tanstack/react-query';
import { Button, Input } from 'antd';
import { useEffect, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { GuidanceView } from '../../components/guidance';
import { PriorityMark } from '../../components/priority';
import { Loading, Ready } from '../../components/states';
import { formatDateTime, formatValue, titleOf } from '../../lib/format';
import { alarmQuery, tagQuery } from '../../lib/queries';
import type { AlarmDetail, Tag } from '../../lib/types';
import { useNow } from '../../live/hooks';
import { usePens } from '../trend/pens';
import { TrendChart } from '../trend/trend-chart';
import { isUnacked } from './alarm-row';

const BEFORE_MS = 15 * 60_000;
const AFTER_MS = 10 * 60_000;
const STEP_MS = 30_000;
const EVIDENCE_PENS = 4;

/** What the signals did around the raise. */
function Evidence({ alarm }: { alarm: AlarmDetail }) {
  const { t } = useTranslation('alarms');
  const now = Math.floor(useNow() / STEP_MS) * STEP_MS;
  const ids = useMemo(() => alarm.tags.slice(0, EVIDENCE_PENS), [alarm.tags]);
  const queries = useQueries({ queries: ids.map(tagQuery) });
  const tags = queries.map((q) => q.data).filter((tag): tag is Tag => tag !== undefined);
  const from = alarm.raised_ms - BEFORE_MS;
  // Under a replay clock the raise may lie far from now; the window then simply ends after the raise.
  const to = now > alarm.raised_ms && now < alarm.raised_ms + AFTER_MS ? Math.max(now, alarm.raised_ms + STEP_MS) : alarm.raised_ms + AFTER_MS;
  const { pens, query } = usePens(ids, from, to, false);
  if (!ids.length) return <p className="hw-muted">{t('alarms:noEvidence')}</p>;
  if (query.isPending || queries.some((q) => q.isPending)) return <Loading rows={4} />;
  const lines = [{ time: alarm.raised_ms, label: t('alarms:raisedLine') }];
  if (alarm.cleared_ms !== null) lines.push({ time: alarm.cleared_ms, label: t('alarms:clearedLine') });
  return (
    <>
      {pens.some((pen) => pen.time.length)
        ? <TrendChart tags={tags} pens={pens} from={from} to={to} height={220} lines={lines} />
        : <p className="hw-muted">{t('alarms:evidenceEmpty')}</p>}
      <p><Link to={`/trend?tags=${ids.join(',')}&from=${from}&to=${to}`}>{t('alarms:toTrend')}</Link></p>
    </>
  );
}

function Timeline({ alarm }: { alarm: AlarmDetail }) {
  const { t } = useTranslation('alarms');
  return (
    <ol className="hw-timeline">
      {alarm.transitions.map((step) => (
        <li key={step.id}>
          <span className="hw-num hw-muted">{formatDateTime(step.at_ms)}</span>
          <span>
            <b>{t(`alarms:transition.${step.name}`, { defaultValue: step.name })}</b>
            {step.value === null ? null : <span className="hw-num"> {formatValue(step.value)} {alarm.unit === '1' ? '' : alarm.unit}</span>}
            {step.by ? <span className="hw-muted"> {step.by}</span> : null}
            {step.comment ? <q>{step.comment}</q> : null}
          </span>
        </li>
      ))}
    </ol>
  );
}

function Facts({ alarm }: { alarm: AlarmDetail }) {
  const { t } = useTranslation('alarms');
  const unit = alarm.unit === '1' ? '' : alarm.unit;
  return (
    <dl className="hw-facts-list">
      <dt>{t('alarms:columns.state')}</dt><dd>{t(`alarms:state.${alarm.state}`)}</dd>
      <dt>{t('alarms:columns.priority')}</dt><dd>{t('alarms:priority', { n: alarm.priority, name: t(`common:priority.${alarm.priority}`) })}</dd>
      <dt>{t('alarms:columns.asset')}</dt>
      <dd><Link to={`/monitor/${encodeURIComponent(alarm.asset.code)}`}>{titleOf(alarm.asset.title)} <span className="hw-code">{alarm.asset.code}</span></Link></dd>
      <dt>{t('alarms:columns.raised')}</dt><dd className="hw-num">{formatDateTime(alarm.raised_ms)}</dd>
      {alarm.cleared_ms === null ? null : <><dt>{t('alarms:columns.cleared')}</dt><dd className="hw-num">{formatDateTime(alarm.cleared_ms)}</dd></>}
      {alarm.value === null ? null : <><dt>{t('alarms:columns.value')}</dt><dd className="hw-num">{formatValue(alarm.value)} {unit}</dd></>}
      {alarm.limit === null || alarm.limit === undefined ? null : <><dt>{t('alarms:columns.limit')}</dt><dd className="hw-num">{formatValue(alarm.limit)} {unit}</dd></>}
      <dt>{t('alarms:columns.model')}</dt><dd>{alarm.instance.code} <span className="hw-code">{alarm.condition}</span></dd>
      {alarm.acked_by ? <><dt>{t('alarms:columns.by')}</dt><dd>{alarm.acked_by} <span className="hw-num hw-muted">{alarm.acked_ms === null ? '' : formatDateTime(alarm.acked_ms)}</span></dd></> : null}
      {alarm.comment ? <><dt>{t('alarms:columns.comment')}</dt><dd>{alarm.comment}</dd></> : null}
    </dl>
  );
}

function Acknowledge({ alarm, busy, onAcknowledge }: { alarm: AlarmDetail; busy: boolean; onAcknowledge: (comment: string) => void }) {
  const { t } = useTranslation('alarms');
  const [comment, setComment] = useState('');
  useEffect(() => setComment(''), [alarm.id]);
  return (
    <form className="hw-ackform" onSubmit={(e) => { e.preventDefault(); onAcknowledge(comment); }}>
      <label htmlFor="ack-comment">{t('alarms:comment')}</label>
      <Input.TextArea
        id="ack-comment" data-testid="alarm-ack-comment" value={comment} onChange={(e) => setComment(e.target.value)} maxLength={500}
        rows={2} placeholder={t('alarms:commentHint')}
      />
      <Button type="primary" htmlType="submit" data-testid="alarm-ack-confirm" loading={busy}>{t('alarms:acknowledge')}</Button>
    </form>
  );
}

interface Props {
  id: string;
  canAcknowledge: boolean;
  busy: boolean;
  onClose: () => void;
  onAcknowledge: (id: string, comment: string) => void;
}

function Body({ alarm, canAcknowledge, busy, onAcknowledge }: Omit<Props, 'id' | 'onClose'> & { alarm: AlarmDetail }) {
  const { t } = useTranslation('alarms');
  return (
    <div data-testid="alarm-detail" data-alarm-id={alarm.id} data-state={alarm.state}>
      <Facts alarm={alarm} />
      {isUnacked(alarm) && canAcknowledge
        ? <Acknowledge alarm={alarm} busy={busy} onAcknowledge={(comment) => onAcknowledge(alarm.id, comment)} /> : null}
      {isUnacked(alarm) && !canAcknowledge ? <p className="hw-note">{t('alarms:mayNot')}</p> : null}
      <h2>{t('alarms:guidance')}</h2>
      {alarm.guidance ? <GuidanceView guidance={alarm.guidance} /> : <p className="hw-muted">{t('alarms:noGuidance')}</p>}
      <h2>{t('alarms:evidence')}</h2>
      <Evidence alarm={alarm} />
      <h2>{t('alarms:timeline')}</h2>
      <Timeline alarm={alarm} />
    </div>
  );
}

/** All that is known of one alarm, beside the list: what, where, what to do, what the signals did, what was done. */
export function AlarmDrawer({ id, onClose, ...rest }: Props) {
  const { t } = useTranslation('alarms');
  const alarm = useQuery(alarmQuery(id));
  return (
    <aside className="hw-panel hw-alarmaside" aria-label={t('alarms:detail')}>
      <header>
        <h2 className="hw-drawertitle">
          {alarm.data ? <PriorityMark priority={alarm.data.priority} hollow={alarm.data.state !== 'unacked_active'} blink={isUnacked(alarm.data)} size={22} /> : null}
          {alarm.data ? titleOf(alarm.data.title) : t('alarms:detail')}
        </h2>
        <button type="button" className="hw-iconbutton" aria-label={t('common:close')} onClick={onClose}><CloseOutlined /></button>
      </header>
      <div className="hw-asidebody" tabIndex={0} role="region" aria-label={t('alarms:detail')}>
        <Ready query={alarm} rows={10}>{(data) => <Body alarm={data} {...rest} />}</Ready>
      </div>
    </aside>
  );
}
