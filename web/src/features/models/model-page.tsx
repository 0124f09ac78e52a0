import { ExperimentOutlined, LineChartOutlined } from '@ant-design/icons';
import { useHost } from '@headworks/app-sdk';
import { useQuery } from '@tanstack/react-query';
import { Button, Segmented } from 'antd';
import { useCallback, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useNavigate, useParams, useSearchParams } from 'react-router';
import { Ready, useErrorText } from '../../components/states';
import { formatTime, titleOf } from '../../lib/format';
import { isNarrow } from '../../lib/narrow';
import { usePartitionNow } from '../../live/hooks';
import { MAX_PENS } from '../../theme/tokens';
import '../../components/parts.css';
import { BacktestDialog } from '../backtest/backtest-dialog';
import { modelLiveQuery, modelQuery, tagsOf, type ModelDetail, type ModelLive } from './api';
import { GraphView } from './graph-view';
import { NodeTable } from './node-table';
import { SidePanel } from './side-panel';
import { SubgraphDialog } from './subgraph-dialog';
import './models.css';

const STALE_MS = 10_000;

/** When the values are of; says so when they stopped coming, and why. */
function AsOf({ model, live, error }: { model: ModelDetail; live: ModelLive | undefined; error: unknown }) {
  const { t } = useTranslation('models');
  const { now } = usePartitionNow(model.partition);
  const text = useErrorText(error);
  if (error) return <span className="hw-quality" role="status" data-testid="model-live" data-state="error">{t('models:live.error')} {text.title}</span>;
  if (!live?.tick_ms) return <span className="hw-muted" data-testid="model-live" data-state="none">{t('models:live.none')}</span>;
  const stale = now - live.tick_ms > Math.max(STALE_MS, 3000 * model.every_s);
  return (
    <span className={stale ? 'hw-quality' : 'hw-muted hw-num hw-live'} role="status" data-testid="model-live" data-state={stale ? 'stale' : 'live'}>
      {t(stale ? 'models:live.stale' : 'models:live.asOf', { time: formatTime(live.tick_ms) })}
    </span>
  );
}

function Head({ model, live, error, onBacktest }: { model: ModelDetail; live: ModelLive | undefined; error: unknown; onBacktest: () => void }) {
  const { t } = useTranslation('models');
  const navigate = useNavigate();
  const { can } = useHost();
  const tags = tagsOf(model).slice(0, MAX_PENS);
  return (
    <div className="hw-page-head">
      <div>
        <p className="hw-crumbs"><Link to="/models">{t('models:title')}</Link> <Link to={`/monitor/${encodeURIComponent(model.asset.code)}`}>{titleOf(model.asset.title)} {model.asset.code}</Link></p>
        <h1>{titleOf(model.title)} <span className="hw-code">{model.code}</span></h1>
      </div>
      <p className="hw-muted hw-num">{t('models:template', { code: model.template, version: model.version, every: model.every_s })}</p>
      <AsOf model={model} live={live} error={error} />
      <div className="hw-actions">
        {tags.length && can('history.view') ? (
          <Button icon={<LineChartOutlined />} data-testid="model-trend" onClick={() => void navigate(`/trends?tags=${tags.map((tag) => tag.id).join()}`)}>
            {t('models:toTrend')}
          </Button>
        ) : null}
        {can('backtests.run') ? (
          <Button type="primary" icon={<ExperimentOutlined />} data-testid="backtest-open" onClick={onBacktest}>{t('models:backtest')}</Button>
        ) : null}
      </div>
    </div>
  );
}

function ModelView({ model }: { model: ModelDetail }) {
  const { t } = useTranslation('models');
  const [params, setParams] = useSearchParams();
  const [asking, setAsking] = useState(false);
  const { data: live, error } = useQuery(modelLiveQuery(model.id));
  const go = useCallback((inside: string | null) => setParams((old) => {
    if (inside === null) old.delete('inside');
    else old.set('inside', inside);
    return old;
  }), [setParams]);
  const view = params.get('view') ?? (isNarrow() ? 'table' : 'graph');
  return (
    <div className="hw-page hw-modelpage">
      <Head model={model} live={live} error={error} onBacktest={() => setAsking(true)} />
      <div className="hw-modelgrid">
        <section className="hw-panel hw-modelmain" aria-label={t('models:parts')}>
          <header>
            <h2>{t('models:parts')}</h2>
            <Segmented<string>
              value={view} aria-label={t('models:view.label')} onChange={(v) => setParams((old) => { old.set('view', v); return old; }, { replace: true })}
              options={(['graph', 'table'] as const).map((value) => ({ value, label: t(`models:view.${value}`) }))} data-testid="model-view"
            />
          </header>
          {view === 'table' ? <NodeTable model={model} live={error ? undefined : live} onOpen={go} /> : <GraphView model={model} live={error ? undefined : live} onOpen={go} />}
        </section>
        <SidePanel model={model} live={error ? undefined : live} />
      </div>
      <SubgraphDialog model={model} inside={params.get('inside')} onGo={go} />
      <BacktestDialog open={asking} models={[{ id: model.id, code: model.code }]} partition={model.partition} onClose={() => setAsking(false)} />
    </div>
  );
}

export default function ModelPage() {
  const model = useQuery(modelQuery(Number(useParams().id)));
  return <Ready query={model} rows={12}>{(data) => <ModelView key={data.id} model={data} />}</Ready>;
}
