import { App } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { ApiError, download } from '../lib/http';

/** Fetches a file to keep; busy while it comes, and says in the server's words why it does not. */
export function useDownload(): { busy: boolean; fetchFile: (path: string) => Promise<void> } {
  const { message } = App.useApp();
  const { t } = useTranslation('common');
  const [busy, setBusy] = useState(false);
  const fetchFile = async (path: string) => {
    setBusy(true);
    try {
      await download(path);
    } catch (error) {
      const title = error instanceof ApiError ? error.problem.title : '';
      void message.error(title || t('common:error.server'));
    } finally {
      setBusy(false);
    }
  };
  return { busy, fetchFile };
}
