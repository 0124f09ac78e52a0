import { useHost } from '@headworks/app-sdk';
import { PlusOutlined } from '@ant-design/icons';
import { useQuery } from '@tanstack/react-query';
import { Button } from 'antd';
import { useTranslation } from 'react-i18next';
import { Link, useNavigate } from 'react-router';
import { Empty, Ready } from '../../components/states';
import { formatCount } from '../../lib/format';
import { sourcesQuery, type Source } from './api';
import { Gaps, LinkMark, LinkText } from './source-parts';
import '../../components/parts.css';
import './sources.css';

const COLUMNS = ['code', 'state', 'protocol', 'partition', 'points', 'rate', 'bad', 'gaps'] as const;

function Row({ source }: { source: Source }) {
  const { t } = useTranslation('sources');
  const { link } = source;
  return (
    <tr data-testid="source-row" data-source={source.code} data-state={link.state}>
      <th scope="row">
        <Link to={`/sources/${encodeURIComponent(source.code)}`}>{source.code}</Link>
        {source.connection ? <span className="hw-code hw-endpoint">{source.connection.endpoint}</span> : null}
      </th>
      <td data-label={t('sources:columns.state')}><span className="hw-linkcell"><LinkMark state={link.state} /> <LinkText source={source} /></span></td>
      <td data-label={t('sources:columns.protocol')}>{t(`sources:protocol.${source.protocol}`)}</td>
      <td data-label={t('sources:columns.partition')} className="hw-code">{source.partition}</td>
      <td data-label={t('sources:columns.points')} className="hw-num hw-right">{formatCount(source.points)}</td>
      <td data-label={t('sources:columns.rate')} className="hw-num hw-right hw-live">{t('sources:perSecond', { n: formatCount(link.samples_per_s) })}</td>
      <td data-label={t('sources:columns.bad')} className="hw-num hw-right">
        {link.bad_point_count ? <span className="hw-badge" data-dashed="true">{formatCount(link.bad_point_count)}</span> : <span className="hw-muted">{formatCount(0)}</span>}
      </td>
      <td data-label={t('sources:columns.gaps')}><Gaps source={source} /></td>
    </tr>
  );
}

function List({ sources }: { sources: Source[] }) {
  const { t } = useTranslation('sources');
  const host = useHost();
  const navigate = useNavigate();
  const add = host.can('devices.edit')
    ? <Button type="primary" icon={<PlusOutlined />} data-testid="source-add" onClick={() => void navigate('/sources/new')}>{t('sources:add')}</Button> : null;
  const down = sources.filter((s) => s.link.state === 'down').length;
  return (
    <div className="hw-page">
      <div className="hw-page-head">
        <h1>{t('sources:title')}</h1>
        <p className="hw-muted hw-num">{t(down ? 'sources:summaryDown' : 'sources:summary', { n: sources.length, down })}</p>
        <div className="hw-actions">{add}</div>
      </div>
      <section className="hw-panel">
        {sources.length ? (
          <div className="hw-tablewrap">
            <table className="hw-rows hw-sources">
              <thead><tr>{COLUMNS.map((c) => <th key={c} scope="col" className={['points', 'rate', 'bad'].includes(c) ? 'hw-right' : ''}>{t(`sources:columns.${c}`)}</th>)}</tr></thead>
              <tbody>{sources.map((s) => <Row key={s.code} source={s} />)}</tbody>
            </table>
          </div>
        ) : <Empty title={t('sources:empty')} hint={t('sources:emptyHint')}>{add}</Empty>}
      </section>
    </div>
  );
}

export default function SourcesPage() {
  const sources = useQuery(sourcesQuery());
  return <Ready query={sources} rows={8}>{(items) => <List sources={items} />}</Ready>;
}
