import { useMutation } from '@tanstack/react-query';
import { App } from 'antd';
import { useTranslation } from 'react-i18next';
import { ApiError, request } from '../../lib/http';
import { queryClient } from '../../lib/client';
import type { Alarm, Problem } from '../../lib/types';
import { applyAlarms } from '../../live/bridge';

interface Result {
  items: { id: string; alarm: Alarm | null; error: Pick<Problem, 'code' | 'title'> | null }[];
}

/** Acknowledges one or several alarms; each answer changes its row at once, each refusal is said in its own words. */
export function useAcknowledge() {
  const { message } = App.useApp();
  const { t } = useTranslation('alarms');
  return useMutation({
    mutationFn: async ({ ids, comment }: { ids: string[]; comment: string }): Promise<Result> => {
      const [only] = ids;
      if (ids.length !== 1 || only === undefined) return request<Result>('POST', 'alarms/acknowledge', { ids, comment });
      const alarm = await request<Alarm>('POST', `alarms/${only}/acknowledge`, { comment });
      return { items: [{ id: only, alarm, error: null }] };
    },
    onSuccess: ({ items }) => {
      applyAlarms(items.map((i) => i.alarm).filter((a): a is Alarm => a !== null));
      const refused = items.find((i) => i.error);
      if (refused?.error) void message.warning(refused.error.title || refused.error.code);
    },
    onError: (error) => {
      const text = error instanceof ApiError ? error.problem.title : '';
      void message.error(text || t('alarms:ackFailed'));
    },
    // Somebody else may have been quicker: show what is true now.
    onSettled: (_, error) => { if (error) void queryClient.invalidateQueries({ queryKey: ['alarms'] }); },
  });
}
