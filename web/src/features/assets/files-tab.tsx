import { useHost } from '@headworks/app-sdk';
import { useQuery } from '@tanstack/react-query';
import { App, Button, Input } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { FileDrop } from '../../components/file-drop';
import { Refusal, useSend } from '../../components/send';
import { Empty, Ready } from '../../components/states';
import { formatBytes, formatDateTime } from '../../lib/format';
import { addFile, assetKeys, fileAddress, filesQuery, removeFile, type AssetFile } from './api';

const ACCEPT = '.pdf,.png,.jpg,.jpeg,.webp,.txt,.csv,.docx,.xlsx,.pptx,.doc,.xls,.dwg,.dxf,.zip';

function Upload({ asset }: { asset: number }) {
  const { t } = useTranslation('assets');
  const [title, setTitle] = useState('');
  const add = useSend<File, AssetFile>((file) => addFile(asset, file, title.trim()), { quiet: true, stale: [assetKeys.files(asset)], done: () => setTitle('') });
  return (
    <div className="hw-stackgap hw-pad">
      {add.error ? <Refusal error={add.error} /> : null}
      <label className="hw-stackgap hw-filetitle">
        <span>{t('assets:files.titleField')}</span>
        <Input value={title} maxLength={200} placeholder={t('assets:files.titleHint')} data-testid="asset-file-title" onChange={(e) => setTitle(e.target.value)} />
      </label>
      <FileDrop title={t('assets:files.drop')} hint={t('assets:files.kinds')} accept={ACCEPT} busy={add.isPending} testId="asset-file" onFile={(file) => add.mutate(file)} />
    </div>
  );
}

function Rows({ files, asset }: { files: AssetFile[]; asset: number }) {
  const { t } = useTranslation('assets');
  const host = useHost();
  const { modal } = App.useApp();
  const remove = useSend<string>(removeFile, { stale: [assetKeys.files(asset)] });
  const ask = (file: AssetFile) => void modal.confirm({
    icon: null, title: t('assets:files.removeTitle', { title: file.title || file.name }), content: t('assets:files.removeText'), okText: t('assets:files.remove'), cancelText: t('assets:back'),
    okButtonProps: { danger: true }, onOk: () => remove.mutateAsync(file.id).catch(() => undefined),
  });
  if (!files.length) return <Empty title={t('assets:files.empty')} hint={t('assets:files.emptyHint')} />;
  return (
    <div className="hw-tablewrap">
      <table className="hw-rows">
        <thead><tr>{(['title', 'name', 'size', 'by', 'at', 'act'] as const).map((c) => <th key={c} scope="col">{t(`assets:files.columns.${c}`)}</th>)}</tr></thead>
        <tbody>
          {files.map((file) => (
            <tr key={file.id} data-testid="asset-file-row" data-name={file.name}>
              <th scope="row"><a href={fileAddress(file.id)} target="_blank" rel="noopener noreferrer" data-testid="asset-file-open">{file.title || file.name}</a></th>
              <td data-label={t('assets:files.columns.name')} className="hw-filename">{file.name}</td>
              <td data-label={t('assets:files.columns.size')} className="hw-num">{formatBytes(file.size)}</td>
              <td data-label={t('assets:files.columns.by')}>{file.by}</td>
              <td data-label={t('assets:files.columns.at')} className="hw-num">{formatDateTime(file.at_ms)}</td>
              <td className="hw-acts">{host.can('files.edit') ? <Button size="small" data-testid="asset-file-remove" onClick={() => ask(file)}>{t('assets:files.remove')}</Button> : null}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Manuals, drawings and photographs of an asset. */
export function FilesTab({ asset }: { asset: number }) {
  const { t } = useTranslation('assets');
  const host = useHost();
  const files = useQuery(filesQuery(asset));
  return (
    <div className={host.can('files.edit') ? 'hw-two' : 'hw-stackgap'}>
      <section className="hw-panel"><Ready query={files} rows={4}>{(items) => <Rows files={items} asset={asset} />}</Ready></section>
      {host.can('files.edit') ? <section className="hw-panel"><header><h2>{t('assets:files.add')}</h2></header><Upload asset={asset} /></section> : null}
    </div>
  );
}
