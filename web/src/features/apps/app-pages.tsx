import { useHost, type AppModule } from '@headworks/app-sdk';
import { useQuery } from '@tanstack/react-query';
import i18next from 'i18next';
import { lazy, Suspense, useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { Route, Routes, useParams } from 'react-router';
import { Boundary, Empty, ErrorState, Loading, Ready } from '../../components/states';
import { ApiError } from '../../lib/http';
import { manifestQuery } from '../../lib/queries';
import type { AppEntry } from '../../lib/types';
import NotFound from '../shell/not-found';
import { loadApp } from './loader';

function Pages({ app }: { app: AppModule }) {
  const host = useHost();
  const pages = useMemo(() => app.pages.map((page) => ({ ...page, View: lazy(page.load) })), [app]);
  return (
    <Suspense fallback={<Loading />}>
      <Routes>
        {pages.map(({ path, permission, View }) => (
          <Route
            key={path} path={path}
            element={!permission || host.can(permission) ? <View />
              : <ErrorState error={new ApiError({ title: '', status: 403, code: 'auth.forbidden' })} />}
          />
        ))}
        <Route path="*" element={<NotFound />} />
      </Routes>
    </Suspense>
  );
}

function Loaded({ entry }: { entry: AppEntry }) {
  const module = useQuery({
    queryKey: ['app', entry.id, entry.module, i18next.language], queryFn: () => loadApp(entry), staleTime: Infinity, retry: false,
  });
  return <Ready query={module}>{(app) => <Pages app={app} />}</Ready>;
}

/** The pages of an installed app, from its own module. What breaks in it stays in it. */
export default function AppPages() {
  const { t } = useTranslation('apps');
  const { app: id } = useParams();
  const manifest = useQuery(manifestQuery());
  return (
    <Ready query={manifest}>
      {({ apps }) => {
        const entry = apps.find((a) => a.id === id);
        if (!entry) return <Empty title={t('apps:unknown', { id })} hint={t('apps:unknownHint')} />;
        if (entry.refused) return <Empty title={t('apps:refused', { id })} hint={entry.refused} />;
        return <Boundary key={entry.id}><Loaded entry={entry} /></Boundary>;
      }}
    </Ready>
  );
}
