import { useMutation, type QueryKey } from '@tanstack/react-query';
import { App } from 'antd';
import { useTranslation } from 'react-i18next';
import { queryClient } from '../lib/client';
import { ApiError } from '../lib/http';
import { useErrorText } from './states';

/** What the server refused and why, at the top of a form; every problem with the field it is about. */
export function Refusal({ error }: { error: unknown }) {
  const text = useErrorText(error);
  return (
    <div className="hw-note" role="alert" data-testid="refusal">
      <strong>{text.title}</strong>
      {text.remedy ? <p className="hw-prewrap">{text.remedy}</p> : null}
    </div>
  );
}

interface Options<B, T> {
  /** Keys of what is no longer true after it. */
  stale?: QueryKey[];
  done?: (result: T, body: B) => void;
  /** A form shows the refusal itself. */
  quiet?: boolean;
}

/** One write to the server: what it changed is asked again, a refusal is said in the server's words. */
export function useSend<B, T = unknown>(send: (body: B) => Promise<T>, { stale = [], done, quiet }: Options<B, T> = {}) {
  const { message } = App.useApp();
  const { t } = useTranslation('common');
  return useMutation<T, unknown, B>({
    mutationFn: send,
    onSuccess: (result, body) => {
      for (const queryKey of stale) void queryClient.invalidateQueries({ queryKey });
      done?.(result, body);
    },
    onError: (error) => {
      if (quiet) return;
      const problem = error instanceof ApiError ? error.problem : null;
      const details = (problem?.problems ?? []).map((p) => p.text).filter(Boolean).join(' ');
      void message.error([problem?.title || t('common:error.server'), details].filter(Boolean).join(' '));
    },
  });
}
