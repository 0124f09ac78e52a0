import { HostContext, type Host } from '@headworks/app-sdk';
import { useQuery } from '@tanstack/react-query';
import { App as AntApp, ConfigProvider } from 'antd';
import { lazy, Suspense, useEffect, useMemo, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Navigate, Route, Routes } from 'react-router';
import { ErrorState, Loading } from './components/states';
import { LoginPage } from './features/login/login-page';
import { Shell } from './features/shell/shell';
import { setZone } from './lib/format';
import { setCsrf } from './lib/http';
import { antdLocale } from './lib/i18n';
import { manifestQuery, sessionQuery } from './lib/queries';
import type { Language, Session, User } from './lib/types';
import { live } from './live/bridge';
import { PartitionsContext, useAskPartitions } from './live/hooks';
import type { Topic } from './live/socket';
import { valueStore } from './live/values';
import { usePreferences } from './theme/preferences';
import { antdConfig } from './theme/tokens';

const MonitorPage = lazy(() => import('./features/monitor/monitor-page'));
const TagPage = lazy(() => import('./features/trend/tag-page'));
const TrendPage = lazy(() => import('./features/trend/trend-page'));
const AlarmsPage = lazy(() => import('./features/alarms/alarms-page'));
const ModelsPage = lazy(() => import('./features/models/models-page'));
const ModelPage = lazy(() => import('./features/models/model-page'));
const JobsPage = lazy(() => import('./features/jobs/jobs-page'));
const JobPage = lazy(() => import('./features/jobs/job-page'));
const SystemPage = lazy(() => import('./features/system/system-page'));
const OrdersPage = lazy(() => import('./features/orders/orders-page'));
const OrderPage = lazy(() => import('./features/orders/order-page'));
const SourcesPage = lazy(() => import('./features/sources/sources-page'));
const SourceWizard = lazy(() => import('./features/sources/wizard-page'));
const SourcePage = lazy(() => import('./features/sources/source-page'));
const ImportsPage = lazy(() => import('./features/imports/imports-page'));
const ImportPage = lazy(() => import('./features/imports/import-page'));
const AssetPage = lazy(() => import('./features/assets/asset-page'));
const AccountPage = lazy(() => import('./features/account/account-page'));
const UsersPage = lazy(() => import('./features/account/users-page'));
const AuditPage = lazy(() => import('./features/account/audit-page'));
const KnowledgePage = lazy(() => import('./features/knowledge/knowledge-page'));
const AppPages = lazy(() => import('./features/apps/app-pages'));
const NotFound = lazy(() => import('./features/shell/not-found'));

const nonce = document.querySelector<HTMLMetaElement>('meta[name="csp-nonce"]')?.content ?? '';

function Themed({ children }: { children: ReactNode }) {
  const { theme } = usePreferences();
  const { i18n } = useTranslation();
  const config = useMemo(() => antdConfig(theme), [theme]);
  return (
    <ConfigProvider
      csp={{ nonce }} theme={config} locale={antdLocale(i18n.language as Language)} button={{ autoInsertSpace: false }}
      wave={{ disabled: true }}
    >
      <AntApp component={false}>{children}</AntApp>
    </ConfigProvider>
  );
}

function SignedIn({ session, user }: { session: Session; user: User }) {
  const { i18n } = useTranslation();
  useEffect(() => {
    const may = (permission: string) => user.permissions.includes(permission);
    const topics: [Topic, string][] = [['tags', 'plant.view'], ['alarms', 'alarms.view'], ['system', 'system.view']];
    live.start(new Set(topics.filter(([, permission]) => may(permission)).map(([topic]) => topic)));
    return () => {
      live.stop();
      valueStore.clear();
    };
  }, [user]);
  const host = useMemo<Host>(
    () => ({
      user, language: i18n.language as Language, timezone: session.timezone, site: session.site,
      can: (permission) => user.permissions.includes(permission),
    }),
    [user, session, i18n.language],
  );
  const partitions = useAskPartitions(host.can('system.view'));
  const { data: manifest } = useQuery(manifestQuery());
  const home = manifest?.pages[0]?.path ?? '/monitor';
  return (
    <HostContext value={host}>
      <PartitionsContext value={partitions}>
        <Shell session={session}>
          <Suspense fallback={<Loading />}>
            <Routes>
              <Route path="/" element={<Navigate to={home} replace />} />
              <Route path="/login" element={<Navigate to={home} replace />} />
              <Route path="/monitor/:asset?" element={<MonitorPage />} />
              <Route path="/tags/:id" element={<TagPage />} />
              <Route path="/trend" element={<TrendPage />} />
              <Route path="/trends" element={<TrendPage />} />
              <Route path="/alarms" element={<AlarmsPage />} />
              <Route path="/models" element={<ModelsPage />} />
              <Route path="/models/:id" element={<ModelPage />} />
              <Route path="/jobs" element={<JobsPage />} />
              <Route path="/jobs/:id" element={<JobPage />} />
              <Route path="/system" element={<SystemPage />} />
              <Route path="/orders" element={<OrdersPage />} />
              <Route path="/orders/:id" element={<OrderPage />} />
              <Route path="/sources" element={<SourcesPage />} />
              <Route path="/sources/new" element={<SourceWizard />} />
              <Route path="/sources/:code" element={<SourcePage />} />
              <Route path="/imports" element={<ImportsPage />} />
              <Route path="/imports/:id" element={<ImportPage />} />
              <Route path="/assets/:id" element={<AssetPage />} />
              <Route path="/account" element={<AccountPage />} />
              <Route path="/users" element={<UsersPage />} />
              <Route path="/audit" element={<AuditPage />} />
              <Route path="/knowledge" element={<KnowledgePage />} />
              <Route path="/apps/:app/*" element={<AppPages />} />
              <Route path="*" element={<NotFound />} />
            </Routes>
          </Suspense>
        </Shell>
      </PartitionsContext>
    </HostContext>
  );
}

export function App() {
  const session = useQuery(sessionQuery());
  if (session.data) {
    setCsrf(session.data.csrf);
    setZone(session.data.timezone);
  }
  let body: ReactNode;
  if (session.data) {
    const { user, authenticated } = session.data;
    body = authenticated && user && !user.must_change_password
      ? <SignedIn session={session.data} user={user} />
      : <LoginPage session={session.data} />;
  } else if (session.error) body = <ErrorState error={session.error} retry={() => void session.refetch()} />;
  else body = <Loading />;
  return <Themed>{body}</Themed>;
}
