import { useHost } from '@headworks/app-sdk';
import { DownloadOutlined } from '@ant-design/icons';
import { Button, Segmented, Select } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useNavigate, useSearchParams } from 'react-router';
import { AssetSelect } from '../../components/asset-select';
import { FileDrop } from '../../components/file-drop';
import { Refusal, useSend } from '../../components/send';
import { Empty } from '../../components/states';
import { useDownload } from '../../components/use-download';
import { queryClient } from '../../lib/client';
import { ApiError } from '../../lib/http';
import { checkFile, importKeys, KINDS, type ImportRun, type Kind } from './api';
import '../../components/parts.css';
import './imports.css';

/** With several plants the server asks which one, and names them. */
function plantsOf(error: unknown): string[] {
  const known = error instanceof ApiError && error.code === 'plant.unknown' ? error.problem.params?.known : undefined;
  return typeof known === 'string' ? known.split(', ').filter((p) => p !== '–') : [];
}

function Upload({ kind }: { kind: Kind }) {
  const { t } = useTranslation('imports');
  const navigate = useNavigate();
  const [plant, setPlant] = useState('');
  const [file, setFile] = useState<File | null>(null);
  const check = useSend<{ file: File; kind: Kind; plant: string }, ImportRun>(checkFile, {
    quiet: true,
    done: (run) => {
      queryClient.setQueryData(importKeys.one(run.id), run);
      void navigate(`/imports/${run.id}`);
    },
  });
  const plants = plantsOf(check.error);
  const send = (chosen: File, of = plant) => {
    setFile(chosen);
    check.mutate({ file: chosen, kind, plant: of });
  };
  return (
    <section className="hw-panel">
      <header><h2>{t('imports:upload.title')}</h2></header>
      <div className="hw-pad hw-stackgap">
        <FileDrop title={t(`imports:upload.${kind}`)} hint={t('imports:upload.hint')} accept=".xlsx,.csv" busy={check.isPending} testId="import-file" onFile={(f) => send(f)} />
        {check.isPending ? <p className="hw-muted" role="status">{t('imports:upload.checking', { name: file?.name })}</p> : null}
        {plants.length > 1 ? (
          <div className="hw-note">
            <strong>{t('imports:plant.ask')}</strong>
            <Select<string>
              className="hw-plantpick" placeholder={t('imports:plant.choose')} aria-label={t('imports:plant.choose')} data-testid="import-plant" value={plant || undefined}
              options={plants.map((p) => ({ value: p, label: p }))} onChange={(p) => { setPlant(p); if (file) send(file, p); }}
            />
          </div>
        ) : check.error ? <Refusal error={check.error} /> : null}
        <p className="hw-muted">{t('imports:upload.safe')}</p>
      </div>
    </section>
  );
}

function Downloads({ kind }: { kind: Kind }) {
  const { t } = useTranslation('imports');
  const [asset, setAsset] = useState<number | null>(null);
  const { busy, fetchFile } = useDownload();
  const suffix = asset === null ? '' : `?asset=${asset}`;
  return (
    <div className="hw-stackgap">
      <section className="hw-panel">
        <header><h2>{t('imports:blank.title')}</h2></header>
        <div className="hw-pad hw-stackgap">
          <p className="hw-muted">{t(`imports:blank.${kind}`)}</p>
          <p><Button icon={<DownloadOutlined />} disabled={busy} data-testid="import-blank" onClick={() => void fetchFile(`imports/blank.xlsx?kind=${kind}`)}>{t('imports:blank.button')}</Button></p>
        </div>
      </section>
      <section className="hw-panel">
        <header><h2>{t(`imports:export.${kind}`)}</h2></header>
        <div className="hw-pad hw-stackgap">
          <p className="hw-muted">{t('imports:export.text')}</p>
          <AssetSelect value={asset} onChange={setAsset} placeholder={t('imports:export.all')} />
          <p className="hw-toolbar">
            <Button icon={<DownloadOutlined />} disabled={busy} data-testid="export-xlsx" onClick={() => void fetchFile(`exports/${kind}.xlsx${suffix}`)}>{t('imports:export.xlsx')}</Button>
            <Button icon={<DownloadOutlined />} disabled={busy} data-testid="export-csv" onClick={() => void fetchFile(`exports/${kind}.csv${suffix}`)}>{t('imports:export.csv')}</Button>
          </p>
        </div>
      </section>
    </div>
  );
}

export default function ImportsPage() {
  const { t } = useTranslation('imports');
  const host = useHost();
  const [params, setParams] = useSearchParams();
  const kind = KINDS.find((k) => k === params.get('kind')) ?? 'tags';
  const may = host.can(kind === 'tags' ? 'plant.edit' : 'models.edit');
  return (
    <div className="hw-page">
      <div className="hw-page-head"><h1>{t('imports:title')}</h1></div>
      <div className="hw-toolbar">
        <Segmented<string>
          value={kind} onChange={(k) => setParams(k === 'tags' ? {} : { kind: k }, { replace: true })} aria-label={t('imports:kindLabel')}
          options={KINDS.map((k) => ({ value: k, label: <span data-testid={`import-kind-${k}`}>{t(`imports:kind.${k}`)}</span> }))}
        />
      </div>
      <div className="hw-two">
        {may ? <Upload key={`upload-${kind}`} kind={kind} /> : <section className="hw-panel"><Empty title={t('imports:mayNot')} hint={t('imports:mayNotHint')} /></section>}
        <Downloads key={`downloads-${kind}`} kind={kind} />
      </div>
    </div>
  );
}
