import { useHost } from '@headworks/app-sdk';
import { useQuery } from '@tanstack/react-query';
import { App, Button } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useNavigate, useParams, useSearchParams } from 'react-router';
import { useSend } from '../../components/send';
import { Ready } from '../../components/states';
import { TabRow } from '../../components/tabs';
import { formatCount, formatDateTime } from '../../lib/format';
import { fingerprint, removeSource, sourceKeys, sourceQuery, type Source } from './api';
import { CollectPanel } from './collect-panel';
import { EditDialog } from './edit-dialog';
import { Gaps, LinkMark, LinkText } from './source-parts';
import '../../components/parts.css';
import './sources.css';

function Facts({ source }: { source: Source }) {
  const { t } = useTranslation('sources');
  const { connection, link } = source;
  const losses = (['dropped', 'quarantined', 'overflows', 'missed'] as const).filter((name) => link[name] > 0);
  return (
    <section className="hw-panel">
      <header><h2>{t('sources:facts')}</h2><LinkMark state={link.state} /></header>
      <div className="hw-pad hw-stackgap">
        <LinkText source={source} />
        <dl className="hw-dl">
          <dt>{t('sources:columns.rate')}</dt><dd className="hw-num hw-live" data-testid="source-rate">{t('sources:perSecond', { n: formatCount(link.samples_per_s) })}</dd>
          <dt>{t('sources:received')}</dt><dd className="hw-num hw-live">{t('sources:samples', { n: formatCount(link.samples) })}</dd>
          <dt>{t('sources:lastSeen')}</dt><dd className="hw-num hw-live">{link.last_seen_ms === null ? t('sources:never') : formatDateTime(link.last_seen_ms)}</dd>
          {link.delay_s === null ? null : <><dt>{t('sources:delay')}</dt><dd className="hw-num hw-live">{t('sources:seconds', { n: link.delay_s.toFixed(1) })}</dd></>}
          {losses.length ? <><dt>{t('sources:losses')}</dt><dd>{losses.map((name) => <div key={name} className="hw-num">{t(`sources:loss.${name}`, { n: formatCount(link[name]) })}</div>)}</dd></> : null}
          <dt>{t('sources:columns.gaps')}</dt><dd><Gaps source={source} /></dd>
          <dt>{t('sources:columns.points')}</dt><dd className="hw-num">{formatCount(source.points)}</dd>
          <dt>{t('sources:columns.partition')}</dt><dd className="hw-code">{source.partition}</dd>
          <dt>{t('sources:columns.protocol')}</dt><dd>{t(`sources:protocol.${source.protocol}`)}</dd>
          {connection ? (
            <>
              <dt>{t('sources:field.endpoint')}</dt><dd className="hw-mono">{connection.endpoint}</dd>
              <dt>{t('sources:step.security')}</dt><dd>{connection.policy} · {t(`sources:mode.${connection.mode}`, { defaultValue: connection.mode })}</dd>
              <dt>{t('sources:field.username')}</dt><dd>{connection.username || t('sources:anonymous')}</dd>
              {connection.server_certificate
                ? <><dt>{t('sources:certificate.accepted')}</dt><dd className="hw-mono">{fingerprint(connection.server_certificate)}</dd></> : null}
              <dt>{t('sources:sampling')}</dt><dd>{t('sources:samplingText', { sampling: connection.sampling_s, publishing: connection.publishing_s, queue: connection.queue })}</dd>
            </>
          ) : null}
        </dl>
      </div>
    </section>
  );
}

function BadPoints({ source }: { source: Source }) {
  const { t } = useTranslation('sources');
  const { bad_points: points, bad_point_count: count } = source.link;
  return (
    <section className="hw-panel" data-testid="source-bad-points">
      <header><h2>{t('sources:badPoints', { n: formatCount(count) })}</h2></header>
      {points.length ? (
        <div className="hw-tablewrap">
          <table className="hw-rows">
            <thead><tr>{(['key', 'tag', 'reason'] as const).map((c) => <th key={c} scope="col">{t(`sources:bad.${c}`)}</th>)}</tr></thead>
            <tbody>
              {points.map((p) => (
                <tr key={p.key}>
                  <th scope="row" className="hw-mono">{p.key}</th>
                  <td data-label={t('sources:bad.tag')}>{p.tag}</td>
                  <td data-label={t('sources:bad.reason')}>{p.reason}</td>
                </tr>
              ))}
            </tbody>
          </table>
          {count > points.length ? <p className="hw-muted hw-foot">{t('sources:bad.more', { n: formatCount(count - points.length) })}</p> : null}
        </div>
      ) : <p className="hw-muted hw-pad">{t('sources:noBad')}</p>}
    </section>
  );
}

function useRemove(source: Source): () => void {
  const { t } = useTranslation('sources');
  const { modal } = App.useApp();
  const navigate = useNavigate();
  const removing = useSend<string, void>(removeSource, { stale: [sourceKeys.all], done: () => void navigate('/sources') });
  return () => void modal.confirm({
    icon: null, title: t('sources:remove.title', { code: source.code }), content: t('sources:remove.text', { n: formatCount(source.points) }), okText: t('sources:remove.ok'), cancelText: t('sources:back'),
    okButtonProps: { danger: true }, onOk: () => removing.mutateAsync(source.code).catch(() => undefined),
  });
}

function Detail({ source }: { source: Source }) {
  const { t } = useTranslation('sources');
  const host = useHost();
  const [params, setParams] = useSearchParams();
  const [editing, setEditing] = useState(false);
  const remove = useRemove(source);
  const own = source.connection !== null && host.can('devices.edit');
  const overview = <div className="hw-two"><BadPoints source={source} /><Facts source={source} /></div>;
  return (
    <div className="hw-page" data-testid="source-detail" data-state={source.link.state}>
      <div className="hw-page-head">
        <div>
          <p className="hw-crumbs"><Link to="/sources">{t('sources:title')}</Link></p>
          <h1>{source.code} <LinkMark state={source.link.state} /></h1>
        </div>
        {own ? (
          <div className="hw-actions">
            <Button data-testid="source-edit" onClick={() => setEditing(true)}>{t('sources:edit.button')}</Button>
            <Button data-testid="source-remove" onClick={remove}>{t('sources:remove.button')}</Button>
          </div>
        ) : null}
      </div>
      {own ? (
        <TabRow
          active={params.get('tab') === 'browse' ? 'browse' : 'state'} label={source.code} onChange={(tab) => setParams(tab === 'browse' ? { tab } : {}, { replace: true })}
          tabs={[
            { key: 'state', label: t('sources:tab.state'), children: overview, testId: 'source-tab-state' },
            { key: 'browse', label: t('sources:tab.browse'), children: <CollectPanel source={source.code} />, testId: 'source-tab-browse' },
          ]}
        />
      ) : overview}
      {source.connection ? <EditDialog source={source} open={editing} onClose={() => setEditing(false)} /> : null}
    </div>
  );
}

export default function SourcePage() {
  const { code = '' } = useParams();
  const source = useQuery(sourceQuery(code));
  return <Ready query={source} rows={10}>{(data) => <Detail source={data} />}</Ready>;
}
